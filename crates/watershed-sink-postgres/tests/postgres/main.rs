//! The PostgreSQL sink: against the suite that every sink passes, and what only a server can do.

mod crash;
mod place;
mod refused;
mod server;

watershed_sink_test::suite!(crate::place::make);
