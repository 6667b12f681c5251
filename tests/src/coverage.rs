//! What `_coverage` claims, against what must have been asked of an account.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use anyhow::Result;
use serde_json::Value;

use crate::audit::open;
use crate::truth::Truth;

/// One row of `_coverage`.
#[derive(Debug, Clone, PartialEq)]
pub struct Line {
    /// The operation.
    pub operation: String,
    /// The subject's values, as text.
    pub asked: BTreeSet<String>,
    /// The subject as stored.
    pub subject: String,
    /// First day.
    pub from: Option<String>,
    /// Last day, or an instant.
    pub to: Option<String>,
    /// complete, partial, …
    pub state: String,
    /// Why.
    pub reason: Option<String>,
    /// Rows that it brought.
    pub rows: u64,
    /// When it was written.
    pub at: String,
}

/// All of `_coverage`.
#[derive(Debug, Clone, Default)]
pub struct Covered {
    /// Its rows.
    pub lines: Vec<Line>,
}

impl Line {
    /// Whether it names what no call can show.
    pub fn is_unseen(&self) -> bool {
        self.reason.as_ref().is_some_and(|reason| reason.starts_with("in no list: "))
    }
}

/// Reads `_coverage` of the dataset at `sink`.
///
/// # Errors
/// Where it cannot be read.
pub fn coverage(sink: &Path) -> Result<Covered> {
    let database = open(sink)?;
    let mut statement = database.prepare(
        "SELECT operation, subject, \"from\", \"to\", state, reason, rows, at FROM _coverage",
    )?;
    let lines = statement.query_map([], |row| {
        let subject: String = row.get(1)?;
        Ok(Line {
            operation: row.get(0)?,
            asked: values(&subject),
            subject,
            from: row.get(2)?,
            to: row.get(3)?,
            state: row.get(4)?,
            reason: row.get(5)?,
            rows: row.get::<_, i64>(6)?.try_into().unwrap_or(0),
            at: row.get(7)?,
        })
    })?;
    Ok(Covered { lines: lines.collect::<rusqlite::Result<_>>()? })
}

fn values(subject: &str) -> BTreeSet<String> {
    match serde_json::from_str(subject) {
        Ok(Value::Object(members)) => members
            .into_iter()
            .map(|(_, value)| match value {
                Value::String(text) => text,
                other => other.to_string(),
            })
            .collect(),
        _ => BTreeSet::new(),
    }
}

impl Covered {
    /// The rows of an operation.
    pub fn of<'a>(&'a self, operation: &'a str) -> impl Iterator<Item = &'a Line> {
        self.lines.iter().filter(move |line| line.operation == operation)
    }

    /// What an operation was asked for: every value of every subject.
    pub fn asked<'a>(&'a self, operation: &'a str) -> BTreeSet<&'a str> {
        self.of(operation)
            .filter(|l| !l.is_unseen())
            .flat_map(|l| l.asked.iter().map(String::as_str))
            .collect()
    }

    /// How many rows in each state.
    pub fn states(&self) -> BTreeMap<&str, u64> {
        let mut states = BTreeMap::new();
        for line in &self.lines {
            *states.entry(line.state.as_str()).or_default() += 1;
        }
        states
    }

    /// What a finished backfill's coverage lacks, or claims wrongly; empty where it is right.
    pub fn gaps(&self, truth: &Truth) -> Vec<String> {
        let mut gaps: Vec<String> = self
            .lines
            .iter()
            .filter(|line| line.state == "partial")
            .map(|line| format!("{} {} is still partial", line.operation, line.subject))
            .collect();
        let statuses = ["active", "inactive", "pending"];
        let must: [(&str, Vec<&str>); 5] = [
            ("zoom.list_users", statuses.to_vec()),
            ("zoom.list_meetings", truth.people()),
            ("zoom.list_past_instances", truth.keys("meetings").collect()),
            ("zoom.get_past_meeting", truth.keys("past_meetings").collect()),
            ("zoom.report_participants", truth.keys("report_participants").collect()),
        ];
        for (operation, subjects) in must {
            let asked = self.asked(operation);
            let never = subjects.into_iter().filter(|s| !asked.contains(s));
            gaps.extend(never.map(|s| format!("{operation} {s}: no coverage, never tried?")));
        }
        gaps.extend(self.miscounted(truth));
        gaps
    }

    /// Complete attendance that counts other rows than the account has.
    fn miscounted(&self, truth: &Truth) -> Vec<String> {
        let mut wrong = Vec::new();
        let complete = self.of("zoom.report_participants").filter(|l| l.state == "complete");
        for line in complete {
            let rows: u64 = line
                .asked
                .iter()
                .filter_map(|uuid| truth.of("report_participants").get(uuid))
                .map(|records| records.len() as u64)
                .sum();
            if rows != line.rows {
                let (subject, said) = (&line.subject, line.rows);
                wrong.push(format!("report_participants {subject}: {said} rows, truth {rows}"));
            }
        }
        wrong
    }

    /// Days between `from` and `to` that no window of these lines covers.
    pub fn uncovered<'a>(
        lines: impl Iterator<Item = &'a Line>,
        from: &str,
        to: &str,
    ) -> Option<String> {
        let mut windows: Vec<(&str, &str)> = lines
            .filter_map(|l| Some((l.from.as_deref()?, l.to.as_deref()?)))
            .map(|(first, last)| (first, day_reached(last)))
            .collect();
        windows.sort_unstable();
        let mut reached = from;
        for (first, last) in windows {
            // Neighbours share a day, so a window that begins after what was reached is a gap.
            if first > reached {
                return Some(format!("nothing between {reached} and {first}"));
            }
            reached = reached.max(last);
        }
        (reached < to).then(|| format!("nothing after {reached}"))
    }
}

/// The day to which a window reaches. One that was asked for the present is known up to a
/// quarter of an hour before its call: just after midnight that is still the day before.
fn day_reached(last: &str) -> &str {
    match (last.get(..10), last.get(11..16)) {
        (Some(_), Some(time)) if time >= "23:44" => "9999-12-31",
        (Some(day), _) => day,
        (None, _) => last,
    }
}
