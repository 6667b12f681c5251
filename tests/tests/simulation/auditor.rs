//! The auditor: what a history has left is compared with what must be.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::PoisonError;
use std::sync::atomic::Ordering;

use serde_json::{Value, json};
use watershed_lake::FileName;
use watershed_ledger::tables::Tables;
use watershed_sink::Sink;
use watershed_tests::{Scope, Truth, audit};

use crate::play::Theatre;

/// Records that a ledger keeps of a run that has ended, at most.
const RECORDS_MAX: u64 = 40;
/// Rows of its file, those of the schema's own tables and of the indexes' statistics included.
const ROWS_MAX: i64 = 60;
/// Its repeats are not held against a run: no limit counts it.
const UNCOUNTED: &str = "download_recording_file";

impl Theatre {
    /// Coverage at the end, as lines.
    pub(crate) async fn coverage(&self) -> Vec<String> {
        let mut lines = Vec::new();
        let mut after = None;
        loop {
            let page = self.sink.coverage(Default::default(), after, 500).await.expect("a sink");
            after = page.last().map(watershed_sink::Ask::of);
            // Where a window was cut at the present, `to` tells when that was.
            lines.extend(page.iter().map(|c| {
                json!([c.operation, c.subject, c.from, c.state, c.reason, c.rows]).to_string()
            }));
            if page.len() < 500 {
                return lines;
            }
        }
    }

    /// Rows that are older than what was written.
    pub(crate) async fn overwritten(&self) -> Vec<String> {
        let newest =
            std::mem::take(&mut *self.stage.newest.lock().unwrap_or_else(PoisonError::into_inner));
        let datasets: BTreeSet<&str> = newest.keys().map(|(dataset, _)| *dataset).collect();
        let mut stored = BTreeMap::new();
        for dataset in datasets {
            let rows = self.sink.rows(dataset.to_owned(), None, u32::MAX).await;
            let rows = rows.expect("a sink");
            stored.extend(rows.into_iter().map(|row| ((dataset, row.at.key), row.fetched_at)));
        }
        let older = newest.iter().filter(|(at, version)| stored.get(*at) < Some(*version));
        let told = older.map(|((dataset, key), _)| format!("{dataset} {key}: an older version"));
        told.take(3).collect()
    }

    /// Files that are missing, that are not whole, or that nobody holds.
    fn files_differ(&self) -> Vec<String> {
        let stem = |name: String| name.rsplit_once('.').map(|(stem, _)| stem.to_owned());
        let whole = self.files.whole().into_iter();
        let there: BTreeMap<_, u64> = whole.map(|(name, size)| (stem(name), size)).collect();
        let named = |key: &str| FileName::new("default", "recording_files", key, "any").to_string();
        let held: BTreeMap<_, u64> = self
            .account
            .files()
            .map(|row| (stem(named(&row.key)), row.record["size"].as_u64().unwrap_or_default()))
            .collect();
        let lacking = held.iter().filter(|(name, size)| there.get(*name) != Some(*size));
        let beyond = there.iter().filter(|(name, _)| !held.contains_key(*name));
        let told = |(name, size)| format!("files differ: {name:?} of {size} bytes");
        lacking.chain(beyond).map(told).collect()
    }

