-- erased
SELECT connection, count(*) AS erased
FROM _left_out
WHERE connection = ANY($1::text[]) AND why = 'erased'
GROUP BY connection
ORDER BY connection
