//! The ledger on Redis: each command one script of the account that it is about.

use std::collections::BTreeMap;
use std::pin::Pin;
use std::sync::{Mutex, MutexGuard, PoisonError};

use redis::{FromRedisValue, Script};
use watershed_ledger::{
    Command, Error, Exchange, Exchanged, LeaseId, Ledger, Pending, ReadClock, Recount, Reply,
    RunLine, RunView, Settle, Settled, Walked, WorkerView, show,
};
use watershed_model::{AccountId, ConnectionName, Millis, RunId, WorkerId};

use crate::answer::{Answer, Head};
use crate::command::{self, Place};
use crate::fault::fault;
use crate::forget;
use crate::guard::Guard;
use crate::health::{self, Health};
use crate::hints::Hints;
use crate::keys::Keys;
use crate::known::Known;
use crate::link::Link;
use crate::read::Maybe;
use crate::said::Said;
use crate::scripts::{REGISTER, SCRIPTS, Verb};
use crate::seen::Look;
use crate::walk;

/// Ids of an account begin at its number times this.
const IDS_OF_ACCOUNT: u64 = 1 << 40;

/// A ledger on Redis. Any number of processes use it at once.
pub struct RedisLedger {
    link: Link,
    keys: Keys,
    /// Redis tells the time, but where a test does.
    clock: Option<ReadClock>,
    known: Mutex<Known>,
    guard: Guard,
    hints: Hints,
    /// Who gives hints here.
    who: String,
}

impl RedisLedger {
    /// A ledger whose keys begin with `prefix`, over that link.
    pub fn new(link: Link, prefix: &str) -> RedisLedger {
        RedisLedger {
            link,
            keys: Keys::new(prefix),
            clock: None,
            known: Mutex::default(),
            guard: Guard::default(),
            hints: Hints::default(),
            who: uuid::Uuid::now_v7().simple().to_string(),
        }
    }

    /// The same with a clock that is not Redis's own.
    #[must_use]
    pub fn with_clock(self, clock: ReadClock) -> RedisLedger {
        RedisLedger { clock: Some(clock), ..self }
    }

    /// How that Redis is set up. `now` reads this process's clock.
    ///
    /// # Errors
    /// Where it does not answer, or refuses.
    pub async fn health(&self, now: impl Fn() -> Millis) -> Result<Health, Error> {
        health::health(&self.link, self.keys.prefix(), now).await
    }

    /// Refuses a Redis that no ledger may be kept in.
    ///
    /// # Errors
    /// [`Error::Unfit`], with what to do; where it does not answer, or refuses.
    pub async fn fit(&self) -> Result<(), Error> {
        health::basics(&self.link).await?.fit()
    }

    /// Compares, for every account, what is counted with what is there. Changes nothing.
    ///
    /// # Errors
    /// Where it does not answer, or refuses.
    pub async fn walk(&self) -> Result<BTreeMap<AccountId, Walked>, Error> {
        let mut found = BTreeMap::new();
        for account in self.accounts().await?.into_values() {
            let [records, orders, ..] = self.keys.of(&account);
            let mut connection = self.link.connection().await?;
            let walked = walk::walk(&mut connection, &records, &orders).await;
            found.insert(account, walked.map_err(|error| fault(self.link.place(), &error))?);
        }
        Ok(found)
    }

    /// Forgets all that is known of an account, as if Redis had lost it, and lets Redis write its
    /// files anew. `false`: what was forgotten may still lie in them, or in those of a cluster's
    /// nodes.
    ///
    /// # Errors
    /// Where it does not answer, or refuses.
    pub async fn forget(&self, account: &AccountId) -> Result<bool, Error> {
        let mut connection = self.link.connection().await?;
        let [records, orders, once, _] = self.keys.of(account);
        let mut unlink = redis::cmd("UNLINK");
        unlink.arg(&[records, orders, once]);
        let failed = |error| fault(self.link.place(), &error);
        unlink.query_async::<u64>(&mut connection).await.map_err(failed)?;
        match self.link.is_cluster() {
            true => Ok(false),
            false => forget::written_anew(&mut connection).await.map_err(failed),
        }
    }

