-- What a run found is looked for by its id. Never edit this file once it has been released.
CREATE INDEX _coverage_run ON _coverage (run);
