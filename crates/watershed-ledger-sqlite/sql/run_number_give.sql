-- Gives a run its number.
INSERT INTO run_number (run) VALUES (:run) RETURNING number;
