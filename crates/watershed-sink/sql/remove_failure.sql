DELETE FROM _failures WHERE id = :id
