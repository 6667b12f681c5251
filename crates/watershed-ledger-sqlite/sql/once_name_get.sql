-- The number of the keys of an operation in a lane.
SELECT number FROM once_name WHERE connection = :connection AND operation = :operation;
