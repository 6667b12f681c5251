//! What must hold of a run against a hostile account.

use std::collections::BTreeSet;

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
    pub(super) reasons: BTreeSet<String>,
}

impl Came {
    /// One that did not end.
    pub(super) fn endless(behaviour: Behaviour, kind: Kind, peak: u64, said: &str) -> Came {
        let name = format!("{} · {}", behaviour.name, kind.name());
        let wrong = vec![format!("{name}: it does not end; it said: {}", end_of(said))];
        Came { end: "no end".to_owned(), wrong, peak, reasons: BTreeSet::new() }
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
    let new: BTreeSet<&String> = reasons.difference(&ground.reasons).collect();
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
    for shown in &played.shown {
        must(shown.code == Some(0), format!("{shown}"));
    }
    for what in differences(ground, played, kind.feeds()) {
        must(kind == Kind::Token, format!("not touched, and not complete: {what}"));
    }
    let code = played.ended.code.unwrap_or(-1);
    let named = !causes.is_empty();
    let less = [1, 3, 4].contains(&code) && named;
    let holds = match behaviour.leaves {
        Leaves::Whole => code == 0 && complete.is_empty(),
        Leaves::Taken => code == 0 || (code == 3 && named),
        Leaves::Less => less,
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

/// What coverage says of operations that are not complete: state, operation, reason.
fn reasons(played: &Played<'_>) -> BTreeSet<String> {
    let Ok(covered) = coverage(&played.home.sink()) else { return BTreeSet::new() };
    let open = covered.lines.into_iter().filter(|line| line.state != "complete");
    open.map(|line| {
        let why = line.reason.unwrap_or_default();
        format!("{} {}", line.state, why.split([':', ';']).next().unwrap_or_default())
    })
    .collect()
}

/// What says that there is less: dead letters, coverage, and where nothing is covered yet, the
/// error of the run itself.
fn causes(played: &Played<'_>, new: &BTreeSet<&String>) -> BTreeSet<String> {
    let letters = &played.shown.last().expect("failures").stdout;
    let letters = letters.lines().filter_map(|line| serde_json::from_str::<Value>(line).ok());
    let mut causes: BTreeSet<String> = letters
        .filter(|letter| letter["message"].as_str().is_some_and(|m| !m.is_empty()))
        .map(|letter| format!("dead letter ({})", letter["verdict"].as_str().unwrap_or("?")))
        .collect();
    let unavailable = new.iter().filter_map(|reason| reason.strip_prefix("unavailable "));
    causes.extend(unavailable.map(|why| format!("unavailable ({why})")));
    let partial = new.iter().filter(|reason| reason.starts_with("partial asked"));
    causes.extend(partial.map(|_| "partial".to_owned()));
    if causes.is_empty() || played.stopped {
        let said = played.ended.stderr.lines();
        let errors = said.filter_map(|line| line.split_once("error: ").map(|(_, what)| what));
        causes.extend(errors.map(|what| what.chars().take(80).collect()));
    }
    causes
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
