//! A run that is struck again and again, and what must hold of it in the end.

use std::time::{Duration, Instant};

use watershed_test_servers::{PostgresServer, Proxy, RedisServer};
use watershed_tests::{Covered, Running, Scope, Settings, Size, Spec, TRACED, coverage, seeds};

use crate::fleet::{CONCURRENCY, Fleet};
use crate::ground::{account, measured};

/// Workers of a fleet.
pub(crate) const WORKERS: usize = 2;
/// Calls that all workers together may have in flight.
pub(crate) const IN_FLIGHT: u64 = WORKERS as u64 * CONCURRENCY as u64;
/// What the tier of the account allows in a second.
const ALLOWED: [(&str, u64); 3] = [("light", 80), ("medium", 60), ("heavy", 40)];
/// Work goes on again within this. How soon it does is measured, not insisted on: the machine
/// may have other things to do.
const RECOVERED_MAX: Duration = Duration::from_secs(30);
/// So many calls lie between a strike and the next.
const BETWEEN: u64 = 60;

/// Where a run is struck.
pub(crate) struct Field {
    pub(crate) fleet: Fleet,
    pub(crate) redis: RedisServer,
    /// The way to Redis, where it is not direct.
    pub(crate) way: Option<Proxy>,
    /// Where the rows are, where that is no file.
    pub(crate) postgres: Option<PostgresServer>,
}

/// What a strike did.
pub(crate) struct Struck {
    /// Harms done.
    pub(crate) faults: u64,
    /// Calls that may be made again because of it.
    pub(crate) again_max: u64,
    /// How long nothing was called after the harm was over; `None` where others went on, or nothing
    /// was left to call.
    pub(crate) recovered: Option<Duration>,
}

/// A kind of harm.
pub(crate) struct Harm<'h> {
    /// As the figures call it.
    pub(crate) name: &'h str,
    /// Runs that are struck, in the full count; in a sample it is one.
    pub(crate) runs: u64,
    /// Strikes in a run, of a sample and in the full count.
    pub(crate) strikes: [usize; 2],
    /// Settings of Redis.
    pub(crate) redis: &'h [&'h str],
    /// Whether workers reach Redis through a proxy.
    pub(crate) by_proxy: bool,
    /// `worker.lease`; as shipped where `None`.
    pub(crate) lease: Option<&'h str>,
    /// What may be repeated, in words.
    pub(crate) bound: &'h str,
}

impl Field {
    /// A fleet of an account whose limits are those of its tier; nobody works yet.
    pub(crate) fn new(spec: Spec, redis: &[&str], by_proxy: bool) -> Field {
        let redis = RedisServer::start(redis);
        let way = by_proxy.then(|| Proxy::to(redis.port()));
        let port = way.as_ref().map_or(redis.port(), Proxy::port);
        let store = format!("redis://127.0.0.1:{port}/0");
        // Free limits of the account are the client's as well.
        let limits = (spec.limits.as_deref() == Some("off")).then_some(Settings::FREE);
        let mut fleet = Fleet::new(account(spec), limits, &store);
        for (name, value) in TRACED {
            fleet.home.set(name, Some(value));
        }
        Field { fleet, redis, way, postgres: None }
    }

    /// Has the rows in a PostgreSQL of its own.
    pub(crate) fn keep_rows_in_postgres(&mut self) {
        let server = PostgresServer::start(&[]);
        self.fleet.keep_rows_in(&server.database().url);
        self.postgres = Some(server);
    }

    /// A worker that is there, and is to go.
    pub(crate) fn take_worker(&mut self) -> Running {
        self.fleet.workers.remove(0)
    }

    /// What the dataset's coverage says now.
    pub(crate) fn covered(&self) -> Covered {
        coverage(&self.fleet.home.sink()).expect("coverage")
    }

    pub(crate) fn way(&self) -> &Proxy {
        self.way.as_ref().expect("this field has a proxy")
    }

    /// Insists that a worker has told its operator so.
    pub(crate) fn expect_told(&self, words: &str) {
        let told = self.fleet.workers.iter().any(|worker| worker.stderr().contains(words));
        assert!(told, "no worker says {words:?}");
    }

