-- Gives the keys of an operation in a lane their number.
INSERT INTO once_name (connection, operation) VALUES (:connection, :operation) RETURNING number;
