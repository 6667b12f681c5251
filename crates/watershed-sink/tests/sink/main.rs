//! The SQLite sink: against the suite that every sink passes, and what only a file can do.

mod file;
mod place;
mod storage;

watershed_sink_test::suite!(crate::place::make);
