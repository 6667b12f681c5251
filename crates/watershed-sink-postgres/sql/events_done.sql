-- events_done
UPDATE _inbox SET done_at = $3, body = NULL
WHERE connection = $1 AND "key" = ANY($2::text[]) AND done_at IS NULL
