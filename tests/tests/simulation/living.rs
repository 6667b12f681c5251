//! An account that lives: day by day meetings are held and recorded, transcripts come, people's
//! records change, recordings, meetings and people go. Webhooks tell of it, a fifth of them lost,
//! others late, twice or out of order. After each nightly reconcile the dataset is what the account
//! holds at that instant, and a night's calls hang on what is new, not on what there was before.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use serde_json::{Value, json};
use watershed_engine::{Clock, Connection, Content, Ending, Engine, Events, Request, stop};
use watershed_ledger::{Ledger, MemoryLedger};
use watershed_model::{AccountId, InboxEvent, Limits, Millis, RunId, RunState, Trigger};
use watershed_rehearsal::{Draws, VirtualClock, connection, in_virtual_time};
use watershed_sink::{Inbox, Sink, SqliteSink};
use watershed_tests::{Size, bare, seeds, told};
use watershed_workflow::{Compiled, resolve_inputs};
use watershed_zoom::webhook::{Desk, Heads, Received, Signer};
use watershed_zoom_sim::{Account, Change, Spec};

use crate::calm::{Calm, OwnInbox, settings, shipped};
use crate::stores::here;

const HOUR: i64 = 3_600_000;
/// People of the account.
const USERS: u64 = 12;
/// An account is made for a day this far ahead: up to two weeks after it, it has meetings.
const AHEAD_DAYS: i64 = 16;
/// How long a worker is there after what webhooks brought: what ended waits a quarter of an hour.
const SESSION: i64 = 17 * 60_000;
/// Datasets whose rows are marked where they are gone.
const MARKED: [&str; 4] = ["users", "meetings", "recordings", "recording_files"];
/// Datasets that are history: what was once there stays.
const HISTORY: [&str; 5] =
    ["past_instances", "past_meetings", "report_participants", "transcripts", "transcript_cues"];
/// What the nightly reconcile looks at: a night's days are those of the next day.
const LOOKBACK: i64 = 2 * Millis::DAY;
/// A night begins at two.
const NIGHT_MS: i64 = 2 * HOUR;

