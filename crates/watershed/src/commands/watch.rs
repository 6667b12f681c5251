//! `watershed watch`: a run on the whole terminal, drawn anew each second; keys act on it.

use std::collections::VecDeque;
use std::io::IsTerminal as _;
use std::time::Duration;

use anyhow::Result;
use ratatui::DefaultTerminal;
use ratatui::crossterm::event::{self, Event, KeyCode, KeyEvent, KeyEventKind, KeyModifiers};
use tokio::signal::unix::{SignalKind, signal};
use tokio::sync::mpsc;
use tokio::time::{MissedTickBehavior, interval};
use watershed_model::{DeadLetter, Millis, RunId, RunReport, RunRow, Trigger};
use watershed_sink::FailureFilter;

use super::dispatch::Call;
use super::pause::paused;
use super::resume::{lifted, over};
use crate::cli::Watch;
use crate::explain::explain;
use crate::fault::Fault;
use crate::output::number;
use crate::program::program;
use crate::screen::{Shown, draw};
use crate::site::Site;

/// How often it is looked at.
const LOOK: Duration = Duration::from_secs(1);
/// Looks that the rate is taken over.
const LOOKS: usize = 11;

/// Shows it until `q` is pressed.
pub(crate) async fn watch(args: Watch, call: Call) -> Result<u8> {
    let Call { settings, .. } = call;
    if !std::io::stdout().is_terminal() || !std::io::stdin().is_terminal() {
        return Err(Fault::usage("this is no terminal: nothing can be drawn on it")
            .hint(format!("`{} status --follow` tells the same, line by line", program()))
            .into());
    }
    let row = {
        let site = Site::to_read(&settings).await?;
        site.run_row(args.run.as_deref(), |row| row.trigger != Trigger::Event, "yet").await?
    };
    let site = Site::to_command(&settings, Vec::new()).await?;
    let mut seen = Seen::default();
    seen.look(&site, &row.id).await?;
    let mut terminal = ratatui::try_init()?;
    let ended = show(&mut terminal, &site, &row, seen).await;
    ratatui::restore();
    ended.map(|()| 0)
}

/// What was seen of a run.
#[derive(Default)]
struct Seen {
    report: Option<RunReport>,
    letters: Vec<DeadLetter>,
    /// Calls spent, at each of the last looks.
    spent: VecDeque<(Millis, u64)>,
    /// What became of the last key, or why the stores tell nothing.
    said: String,
}

impl Seen {
    async fn look(&mut self, site: &Site, run: &RunId) -> Result<()> {
        let standing = site.engine.standing(run).await?;
        let standing = standing.ok_or_else(|| Fault::failed(format!("run {run} is gone")))?;
        self.spent.push_back((site.now(), standing.report.calls.spent));
        if self.spent.len() > LOOKS {
            self.spent.pop_front();
        }
        self.report = Some(standing.report);
        let filter = FailureFilter { run: Some(run.clone()), ..FailureFilter::default() };
        self.letters = site.sink.failures(filter).await?;
        Ok(())
    }

    fn rate(&self) -> Option<f64> {
        let (&(from, first), &(to, last)) = self.spent.front().zip(self.spent.back())?;
        (to > from).then(|| last.saturating_sub(first) as f64 * 1_000.0 / (to - from) as f64)
    }

    fn shown(&self, now: Millis) -> Option<Shown<'_>> {
        let report = self.report.as_ref()?;
        let (letters, rate, said) = (&self.letters, self.rate(), &self.said);
        Some(Shown { report, letters, rate, said, now })
    }
}

async fn show(
    terminal: &mut DefaultTerminal,
    site: &Site,
    row: &RunRow,
    mut seen: Seen,
) -> Result<()> {
    let mut keys = keys();
    let mut end = signal(SignalKind::terminate())?;
    let mut look = interval(LOOK);
    look.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        if let Some(shown) = seen.shown(site.now()) {
            terminal.draw(|frame| draw(frame, &shown))?;
        }
        tokio::select! {
            _ = end.recv() => return Ok(()),
            _ = look.tick() => {}
            event = keys.recv() => match event {
                None => return Ok(()),
                Some(Event::Key(key)) if key.kind == KeyEventKind::Press => {
                    if quits(key) {
                        return Ok(());
                    }
                    let Some(act) = Act::of(key) else { continue };
                    seen.said = act.done(site, row).await.unwrap_or_else(|error| told(&error));
                }
                // It has another size now.
                Some(_) => continue,
            },
        }
        // Stores that do not answer may do so later.
        if let Err(error) = seen.look(site, &row.id).await {
            seen.said = told(&error);
        }
    }
}

fn quits(key: KeyEvent) -> bool {
    let by_control = key.modifiers.contains(KeyModifiers::CONTROL);
    matches!(key.code, KeyCode::Char('q') | KeyCode::Esc)
        || (by_control && key.code == KeyCode::Char('c'))
}

/// What a key does.
#[derive(Debug, Clone, Copy)]
enum Act {
    Pause,
    Resume,
    Retry,
}

impl Act {
    fn of(key: KeyEvent) -> Option<Act> {
        match key.code {
            KeyCode::Char('p') => Some(Act::Pause),
            KeyCode::Char('r') => Some(Act::Resume),
            KeyCode::Char('t') => Some(Act::Retry),
            _ => None,
        }
    }

    /// Does it, and says what was done.
    async fn done(self, site: &Site, row: &RunRow) -> Result<String> {
        match self {
            Act::Pause => paused(site, row).await.map(|()| "paused".to_owned()),
            Act::Resume if over(site, row).await? => Ok("it has ended".to_owned()),
            Act::Resume => {
                lifted(site, row).await.map(|()| "it goes on once a worker takes it up".to_owned())
            }
            Act::Retry => {
                let count = site.engine.retry(&row.id, FailureFilter::default()).await?;
                Ok(format!("{} put back", number(count)))
            }
        }
    }
}

fn told(error: &anyhow::Error) -> String {
    explain(error).to_string()
}

/// What is pressed, and that the size has changed. They are waited for on a thread of their own,
/// which ends with the process.
fn keys() -> mpsc::UnboundedReceiver<Event> {
    let (tell, keys) = mpsc::unbounded_channel();
    std::thread::spawn(move || {
        while let Ok(event) = event::read() {
            if tell.send(event).is_err() {
                return;
            }
        }
    });
    keys
}
