-- Keys of a lane by a range of operation names.
SELECT once_name.operation, once.key FROM once_name JOIN once ON once.name = once_name.number
WHERE once_name.connection = :connection
  AND once_name.operation >= :from AND once_name.operation < :to;
