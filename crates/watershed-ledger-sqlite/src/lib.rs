//! The ledger on an embedded SQLite file
