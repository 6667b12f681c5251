-- Coverage of an operation by band of subjects, month and state. Bands have equally many subjects,
-- in the order of their text. :first and :last are NULL for all.
WITH subjects AS (
    SELECT DISTINCT subject
    FROM _coverage
    WHERE connection = :connection
        AND operation = :operation
        AND (:first IS NULL OR subject BETWEEN :first AND :last)
),
numbered AS (
    SELECT subject, ntile(:bands) OVER (ORDER BY subject) AS band FROM subjects
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
WHERE c.connection = :connection AND c.operation = :operation
GROUP BY bands.band, substr(c."from", 1, 7), c.state
ORDER BY bands.band, month, c.state
