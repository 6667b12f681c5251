//! Whole-program tests: the real binary as processes, against a simulated account. One binary,
//! so that it is linked once. `./scripts/test` runs a sample, `./scripts/test --all` all.

mod agreed;
mod bad_input;
mod bearer;
mod campaign;
mod chaos;
mod cli;
mod cluster;
mod compose;
mod crash;
mod dataset;
mod demo;
mod estimate;
mod files;
mod fleet;
mod gone;
mod ground;
mod hostile;
mod json_shapes;
mod kills;
mod live;
mod memory;
mod odd_workflows;
mod postgres;
mod rate;
mod redis_start;
mod redis_stops;
mod rehearsal;
mod rehearsal_page;
mod schedule;
mod scopes;
mod secrets;
mod tidy;
mod versions;
mod webhooks;
mod workers;
