//! Conformance suite, oracle and history generator for every ledger
