//! Servers that tests start for themselves, each with a folder of its own, and a way to them that
//! can be harmed.
//!
//! Guarantees: nothing that runs on the machine already is used or touched; a server ends
//! with the process that started it, however that ends, and takes its folder with it.

mod account;
mod certified;
mod cluster;
mod postgres;
mod proxy;
mod redis;
mod s3;
mod watched;

pub use cluster::RedisCluster;
pub use postgres::{Database, PostgresServer};
pub use proxy::{Cut, Proxy};
pub use redis::RedisServer;
pub use s3::S3Server;
