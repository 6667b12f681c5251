//! Whole-program tests: the real binary as processes, against a simulated account. One binary,
//! so that it is linked once. `./scripts/test` runs a sample, `./scripts/test --all` all.

mod tidy;
