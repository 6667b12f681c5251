-- A state file of version 2, as the program wrote it: a run of `plans::zoom` under way.
PRAGMA application_id = 1467173991;
PRAGMA user_version = 2;
BEGIN TRANSACTION;
CREATE TABLE budget (
  account TEXT PRIMARY KEY,
  body    TEXT NOT NULL
) WITHOUT ROWID;
INSERT INTO "budget" VALUES('acme','{"limits":[{"categories":2,"period":"day","calls":2.0}],"used":[{"next_us":0,"day":0,"used":2}],"closed":{}}');
CREATE TABLE chunk (
  id       INTEGER PRIMARY KEY,
  run      TEXT NOT NULL,
  step     INTEGER NOT NULL,
  scope    INTEGER NOT NULL,
  bucket   INTEGER NOT NULL,
  len      INTEGER NOT NULL CHECK (len > 0),
  bytes    INTEGER NOT NULL,
  next     INTEGER NOT NULL CHECK (next BETWEEN 0 AND len),
  open     INTEGER NOT NULL CHECK (open > 0),
  category TEXT,
  rank     INTEGER
);
INSERT INTO "chunk" VALUES(2,'01990c1e-6ea0-7a31-8a4b-1f0f3e7d2c55',0,1,0,5,65,2,3,'medium',4227858433);
INSERT INTO "chunk" VALUES(4,'01990c1e-6ea0-7a31-8a4b-1f0f3e7d2c55',1,1,0,8,440,6,5,'light',4261412865);
INSERT INTO "chunk" VALUES(8,'01990c1e-6ea0-7a31-8a4b-1f0f3e7d2c55',2,1,24308,1,57,1,1,NULL,NULL);
INSERT INTO "chunk" VALUES(9,'01990c1e-6ea0-7a31-8a4b-1f0f3e7d2c55',2,1,24313,1,58,1,1,NULL,NULL);
CREATE TABLE counts (
  run  TEXT PRIMARY KEY,
  body TEXT NOT NULL
) WITHOUT ROWID;
INSERT INTO "counts" VALUES('01990c1e-6ea0-7a31-8a4b-1f0f3e7d2c55','{"steps":[{"known":5,"done":1,"skipped":0,"unavailable":0,"waiting":0,"failed":0,"open":4},{"known":8,"done":1,"skipped":0,"unavailable":0,"waiting":0,"failed":1,"open":6},{"known":2,"done":0,"skipped":0,"unavailable":0,"waiting":0,"failed":0,"open":2}],"calls":{"light":3,"medium":2},"least":5,"repeated":{},"throttled":{}}');
CREATE TABLE item (
  chunk    INTEGER NOT NULL,
  position INTEGER NOT NULL,
  item     TEXT NOT NULL,
  once     INTEGER, together INTEGER NOT NULL DEFAULT 0 CHECK (together IN (0, 1)),
  PRIMARY KEY (chunk, position)
) WITHOUT ROWID;
INSERT INTO "item" VALUES(2,0,'[83769662738]',-3205046759327402008,0);
INSERT INTO "item" VALUES(2,1,'[86942555111]',2786368210481198415,0);
INSERT INTO "item" VALUES(2,2,'[87299155327]',-4061715456384247680,0);
INSERT INTO "item" VALUES(2,3,'[89034167451]',-2020063818588611638,1);
INSERT INTO "item" VALUES(2,4,'[80693270835]',-3486242485339323557,0);
INSERT INTO "item" VALUES(4,0,'["2026-02-19T20:09:05.000Z","/ASHAjxzChXVFtng52Wk7A=="]',3744470059753525140,0);
INSERT INTO "item" VALUES(4,1,'["2025-09-11T23:03:35.000Z","ne8RRLIroUXEfJzAfCdHQw=="]',2631993982556755041,0);
INSERT INTO "item" VALUES(4,2,'["2025-12-23T15:13:03.000Z","qcLpVL1mImZWUVRXubXL6g=="]',-356544338549506697,0);
INSERT INTO "item" VALUES(4,3,'["2026-01-28T04:00:39.000Z","F+OknWcLEWIxVDscfUkDnw=="]',7480358121333491605,0);
INSERT INTO "item" VALUES(4,4,'["2025-10-27T22:25:41.000Z","xHCDfh0u1Zxx2X48VjGxNQ=="]',9144997341043257211,0);
INSERT INTO "item" VALUES(4,5,'["2025-09-25T23:39:52.000Z","vsZQl/Be9PBlRi86LGoc6w=="]',7187066137671496143,0);
INSERT INTO "item" VALUES(4,6,'["2026-02-25T02:47:51.000Z","KfswdVhouj9bxZ26xR9MIw=="]',5769054509156473152,0);
INSERT INTO "item" VALUES(4,7,'["2025-11-13T17:25:27.000Z","efIkDjBWPa4YjyvczgQoOw=="]',7530427446569337885,0);
INSERT INTO "item" VALUES(8,0,'["2025-09-02T01:51:59.000Z",8,"W+LHUosgpfWWf5ovDdtNfw=="]',-4408722885312813245,0);
INSERT INTO "item" VALUES(9,0,'["2026-02-05T16:29:17.000Z",18,"vwF0J5oV10UhutE0xyy9JQ=="]',-2607406606282536099,0);
CREATE TABLE last_id (
  one INTEGER PRIMARY KEY CHECK (one = 1),
  id  INTEGER NOT NULL
);
INSERT INTO "last_id" VALUES(1,13);
CREATE TABLE lease (
  id     INTEGER PRIMARY KEY,
  worker TEXT NOT NULL,
  run    TEXT NOT NULL,
  until  INTEGER NOT NULL,
  tasks  INTEGER NOT NULL CHECK (tasks > 0),
  body   TEXT NOT NULL
);
INSERT INTO "lease" VALUES(7,'w','01990c1e-6ea0-7a31-8a4b-1f0f3e7d2c55',15000,1,'{"id":7,"worker":"w","nonce":6018027440424182929,"until":15000,"run":"01990c1e-6ea0-7a31-8a4b-1f0f3e7d2c55","of":{"range":{"chunk":4,"from":2}},"category":"light","open":[false,true],"slots":[{"from":0,"until":100},{"from":0,"until":100}]}');
INSERT INTO "lease" VALUES(11,'w','01990c1e-6ea0-7a31-8a4b-1f0f3e7d2c55',15000,1,'{"id":11,"worker":"w","nonce":14727398570297873636,"until":15000,"run":"01990c1e-6ea0-7a31-8a4b-1f0f3e7d2c55","of":{"range":{"chunk":9,"from":0}},"category":"heavy","open":[true],"slots":[{"from":0,"until":100}]}');
INSERT INTO "lease" VALUES(12,'w','01990c1e-6ea0-7a31-8a4b-1f0f3e7d2c55',15000,2,'{"id":12,"worker":"w","nonce":7681369315911520511,"until":15000,"run":"01990c1e-6ea0-7a31-8a4b-1f0f3e7d2c55","of":{"range":{"chunk":4,"from":4}},"category":"light","open":[true,true],"slots":[{"from":0,"until":100},{"from":0,"until":100}]}');
INSERT INTO "lease" VALUES(13,'w','01990c1e-6ea0-7a31-8a4b-1f0f3e7d2c55',15000,1,'{"id":13,"worker":"w","nonce":635340061525167378,"until":15000,"run":"01990c1e-6ea0-7a31-8a4b-1f0f3e7d2c55","of":{"range":{"chunk":8,"from":0}},"category":"heavy","open":[true],"slots":[{"from":0,"until":100}]}');
CREATE TABLE listing (
  task INTEGER PRIMARY KEY,
  keys BLOB NOT NULL
);
INSERT INTO "listing" VALUES(5,X'00000000000000000100000000000000');
CREATE TABLE once (
  connection TEXT NOT NULL,
  operation  TEXT NOT NULL,
  key        INTEGER NOT NULL,
  PRIMARY KEY (connection, operation, key)
) WITHOUT ROWID;
INSERT INTO "once" VALUES('acme','dead:01990c1e-6ea0-7a31-8a4b-1f0f3e7d2c55:zoom.get_past_meeting',2631993982556755041);
INSERT INTO "once" VALUES('acme','zoom.get_past_meeting',-356544338549506697);
INSERT INTO "once" VALUES('acme','zoom.get_past_meeting',2631993982556755041);
INSERT INTO "once" VALUES('acme','zoom.get_past_meeting',5769054509156473152);
INSERT INTO "once" VALUES('acme','zoom.get_past_meeting',7187066137671496143);
INSERT INTO "once" VALUES('acme','zoom.get_past_meeting',7480358121333491605);
INSERT INTO "once" VALUES('acme','zoom.get_past_meeting',7530427446569337885);
INSERT INTO "once" VALUES('acme','zoom.get_past_meeting',9144997341043257211);
INSERT INTO "once" VALUES('acme','zoom.list_past_instances',-4061715456384247680);
INSERT INTO "once" VALUES('acme','zoom.list_past_instances',-3486242485339323557);
INSERT INTO "once" VALUES('acme','zoom.list_past_instances',-2020063818588611638);
INSERT INTO "once" VALUES('acme','zoom.list_past_instances',2786368210481198415);
INSERT INTO "once" VALUES('acme','zoom.report_participants',-4408722885312813245);
INSERT INTO "once" VALUES('acme','zoom.report_participants',-2607406606282536099);
CREATE TABLE plan (
  hash TEXT PRIMARY KEY,
  body TEXT NOT NULL
) WITHOUT ROWID;
INSERT INTO "plan" VALUES('of the test','{"format":1,"name":"test","description":"","inputs":[],"steps":[{"name":"list_past_instances_3","operation":"zoom.list_past_instances","operation_version":1,"category":"medium","source":"run","item":null,"windows":null,"when":null,"once":null,"with":{},"order":"as_listed","order_field":null,"on_unavailable":"stop","retry":{"attempts":3,"backoff":{"first_ms":1000,"max_ms":10000},"jitter":false},"on_failure":"dead_letter","tolerate":{"fraction":0.5},"carries":[],"depth":3,"scope":0,"feeds":[]},{"name":"get_past_meeting_1","operation":"zoom.get_past_meeting","operation_version":1,"category":"light","source":{"items":[{"step":0,"field":null}]},"item":null,"windows":null,"when":null,"once":null,"with":{},"order":"as_listed","order_field":null,"on_unavailable":"stop","retry":{"attempts":3,"backoff":{"first_ms":1000,"max_ms":10000},"jitter":false},"on_failure":"dead_letter","tolerate":{"fraction":0.5},"carries":[],"depth":1,"scope":0,"feeds":[]},{"name":"report_participants_4","operation":"zoom.report_participants","operation_version":1,"category":"heavy","source":{"items":[{"step":1,"field":null}]},"item":null,"windows":null,"when":null,"once":null,"with":{},"order":"newest_first","order_field":null,"on_unavailable":"stop","retry":{"attempts":3,"backoff":{"first_ms":1000,"max_ms":10000},"jitter":false},"on_failure":"dead_letter","tolerate":{"fraction":0.5},"carries":[],"depth":4,"scope":0,"feeds":[]}],"scopes":[{"parent":null,"name":"run"}],"joins":[]}');
CREATE TABLE run (
  run          TEXT PRIMARY KEY,
  submitted_at INTEGER NOT NULL,
  body         TEXT NOT NULL
) WITHOUT ROWID;
INSERT INTO "run" VALUES('01990c1e-6ea0-7a31-8a4b-1f0f3e7d2c55',0,'{"run":"01990c1e-6ea0-7a31-8a4b-1f0f3e7d2c55","connection":"acme","account":"acme","plan_hash":"of the test","inputs":{},"granted":[],"trigger":"manual","state":"running","why":null,"submitted_at":0,"ended_at":null,"root":1}');
CREATE TABLE scope (
  id     INTEGER PRIMARY KEY,
  parent INTEGER,
  level  INTEGER NOT NULL,
  key    INTEGER NOT NULL,
  body   TEXT NOT NULL
);
INSERT INTO "scope" VALUES(1,NULL,0,0,'{"id":1,"run":"01990c1e-6ea0-7a31-8a4b-1f0f3e7d2c55","parent":null,"level":0,"key":0,"joins":[],"folded":false,"units":6,"counts":[],"states":[],"again":[],"failures":{"1":1}}');
CREATE TABLE task (
  id       INTEGER PRIMARY KEY,
  run      TEXT NOT NULL,
  leased   INTEGER NOT NULL CHECK (leased IN (0, 1)),
  lost     INTEGER NOT NULL,
  due_at   INTEGER NOT NULL,
  token_at INTEGER,
  category TEXT,
  rank     INTEGER,
  body     TEXT NOT NULL,
  CHECK (rank IS NULL OR leased = 0)
);
INSERT INTO "task" VALUES(5,'01990c1e-6ea0-7a31-8a4b-1f0f3e7d2c55',0,0,0,0,'medium',4227858432,'{"id":5,"run":"01990c1e-6ea0-7a31-8a4b-1f0f3e7d2c55","step":0,"scope":1,"item":"[86942555111]","once":2786368210481198415,"bucket":0,"checkpoint":{"token":"page2","token_at":0,"first_at":0,"pages":1,"rows":2},"attempts":0,"lost":0,"restarts":0,"keyed":true,"due_at":0,"not_yet":false,"leased":false}');
INSERT INTO "task" VALUES(10,'01990c1e-6ea0-7a31-8a4b-1f0f3e7d2c55',0,0,60000,NULL,NULL,NULL,'{"id":10,"run":"01990c1e-6ea0-7a31-8a4b-1f0f3e7d2c55","step":1,"scope":1,"item":"[\"2025-12-23T15:13:03.000Z\",\"qcLpVL1mImZWUVRXubXL6g==\"]","once":18090199735160044919,"bucket":0,"checkpoint":null,"attempts":1,"lost":0,"restarts":0,"keyed":false,"due_at":60000,"not_yet":false,"leased":false}');
CREATE TABLE worker (
  worker TEXT PRIMARY KEY,
  body   TEXT NOT NULL
) WITHOUT ROWID;
INSERT INTO "worker" VALUES('w','{"sequence":3,"settled":["accepted","accepted","accepted"],"leases":[11,12,13],"ask_again_at":1000,"ended":[],"alone":null}');
CREATE UNIQUE INDEX scope_beneath ON scope (parent, level, key) WHERE parent IS NOT NULL;
CREATE INDEX chunk_ready ON chunk (run, category, rank, id) WHERE rank IS NOT NULL;
CREATE INDEX chunk_to_fill ON chunk (run, step, scope, bucket) WHERE next = 0;
CREATE INDEX task_ready ON task (run, category, rank, id) WHERE rank IS NOT NULL;
CREATE INDEX task_aging ON task (run, category, token_at)
  WHERE rank IS NOT NULL AND token_at IS NOT NULL;
CREATE INDEX task_delayed ON task (run, due_at) WHERE rank IS NULL AND leased = 0;
CREATE INDEX task_lost ON task (run, lost) WHERE lost > 0 AND leased = 0;
CREATE INDEX task_of_run ON task (run, id) WHERE leased = 0;
CREATE INDEX lease_until ON lease (until);
CREATE INDEX lease_run ON lease (run, tasks);
COMMIT;
