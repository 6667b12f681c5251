INSERT INTO _meta (program, version) VALUES ('watershed', $1)
ON CONFLICT (program) DO UPDATE SET version = excluded.version
