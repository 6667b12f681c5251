//! What must hold of a run against a hostile account.

use std::collections::{BTreeMap, BTreeSet};

use rusqlite::Connection;
use serde_json::Value;
use watershed_tests::{Behaviour, Kind, Leaves, Scope, audit, coverage, files_differ};

use super::play::{Ground, Played};

/// Bytes of memory that no answer may drive a run beyond.
const MEMORY_MAX: u64 = 256 * 1_024 * 1_024;

/// What came of a pair.
pub(super) struct Came {
    /// For the table.
    pub(super) end: String,
    /// What does not hold.
    pub(super) wrong: Vec<String>,
    /// The most memory that the run held.
    pub(super) peak: u64,
    /// What coverage says of what is not complete.
    pub(super) reasons: BTreeMap<String, usize>,
}

impl Came {
    /// One that did not end.
    pub(super) fn endless(behaviour: Behaviour, kind: Kind, peak: u64, said: &str) -> Came {
        let name = format!("{} · {}", behaviour.name, kind.name());
        let wrong = vec![format!("{name}: it does not end; it said: {}", end_of(said))];
        Came { end: "no end".to_owned(), wrong, peak, reasons: BTreeMap::new() }
    }
}

/// Judges a run that has ended.
pub(super) fn judge(
    behaviour: Behaviour,
    kind: Kind,
    ground: &Ground,
    played: &Played<'_>,
) -> Came {
    let reasons = reasons(played);
    let more =
        |(why, count): &(&String, &usize)| ground.reasons.get(*why).is_none_or(|n| n < *count);
    let new: BTreeSet<&str> = reasons.iter().filter(more).map(|(why, _)| why.as_str()).collect();
    let causes = causes(played, &new);
    let complete = differences(ground, played, &[]);
    let mut wrong = Vec::new();
    let mut must = |holds: bool, what: String| {
        if !holds {
            wrong.push(format!("{} · {}: {what}", behaviour.name, kind.name()));
        }
    };
    must(played.struck > 0, "no call was struck".to_owned());
    must(played.peak < MEMORY_MAX, format!("{} MB of memory", played.peak / 1_000_000));
    must(played.ended.signal.is_none(), format!("a signal ended it: {:?}", played.ended.signal));
    let said = |ended: &watershed_tests::Ended| format!("{}{}", ended.stdout, ended.stderr);
    let all: Vec<String> = played.shown.iter().chain([&played.ended]).map(said).collect();
    for text in &all {
        must(!text.contains("panicked"), format!("a panic: {}", end_of(text)));
        must(
            !text.contains("SIMSECRET"),
            format!("a token is shown: {}", around(text, "SIMSECRET")),
        );
        if let Some(at) = text.chars().find(|c| paints(*c)) {
            must(false, format!("{at:?} reaches the terminal: {}", around(text, &at.to_string())));
        }
    }
    // Without a token there is no run to be told of.
    let began = played.home.sink().exists() && kind != Kind::Token;
    for shown in played.shown.iter().filter(|_| began) {
        must(shown.code == Some(0), format!("{shown}"));
    }
    let code = played.ended.code.unwrap_or(-1);
    // Without a token nothing comes.
    if kind != Kind::Token && behaviour.leaves != Leaves::Waits {
        for what in differences(ground, played, kind.feeds()) {
            must(false, format!("not touched, and not complete: {what}"));
        }
    }
    let named = !causes.is_empty();
    // What is unavailable is an answer: a run may be complete with it.
    let less = named && (code != 2 || kind == Kind::Token) && (code != 0 || !new.is_empty());
    let holds = match behaviour.leaves {
        Leaves::Whole => code == 0 && complete.is_empty(),
        Leaves::Taken => code == 0 || less,
        Leaves::Less | Leaves::Waits => less,
        Leaves::Either => (code == 0 && complete.is_empty()) || less,
    };
    let told = || {
        format!(
            "{:?}, but exit {code}, causes {causes:?}, differs {complete:?}; {}",
            behaviour.leaves,
            end_of(&said(&played.ended))
        )
    };
    if !holds {
        must(false, told());
    }
    let ended = match code {
        0 if complete.is_empty() => "whole".to_owned(),
        0 => "taken".to_owned(),
        4 if played.stopped => format!("waits: {}", joined(&causes)),
        4 => format!("paused: {}", joined(&causes)),
        1 => format!("fails: {}", joined(&causes)),
        _ => joined(&causes),
    };
    Came { end: ended, wrong, peak: played.peak, reasons }
}

