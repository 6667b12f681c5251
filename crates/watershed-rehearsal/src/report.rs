//! What a rehearsal tells: a timetable, calls by day, which limit bound when, and the formula.

use std::collections::BTreeMap;

use jiff::{SignedDuration, Timestamp};
use serde::Serialize;
use watershed_engine::{CategoryEstimate, Estimate, LeftOut, Standing};
use watershed_model::{Millis, RunState};

use crate::dataset::Dataset;
use crate::diary::Diary;
use crate::rehearse::{ESTIMATED, Rehearsed};

/// The formula may be so far from the rehearsal, in percent, without a word.
const AGREES_PERCENT: f64 = 5.0;

/// Why the disk may differ from the formula's.
const DISK_DIFFERS: &str = "the formula weighs the rows of its sample, each operation by itself; \
                            here the first rows that came of each are weighed";
/// What a rehearsal cannot know.
const FILES_WEIGH: &str = "files are not weighed: those of a simulated account are small, and a \
                           real hour of video is not; `estimate` weighs those of a real one";

/// What a rehearsal tells. Published as `schemas/rehearsal.schema.json`.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Rehearsal {
    /// The workflow's name.
    pub workflow: String,
    /// People of the account.
    pub users: u64,
    /// Zoom plan.
    pub tier: String,
    /// What everything was drawn from.
    pub seed: u64,
    /// How the run ended.
    pub state: RunState,
    /// When it began (RFC 3339).
    pub started_at: String,
    /// When it ended (RFC 3339).
    pub ended_at: String,
    /// How long it took, in milliseconds of the account's time.
    pub ms: i64,
    /// Calls by category.
    pub calls: BTreeMap<String, u64>,
    /// Calls repeated, by cause.
    pub repeated: BTreeMap<String, u64>,
    /// Items that failed for good.
    pub failed: u64,
    /// What tier and consent leave out, by the formula's sample.
    pub left_out: Vec<LeftOut>,
    /// Each dataset, and when it was complete.
    pub datasets: Vec<DatasetTime>,
    /// Each UTC day.
    pub days: Vec<DayCalls>,
    /// Which limit bound when.
    pub bound: Vec<BoundTime>,
    /// What of each limit was not used while it bound.
    pub idle: Vec<Idle>,
    /// Part of the known items that was done: instant (ms since 1970), part of one.
    pub progress: Vec<(i64, f64)>,
    /// Bytes that the rows take.
    pub disk_bytes: u64,
    /// Files that came. Their bytes are not told: a simulated account's are small.
    pub files: u64,
    /// The formula beside it.
    pub formula: Vec<Compared>,
    /// Why it differs, where it does by more than 5 %.
    pub differs: Vec<String>,
}

/// A dataset in the timetable.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct DatasetTime {
    /// Its name.
    pub dataset: String,
    /// Rows.
    pub rows: u64,
    /// When its last row came (RFC 3339).
    pub complete_at: String,
    /// Its months, the newest first; rows of no time stand in none.
    pub months: Vec<MonthTime>,
}

/// A month in the timetable.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct MonthTime {
    /// `yyyy-mm`.
    pub month: String,
    /// Rows.
    pub rows: u64,
    /// When its last row came (RFC 3339).
    pub complete_at: String,
}

/// A UTC day of the run.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct DayCalls {
    /// `yyyy-mm-dd`.
    pub day: String,
    /// Calls by category.
    pub calls: BTreeMap<String, u64>,
    /// Of each limit that counts by the day, the part of the share that was used, in percent.
    pub used_percent: BTreeMap<String, f64>,
    /// The limit that bound longest; empty where none did.
    pub bound: String,
}

/// A stretch of time in which one limit bound.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct BoundTime {
    /// Since when (RFC 3339).
    pub from: String,
    /// Until when (RFC 3339).
    pub to: String,
    /// The limit; empty where none bound.
    pub limit: String,
}

/// A limit while it bound; one of a day, on the days on which it did.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Idle {
    /// The limit.
    pub limit: String,
    /// How long it bound, in milliseconds.
    pub ms: i64,
    /// Permits that it gave meanwhile.
    pub permits: u64,
    /// Of these, those that were not used, in percent.
    pub percent: f64,
}

/// A figure of the formula beside that of the rehearsal.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Compared {
    /// What: `calls heavy`, `time at best`, `disk`.
    pub what: String,
    /// By the formula.
    pub formula: i64,
    /// As rehearsed.
    pub rehearsed: i64,
    /// How far the formula is from it, in percent.
    pub percent: f64,
}

/// What was kept in the end.
pub(crate) struct Kept {
    /// Bytes that the rows take.
    pub(crate) rows_bytes: u64,
    /// Files.
    pub(crate) files: u64,
}