/// What the account holds: records by dataset and key.
type Held = BTreeMap<(&'static str, String), Vec<Value>>;

/// A webhook on its way.
struct Sent {
    at: Millis,
    body: Value,
}

/// What a life came to.
#[derive(Debug, Default)]
struct Lived {
    nights: u64,
    events: u64,
    lost: u64,
    /// Meetings that events brought before the night.
    early: u64,
    /// Calls of the nights.
    calls: u64,
    /// Reports.
    heavy: u64,
}

/// What is stored under a key.
struct Stored {
    rows: usize,
    /// Whose it is.
    whose: String,
    /// The first row's record.
    record: Value,
}

struct Life {
    clock: VirtualClock,
    account: Arc<Account>,
    ledger: Arc<MemoryLedger>,
    sink: Arc<SqliteSink>,
    engine: Engine,
    chance: Draws,
    /// What is on its way.
    sent: Vec<Sent>,
    /// What the account held when it was looked at last.
    seen: Held,
    /// What it ever held, and how many records.
    ever: BTreeMap<(&'static str, String), usize>,
    /// People who left, with all that they had.
    left: BTreeSet<String>,
    /// Recordings from before the lookback that were deleted, and whose webhook was lost.
    beyond: BTreeSet<String>,
    lived: Lived,
}

impl Life {
    async fn begin(clock: &VirtualClock, seed: u64, days: u32) -> Life {
        let begins = clock.now();
        let present = begins + AHEAD_DAYS * Millis::DAY;
        let limits = "off".parse().expect("no limits");
        let now = present.timestamp();
        let spec = Spec { users: USERS, seed, now, days, limits, ..Spec::default() };
        let account = Arc::new(Account::new(spec));
        account.advance_to(begins.timestamp());
        let of = Connection {
            // Of a small account one row is a large part.
            delete_ceiling: 1.0,
            ..connection("acme".into(), &account, Limits(Vec::new()), Content::Transcripts)
        };
        let Calm { ledger, sink, engine } = Calm::new(clock, seed, &account, of).await;
        let (text, compiled) = shipped("zoom-event");
        let (plan, hash) = (compiled.plan.into(), compiled.hash);
        let inbox = Arc::new(OwnInbox(sink.clone()));
        let engine = engine.with_events(Events { inbox, source: text.into(), plan, hash });
        Life {
            clock: clock.clone(),
            account,
            ledger,
            sink,
            engine,
            chance: Draws(seed ^ 0x11FE),
            sent: Vec::new(),
            seen: Held::new(),
            ever: BTreeMap::new(),
            left: BTreeSet::new(),
            beyond: BTreeSet::new(),
            lived: Lived::default(),
        }
    }

    fn now(&self) -> Millis {
        self.clock.now()
    }

    fn held(&self) -> Held {
        let mut held = Held::new();
        for row in self.account.truth() {
            held.entry((row.dataset, row.key)).or_default().push(row.record);
        }
        held
    }

    /// Executes a run of a shipped workflow to its end.
    async fn run(&self, name: &str, given: &[(&str, &str)]) {
        let id = RunId(format!("{name}.{}", self.now().date()));
        self.run_as(name, given, id).await;
    }

    /// The same, under this id.
    async fn run_as(&self, name: &str, given: &[(&str, &str)], id: RunId) {
        let (source, Compiled { plan, hash, .. }) = shipped(name);
        let given = given.iter().map(|(k, v)| ((*k).to_owned(), (*v).to_owned())).collect();
        let inputs = resolve_inputs(&plan, &given, self.now().date()).expect("its inputs");
        let request = Request {
            connection: "acme".into(),
            source,
            plan,
            hash,
            inputs,
            run: Some(id.clone()),
            fresh: id.clone(),
            trigger: Trigger::Schedule,
        };
        self.engine.submit(request).await.expect("it begins");
        let (_handle, never) = stop();
        let ended = self.engine.work(Some(&id), settings(), never).await.expect("it ends");
        assert_eq!(ended, Ending::Run(RunState::Complete));
        self.engine.record(&id).await.expect("it is recorded");
    }

    /// Works on events for a while.
    async fn session(&self) {
        self.engine.receive().await.expect("a run of the day");
        let (_handle, never) = stop();
        let until = self.now() + SESSION;
        tokio::select! {
            biased;
            ended = self.engine.work(None, settings(), never) => panic!("it ended: {ended:?}"),
            () = self.clock.sleep_until(until) => {}
        }
    }

    /// Time passes at the account, and webhooks of what it brought go out.
    fn passes(&mut self) {
        self.account.advance_to(self.now().timestamp());
        let held = self.held();
        let new: Vec<((&'static str, String), Value)> = held
            .iter()
            .filter(|(at, _)| !self.seen.contains_key(*at))
            .map(|(at, records)| (at.clone(), records[0].clone()))
            .collect();
        for ((dataset, key), record) in new {
            let (id, host) = (&record["id"], &record["host_id"]);
            let recording = |uuid: &Value| json!({ "uuid": uuid, "id": id, "host_id": host });
            let (event, object) = match dataset {
                "past_meetings" => ("meeting.ended", recording(&json!(key))),
                "recordings" => ("recording.completed", recording(&json!(key))),
                "transcripts" => {
                    ("recording.transcript_completed", recording(&record["instance_uuid"]))
                }
                "meetings" => ("meeting.created", json!({ "id": record["id"] })),
                _ => continue,
            };
            self.send(event, object);
        }
        self.ever.extend(held.iter().map(|(at, records)| (at.clone(), records.len())));
        self.seen = held;
    }

    /// Something goes.
    fn changes(&mut self) {
        let pick = |life: &mut Life, dataset: &str| -> Option<(String, Value)> {
            let mut of: Vec<(String, Value)> = life
                .seen
                .iter()
                .filter(|((of, _), _)| *of == dataset)
                .map(|((_, key), records)| (key.clone(), records[0].clone()))
                .collect();
            let nth = life.chance.below(of.len().max(1) as u64) as usize;
            (nth < of.len()).then(|| of.swap_remove(nth))
        };
        match self.chance.below(8) {
            0 => {
                let Some((key, record)) = pick(self, "meetings") else { return };
                // Long ago it would merely have lapsed.
                let now = self.now().to_string();
                let soon = record["start_time"].as_str().is_some_and(|at| at[..16] > now[..16]);
                let number = key.parse().expect("a number");
                if soon && self.account.change(&Change::DeleteMeeting(number)) {
                    self.send("meeting.deleted", json!({ "id": number }));
                }
            }
            1 | 2 => {
                let Some((key, record)) = pick(self, "recordings") else { return };
                if self.account.change(&Change::DeleteRecording(key.clone())) {
                    let host = &record["host_id"];
                    let told =
                        self.send("recording.deleted", json!({ "uuid": key, "host_id": host }));
                    let looked_at = (self.now() + -LOOKBACK).to_string();
                    let is_old =
                        record["start_time"].as_str().is_some_and(|at| at[..10] <= looked_at[..10]);
                    if is_old && !told {
                        self.beyond.insert(key);
                    }
                }
            }
            4 | 5 => {
                let Some((key, _)) = pick(self, "users") else { return };
                if self.account.change(&Change::EditUser(key.clone())) {
                    self.send("user.updated", json!({ "id": key }));
                }
            }
            3 => {
                let Some((key, _)) = pick(self, "users") else { return };
                if self.left.len() < 2
                    && !key.contains('@')
                    && self.account.change(&Change::DeleteUser(key.clone()))
                {
                    self.left.insert(key.clone());
                    // Reports of theirs that nobody had asked for by now are never seen.
                    let (held, stored) = (self.held(), self.stored("report_participants"));
                    self.ever.retain(|at, _| {
                        at.0 != "report_participants"
                            || held.contains_key(at)
                            || stored.contains_key(&at.1)
                    });
                    self.send("user.deleted", json!({ "id": key }));
                }
            }
            _ => {}
        }
        self.seen = self.held();
    }

    /// A webhook goes out, unless it is lost; some are late, some come twice. Whether it goes.
    fn send(&mut self, event: &str, object: Value) -> bool {
        self.lived.events += 1;
        if self.chance.below(5) == 0 {
            self.lived.lost += 1;
            return false;
        }
        let account = &self.account.credentials().account_id;
        let body = json!({
            "event": event, "event_ts": self.now().0,
            "payload": { "account_id": account, "object": object },
        });
        let late = if self.chance.below(10) == 0 { 5 * HOUR } else { 0 };
        let times = 1 + u64::from(self.chance.below(10) == 0);
        for _ in 0..times {
            // Out of order within a minute.
            let at = self.now() + late + self.chance.below(60_000) as i64;
            self.sent.push(Sent { at, body: body.clone() });
        }
        true
    }

    /// What has arrived by now goes into the inbox.
    async fn arrives(&mut self) {
        let now = self.now();
        let (mut due, later): (Vec<Sent>, Vec<Sent>) =
            std::mem::take(&mut self.sent).into_iter().partition(|sent| sent.at <= now);
        self.sent = later;
        due.sort_by_key(|sent| sent.at);
        let account = AccountId(self.account.credentials().account_id.clone());
        let events = due.into_iter().map(|sent| {
            let signer = Signer::new(b"secret");
            let (text, at) = (sent.body.to_string(), (sent.at.0 / 1_000).to_string());
            let signature = signer.sign(&at, text.as_bytes());
            let heads = Heads { timestamp: &at, signature: &signature };
            let desk = Desk { signer, account: account.clone(), redacted: true, agreed: None };
            let Ok(Received::Event(event)) = desk.receive(heads, text.as_bytes(), sent.at) else {
                panic!("it is an event: {text}")
            };
            InboxEvent {
                connection: "acme".into(),
                key: event.key,
                event: event.name,
                event_at: event.at,
                received_at: sent.at,
                body: event.body,
            }
        });
        here(self.sink.keep(events.collect(), BTreeMap::new())).expect("they are kept");
    }

    /// Live rows of a dataset by their keys (of attendance by the instance).
    fn stored(&self, dataset: &str) -> BTreeMap<String, Stored> {
        let rows = here(self.sink.rows(dataset.to_owned(), None, u32::MAX)).expect("rows");
        let mut stored: BTreeMap<String, Stored> = BTreeMap::new();
        for row in rows.into_iter().filter(|row| row.deleted_at.is_none()) {
            let key = match row.asked.get("instance_uuid").filter(|_| dataset.ends_with("ipants")) {
                Some(uuid) => uuid.as_str().unwrap_or_default().to_owned(),
                None => row.at.key,
            };
            let of = [&row.record["host_id"], row.asked.get("user_id").unwrap_or(&Value::Null)];
            let whose = of.into_iter().chain([&row.record["id"]]).find_map(Value::as_str);
            let whose = whose.unwrap_or_default().to_owned();
            let new = || Stored { rows: 0, whose, record: row.record.clone() };
            stored.entry(key).or_insert_with(new).rows += 1;
        }
        stored
    }

    /// The dataset is what the account holds now.
    fn equals(&self) {
        let held = self.held();
        let night = self.now().date();
        let hosts: BTreeMap<&str, &str> = held
            .iter()
            .filter(|((dataset, _), _)| *dataset == "recordings")
            .map(|((_, key), records)| {
                (key.as_str(), records[0]["host_id"].as_str().unwrap_or_default())
            })
            .collect();
        for dataset in MARKED.into_iter().chain(HISTORY) {
            let stored = self.stored(dataset);
            let of = held.iter().filter(|((of, _), _)| *of == dataset);
            let of: BTreeMap<&String, &Vec<Value>> =
                of.map(|((_, key), records)| (key, records)).collect();
            for (key, records) in &of {
                let there = stored.get(*key);
                let rows = there.map_or(0, |stored| stored.rows);
                assert_eq!(rows, records.len(), "{night}: {dataset} {key} is not as it is there");
                // A transcript's row has more than its text.
                let is_record = !dataset.starts_with("transcript");
                if let (true, 1, Some(there)) = (is_record, rows, there) {
                    let (there, record) = (bare(&there.record), bare(&records[0]));
                    let by_itself = there.get(BY_ITSELF).is_some();
                    let [there, record] = [there, record].map(|record| match by_itself {
                        true => common(record),
                        false => record,
                    });
                    assert_eq!(there, record, "{night}: {dataset} {key}");
                }
            }
            for (key, Stored { whose, .. }) in &stored {
                let was = self.ever.contains_key(&(dataset, key.clone()));
                assert!(was, "{night}: {dataset} {key} was never there");
                if MARKED.contains(&dataset)
                    && !of.contains_key(key)
                    && dataset != "recording_files"
                {
                    let host = hosts.get(key.as_str()).copied().unwrap_or(whose);
                    let known = self.left.contains(host) || self.beyond.contains(key);
                    assert!(known, "{night}: {dataset} {key} is gone");
                }
            }
        }
    }

    fn calls(&self, operation: &str) -> u64 {
        self.account.stats().calls.get(operation).map_or(0, |by| by.values().sum())
    }

    /// The least calls for the reports of all that was ever held: a page has 300 stays.
    fn reports(&self) -> u64 {
        let of = self.ever.iter().filter(|((dataset, _), _)| *dataset == "report_participants");
        of.map(|(_, stays)| stays.div_ceil(300) as u64).sum()
    }

    /// A night: the reconcile, and what must be so after it.
    async fn night(&mut self) {
        self.passes();
        let before = self.account.stats();
        self.run("zoom-reconcile", &[("media", "none")]).await;
        self.equals();
        let stats = self.account.stats();
        let calls = stats.spent - before.spent;
        let of = |name: &str| -> u64 {
            let count = |stats: &watershed_zoom_sim::Stats| -> u64 {
                stats.calls.get(name).map_or(0, |by| by.values().sum())
            };
            count(&stats) - count(&before)
        };
        // Lists of people, of each one's meetings, and of what could have been held since.
        let mut could = BTreeSet::new();
        for ((dataset, key), records) in &self.seen {
            let kind = records[0]["type"].as_i64();
            if *dataset == "meetings" && matches!(kind, Some(2 | 3 | 8)) {
                could.insert(key.clone());
            }
        }
        assert!(of("list_users") <= 3, "{}", of("list_users"));
        assert!(of("list_meetings") <= 2 * USERS, "{}", of("list_meetings"));
        let instances = of("list_past_instances");
        assert!(instances <= could.len() as u64, "{instances} of {}", could.len());
        self.lived.calls += calls;
        self.lived.nights += 1;
        let repeated = &stats.in_vain.repeated;
        assert!(!repeated.contains_key("report_participants"), "a report twice: {repeated:?}");
        self.lived.heavy = self.calls("report_participants");
        let by = stats.calls.get("report_participants");
        assert_eq!(self.lived.heavy, self.reports(), "each once, and no other: {by:?}");
    }
}

/// What a recording has that did not come by the account's list: an event told of it late.
const BY_ITSELF: &str = "participant_audio_files";

/// What both operations tell of a recording: by itself it comes without the files that are still
/// in processing.
fn common(mut record: Value) -> Value {
    if let Some(members) = record.as_object_mut() {
        for name in ["type", "total_size", "recording_count", BY_ITSELF] {
            members.remove(name);
        }
        if let Some(Value::Array(files)) = members.get_mut("recording_files") {
            files.retain(|file| file["status"] != "processing");
        }
    }
    record
}

impl Life {
    /// A reconcile without anything new; its calls.
    async fn run_again(&mut self) -> u64 {
        let before = self.account.stats().spent;
        let id = format!("again-{}", self.now().date());
        let heavy = self.calls("report_participants");
        self.run_as("zoom-reconcile", &[("media", "none")], RunId(id)).await;
        assert_eq!(self.calls("report_participants"), heavy, "nothing is asked twice");
        self.account.stats().spent - before
    }
}

/// Lives for so many days after a backfill of so many days of history.
fn live(seed: u64, days: i64, history_days: u32) -> Lived {
    let begins = Millis::from(Spec::default().now) + 8 * HOUR;
    let clock = VirtualClock::new(begins, seed);
    in_virtual_time(&clock, async {
        let mut life = Life::begin(&clock, seed, history_days).await;
        life.seen = life.held();
        life.ever.extend(life.seen.iter().map(|(at, records)| (at.clone(), records.len())));
        life.run("zoom-backfill", &[("media", "none")]).await;
        life.equals();
        for day in 0..days {
            let midnight = Millis::of_day(begins.day() + 1 + day);
            clock.sleep_until(midnight + NIGHT_MS).await;
            life.arrives().await;
            life.night().await;
            for hour in [8, 13, 18, 23] {
                clock.sleep_until(midnight + hour * HOUR).await;
                life.passes();
                if hour == 13 {
                    life.changes();
                }
                life.arrives().await;
                if hour != 8 {
                    let known = life.stored("past_meetings").len();
                    life.session().await;
                    life.lived.early += (life.stored("past_meetings").len() - known) as u64;
                }
            }
        }
        // What the last day brought; and then a night on which nothing is new.
        let midnight = Millis::of_day(begins.day() + 1 + days);
        clock.sleep_until(midnight + NIGHT_MS).await;
        life.arrives().await;
        life.night().await;
        clock.sleep_until(midnight + 2 * NIGHT_MS).await;
        life.run_again().await;
        let runs = here(life.ledger.runs()).expect("a ledger");
        let open = runs.iter().filter(|run| !run.state.ended()).count();
        assert!(open <= 1, "a run of a day stays open: {open}");
        life.lived
    })
}

#[test]
fn after_each_night_the_dataset_is_what_the_account_holds_and_a_night_costs_what_is_new() {
    let size = Size::asked();
    let seeds = seeds(size.of(1, 10));
    let days = size.of(8, 30);
    let mut total = Lived::default();
    for seed in &seeds {
        let lived = live(*seed, days, 40);
        eprintln!("living: seed {seed}: {lived:?}");
        assert!(lived.lost > 0 && lived.early > 0, "{lived:?}");
        total.nights += lived.nights;
        total.events += lived.events;
        total.lost += lived.lost;
        total.heavy += lived.heavy;
        total.calls += lived.calls;
    }
    told(
        "WATERSHED_MEASURED",
        &format!(
            "| an account of {USERS} people that lives for {days} days, webhooks lost, late, \
             twice, out of order | {} | {} nights, after each the dataset equals the truth; {} \
             webhooks, {} of them lost; {} calls of the nights, {} reports, each once | 0; 0 |",
            seeds.len(),
            total.nights,
            total.events,
            total.lost,
            total.calls,
            total.heavy,
        ),
    );
}

#[test]
fn a_quiet_night_costs_the_same_however_long_the_history_is() {
    let seed = seeds(1)[0];
    let [short, long] = [30, 150].map(|days| quiet(seed, days));
    eprintln!("living: a quiet night after 30 days of history {short:?}, after 150 {long:?}");
    let (short_calls, short_could) = short;
    let (long_calls, long_could) = long;
    assert!(short_calls <= 3 + 2 * USERS + short_could + 2, "{short:?}");
    assert!(long_calls <= 3 + 2 * USERS + long_could + 2, "{long:?}");
    assert!(long_calls < 2 * short_calls, "it grows with the history: {short:?} {long:?}");
}

/// Calls of a night after one on which nothing was new, and the meetings that could have been held.
fn quiet(seed: u64, history_days: u32) -> (u64, u64) {
    let begins = Millis::from(Spec::default().now) + 14 * HOUR;
    let clock = VirtualClock::new(begins, seed);
    in_virtual_time(&clock, async {
        let mut life = Life::begin(&clock, seed, history_days).await;
        life.run("zoom-backfill", &[("media", "none")]).await;
        clock.sleep_until(begins + HOUR).await;
        life.seen = life.held();
        let calls = life.run_again().await;
        let now = life.now().to_string();
        let near = Millis(life.now().0 - 31 * Millis::DAY).to_string();
        let could = life.seen.iter().filter(|((dataset, _), records)| {
            let start = records[0]["start_time"].as_str();
            // A series begins once and is held for long after.
            let is_series = matches!(records[0]["type"].as_i64(), Some(3 | 8));
            *dataset == "meetings"
                && start
                    .is_none_or(|at| (is_series || at[..10] >= near[..10]) && at[..10] <= now[..10])
        });
        (calls, could.count() as u64)
    })
}
