//! A ledger on the one server of these tests, with a prefix of its own.

use std::any::Any;
use std::sync::atomic::{AtomicI64, AtomicU64, Ordering};
use std::sync::{Arc, LazyLock};

use tokio::runtime::Runtime;
use watershed_ledger::{Command, Error, Ledger, Reply, RunLine, RunView, WorkerView};
use watershed_ledger_redis::{Link, RedisLedger};
use watershed_ledger_test::{Capability, Subject};
use watershed_model::{Millis, RunId};
use watershed_test_servers::RedisServer;

/// What is counted is compared with what is there after so many commands.
const WALK_EACH: u64 = 7;

pub(crate) static SERVER: LazyLock<RedisServer> = LazyLock::new(|| RedisServer::start(&[]));

fn connection() -> redis::Connection {
    let client = redis::Client::open(SERVER.url()).expect("the URL");
    client.get_connection().expect("a connection")
}

/// A ledger with a prefix of its own on the one server.
pub(crate) struct OnRedis {
    runtime: Runtime,
    ledger: RedisLedger,
    prefix: String,
    url: String,
    now: Arc<AtomicI64>,
    /// Whether the program lives through a rollback.
    lives_on: bool,
    commands: u64,
}

impl OnRedis {
    pub(crate) fn empty() -> OnRedis {
        OnRedis::by(&SERVER.url())
    }

    /// The same; the program lives through a rollback, and notices it.
    pub(crate) fn living_on(url: &str) -> OnRedis {
        let mut on = OnRedis::by(url);
        on.lives_on = true;
        on
    }

    /// The same by that way.
    pub(crate) fn by(url: &str) -> OnRedis {
        static NUMBER: AtomicU64 = AtomicU64::new(0);
        let prefix = format!("test{}", NUMBER.fetch_add(1, Ordering::Relaxed));
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
        let runtime = runtime.expect("a runtime");
        let now = Arc::new(AtomicI64::new(0));
        let ledger = Self::open(&runtime, url, &prefix, &now);
        OnRedis { runtime, ledger, prefix, url: url.to_owned(), now, lives_on: false, commands: 0 }
    }

    fn open(runtime: &Runtime, url: &str, prefix: &str, now: &Arc<AtomicI64>) -> RedisLedger {
        let _inside = runtime.enter();
        let link = Link::open(url).expect("the URL of the server");
        let now = now.clone();
        let clock = Arc::new(move || Millis(now.load(Ordering::Relaxed)));
        RedisLedger::new(link, prefix).with_clock(clock)
    }

    fn keys(&self, connection: &mut redis::Connection) -> Vec<String> {
        let mut scan = redis::cmd("KEYS");
        scan.arg(format!("{}:*", self.prefix)).query(connection).expect("the keys")
    }
}

impl Subject for OnRedis {
    fn execute(&mut self, command: Command, now: Millis) -> Result<Reply, Error> {
        self.now.store(now.0, Ordering::Relaxed);
        let done = self.runtime.block_on(self.ledger.execute(command));
        self.commands += 1;
        if self.commands.is_multiple_of(WALK_EACH) {
            assert_eq!(self.wrong(), Vec::<String>::new(), "what is counted is there");
        }
        done
    }

    fn view(&mut self, run: &RunId) -> Result<Option<RunView>, Error> {
        self.runtime.block_on(self.ledger.run(run))
    }

    fn workers(&mut self) -> Result<Vec<WorkerView>, Error> {
        self.runtime.block_on(self.ledger.workers())
    }

    fn size(&mut self) -> u64 {
        let mut connection = connection();
        let mut size = 0;
        for key in self.keys(&mut connection) {
            let used: u64 = redis::cmd("MEMORY")
                .arg("USAGE")
                .arg(&key)
                .arg("SAMPLES")
                .arg(0)
                .query(&mut connection)
                .expect("its memory");
            size += used;
        }
        size
    }

    fn snapshot(&mut self) -> Box<dyn Any> {
        let mut connection = connection();
        let mut all: Vec<(String, Vec<u8>)> = Vec::new();
        for key in self.keys(&mut connection) {
            let dump = redis::cmd("DUMP").arg(&key).query(&mut connection).expect("a dump");
            all.push((key, dump));
        }
        Box::new(all)
    }

    fn restore(&mut self, snapshot: &dyn Any) {
        self.go_back(snapshot);
        if !self.lives_on {
            self.restart();
        }
    }

    fn restart(&mut self) {
        self.ledger = Self::open(&self.runtime, &self.url, &self.prefix, &self.now);
    }

    fn supports(&self, capability: Capability) -> bool {
        match capability {
            Capability::CoolDown => self.lives_on,
            // Begun again, it would know nothing of what was lost.
            Capability::Restart => !self.lives_on,
            Capability::Rollback => true,
        }
    }
}

impl OnRedis {
    /// Forgets an account.
    pub(crate) fn forget(&mut self, account: &str) {
        let forgot = self.runtime.block_on(self.ledger.forget(&account.into()));
        assert!(forgot.expect("it is forgotten"), "and nothing of it is on the disk");
    }

    /// What a walk over the records finds.
    pub(crate) fn wrong(&self) -> Vec<String> {
        let walked = self.runtime.block_on(self.ledger.walk()).expect("it is walked");
        walked.into_values().flat_map(|of| of.wrong).collect()
    }

    /// All runs.
    pub(crate) fn runs(&self) -> Result<Vec<RunLine>, Error> {
        self.runtime.block_on(self.ledger.runs())
    }

    /// Asks the server something.
    pub(crate) fn ask<T: redis::FromRedisValue>(&self, command: &redis::Cmd) -> T {
        command.query(&mut connection()).expect("it answers")
    }

    /// The records of an account.
    pub(crate) fn records(&self, account: &str) -> String {
        format!("{}:{{{account}}}:records", self.prefix)
    }

    /// Goes back to an earlier state, under the same program.
    pub(crate) fn go_back(&mut self, snapshot: &dyn Any) {
        let all = snapshot.downcast_ref::<Vec<(String, Vec<u8>)>>().expect("a snapshot");
        let mut connection = connection();
        for key in self.keys(&mut connection) {
            redis::cmd("DEL").arg(key).exec(&mut connection).expect("it is deleted");
        }
        for (key, dump) in all {
            let mut restore = redis::cmd("RESTORE");
            restore.arg(key).arg(0).arg(dump).exec(&mut connection).expect("it is restored");
        }
    }
}

impl Drop for OnRedis {
    fn drop(&mut self) {
        let mut connection = connection();
        for key in self.keys(&mut connection) {
            let _ = redis::cmd("UNLINK").arg(key).exec(&mut connection);
        }
    }
}

impl OnRedis {
    /// The same ledger as another process has it.
    pub(crate) fn beside(&self) -> OnRedis {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
        let runtime = runtime.expect("a runtime");
        let now = Arc::new(AtomicI64::new(self.now.load(Ordering::Relaxed)));
        let ledger = Self::open(&runtime, &self.url, &self.prefix, &now);
        let (prefix, url) = (self.prefix.clone(), self.url.clone());
        OnRedis { runtime, ledger, prefix, url, now, lives_on: self.lives_on, commands: 0 }
    }
}