impl Rehearsal {
    pub(crate) fn of(
        rehearsed: &Rehearsed,
        standing: &Standing,
        diary: &Diary,
        (dataset, kept): (&Dataset, Kept),
        estimate: &Estimate,
    ) -> Rehearsal {
        let view = standing.view.as_ref();
        let begun = diary.begun_at;
        let ended = view.and_then(|view| view.ended_at).unwrap_or(begun);
        let calls = view.map(|view| view.calls.clone()).unwrap_or_default();
        let mut told = Rehearsal {
            workflow: rehearsed.plan.name.clone(),
            users: rehearsed.account.users,
            tier: rehearsed.account.tier.to_string(),
            seed: rehearsed.account.seed,
            state: standing.report.state,
            started_at: at(begun),
            ended_at: at(ended),
            ms: ended - begun,
            calls,
            repeated: view.map(|view| view.repeated.clone()).unwrap_or_default(),
            failed: view.map_or(0, |view| view.steps.iter().map(|step| step.failed).sum()),
            left_out: estimate.left_out.clone(),
            datasets: datasets(dataset),
            days: days(diary),
            bound: diary.bound.iter().map(bound).collect(),
            idle: idle(diary),
            progress: diary.progress.iter().map(|(at, part)| (at.0, *part)).collect(),
            disk_bytes: kept.rows_bytes,
            files: kept.files,
            formula: Vec::new(),
            differs: Vec::new(),
        };
        told.compare(estimate, rehearsed.workers);
        told
    }

    /// Puts the formula beside it.
    fn compare(&mut self, estimate: &Estimate, workers: u16) {
        for category in &estimate.categories {
            let rehearsed = self.calls.get(&category.category).copied().unwrap_or(0);
            let what = format!("calls {}", category.category);
            let why = self.calls_differ(category, workers);
            self.beside(&what, category.calls as i64, rehearsed as i64, &why);
        }
        if let Some(ms) = estimate.best_ms {
            let why = self.time_differs();
            self.beside("time at best, ms", ms, self.ms, &why);
        }
        let formula = estimate.disk_bytes.saturating_sub(estimate.file_bytes);
        self.beside("disk, bytes", formula as i64, self.disk_bytes as i64, DISK_DIFFERS);
        if self.files > 0 {
            self.differs.push(format!("disk: {FILES_WEIGH}"));
        }
        // How sure it is stands beside the figures, and nobody can ask it for more here.
        let notes = estimate.notes.iter().filter(|note| !note.contains("--sample"));
        self.differs.extend(notes.cloned());
    }

    /// Why calls may differ from the formula's.
    fn calls_differ(&self, category: &CategoryEstimate, workers: u16) -> String {
        let sure = format!("± {:.1} %", category.plus_minus);
        let mut why = vec![match self.users {
            0..=ESTIMATED => format!("the formula itself is sure to {sure}"),
            _ => format!(
                "the formula takes the account's first {ESTIMATED} people, whose calls it knows to \
                 {sure}, for all others"
            ),
        }];
        if workers > 1 && self.files > 0 {
            why.push(
                "a process reads a recording again whose other files another brings".to_owned(),
            );
        }
        let repeated: u64 = self.repeated.values().sum();
        if repeated > 0 {
            why.push(format!("it counts no call twice, and here {repeated} were repeated"));
        }
        why.join("; ")
    }

    /// Why it may take another time than by the formula: what bound, one after another.
    fn time_differs(&self) -> String {
        let mut stretches: Vec<(&str, i64)> = Vec::new();
        for bound in &self.bound {
            let ms = span_ms(&bound.from, &bound.to);
            match stretches.iter_mut().find(|(limit, _)| *limit == bound.limit) {
                Some((_, all)) => *all += ms,
                None => stretches.push((&bound.limit, ms)),
            }
        }
        let stretches = stretches.iter().map(|(limit, ms)| {
            let limit = if limit.is_empty() { "no limit" } else { limit };
            format!("{limit} for {:#}", SignedDuration::from_secs(ms / 1_000))
        });
        let mut why = format!(
            "the formula lets all categories run at once from the first moment; here bound, one \
             after another, {}",
            stretches.collect::<Vec<_>>().join(", ")
        );
        if self.bound.iter().any(|bound| bound.limit.ends_with(" a day")) {
            why.push_str("; what a day has no call for waits for the next one");
        }
        why
    }

    /// A figure of both, and why they differ where they do.
    fn beside(&mut self, what: &str, formula: i64, rehearsed: i64, why: &str) {
        let percent = percent(formula, rehearsed);
        self.formula.push(Compared { what: what.to_owned(), formula, rehearsed, percent });
        if percent.abs() > AGREES_PERCENT {
            let name = what.split(',').next().unwrap_or(what);
            self.differs.push(format!("{name}: {why}"));
        }
    }
}

fn percent(formula: i64, rehearsed: i64) -> f64 {
    100.0 * (formula - rehearsed) as f64 / rehearsed.max(1) as f64
}

