UPDATE _inbox SET done_at = :at, body = NULL
WHERE connection = :connection AND "key" = :key AND done_at IS NULL
