DELETE FROM _failures WHERE id = ANY($1::text[])
