-- coverage_counts
SELECT operation, state, reason, count(*) AS count, sum(rows)::bigint AS rows
FROM _coverage
WHERE ($1::text IS NULL OR connection = $1)
    AND ($2::text IS NULL OR operation = $2)
    AND ($3::text IS NULL OR run = $3)
    AND ($4::text IS NULL OR state = $4)
    AND ($5::text IS NULL OR strpos(subject, $5 || ',') > 0 OR strpos(subject, $5 || '}') > 0)
GROUP BY operation, state, reason
ORDER BY operation, state, reason NULLS FIRST