    fn known(&self) -> MutexGuard<'_, Known> {
        self.known.lock().unwrap_or_else(PoisonError::into_inner)
    }

    async fn invoke<T: FromRedisValue>(
        &self,
        script: &Script,
        keys: &[String],
        args: &[Vec<u8>],
    ) -> Result<T, Error> {
        let mut connection = self.link.connection().await?;
        let mut invocation = script.prepare_invoke();
        for key in keys {
            invocation.key(key);
        }
        for arg in args {
            invocation.arg(arg.as_slice());
        }
        let done = invocation.invoke_async(&mut connection).await;
        done.map_err(|error| fault(self.link.place(), &error))
    }

    /// Runs a script; where Redis has no memory left, as far as it goes on without.
    async fn went_on(
        &self,
        verb: &Verb,
        keys: &[String],
        args: &[Vec<u8>],
    ) -> Result<Vec<u8>, Error> {
        match (self.invoke(&verb.plain, keys, args).await, &verb.tight) {
            (Err(full @ Error::Full { .. }), Some(tight)) => {
                self.guard.tell_full(self.link.place());
                // A Redis that cannot do it does not know what the script begins with.
                self.invoke(tight, keys, args).await.map_err(|_| full)
            }
            (done, _) => done,
        }
    }

    /// Runs a script of an account; what it answers, after its head. `None`: there are no records.
    async fn act(
        &self,
        account: &AccountId,
        verb: &Verb,
        said: Said<'_>,
    ) -> Result<Option<(Head, Vec<u8>)>, Error> {
        let last = self.known().last.get(account).cloned().unwrap_or_default();
        let now = self.clock.as_ref().map_or_else(String::new, |clock| clock().0.to_string());
        let fresh = format!("{:032x}", uuid::Uuid::now_v7().as_u128());
        let known = Said::Map(vec![
            ("epoch", Said::text(&last.epoch)),
            ("acts", Said::count(last.acts)),
            ("fresh", Said::text(&fresh)),
            ("who", Said::text(&self.who)),
        ]);
        let args = [now.into_bytes(), known.packed(), said.packed()];
        let answer = self.went_on(verb, &self.keys.of(account), &args).await?;
        let head: Head = rmp_serde::from_slice(&answer).map_err(|error| unread(&error))?;
        if head.is_gone() {
            self.known().forget_places();
            return Ok(None);
        }
        if !head.ok {
            return Err(head.error());
        }
        if head.lost {
            self.known().forget_places();
            // It may be another server now.
            self.guard.look_soon();
            tracing::warn!(
                account = account.as_str(),
                "the ledger has lost its last acts: what was in flight is leased again"
            );
        }
        if !head.epoch.is_empty() {
            self.known().last.entry(account.clone()).or_default().learn(&head);
        }
        Ok(Some((head, answer)))
    }

    /// Gives an account its number, and remembers where a lane and a run are found.
    async fn register(
        &self,
        account: &AccountId,
        lane: Option<&ConnectionName>,
        run: Option<&RunId>,
    ) -> Result<u64, Error> {
        let word = |word: Option<&str>| word.unwrap_or_default().as_bytes().to_vec();
        let args = [
            account.as_str().as_bytes().to_vec(),
            word(lane.map(ConnectionName::as_str)),
            word(run.map(RunId::as_str)),
        ];
        let number: u64 = self.invoke(&REGISTER, &self.keys.registry(), &args).await?;
        let mut known = self.known();
        known.numbers.insert(number, account.clone());
        if let Some(lane) = lane {
            known.lanes.insert(lane.clone(), account.clone());
        }
        Ok(number)
    }

    async fn lookup(&self, at: usize, name: &str) -> Result<Option<AccountId>, Error> {
        let mut connection = self.link.connection().await?;
        let mut get = redis::cmd("HGET");
        get.arg(&self.keys.registry()[at]).arg(name);
        let found: Option<String> = get
            .query_async(&mut connection)
            .await
            .map_err(|error| fault(self.link.place(), &error))?;
        Ok(found.map(AccountId::from))
    }

    async fn accounts(&self) -> Result<BTreeMap<u64, AccountId>, Error> {
        let mut connection = self.link.connection().await?;
        let mut all = redis::cmd("HGETALL");
        all.arg(&self.keys.registry()[0]);
        let found: BTreeMap<String, u64> = all
            .query_async(&mut connection)
            .await
            .map_err(|error| fault(self.link.place(), &error))?;
        let numbers: BTreeMap<u64, AccountId> =
            found.into_iter().map(|(name, number)| (number, AccountId::from(name))).collect();
        self.known().numbers.clone_from(&numbers);
        Ok(numbers)
    }

    async fn of_lane(&self, lane: &ConnectionName) -> Result<Option<AccountId>, Error> {
        if let Some(account) = self.known().lanes.get(lane) {
            return Ok(Some(account.clone()));
        }
        let found = self.lookup(1, lane.as_str()).await?;
        if let Some(account) = &found {
            self.known().lanes.insert(lane.clone(), account.clone());
        }
        Ok(found)
    }

    async fn of_run(&self, run: &RunId) -> Result<Option<AccountId>, Error> {
        if let Some(account) = self.known().runs.get(run) {
            return Ok(Some(account.clone()));
        }
        let found = self.lookup(2, run.as_str()).await?;
        if let Some(account) = &found {
            self.known().runs.insert(run.clone(), account.clone());
        }
        Ok(found)
    }

    /// The account that gave a lease.
    async fn of_lease(&self, lease: LeaseId) -> Result<Option<AccountId>, Error> {
        let number = lease.0 / IDS_OF_ACCOUNT;
        if let Some(account) = self.known().numbers.get(&number) {
            return Ok(Some(account.clone()));
        }
        Ok(self.accounts().await?.remove(&number))
    }

    async fn exchange(&self, exchange: &Exchange) -> Result<Exchanged, Error> {
        let mut parts: BTreeMap<AccountId, Part<'_>> = BTreeMap::new();
        for lane in &exchange.want.lanes {
            if let Some(account) = self.of_lane(lane).await? {
                parts.entry(account).or_default().lanes.push(lane.as_str());
            }
        }
        for (at, settle) in exchange.settles.iter().enumerate() {
            if let Some(account) = self.of_lease(settle.fence.lease).await? {
                parts.entry(account).or_default().settles.push((at, settle));
            }
        }
        let mut whole = Exchanged {
            settled: vec![Settled::Stale; exchange.settles.len()],
            ..Exchanged::default()
        };
        let stops = self.guard.stops(&self.link).await?;
        let mut left = if stops { 0 } else { exchange.want.tasks };
        for (account, part) in &parts {
            let who = (account.clone(), exchange.worker.clone());
            let answered = self.known().answered.get(&who).copied();
            let mut here = Exchanged::default();
            let pieces = pieces(&part.settles);
            let mut from = 0;
            for (at, piece) in pieces.iter().enumerate() {
                let place = Place { part: at, from, last: at + 1 == pieces.len() };
                let settles: Vec<&Settle> = piece.iter().map(|(_, settle)| *settle).collect();
                let mut said = command::exchange(exchange, &settles, place, &part.lanes, left);
                said.push(("answered", Said::maybe(answered, Said::count)));
                said.push(("base", Said::Int(0)));
                let Some((head, answer)) =
                    self.act(account, &SCRIPTS.exchange, Said::Map(said)).await?
                else {
                    break;
                };
                let answer: Answer = rmp_serde::from_slice(&answer).map_err(|e| unread(&e))?;
                let exchanged =
                    Exchanged { days: head.days(account), ..answer.exchanged(head.now)? };
                if let Some(asked_at) = head.recount {
                    let (account, asked_at) = (account.clone(), Millis(asked_at));
                    whole.recount.push(Recount { account, asked_at });
                }
                for ((at, _), settled) in piece.iter().zip(&exchanged.settled) {
                    whole.settled[*at] = *settled;
                }
                from += piece.len();
                here = exchanged;
                if place.last {
                    let mut known = self.known();
                    let answered = known.answered.entry(who.clone()).or_default();
                    *answered = exchange.sequence.max(*answered);
                }
            }
            left = left.saturating_sub(u16::try_from(here.leased.len()).unwrap_or(u16::MAX));
            whole.leased.extend(here.leased);
            whole.ended.extend(here.ended);
            whole.days.extend(here.days);
            whole.ask_again_at = whole.ask_again_at.into_iter().chain(here.ask_again_at).min();
            whole.now = whole.now.max(here.now);
        }
        if whole.now == Millis::default() {
            whole.now = self.time().await?;
        }
        Ok(whole)
    }

    async fn time(&self) -> Result<Millis, Error> {
        if let Some(clock) = &self.clock {
            return Ok(clock());
        }
        let mut connection = self.link.connection().await?;
        let (seconds, micros): (i64, i64) = redis::cmd("TIME")
            .query_async(&mut connection)
            .await
            .map_err(|error| fault(self.link.place(), &error))?;
        Ok(Millis(seconds * 1_000 + micros / 1_000))
    }

    async fn carry_out(&self, command: &Command) -> Result<Reply, Error> {
        match command {
            Command::Submit(submit) => {
                let account = &submit.account;
                let plan = serde_json::to_vec(&submit.plan).map_err(|e| unread(&e))?;
                let inputs = serde_json::to_vec(&submit.inputs).map_err(|e| unread(&e))?;
                let number =
                    self.register(account, Some(&submit.connection), Some(&submit.run)).await?;
                let mut said = command::submit(submit, plan, inputs);
                said.push(("base", Said::count(number * IDS_OF_ACCOUNT)));
                let done = self.act(account, &SCRIPTS.submit, Said::Map(said)).await?;
                Ok(Reply::Submitted { already: field(done, "already")?.unwrap_or(false) })
            }
            Command::Exchange(exchange) => self.exchange(exchange).await.map(Reply::Exchanged),
            Command::Extend { worker, leases, lease_ms } => {
                let mut by_account: BTreeMap<AccountId, Vec<LeaseId>> = BTreeMap::new();
                let mut lost = Vec::new();
                for lease in leases {
                    match self.of_lease(*lease).await? {
                        Some(account) => by_account.entry(account).or_default().push(*lease),
                        None => lost.push(*lease),
                    }
                }
                for (account, leases) in by_account {
                    let said = Said::Map(vec![
                        ("worker", Said::text(worker.as_str())),
                        ("leases", Said::list(&leases, |lease| Said::count(lease.0))),
                        ("lease_ms", Said::Int(*lease_ms)),
                        ("base", Said::Int(0)),
                    ]);
                    let all: Vec<u64> = leases.iter().map(|lease| lease.0).collect();
                    let done = self.act(&account, &SCRIPTS.extend, said).await?;
                    let gone: Vec<u64> = field(done, "leases")?.unwrap_or(all);
                    lost.extend(gone.into_iter().map(LeaseId));
                }
                Ok(Reply::Extended { lost })
            }
            Command::Takeover { worker } => {
                let mut tasks = 0;
                for (number, account) in self.accounts().await? {
                    let said = Said::Map(vec![
                        ("worker", Said::text(worker.as_str())),
                        ("base", Said::count(number * IDS_OF_ACCOUNT)),
                    ]);
                    let done = self.act(&account, &SCRIPTS.takeover, said).await?;
                    tasks += field::<u64>(done, "tasks")?.unwrap_or(0);
                }
                Ok(Reply::TakenOver { tasks })
            }
            Command::Pause(run) => self.turn(run, "pause").await,
            Command::Resume(run) => self.turn(run, "resume").await,
            Command::Cancel(run) => self.turn(run, "cancel").await,
            Command::Retry { run, letters } => {
                let Some(account) = self.of_run(run).await? else {
                    return Err(Error::NoRun(run.clone()));
                };
                let said = Said::Map(vec![
                    ("run", Said::text(run.as_str())),
                    ("letters", Said::list(letters, command::letter)),
                    ("base", Said::Int(0)),
                ]);
                let done = self.act(&account, &SCRIPTS.retry, said).await?;
                match field(done, "letters")? {
                    Some(letters) => Ok(Reply::PutBack { letters }),
                    None => Err(Error::NoRun(run.clone())),
                }
            }
            Command::SetLimits { account, limits, days, recount } => {
                let number = self.register(account, None, None).await?;
                let said = Said::Map(vec![
                    ("limits", command::limits(limits)),
                    ("days", command::days(days)),
                    ("recount", Said::maybe(*recount, |asked_at| Said::Int(asked_at.0))),
                    ("base", Said::count(number * IDS_OF_ACCOUNT)),
                ]);
                self.act(account, &SCRIPTS.limits, said).await?;
                Ok(Reply::Done)
            }
        }
    }

    async fn turn(&self, run: &RunId, turn: &'static str) -> Result<Reply, Error> {
        let Some(account) = self.of_run(run).await? else {
            return Err(Error::NoRun(run.clone()));
        };
        let said = Said::Map(vec![
            ("run", Said::text(run.as_str())),
            ("turn", Said::text(turn)),
            ("base", Said::Int(0)),
        ]);
        match self.act(&account, &SCRIPTS.turn, said).await? {
            Some(_) => Ok(Reply::Done),
            None => Err(Error::NoRun(run.clone())),
        }
    }

    async fn look(&self, run: &RunId) -> Result<Option<RunView>, Error> {
        let Some(account) = self.of_run(run).await? else { return Ok(None) };
        let said = Said::Map(vec![("run", Said::text(run.as_str()))]);
        let Some((head, answer)) = self.act(&account, &SCRIPTS.look, said).await? else {
            return Ok(None);
        };
        let look: Look = rmp_serde::from_slice(&answer).map_err(|error| unread(&error))?;
        Ok(look.seen(account)?.map(|seen| show(seen, Millis(head.now))))
    }

    async fn all(&self) -> Result<Vec<RunLine>, Error> {
        type Line = (String, String, String, watershed_model::RunState, i64, Maybe<i64>);
        let mut lines = Vec::new();
        for account in self.accounts().await?.into_values() {
            let said = Said::Map(Vec::new());
            let done = self.act(&account, &SCRIPTS.runs, said).await?;
            let here: Option<Vec<Line>> = field(done, "lines")?;
            for (run, workflow, lane, state, at, ended) in here.into_iter().flatten() {
                lines.push(RunLine {
                    run: RunId::from(run.as_str()),
                    workflow,
                    connection: ConnectionName::from(lane.as_str()),
                    state,
                    submitted_at: Millis(at),
                    ended_at: ended.0.map(Millis),
                });
            }
        }
        lines.sort_by_key(|line| std::cmp::Reverse(line.submitted_at));
        Ok(lines)
    }

    async fn heard_of(&self) -> Result<Vec<WorkerView>, Error> {
        let mut workers = Vec::new();
        for account in self.accounts().await?.into_values() {
            let done = self.act(&account, &SCRIPTS.workers, Said::Map(Vec::new())).await?;
            let here: Option<Vec<(String, i64, u64)>> = field(done, "workers")?;
            workers.extend(here.into_iter().flatten().map(|(worker, at, leases)| WorkerView {
                worker: WorkerId(worker),
                seen_at: Millis(at),
                leases,
            }));
        }
        workers.sort_by_key(|view| std::cmp::Reverse(view.seen_at));
        Ok(workers)
    }
}

