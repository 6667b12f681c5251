//! Datasets and coverage: the sink trait, and SQLite
