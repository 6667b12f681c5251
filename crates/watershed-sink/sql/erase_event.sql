UPDATE _inbox SET body = :body
WHERE connection = :connection AND "key" = :key AND done_at IS NULL
