-- Keys of a lane by a range of operation names.
SELECT operation, key FROM once
WHERE connection = :connection AND operation >= :from AND operation < :to;