/// RFC 3339.
fn at(at: Millis) -> String {
    at.timestamp().to_string()
}

fn span_ms(from: &str, to: &str) -> i64 {
    let ms = |text: &str| text.parse::<Timestamp>().map_or(0, Timestamp::as_millisecond);
    ms(to) - ms(from)
}

fn datasets(dataset: &Dataset) -> Vec<DatasetTime> {
    let kept = dataset.kept();
    let tables = kept.course.datasets().map(|(name, months)| {
        let last = months.iter().map(|(_, came)| came.last_at).max().unwrap_or_default();
        let rows = months.iter().map(|(_, came)| came.rows).sum();
        let months = months.into_iter().filter(|(month, _)| !month.is_empty());
        let months = months.map(|(month, came)| MonthTime {
            month,
            rows: came.rows,
            complete_at: at(came.last_at),
        });
        DatasetTime {
            dataset: name.to_owned(),
            rows,
            complete_at: at(last),
            months: months.collect(),
        }
    });
    tables.collect()
}

fn days(diary: &Diary) -> Vec<DayCalls> {
    let days = diary.days.iter().map(|(day, seen)| {
        let longest = seen.bound_ms.iter().max_by_key(|(_, ms)| **ms);
        let used = seen.of_day.iter().filter(|(_, (_, share))| *share > 0.0);
        DayCalls {
            day: Millis(day * Millis::DAY).date().to_string(),
            calls: seen.calls.clone(),
            used_percent: used
                .map(|(name, (used, share))| (name.clone(), 100.0 * *used as f64 / share))
                .collect(),
            bound: longest.map(|(name, _)| name.clone()).unwrap_or_default(),
        }
    });
    days.collect()
}

fn bound(bound: &crate::diary::Bound) -> BoundTime {
    BoundTime { from: at(bound.from), to: at(bound.to), limit: bound.limit.clone() }
}

fn idle(diary: &Diary) -> Vec<Idle> {
    let idle = diary.uses().map(|(limit, of)| Idle {
        limit: limit.to_owned(),
        ms: of.ms,
        permits: of.permits as u64,
        percent: match of.permits > 0.0 {
            true => 100.0 * (of.permits - of.used as f64).max(0.0) / of.permits,
            false => 0.0,
        },
    });
    idle.collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn plain() -> Rehearsal {
        Rehearsal {
            workflow: String::new(),
            users: 1,
            tier: String::new(),
            seed: 1,
            state: RunState::Complete,
            started_at: String::new(),
            ended_at: String::new(),
            ms: 0,
            calls: BTreeMap::new(),
            repeated: BTreeMap::new(),
            failed: 0,
            left_out: Vec::new(),
            datasets: Vec::new(),
            days: Vec::new(),
            bound: Vec::new(),
            idle: Vec::new(),
            progress: Vec::new(),
            disk_bytes: 0,
            files: 0,
            formula: Vec::new(),
            differs: Vec::new(),
        }
    }

    #[test]
    fn what_is_far_from_the_formula_has_its_reason() {
        let mut told = plain();
        told.beside("calls heavy", 95, 100, "they agree");
        told.beside("disk, bytes", 90, 100, "they do not");
        assert_eq!(told.differs, ["disk: they do not"]);
        assert_eq!(told.formula.iter().map(|c| c.percent).collect::<Vec<_>>(), [-5.0, -10.0]);
    }

    #[test]
    fn calls_that_were_repeated_are_named_among_the_reasons() {
        let category =
            CategoryEstimate { category: "heavy".to_owned(), calls: 90, plus_minus: 7.25 };
        let mut told = Rehearsal { users: 2_000, ..plain() };
        assert!(!told.calls_differ(&category, 1).contains("repeated"));
        told.repeated.insert("server_error".to_owned(), 3);
        let why = told.calls_differ(&category, 1);
        assert!(why.contains("first 100 people, whose calls it knows to ± 7.2 %"), "{why}");
        assert!(why.ends_with("here 3 were repeated"), "{why}");
    }

    #[test]
    fn a_time_that_differs_is_explained_by_what_bound() {
        let bound = |from: &str, to: &str, limit: &str| BoundTime {
            from: format!("2026-11-30T{from}Z"),
            to: format!("2026-11-30T{to}Z"),
            limit: limit.to_owned(),
        };
        let mut told = plain();
        told.bound = vec![
            bound("10:00:00", "10:07:00", "light a second"),
            bound("10:07:00", "23:59:59", "heavy a day"),
            bound("23:59:59", "23:59:59.999", ""),
        ];
        let why = told.time_differs();
        assert!(why.contains("light a second for 7m, heavy a day for 13h 52m 59s"), "{why}");
        assert!(
            why.ends_with("no limit for 0s; what a day has no call for waits for the next one")
        );
    }
}
