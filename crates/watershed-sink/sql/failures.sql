SELECT *
FROM _failures
WHERE (:connection IS NULL OR connection = :connection)
    AND (:run IS NULL OR run = :run)
    AND (:step IS NULL OR step = :step)
    AND (:key IS NULL OR "key" = :key)
    AND (:id IS NULL OR id = :id)
ORDER BY at, id