    /// How long after `since` the next call beyond `calls` came; `None` where the run came to its
    /// end without one.
    pub(crate) fn recovered(&self, since: Instant, calls: u64) -> Option<Duration> {
        let came = self.fleet.until_calls(calls + 1);
        came.then(|| since.elapsed())
    }

    /// Lets the run end; its rows. Insists on all but on what was called again.
    pub(crate) fn end(&mut self, scope: &Scope) -> u64 {
        self.fleet.until_complete();
        self.fleet.drain();
        let rows = self.fleet.equal(scope);
        let stats = self.fleet.stats();
        assert_eq!(stats.refused_for_rate(), 0, "{:#}", stats.0);
        if self.fleet.account.spec.limits.as_deref() != Some("off") {
            for (category, limit) in ALLOWED {
                let peak = stats.peak_per_second(category);
                assert!(peak <= limit, "{peak} {category} calls in a second: {:#}", stats.0);
            }
        }
        rows
    }
}

/// An account whose budget is what it is of: its tier's.
pub(crate) fn limited(users: u64, seed: u64) -> Spec {
    Spec {
        users,
        seed,
        tier: "business",
        limits: Some("shape=fixed".to_owned()),
        // As slow as a near server: so that there are calls in flight to be struck.
        latency_ms: Some(30),
        ..Spec::default()
    }
}

impl Harm<'_> {
    /// Strikes run after run by `strike`, which is told the number of the strike in its run.
    pub(crate) fn campaign(&self, strike: impl FnMut(&mut Field, usize) -> Struck) {
        self.prepared(|_| {}, strike);
    }

    /// The same, each field prepared before anybody works there.
    pub(crate) fn prepared(
        &self,
        prepare: impl Fn(&mut Field),
        mut strike: impl FnMut(&mut Field, usize) -> Struck,
    ) {
        let size = Size::asked();
        let (mut faults, mut again, mut again_max, mut rows, mut calls) = (0, 0, 0, 0, 0);
        let mut slowest = None;
        let seeds = seeds(size.of(1, self.runs));
        for seed in &seeds {
            let strikes = size.of(self.strikes[0], self.strikes[1]);
            // A user makes some 35 calls.
            let users = 5 + 2 * strikes as u64;
            let mut field = Field::new(limited(users, *seed), self.redis, self.by_proxy);
            field.fleet.home.set("WATERSHED_WORKER__LEASE", self.lease);
            prepare(&mut field);
            field.fleet.begin(WORKERS, "zoom-backfill");
            let mut may = 0;
            for number in 0..strikes {
                if !field.fleet.until_calls(field.fleet.calls() + BETWEEN) {
                    break;
                }
                let struck = strike(&mut field, number);
                faults += struck.faults;
                may += struck.again_max;
                slowest = slowest.max(struck.recovered);
                let told = "work goes on by itself";
                assert!(struck.recovered <= Some(RECOVERED_MAX), "{told}: {:?}", struck.recovered);
            }
            rows += field.end(&Scope::backfill());
            let stats = field.fleet.stats();
            let named = format!("{}, seed {seed}", self.name);
            let repeated = stats.again();
            assert!(repeated <= may, "{named}: {repeated} again, {may} may be: {:#}", stats.0);
            assert_eq!(stats.in_vain(), repeated, "{named}: only harm repeats: {:#}", stats.0);
            (again, again_max, calls) = (again + repeated, again_max + may, calls + stats.calls());
        }
        assert!(faults > 0, "{}: the run ended before it was struck", self.name);
        let slowest = slowest.map_or_else(String::new, |slowest: Duration| {
            format!("; the next call at most {:.1} s after the harm", slowest.as_secs_f64())
        });
        measured(
            self.name,
            &format!("{} runs, {faults} faults", seeds.len()),
            &format!(
                "{rows} rows, 0 differ; 0 of {calls} calls refused; {again} called again, where \
                 {again_max} may be{slowest}"
            ),
            &format!("0; 0; {}", self.bound),
        );
    }
}
