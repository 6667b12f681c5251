//! The account: a world, and the little that changes while it is asked.

use std::collections::HashSet;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, RwLock};

use jiff::Timestamp;

use crate::answer::{self, Tokens};
use crate::draw::{Draw, Purpose, hash_text};
use crate::exchange::{Answer, Call};
use crate::faults::{Fault, FaultDraws};
use crate::limits::Limiter;
use crate::operation::{Operation, SCOPES};
use crate::records::SECRET_MARK;
use crate::spec::Spec;
use crate::stats::{Stats, Tally};
use crate::world::{Change, World};

/// What an app needs to ask for a token.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Credentials {
    /// The account's id.
    pub account_id: String,
    /// The app's id.
    pub client_id: String,
    /// The app's secret; it begins with `sim-secret-`.
    pub client_secret: String,
}

/// A simulated Zoom account.
#[derive(Debug)]
pub struct Account {
    spec: Spec,
    credentials: Credentials,
    scopes: Vec<String>,
    world: RwLock<World>,
    requests: AtomicU64,
    pub(crate) tokens: Tokens,
    limiter: Mutex<Limiter>,
    tally: Mutex<Tally>,
    /// Hashes of what happens only once.
    seen: Mutex<HashSet<u64>>,
}

impl Account {
    /// The account of a specification.
    pub fn new(spec: Spec) -> Account {
        let world = World::new(&spec);
        let mut draw = Draw::of(spec.seed, Purpose::Account, [spec.number, 0, 0]);
        let credentials = Credentials {
            account_id: world.ids.other(9, spec.number),
            client_id: draw.word(22),
            client_secret: format!("sim-secret-{SECRET_MARK}-{}", draw.word(32)),
        };
        let scopes = spec.scopes.clone();
        let scopes = scopes.unwrap_or_else(|| SCOPES.map(str::to_owned).to_vec());
        Account {
            credentials,
            scopes,
            world: RwLock::new(world),
            requests: AtomicU64::new(0),
            tokens: Tokens::default(),
            limiter: Mutex::new(Limiter::new(&spec)),
            tally: Mutex::new(Tally::default()),
            seen: Mutex::new(HashSet::new()),
            spec,
        }
    }

    /// What it was made from.
    pub fn spec(&self) -> &Spec {
        &self.spec
    }

    /// What an app needs to ask for a token; derived from the seed.
    pub fn credentials(&self) -> &Credentials {
        &self.credentials
    }

    /// Answers a call that arrives at `now`, as the server would, without sockets.
    ///
    /// `now` is the clock of limits, tokens and page tokens; what the account holds follows
    /// [`Spec::now`] and [`Account::advance_to`].
    pub fn handle(&self, call: &Call, now: Timestamp) -> Answer {
        answer::handle(self, call, now)
    }

    /// Moves the account's present: later meetings are held, late transcripts come.
    pub fn advance_to(&self, now: Timestamp) {
        let mut world = self.world.write().unwrap_or_else(PoisonError::into_inner);
        world.now_s = now.as_second();
    }

    /// Changes what the account holds; `false` where it has nothing of that name.
    pub fn change(&self, change: &Change) -> bool {
        self.world.write().unwrap_or_else(PoisonError::into_inner).change(change)
    }

    /// Where answers say that downloads are: scheme, host and port. The server sets it.
    pub fn serve_at(&self, base: &str) {
        let mut world = self.world.write().unwrap_or_else(PoisonError::into_inner);
        world.base = Arc::from(base);
    }

    /// Remembers no call: of millions, even the hashes are many. What was asked again, and the
    /// least, is then not counted.
    pub fn forget_calls(&self) {
        self.tally().forget();
    }

    /// What was asked so far, and what of it was in vain.
    pub fn stats(&self) -> Stats {
        let heavy_used = self.limiter().heavy_used();
        self.tally().stats(self.tokens.issued(), heavy_used)
    }

    /// The UUID that past meetings, participants and reports refuse for ever under the fault
    /// `html_403`; what they would have said of it is not in the truth.
    pub fn forbidden_uuid(&self) -> Option<String> {
        let world = self.world();
        let (_, instance) = world.instance(world.forbidden()?)?;
        (self.spec.faults.rate(Fault::Html403) > 0.0).then_some(instance.uuid)
    }

    pub(crate) fn world(&self) -> World {
        self.world.read().unwrap_or_else(PoisonError::into_inner).clone()
    }

    pub(crate) fn scopes(&self) -> &[String] {
        &self.scopes
    }

    /// Whether one of the scopes that the operation takes is granted.
    pub(crate) fn grants(&self, operation: Operation) -> bool {
        operation.scopes().iter().any(|wanted| self.scopes.iter().any(|scope| scope == wanted))
    }

    pub(crate) fn draws(&self) -> FaultDraws<'_> {
        let request = self.requests.fetch_add(1, Ordering::SeqCst);
        self.spec.faults.draws(self.spec.seed, request)
    }

    pub(crate) fn limiter(&self) -> MutexGuard<'_, Limiter> {
        self.limiter.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) fn tally(&self) -> MutexGuard<'_, Tally> {
        self.tally.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) fn note_fault(&self, fault: Fault) {
        self.tally().fault(fault);
    }

    /// True the first time something is named.
    pub(crate) fn is_first_time(&self, what: &str) -> bool {
        let mut seen = self.seen.lock().unwrap_or_else(PoisonError::into_inner);
        seen.insert(hash_text(self.spec.seed, what))
    }
}
