//! A process of a history: everything outside it is reached through a gate, where it can die,
//! stand still, lose an answer or have its clock set.

use std::collections::{BTreeMap, BTreeSet};
use std::future::{Future, pending};
use std::pin::Pin;
use std::sync::atomic::{AtomicBool, AtomicI64, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::sync::Notify;
use watershed_engine::{Answering, Call, Clock, StopHandle, Transport, TransportError};
use watershed_ledger::Fence;
use watershed_model::{CoverageState, Millis, hash64};
use watershed_rehearsal::{Network, VirtualClock};
use watershed_sink::Batch;

use crate::history::{Fault, History};

/// Operations of the steps that the join waits for, and of those beneath them.
const JOINED: [&str; 3] = ["zoom.list_past_instances", "zoom.get_meeting", "zoom.get_invitation"];

/// What all processes share: the history, and what came of it.
pub(crate) struct Stage {
    pub(crate) clock: VirtualClock,
    history: History,
    /// Whether each act is told on stderr.
    aloud: bool,
    passed: Mutex<Passed>,
    /// Wakes the one who does what no process can: a ledger that goes back or is wiped.
    pub(crate) asked: Mutex<Vec<Fault>>,
    pub(crate) repeats_allowed: AtomicU64,
    /// Calls whose process stood still between the last look at their permit and their start.
    pub(crate) late: AtomicU64,
    /// Since when a limit may have been broken: a ledger that forgets what it handed out.
    pub(crate) forgot: AtomicBool,
    /// Calls that were settled, and when.
    pub(crate) settled: Mutex<Vec<(Millis, u64)>>,
    /// The newest version of each row that was written, by dataset and key.
    pub(crate) newest: Mutex<BTreeMap<(&'static str, String), Millis>>,
    /// When what a join waits for first had an end, by operation and subject.
    pub(crate) ended: Mutex<BTreeMap<(&'static str, String), Millis>>,
    /// When the join of a person first made its call.
    pub(crate) joined: Mutex<BTreeMap<String, Millis>>,
}

/// Points at files and at the rows of runs are counted apart from here on: histories that failed
/// before there were any are to go on meaning the same.
pub(crate) const BESIDE: u64 = 1 << 32;

/// Points passed so far.
#[derive(Debug, Default, Clone)]
pub(crate) struct Passed {
    pub(crate) points: u64,
    /// Those beside them, counted from [`BESIDE`] on.
    pub(crate) beside: u64,
    /// Of every act and its time, in order.
    pub(crate) hash: u64,
    /// How often each place was passed, and first at which point.
    pub(crate) places: BTreeMap<&'static str, (u64, u64)>,
    /// Faults that happened.
    pub(crate) happened: Vec<(u64, &'static str, Fault)>,
}

impl Passed {
    /// All points.
    pub(crate) fn all(&self) -> impl Iterator<Item = u64> + use<> {
        (0..self.points).chain(BESIDE..BESIDE + self.beside)
    }
}

impl Stage {
    pub(crate) fn new(clock: VirtualClock, history: History, aloud: bool) -> Stage {
        Stage {
            clock,
            history,
            aloud,
            passed: Mutex::default(),
            asked: Mutex::default(),
            repeats_allowed: AtomicU64::new(0),
            late: AtomicU64::new(0),
            forgot: AtomicBool::new(false),
            settled: Mutex::default(),
            newest: Mutex::default(),
            ended: Mutex::default(),
            joined: Mutex::default(),
        }
    }

    /// Rows that are in the sink, at least in this version, and what has its end.
    pub(crate) fn acknowledge(&self, batch: &Batch) {
        let mut newest = self.newest.lock().unwrap_or_else(PoisonError::into_inner);
        let mut ended = self.ended.lock().unwrap_or_else(PoisonError::into_inner);
        let now = self.clock.now();
        for write in &batch.writes {
            for row in &write.rows {
                let newest = newest.entry((row.dataset.name, row.key.clone())).or_default();
                *newest = (*newest).max(write.fetched_at);
            }
            let past = write.coverage.iter().filter(|c| c.state != CoverageState::Partial);
            for coverage in past {
                let operation = JOINED.iter().find(|name| **name == coverage.operation.as_str());
                if let Some(operation) = operation {
                    ended.entry((*operation, coverage.subject.0.clone())).or_insert(now);
                }
            }
        }
    }

    /// A call was sent: it may be that of a join.
    fn sent(&self, path: &str) {
        let person = path.strip_prefix("/v2/users/").and_then(|p| p.strip_suffix("/settings"));
        if let Some(person) = person {
            let mut joined = self.joined.lock().unwrap_or_else(PoisonError::into_inner);
            joined.entry(person.to_owned()).or_insert(self.clock.now());
        }
    }

    pub(crate) fn passed(&self) -> MutexGuard<'_, Passed> {
        self.passed.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The fault at the point that is passed now.
    fn point(
        &self,
        process: u64,
        (place, is_beside): (&'static str, bool),
        detail: &str,
    ) -> Option<Fault> {
        let now = self.clock.now();
        let mut passed = self.passed();
        let point = if is_beside { BESIDE + passed.beside } else { passed.points };
        *(if is_beside { &mut passed.beside } else { &mut passed.points }) += 1;
        let words = [passed.hash, now.0 as u64, process].map(u64::to_le_bytes);
        let [before, at, by] = &words;
        passed.hash = hash64(&[before, at, by, place.as_bytes(), detail.as_bytes()]);
        passed.places.entry(place).or_insert((0, point)).0 += 1;
        let fault = self.history.faults.get(&point).copied();
        passed.happened.extend(fault.map(|fault| (point, place, fault)));
        if self.aloud {
            let told = fault.map(|fault| format!(" {fault:?}")).unwrap_or_default();
            eprintln!("{point} {} process {process} {place} {detail}{told}", now.timestamp());
        }
        fault
    }

    pub(crate) fn allow(&self, repeats: u64) {
        self.repeats_allowed.fetch_add(repeats, Ordering::SeqCst);
    }
}

/// Where a call's permit was looked at for the last time.
const BEFORE_A_CALL: &str = "before a call";

/// The number of one to whom nothing happens, and whose acts are no points.
pub(crate) const OPERATOR: u64 = u64::MAX;

/// How a point was passed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Way {
    On,
    Lost,
    Twice,
}

/// A process, from its start to its end.
pub(crate) struct Process {
    pub(crate) stage: Arc<Stage>,
    pub(crate) number: u64,
    pub(crate) stop: StopHandle,
    pub(crate) died: Notify,
    dead: AtomicBool,
    asked_to_stop: AtomicBool,
    paused_until: AtomicI64,
    offset_ms: AtomicI64,
    /// Calls sent, and of these settled.
    sent: AtomicU64,
    pub(crate) settled: AtomicU64,
    /// Files that are under way: their recordings, read once for all their files, are read again
    /// where one is left.
    pub(crate) files: Mutex<BTreeSet<Fence>>,
}

impl Process {
    pub(crate) fn new(stage: Arc<Stage>, number: u64, stop: StopHandle) -> Arc<Process> {
        Arc::new(Process {
            stage,
            number,
            stop,
            died: Notify::new(),
            dead: AtomicBool::new(false),
            asked_to_stop: AtomicBool::new(false),
            paused_until: AtomicI64::new(0),
            offset_ms: AtomicI64::new(0),
            sent: AtomicU64::new(0),
            settled: AtomicU64::new(0),
            files: Mutex::default(),
        })
    }

    /// Passes a point: stands still there, dies there, or goes on.
    pub(crate) async fn pass(&self, place: &'static str, detail: &str) -> Way {
        self.pass_one((place, false), detail).await
    }

    /// Passes a point that is counted apart.
    pub(crate) async fn pass_beside(&self, place: &'static str) -> Way {
        self.pass_one((place, true), "").await
    }

    /// Passes a point, counted apart or not.
    pub(crate) async fn pass_one(
        &self,
        (place, is_beside): (&'static str, bool),
        detail: &str,
    ) -> Way {
        if self.number == OPERATOR {
            return Way::On;
        }
        if self.stand().await && place == BEFORE_A_CALL {
            // Its lease may be another's by now.
            self.stage.allow(1);
            self.stage.late.fetch_add(1, Ordering::SeqCst);
        }
        match self.stage.point(self.number, (place, is_beside), detail) {
            Some(Fault::Crash) => {
                self.stage.allow(self.unsettled());
                self.dead.store(true, Ordering::SeqCst);
                self.died.notify_one();
                pending().await
            }
            Some(Fault::Pause(ms)) => {
                self.stage.allow(self.unsettled());
                self.stage.late.fetch_add(u64::from(place == BEFORE_A_CALL), Ordering::SeqCst);
                let until = self.stage.clock.now() + ms;
                self.paused_until.store(until.0, Ordering::SeqCst);
                self.stand().await;
                Way::On
            }
            Some(Fault::Step(ms)) => {
                // Leases are kept by this clock: set back, it keeps them too late.
                self.stage.allow(self.unsettled());
                self.offset_ms.fetch_add(ms, Ordering::SeqCst);
                Way::On
            }
            Some(Fault::Stop) => {
                // Who is asked once more stops at once.
                if self.asked_to_stop.swap(true, Ordering::SeqCst) {
                    self.stage.allow(self.unsettled());
                }
                self.stop.ask();
                Way::On
            }
            Some(Fault::Lost) => Way::Lost,
            Some(Fault::Twice) => Way::Twice,
            Some(fault @ (Fault::Back(_) | Fault::Wiped)) => {
                self.stage.asked.lock().unwrap_or_else(PoisonError::into_inner).push(fault);
                Way::On
            }
            None => Way::On,
        }
    }

    /// Waits while the process stands still, a dead one for ever; whether it had to wait.
    async fn stand(&self) -> bool {
        let mut stood = false;
        loop {
            if self.dead.load(Ordering::SeqCst) {
                pending::<()>().await;
            }
            let until = Millis(self.paused_until.load(Ordering::SeqCst));
            if self.stage.clock.now() >= until {
                return stood;
            }
            stood = true;
            self.stage.clock.sleep_until(until).await;
        }
    }

    /// Calls that are made again where this process is gone: those that it has sent and not
    /// settled, and one for each file under way.
    pub(crate) fn unsettled(&self) -> u64 {
        let settled = self.settled.load(Ordering::SeqCst);
        let files = self.files.lock().unwrap_or_else(PoisonError::into_inner).len();
        self.sent.load(Ordering::SeqCst).saturating_sub(settled) + files as u64
    }
}

/// The process's clock.
pub(crate) struct OwnClock(pub(crate) Arc<Process>);

impl Clock for OwnClock {
    fn now(&self) -> Millis {
        self.0.stage.clock.now() + self.0.offset_ms.load(Ordering::SeqCst)
    }

    fn steady(&self) -> Millis {
        self.0.stage.clock.now()
    }

    fn sleep_until(&self, at: Millis) -> Pin<Box<dyn Future<Output = ()> + Send>> {
        // A clock that is set does not change how long a sleep takes that has begun.
        let ms = at - self.now();
        let (process, until) = (self.0.clone(), self.0.stage.clock.now() + ms.max(0));
        Box::pin(async move {
            if ms > 0 {
                process.stage.clock.sleep_until(until).await;
                process.pass("after a sleep", "").await;
            }
        })
    }

    fn random(&self) -> u64 {
        self.0.stage.clock.random()
    }
}

/// The process's network.
pub(crate) struct OwnNetwork {
    pub(crate) process: Arc<Process>,
    pub(crate) network: Network,
}

impl Transport for OwnNetwork {
    fn send(&self, call: Call) -> Answering<'_> {
        Box::pin(async move {
            let (detail, counted) = match &call {
                Call::Get { url, .. } => (url.to_string(), url.path().starts_with("/v2/")),
                Call::Token { .. } => ("token".to_owned(), false),
            };
            let broken = || TransportError::Timeout { host: "zoom.simulated".to_owned() };
            // One that is lost on its way is settled like any other, and one that stands still
            // here is sent all the same.
            self.process.sent.fetch_add(u64::from(counted), Ordering::SeqCst);
            if self.process.pass(BEFORE_A_CALL, &detail).await == Way::Lost {
                // For a file that does not come its recording is read again.
                self.process.stage.allow(u64::from(!counted));
                return Err(broken());
            }
            if let Call::Get { url, .. } = &call {
                self.process.stage.sent(url.path());
            }
            let answered = self.network.send(call).await;
            if self.process.pass("after a call", &detail).await == Way::Lost {
                self.process.stage.allow(1);
                return Err(broken());
            }
            answered
        })
    }
}
