//! watershed-bench
