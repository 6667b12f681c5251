//! How far each task of a process was when it ended: read from the trace that it wrote.

use std::collections::BTreeMap;
use std::fmt;
use std::fs::File;
use std::io::Read;
use std::path::Path;

use anyhow::{Context, Result, bail, ensure};
use serde_json::Value;

/// The environment in which the program writes the trace of its tasks, one JSON object a line.
pub const TRACED: [(&str, &str); 2] =
    [("RUST_LOG", "warn,watershed::phase=trace"), ("WATERSHED_LOG__FORMAT", "json")];
/// The events of one life that are counted for a moment at most: some hundred tasks a second.
const READ_MAX: usize = 64 * 1024;

/// How far a task in flight is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Phase {
    /// Leased, nothing sent yet.
    Leased,
    /// A call of it is on its way.
    Sent,
    /// Its last answer was read.
    Answered,
    /// Its rows are in the sink.
    Written,
    /// The ledger is told what became of it.
    Settling,
}

impl Phase {
    /// All of them, in their order.
    pub const ALL: [Phase; 5] =
        [Phase::Leased, Phase::Sent, Phase::Answered, Phase::Written, Phase::Settling];

    /// As the trace calls it.
    pub fn name(self) -> &'static str {
        match self {
            Phase::Leased => "leased",
            Phase::Sent => "sent",
            Phase::Answered => "answered",
            Phase::Written => "written",
            Phase::Settling => "settling",
        }
    }

    /// Whether a task that is so far may come to `next`.
    fn leads_to(self, next: Phase) -> bool {
        match next {
            Phase::Leased => false,
            // A file takes several calls.
            Phase::Sent => self <= Phase::Answered,
            Phase::Answered => self == Phase::Sent,
            Phase::Written | Phase::Settling => self < next,
        }
    }
}

/// Tasks in flight, by how far they are.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct InFlight {
    counts: BTreeMap<Phase, u64>,
    /// Tasks that were settled before.
    pub settled: u64,
}

impl InFlight {
    /// Reads a trace to its end. A last line that was cut off counts for nothing.
    ///
    /// # Errors
    /// Where a line is not what the trace is made of, or a task comes to a phase that cannot
    /// follow on the one before: rows written after the settle was said, for one.
    pub fn read(trace: &str) -> Result<InFlight> {
        let whole = trace.rfind('\n').map_or("", |end| &trace[..end]);
        let mut open: BTreeMap<(u64, u64), Phase> = BTreeMap::new();
        let mut settled = 0;
        // What is no event is a word to the operator.
        for line in whole.lines().filter(|line| line.starts_with('{')) {
            let event: Value = serde_json::from_str(line).with_context(|| line.to_owned())?;
            // Calls of no task are told without a span.
            let (Some(name), Some(task)) = (event["phase"].as_str(), event.get("span")) else {
                continue;
            };
            let task = task["lease"].as_u64().zip(task["index"].as_u64());
            let task = task.with_context(|| format!("an event names its task: {line}"))?;
            let before = open.get(&task).copied();
            match Phase::ALL.into_iter().find(|phase| phase.name() == name) {
                Some(next) => {
                    let follows = before.map_or(next == Phase::Leased, |b| b.leads_to(next));
                    ensure!(follows, "{next:?} after {before:?}: {line}");
                    open.insert(task, next);
                }
                None if ["settled", "refused"].contains(&name) => {
                    ensure!(before == Some(Phase::Settling), "{name} after {before:?}: {line}");
                    open.remove(&task);
                    settled += 1;
                }
                None => bail!("no phase that is known: {line}"),
            }
        }
        let mut counts = BTreeMap::new();
        open.into_values().for_each(|phase| *counts.entry(phase).or_default() += 1);
        Ok(InFlight { counts, settled })
    }

    /// Tasks that are so far.
    pub fn of(&self, phase: Phase) -> u64 {
        self.counts.get(&phase).copied().unwrap_or(0)
    }

    /// All tasks in flight.
    pub fn all(&self) -> u64 {
        self.counts.values().sum()
    }
}

impl fmt::Display for InFlight {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let told = Phase::ALL.map(|phase| format!("{} {}", phase.name(), self.of(phase)));
        f.write_str(&told.join(", "))
    }
}

/// Counts the events of one phase while a trace is being written.
pub(crate) struct Watch {
    trace: File,
    needle: String,
    /// The beginning of a line that is not whole yet.
    rest: String,
    seen: u32,
}

impl Watch {
    /// From the beginning of that trace.
    pub(crate) fn new(trace: &Path, phase: Phase) -> Result<Watch> {
        let needle = format!("\"phase\":\"{}\"", phase.name());
        Ok(Watch { trace: File::open(trace)?, needle, rest: String::new(), seen: 0 })
    }

    /// Events of the phase so far.
    pub(crate) fn seen(&mut self) -> Result<u32> {
        let mut bytes = [0; READ_MAX];
        loop {
            let read = self.trace.read(&mut bytes)?;
            self.rest.push_str(&String::from_utf8_lossy(&bytes[..read]));
            if read < READ_MAX {
                break;
            }
        }
        let whole = self.rest.rfind('\n').map_or(0, |end| end + 1);
        let events = self.rest[..whole].lines().filter(|line| line.contains(&self.needle)).count();
        self.rest.drain(..whole);
        self.seen += u32::try_from(events)?;
        Ok(self.seen)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn trace(events: &[(u64, &str)]) -> String {
        let line = |(lease, phase): &(u64, &str)| {
            format!("{{\"phase\":\"{phase}\",\"span\":{{\"index\":0,\"lease\":{lease}}}}}\n")
        };
        events.iter().map(line).collect()
    }

    #[test]
    fn a_task_is_as_far_as_its_last_event_says() {
        let mut said = trace(&[(1, "leased"), (2, "leased"), (3, "leased"), (1, "sent")]);
        said.push_str("submitted run campaign\n{\"phase\":\"sent\"}\n");
        said.push_str(&trace(&[(1, "answered"), (2, "sent"), (1, "written"), (1, "settling")]));
        let in_flight = InFlight::read(&said).unwrap();
        assert_eq!(in_flight.to_string(), "leased 1, sent 1, answered 0, written 0, settling 1");
        said.push_str(&trace(&[(1, "settled"), (2, "settling"), (2, "refused")]));
        let in_flight = InFlight::read(&said).unwrap();
        assert_eq!((in_flight.all(), in_flight.of(Phase::Leased), in_flight.settled), (1, 1, 2));
    }

    #[test]
    fn a_line_that_a_kill_cut_off_counts_for_nothing() {
        let said = trace(&[(1, "leased"), (1, "sent")]);
        let cut = &said[..said.len() - 5];
        assert_eq!(InFlight::read(cut).unwrap().of(Phase::Leased), 1);
    }

    #[test]
    fn phases_in_another_order_are_an_error() {
        for events in [
            &[(1, "sent")][..],
            &[(1, "leased"), (1, "leased")],
            &[(1, "leased"), (1, "answered")],
            &[(1, "leased"), (1, "settling"), (1, "written")],
            &[(1, "leased"), (1, "settled")],
            &[(1, "leased"), (1, "lost")],
        ] {
            assert!(InFlight::read(&trace(events)).is_err(), "{events:?}");
        }
    }
}
