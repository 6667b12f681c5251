-- put_audit
INSERT INTO _audit (place, at, who, via, act, connection, run, outcome, before, hash)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)
