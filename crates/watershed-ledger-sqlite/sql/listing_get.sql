-- Keys that a listing has brought.
SELECT keys FROM listing WHERE task = :task;
