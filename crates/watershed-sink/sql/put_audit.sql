INSERT INTO _audit (place, at, who, via, act, connection, run, outcome, before, hash)
VALUES (:place, :at, :who, :via, :act, :connection, :run, :outcome, :before, :hash)