/// What of an exchange is one account's.
#[derive(Default)]
struct Part<'e> {
    lanes: Vec<&'e str>,
    settles: Vec<(usize, &'e Settle)>,
}

/// Children at most that a script adds, but for one settle that brings more: it holds up everybody
/// else meanwhile.
const CHILDREN_MAX: usize = 500;

/// The settles of an exchange in parts that bring no more children than a script should add; one
/// part at least.
fn pieces<'s, 'e>(settles: &'s [(usize, &'e Settle)]) -> Vec<&'s [(usize, &'e Settle)]> {
    let (mut pieces, mut begun, mut children) = (Vec::new(), 0, 0);
    for (at, (_, settle)) in settles.iter().enumerate() {
        let more = command::children(settle);
        if at > begun && children + more > CHILDREN_MAX {
            pieces.push(&settles[begun..at]);
            (begun, children) = (at, 0);
        }
        children += more;
    }
    pieces.push(&settles[begun..]);
    pieces
}

/// One field of an answer.
fn field<T: serde::de::DeserializeOwned>(
    done: Option<(Head, Vec<u8>)>,
    name: &str,
) -> Result<Option<T>, Error> {
    let Some((_, answer)) = done else { return Ok(None) };
    let mut fields: BTreeMap<String, serde_json::Value> =
        rmp_serde::from_slice(&answer).map_err(|error| unread(&error))?;
    let value = fields.remove(name).ok_or_else(|| unread(&format!("{name} is missing")))?;
    T::deserialize(value).map(Some).map_err(|error| unread(&error))
}

fn unread(why: &dyn std::fmt::Display) -> Error {
    Error::Corrupt { place: "an answer of Redis".to_owned(), why: why.to_string() }
}

impl Ledger for RedisLedger {
    fn execute(&self, command: Command) -> Pending<'_, Reply> {
        Box::pin(async move { self.carry_out(&command).await })
    }

    fn run(&self, run: &RunId) -> Pending<'_, Option<RunView>> {
        let run = run.clone();
        Box::pin(async move { self.look(&run).await })
    }

    fn runs(&self) -> Pending<'_, Vec<RunLine>> {
        Box::pin(self.all())
    }

    fn workers(&self) -> Pending<'_, Vec<WorkerView>> {
        Box::pin(self.heard_of())
    }

    fn now(&self) -> Pending<'_, Millis> {
        Box::pin(self.time())
    }

    fn hint<'a>(
        &'a self,
        accounts: &'a [AccountId],
    ) -> Pin<Box<dyn Future<Output = ()> + Send + 'a>> {
        let channels = accounts.iter().map(|account| self.keys.channel(account)).collect();
        Box::pin(self.hints.next(self.link.client(), channels, &self.who))
    }
}
