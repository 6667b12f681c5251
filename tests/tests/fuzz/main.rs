//! Texts that anybody may have written: each reader takes every one of them, or says why not.
//!
//! A target reads the texts of its corpus (`tests/fuzz/TARGET`) as they stand, and then, for a
//! stated time, others that are made of them by chance. What was found once stays in the corpus.

mod corpus;
mod edits;
mod expressions;
mod pages;
mod transcripts;
mod webhooks;
mod workflow_files;
