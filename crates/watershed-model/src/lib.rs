//! The words of the project as types: plan, operation, verdict, coverage, run
