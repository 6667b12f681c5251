-- coverage_bands
-- Coverage of an operation ($2) of a connection ($1) by band of subjects, month and state. Bands
-- ($5 of them) have equally many subjects, in the order of their text. $3 and $4: the first and
-- the last subject, NULL for all.
WITH numbered AS (
    SELECT subject, ntile($5) OVER (ORDER BY subject) AS band
    FROM (
        SELECT DISTINCT subject
        FROM _coverage
        WHERE connection = $1
            AND operation = $2
            AND ($3::text IS NULL OR subject BETWEEN $3 AND $4::text)
    ) AS subjects
),
bands AS (
    SELECT band, min(subject) AS first, max(subject) AS last, count(*) AS subjects
    FROM numbered
    GROUP BY band
)
SELECT
    bands.first, bands.last, bands.subjects, substr(c."from", 1, 7) AS month, c.state,
    count(*) AS count
FROM _coverage AS c
JOIN numbered ON numbered.subject = c.subject
JOIN bands ON bands.band = numbered.band
WHERE c.connection = $1 AND c.operation = $2
GROUP BY bands.band, bands.first, bands.last, bands.subjects, month, c.state
ORDER BY bands.band, month NULLS FIRST, c.state