    /// What the auditor has against the dataset, the account's figures and the ledger.
    pub(crate) fn audited(&self) -> Vec<String> {
        let mut wrong = Vec::new();
        let lines: Vec<String> = self.account.truth().map(|row| json!(row).to_string()).collect();
        let truth = Truth::read(lines.join("\n").as_bytes()).expect("the account's own truth");
        let found = audit(&self.sink_path, &truth, &Scope::backfill()).expect("a dataset");
        wrong.extend(found.differences.iter().map(|d| format!("the dataset differs: {d}")));
        wrong.extend(self.files_differ());
        wrong.extend(self.early());
        let stats = self.account.stats();
        let refused: BTreeMap<&String, u64> = stats
            .rate_limited
            .iter()
            .filter(|(kind, _)| *kind != "fault")
            .map(|(kind, by)| (kind, by.values().sum()))
            .collect();
        let late = self.stage.late.load(Ordering::SeqCst);
        let forgot = self.stage.forgot.load(Ordering::SeqCst);
        if refused.values().sum::<u64>() > late && !forgot {
            let peak = stats.peak_per_second;
            wrong.push(format!("over a limit: {refused:?}, {late} late, at most {peak:?}"));
        }
        let repeated: u64 = stats
            .in_vain
            .repeated
            .iter()
            .filter(|(operation, _)| *operation != UNCOUNTED)
            .map(|(_, count)| count)
            .sum();
        // A file that does not come is asked for anew, and its recording with it.
        // A token that is refused is refused to all that is under way.
        let of_account: u64 = stats
            .faults
            .iter()
            .map(
                |(fault, count)| {
                    if fault == "token_revoked" { count * self.in_flight() } else { *count }
                },
            )
            .sum();
        let allowed = self.stage.repeats_allowed.load(Ordering::SeqCst) + of_account;
        if repeated > allowed {
            let by = &stats.in_vain.repeated;
            wrong.push(format!("{repeated} calls repeated, {allowed} allowed: {by:?}"));
        }
        for cause in ["report_below_two", "foretold"] {
            let count = stats.in_vain.by_cause.get(cause).copied().unwrap_or(0);
            if count > allowed {
                wrong.push(format!("{count} calls in vain: {cause}"));
            }
        }
        if let Some(memory) = &self.memory {
            let mut tables = memory.snapshot();
            let records = tables.records();
            if records > RECORDS_MAX {
                wrong.push(format!("the ledger keeps {records} records of a run that has ended"));
            }
            let runs = tables.runs().expect("a table").len();
            if runs != 1 {
                wrong.push(format!("the ledger knows {runs} runs"));
            }
        } else {
            let rows = self.rows_of_the_state();
            if rows > ROWS_MAX {
                wrong.push(format!("the state file keeps {rows} rows of a run that has ended"));
            }
        }
        wrong
    }

    /// Rows of all tables of the state file.
    fn rows_of_the_state(&self) -> i64 {
        let state = rusqlite::Connection::open(self.sink_path.with_file_name("state.db"));
        let state = state.expect("the state file");
        let tables = "SELECT name FROM sqlite_schema WHERE type = 'table'";
        let mut tables = state.prepare(tables).expect("SQL");
        let names = tables.query_map((), |row| row.get::<_, String>(0)).expect("tables");
        names
            .map(|name| {
                let count = format!("SELECT count(*) FROM \"{}\"", name.expect("a name"));
                state.query_row(&count, (), |row| row.get::<_, i64>(0)).expect("a count")
            })
            .sum()
    }

    /// Joins that ran while something beneath their branch was open.
    fn early(&self) -> Option<String> {
        let meetings = self.account.truth().filter(|row| row.dataset == "meetings");
        let member = |record: &Value, name: &str| match &record[name] {
            Value::String(text) => text.clone(),
            other => other.to_string(),
        };
        let hosts: BTreeMap<String, String> = meetings
            .map(|row| (member(&row.record, "id"), member(&row.record, "host_id")))
            .collect();
        let ended = self.stage.ended.lock().unwrap_or_else(PoisonError::into_inner);
        let joined = self.stage.joined.lock().unwrap_or_else(PoisonError::into_inner);
        ended.iter().find_map(|((operation, subject), ended_at)| {
            let asked: Value = serde_json::from_str(subject).ok()?;
            let joined_at = joined.get(hosts.get(&member(&asked, "meeting_id"))?)?;
            let early_ms = *ended_at - *joined_at;
            (early_ms > 0).then(|| format!("a join ran {early_ms} ms before {operation} {subject}"))
        })
    }
}