/// What coverage says of operations that are not complete, and how often: state, reason.
fn reasons(played: &Played<'_>) -> BTreeMap<String, usize> {
    let mut reasons = BTreeMap::new();
    let Ok(covered) = coverage(&played.home.sink()) else { return reasons };
    for line in covered.lines.into_iter().filter(|line| line.state != "complete") {
        let why = line.reason.unwrap_or_default();
        let why = why.split([':', ';']).next().unwrap_or_default();
        *reasons.entry(format!("{} {why}", line.state)).or_default() += 1;
    }
    reasons
}

/// What says that there is less: dead letters, coverage, what a run that goes on repeats, and where
/// there is no run yet, its error.
fn causes(played: &Played<'_>, new: &BTreeSet<&str>) -> BTreeSet<String> {
    let mut causes = letters(played);
    let unavailable = new.iter().filter_map(|reason| reason.strip_prefix("unavailable "));
    causes.extend(unavailable.map(|why| format!("unavailable ({why})")));
    let partial = new.iter().filter(|reason| reason.starts_with("partial asked"));
    causes.extend(partial.map(|_| "partial".to_owned()));
    let waiting = new.iter().filter_map(|reason| reason.strip_prefix("waiting "));
    causes.extend(waiting.map(|why| format!("waiting ({why})")));
    if played.stopped {
        let status = played.shown.last().and_then(|ended| ended.stdout.lines().last());
        let status: Value = serde_json::from_str(status.unwrap_or_default()).unwrap_or_default();
        let repeats = status["calls"]["repeated"].as_object().into_iter().flatten();
        causes.extend(repeats.map(|(cause, _)| format!("asked again ({cause})")));
    } else if causes.is_empty() {
        let said = played.ended.stderr.lines();
        let errors = said.filter_map(|line| line.split_once("error: ").map(|(_, what)| what));
        causes.extend(errors.map(|what| what.chars().take(80).collect()));
    }
    causes
}

/// The verdicts of dead letters that say why.
fn letters(played: &Played<'_>) -> BTreeSet<String> {
    let told = || -> rusqlite::Result<BTreeSet<String>> {
        let database = Connection::open(played.home.sink())?;
        let mut letters =
            database.prepare("SELECT DISTINCT verdict FROM _failures WHERE message <> ''")?;
        let told = letters.query_map([], |row| row.get::<_, String>(0))?;
        told.map(|verdict| Ok(format!("dead letter ({})", verdict?))).collect()
    };
    told().unwrap_or_default()
}

/// How the dataset differs from the account, less these datasets; and the files, unless they are
/// among what is touched.
fn differences(ground: &Ground, played: &Played<'_>, touched: &[&str]) -> Vec<String> {
    let mut scope = Scope::backfill();
    scope.datasets.retain(|dataset| !touched.contains(dataset));
    let mut differ: Vec<String> = match audit(&played.home.sink(), &ground.truth, &scope) {
        Ok(audit) => audit.differences.iter().map(ToString::to_string).collect(),
        Err(error) => vec![format!("no dataset: {error:#}")],
    };
    if !touched.is_empty() {
        differ.retain(|what| !what.starts_with("_coverage"));
    }
    if !touched.contains(&"transcripts") {
        let files = files_differ(&played.home.files(), "default", &ground.files);
        differ.extend(files.unwrap_or_else(|error| vec![format!("no files: {error:#}")]));
    }
    differ
}

/// Whether a character does more to a terminal than to be shown.
fn paints(c: char) -> bool {
    (c.is_control() && !matches!(c, '\n' | '\t'))
        || matches!(c, '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
}

fn joined(causes: &BTreeSet<String>) -> String {
    causes.iter().map(String::as_str).collect::<Vec<_>>().join(", ").replace('|', "/")
}

fn end_of(text: &str) -> String {
    let lines: Vec<&str> = text.lines().collect();
    lines[lines.len().saturating_sub(8)..].join(" ⏎ ").chars().take(1_500).collect()
}

fn around(text: &str, what: &str) -> String {
    let at = text.find(what).unwrap_or(0);
    let from = text[..at].char_indices().rev().nth(60).map_or(0, |(n, _)| n);
    text[from..].chars().take(160).collect::<String>().escape_debug().to_string()
}
