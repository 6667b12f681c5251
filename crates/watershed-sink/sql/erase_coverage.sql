DELETE FROM _coverage
WHERE connection = :connection AND operation = :operation AND subject = :subject
    AND ifnull("from", '') = :from
