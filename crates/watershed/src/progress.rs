//! Live progress on stderr: bars on a terminal, a plain line now and then elsewhere.

use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use indicatif::{MultiProgress, ProgressBar, ProgressDrawTarget, ProgressStyle};
use watershed_ledger::RunView;
use watershed_model::Millis;

use crate::glance::Glance;
use crate::output::{Output, name, number, span};

/// How often a run is looked at.
pub(crate) const LOOK: Duration = Duration::from_millis(500);
/// How often a line is written at first where there is no terminal; later more seldom, since a
/// log is read from its end,
const LINE_MS: i64 = 5_000;
/// but as often as this,
const LINE_MAX_MS: i64 = 60_000;
/// and where nothing but time has passed, as this.
const IDLE_MS: i64 = 600_000;

/// The bars that are on the terminal now, so that other words go above them.
static SHOWN: Mutex<Option<MultiProgress>> = Mutex::new(None);

/// Does something to the terminal with the bars out of the way.
pub(crate) fn beside<T>(act: impl FnOnce() -> T) -> T {
    let shown = SHOWN.lock().unwrap_or_else(PoisonError::into_inner).clone();
    match shown {
        Some(bars) => bars.suspend(act),
        None => act(),
    }
}

/// How a run's progress is shown.
pub(crate) struct Progress {
    out: Output,
    began: Millis,
    shape: Shape,
}

enum Shape {
    Silent,
    Lines(Lines),
    Bars(Bars),
}

struct Lines {
    next_at: Millis,
    idle_until: Millis,
    /// Calls and closed branches that the last line told.
    told: Option<(u64, u64)>,
}

struct Bars {
    all: MultiProgress,
    steps: Vec<ProgressBar>,
    below: Vec<ProgressBar>,
}

impl Progress {
    /// Begins to show.
    pub(crate) fn new(out: Output, now: Millis) -> Progress {
        let shape = match (out.quiet, out.live) {
            (true, _) => Shape::Silent,
            (false, false) => {
                let next_at = now + LINE_MS;
                Shape::Lines(Lines { next_at, idle_until: next_at, told: None })
            }
            (false, true) => Shape::Bars(Bars::new()),
        };
        Progress { out, began: now, shape }
    }

    /// Shows how the run stands now.
    pub(crate) fn show(&mut self, view: &RunView, now: Millis) {
        let glance = Glance::of_view(view, now);
        match &mut self.shape {
            Shape::Silent => {}
            Shape::Lines(lines) => {
                if lines.due(&glance, now, self.began) {
                    self.out.say(format!("[{}] {}", span(now - self.began), line(&glance, now)));
                }
            }
            Shape::Bars(bars) => bars.show(&glance, now, self.began),
        }
    }

    /// Takes the bars away.
    pub(crate) fn end(self) {}
}

impl Drop for Progress {
    fn drop(&mut self) {
        if let Shape::Bars(bars) = &self.shape {
            let _ = bars.all.clear();
            *SHOWN.lock().unwrap_or_else(PoisonError::into_inner) = None;
        }
    }
}

impl Lines {
    /// Whether a line is due; then it counts as told.
    fn due(&mut self, glance: &Glance, now: Millis, began: Millis) -> bool {
        let closed = glance.steps.iter().map(|s| s.done + s.failed).sum();
        let stands = Some((glance.spent, closed));
        if now < self.next_at || stands == self.told && now < self.idle_until {
            return false;
        }
        self.next_at = now + ((now - began) / 10).clamp(LINE_MS, LINE_MAX_MS);
        self.idle_until = now + IDLE_MS;
        self.told = stands;
        true
    }
}

impl Bars {
    fn new() -> Bars {
        // Four times a second is as fast as anyone reads.
        let all = MultiProgress::with_draw_target(ProgressDrawTarget::stderr_with_hz(4));
        *SHOWN.lock().unwrap_or_else(PoisonError::into_inner) = Some(all.clone());
        Bars { all, steps: Vec::new(), below: Vec::new() }
    }

