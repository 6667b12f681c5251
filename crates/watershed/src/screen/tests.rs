use ratatui::Terminal;
use ratatui::backend::TestBackend;
use watershed_model::{CallCount, WaitReport};

use super::*;
use crate::glance::tests::step;

fn report() -> RunReport {
    let limit = |category: &str, period: &str, used, share, binds, free_ms| BudgetUse {
        category: category.to_owned(),
        period: period.to_owned(),
        used,
        share,
        binds,
        free_at: Some(Millis(free_ms).to_string()),
    };
    RunReport {
        run: "one".into(),
        workflow: "zoom-backfill".to_owned(),
        connection: "acme".into(),
        state: RunState::Running,
        exit: None,
        started_at: Millis(0).to_string(),
        ended_at: None,
        steps: vec![step("users", 3, 3, true, 0), step("participants", 1_200, 4_000, false, 2)],
        budget: vec![
            limit("light", "second", 70, 72.0, false, 0),
            limit("heavy+resource_intensive", "day", 27_000, 27_000.0, true, 7_200_000),
        ],
        waits: vec![WaitReport {
            why: "the heavy\u{1b}[2J budget of this day".to_owned(),
            count: 12,
            until: Some(Millis(7_200_000).to_string()),
        }],
        eta: Some(Millis(90_000_000).to_string()),
        calls: CallCount { spent: 1_100, least: 1_000, repeated: BTreeMap::new() },
        rows: BTreeMap::new(),
    }
}

fn letter(message: &str) -> DeadLetter {
    DeadLetter {
        id: "one.1".into(),
        connection: "acme".into(),
        run: "one".into(),
        plan: "p".into(),
        step: "participants".to_owned(),
        operation: "zoom.report_participants".into(),
        branch: String::new(),
        item: String::new(),
        key: 0,
        once: None,
        bucket: 0,
        scopes: Vec::new(),
        subject: None,
        from: None,
        to: None,
        verdict: "dead".to_owned(),
        http: Some(403),
        code: None,
        message: message.to_owned(),
        attempts: 1,
        at: Millis(0),
        hint: "`watershed retry` asks again".to_owned(),
    }
}

fn drawn(width: u16, height: u16, report: &RunReport, letters: &[DeadLetter]) -> String {
    let mut terminal = Terminal::new(TestBackend::new(width, height)).expect("a terminal");
    let shown = Shown { report, letters, rate: Some(71.6), said: "", now: Millis(3_600_000) };
    terminal.draw(|frame| draw(frame, &shown)).expect("it is drawn");
    terminal.backend().to_string()
}

#[test]
fn a_run_fills_the_screen() {
    let letters = [letter("a"), letter("b"), letter("a")];
    insta::assert_snapshot!(drawn(100, 20, &report(), &letters));
}

#[test]
fn an_ended_run_tells_how() {
    let ended = RunReport {
        state: RunState::Complete,
        exit: Some(0),
        ended_at: Some(Millis(60_000).to_string()),
        budget: Vec::new(),
        waits: Vec::new(),
        ..report()
    };
    insta::assert_snapshot!(drawn(80, 14, &ended, &[]));
}

#[test]
fn whatever_the_size_nothing_breaks() {
    let letters = [letter("a"), letter("b")];
    for (width, height) in [(1, 1), (10, 3), (40, 8), (300, 100)] {
        drawn(width, height, &report(), &letters);
    }
}
