-- When the first lease runs out.
SELECT until FROM lease ORDER BY until LIMIT 1;
