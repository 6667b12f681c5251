SELECT * FROM _runs WHERE id = :id
