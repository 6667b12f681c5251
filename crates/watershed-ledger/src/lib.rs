//! The ledger's rules: pure, synchronous, and an in-memory ledger that runs them