    fn show(&mut self, glance: &Glance, now: Millis, began: Millis) {
        self.make(glance);
        for (bar, step) in self.steps.iter().zip(&glance.steps) {
            let closed = step.done + step.failed;
            bar.set_length(step.known.max(1));
            bar.set_position(closed.min(step.known));
            bar.set_message(step.figures());
        }
        let mut lines = glance.lines(now);
        lines.push(glance.time(now, began));
        for (i, bar) in self.below.iter().enumerate() {
            bar.set_message(lines.get(i).cloned().unwrap_or_default());
        }
    }

    fn make(&mut self, glance: &Glance) {
        if !self.steps.is_empty() {
            return;
        }
        let width = glance.steps.iter().map(|s| s.step.chars().count()).max().unwrap_or(0);
        let style = ProgressStyle::with_template(&format!("{{prefix:{width}}} {{bar:24}} {{msg}}"))
            .expect("a template that is known")
            .progress_chars("━━╌");
        for step in &glance.steps {
            let bar = self.all.add(ProgressBar::new(1).with_style(style.clone()));
            bar.set_prefix(name(&step.step));
            self.steps.push(bar);
        }
        let style = ProgressStyle::with_template("{wide_msg}").expect("a template that is known");
        for _ in 0..Glance::LINES_MAX + 1 {
            self.below.push(self.all.add(ProgressBar::new(1).with_style(style.clone())));
        }
    }
}

/// One line that says how far something is, shown again and again: on a terminal in its place,
/// elsewhere a new one each [`LINE_MS`].
pub(crate) struct Remarks {
    out: Output,
    bar: Option<ProgressBar>,
    told: std::time::Instant,
}

impl Remarks {
    /// Begins to show.
    pub(crate) fn new(out: Output) -> Remarks {
        let live = out.live && !out.quiet;
        let target = || ProgressDrawTarget::stderr_with_hz(4);
        let bar = live.then(|| ProgressBar::with_draw_target(None, target()));
        Remarks { out, bar, told: std::time::Instant::now() }
    }

    /// Shows how far it is.
    pub(crate) fn show(&mut self, said: impl Fn() -> String) {
        let due = self.told.elapsed().as_millis() >= LINE_MS.unsigned_abs().into();
        match &self.bar {
            Some(bar) => bar.set_message(said()),
            None if due => {
                self.told = std::time::Instant::now();
                self.out.remark(said());
            }
            None => {}
        }
    }
}

/// All of it in one line.
fn line(glance: &Glance, now: Millis) -> String {
    let mut parts: Vec<String> = glance
        .steps
        .iter()
        .filter(|s| s.known > 0)
        .map(|s| format!("{} {}", name(&s.step), s.figures()))
        .collect();
    parts.push(format!("calls {}", number(glance.spent)));
    parts.extend(glance.waits(now));
    if let Some(eta) = glance.left(now) {
        parts.push(eta);
    }
    parts.join(" · ")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::glance::tests::glance;

    #[test]
    fn lines_come_more_seldom_with_time_and_hardly_ever_while_nothing_happens() {
        let mut lines = Lines { next_at: Millis(LINE_MS), idle_until: Millis(LINE_MS), told: None };
        let mut told = |spent: fn(i64) -> u64, from_s: i64, to_s: i64| {
            let due = |s: &i64| {
                let mut glance = glance();
                glance.spent = spent(*s);
                lines.due(&glance, Millis(s * 1_000), Millis(0))
            };
            (from_s..to_s).filter(due).count()
        };
        assert_eq!(told(|s| s as u64, 0, 60), 11);
        assert!((6..=10).contains(&told(|s| s as u64, 60, 120)));
        assert_eq!(told(|s| s as u64, 3_600, 4_200), 10);
        assert_eq!(told(|_| 4_199, 4_200, 7_800), 6);
    }
}
