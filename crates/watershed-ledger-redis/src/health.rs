//! How a Redis is set up, and what of that is wrong for a ledger.
//!
//! All of it comes from `INFO`, and from `CONFIG GET` where that is allowed; of a cluster from
//! every node that answers `INFO`, the worst of them.

use std::collections::BTreeMap;

use redis::{FromRedisValue, Value};
use watershed_ledger::Error;
use watershed_model::Millis;

use crate::fault::fault;
use crate::link::{Connection, Link};

/// The oldest Redis whose scripts do what ours need.
const VERSION_MIN: (u64, u64) = (6, 2);
/// Memory in use that is worth a word, of all there may be.
const MEMORY_HIGH: f64 = 0.8;
/// Clocks that differ by less are as good as the same.
const SKEW_MAX_MS: i64 = 1_000;
/// Keys that are looked at for those of others.
const SCANNED_MAX: u64 = 10_000;
/// Keys of one look.
const SCAN_COUNT: u64 = 500;

/// How a Redis is set up.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Health {
    /// Where it is, without what is secret.
    pub place: String,
    /// `7.0.15`; of a cluster the oldest.
    pub version: String,
    /// Whether it is a node of a cluster, and whether the URL says so.
    pub cluster: (bool, bool),
    /// Whether it copies another one, and cannot be written.
    pub replica: bool,
    /// What it deletes when memory is full: nothing is `noeviction`.
    pub policy: String,
    /// Bytes in use.
    pub memory: u64,
    /// Bytes that it may use; `None` without a bound.
    pub memory_max: Option<u64>,
    /// Whether it keeps a log of what was written.
    pub aof: bool,
    /// How often that is forced to disk: `always`, `everysec`, `no`. `None` where `CONFIG` is
    /// forbidden, like the next two.
    pub appendfsync: Option<String>,
    /// Whether it writes snapshots by itself.
    pub snapshots: Option<bool>,
    /// Replicas without which it takes no write.
    pub min_replicas: Option<u64>,
    /// Its clock less this process's, in milliseconds.
    pub skew_ms: i64,
    /// Keys that do not begin with the ledger's prefix, of the first 10,000; of a cluster nobody
    /// counts them.
    pub foreign: Option<u64>,
}

/// Something that is wrong with how it is set up.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Finding {
    /// Whether no ledger may be kept there.
    pub grave: bool,
    /// What was found.
    pub what: String,
    /// What to do about it.
    pub way_out: String,
}

impl Health {
    /// What is wrong, what is grave first.
    pub fn findings(&self) -> Vec<Finding> {
        let mut found = Vec::new();
        let mut say = |grave: bool, what: String, way_out: &str| {
            found.push(Finding { grave, what, way_out: way_out.to_owned() });
        };
        if version(&self.version) < VERSION_MIN {
            say(
                true,
                format!("Redis {} is too old", self.version),
                "upgrade to Redis 6.2 or later, or Valkey",
            );
        }
        if self.replica {
            say(
                true,
                "it is a replica, which cannot be written".to_owned(),
                "point store.url to the primary, or promote this one: REPLICAOF NO ONE",
            );
        }
        if self.cluster == (true, false) {
            say(
                true,
                "it is a node of a cluster".to_owned(),
                "write redis+cluster://… (or rediss+cluster://…) in store.url",
            );
        }
        if self.policy != "noeviction" {
            say(
                true,
                format!("maxmemory-policy is {}: it may delete what is open", self.policy),
                "CONFIG SET maxmemory-policy noeviction, and the same in redis.conf or in the \
                 service's parameters",
            );
        }
        match (self.aof, self.appendfsync.as_deref(), self.snapshots) {
            (true, Some("no"), _) => say(
                false,
                "appendfsync is no: a power loss takes half a minute or more".to_owned(),
                "CONFIG SET appendfsync everysec",
            ),
            (false, _, Some(false)) => say(
                false,
                "nothing is kept on disk: after a restart runs are rebuilt from the dataset, and \
                 pay for their living listings once more"
                    .to_owned(),
                "CONFIG SET appendonly yes",
            ),
            (false, _, _) => say(
                false,
                "appendonly is no: a restart takes all since the last snapshot".to_owned(),
                "CONFIG SET appendonly yes",
            ),
            (true, _, _) => {}
        }
        if let Some(max) = self.memory_max
            && self.memory as f64 > max as f64 * MEMORY_HIGH
        {
            say(
                false,
                format!("{} of {max} bytes of memory are in use", self.memory),
                "give it more memory (maxmemory): where none is left, nothing new is listed",
            );
        }
        if let Some(many) = self.foreign.filter(|many| *many > 0) {
            say(
                false,
                format!("{many} keys there are not ours"),
                "give Watershed a Redis of its own, or a database number: FLUSHALL and slow \
                 commands of others stop it too",
            );
        }
        if self.skew_ms.abs() > SKEW_MAX_MS {
            say(
                false,
                format!(
                    "its clock is {:.1} s {} this machine's",
                    self.skew_ms.abs() as f64 / 1_000.0,
                    if self.skew_ms > 0 { "ahead of" } else { "behind" }
                ),
                "run NTP on both: days begin by its clock, \"today\" by this one's",
            );
        }
        found
    }

    /// Refuses what no ledger may be kept in.
    ///
    /// # Errors
    /// [`Error::Unfit`], with what to do.
    pub fn fit(&self) -> Result<(), Error> {
        match self.findings().into_iter().find(|found| found.grave) {
            Some(Finding { what, way_out, .. }) => {
                Err(Error::Unfit { place: self.place.clone(), why: what, way_out })
            }
            None => Ok(()),
        }
    }
}

/// Asks for all of it. `now` reads this process's clock.
pub(crate) async fn health(
    link: &Link,
    prefix: &str,
    now: impl Fn() -> Millis,
) -> Result<Health, Error> {
    let basics = basics(link).await?;
    let mut connection = link.connection().await?;
    let asked_at = now();
    let (seconds, micros): (i64, i64) = redis::cmd("TIME")
        .query_async(&mut connection)
        .await
        .map_err(|error| fault(link.place(), &error))?;
    let (answered_at, theirs) = (now(), seconds * 1_000 + micros / 1_000);
    let save = config(&mut connection, "save").await;
    let replicas = config(&mut connection, "min-replicas-to-write").await;
    Ok(Health {
        appendfsync: config(&mut connection, "appendfsync").await,
        snapshots: save.map(|save| !save.is_empty()),
        min_replicas: replicas.and_then(|text| text.parse().ok()),
        skew_ms: skew(asked_at, theirs, answered_at),
        foreign: match link.is_cluster() {
            true => None,
            false => foreign(&mut connection, prefix).await.ok(),
        },
        ..basics
    })
}

/// What `INFO` tells: all that is grave.
pub(crate) async fn basics(link: &Link) -> Result<Health, Error> {
    let mut connection = link.connection().await?;
    let asked = redis::cmd("INFO").query_async(&mut connection).await;
    let info: Value = asked.map_err(|error| fault(link.place(), &error))?;
    let nodes: Vec<BTreeMap<String, String>> =
        texts(info).iter().map(|text| fields(text)).collect();
    let of = |name: &str| nodes.iter().filter_map(|node| node.get(name)).collect::<Vec<_>>();
    let number = |name: &str| of(name).iter().filter_map(|text| text.parse::<u64>().ok()).max();
    let oldest = of("redis_version").into_iter().min_by_key(|text| version(text));
    let evicting = of("maxmemory_policy").into_iter().find(|policy| *policy != "noeviction");
    Ok(Health {
        place: link.place().to_owned(),
        version: oldest.cloned().unwrap_or_else(|| "unknown".to_owned()),
        cluster: (number("cluster_enabled") == Some(1), link.is_cluster()),
        replica: !link.is_cluster() && of("role").iter().any(|role| *role == "slave"),
        policy: evicting.map_or_else(|| "noeviction".to_owned(), Clone::clone),
        memory: number("used_memory").unwrap_or(0),
        memory_max: number("maxmemory").filter(|max| *max > 0),
        aof: of("aof_enabled").iter().all(|aof| *aof == "1"),
        appendfsync: None,
        snapshots: None,
        min_replicas: None,
        skew_ms: 0,
        foreign: None,
    })
}

/// What it deletes when memory is full, where that is not nothing.
pub(crate) async fn evicting(link: &Link) -> Result<Option<String>, Error> {
    let mut connection = link.connection().await?;
    let asked = redis::cmd("INFO").arg("memory").query_async(&mut connection).await;
    let info: Value = asked.map_err(|error| fault(link.place(), &error))?;
    let policies = texts(info).into_iter().filter_map(|t| fields(&t).remove("maxmemory_policy"));
    Ok(policies.into_iter().find(|policy| policy != "noeviction"))
}

/// A setting; `None` where nobody may ask for it.
pub(crate) async fn config(connection: &mut Connection, name: &str) -> Option<String> {
    let mut get = redis::cmd("CONFIG");
    let asked = get.arg("GET").arg(name).query_async(connection).await;
    let mut pair: Vec<String> = asked.ok()?;
    if pair.len() == 2 { pair.pop() } else { None }
}

/// Keys of others, among the first that there are.
async fn foreign(connection: &mut Connection, prefix: &str) -> redis::RedisResult<u64> {
    let (mut cursor, mut scanned, mut foreign) = (0_u64, 0, 0);
    let ours = format!("{prefix}:");
    loop {
        let mut scan = redis::cmd("SCAN");
        let asked = scan.arg(cursor).arg("COUNT").arg(SCAN_COUNT).query_async(connection).await;
        let (next, keys): (u64, Vec<Vec<u8>>) = asked?;
        foreign += keys.iter().filter(|key| !key.starts_with(ours.as_bytes())).count() as u64;
        scanned += SCAN_COUNT;
        cursor = next;
        if cursor == 0 || scanned >= SCANNED_MAX {
            return Ok(foreign);
        }
    }
}

/// What one server says, or each node of a cluster.
fn texts(info: Value) -> Vec<String> {
    match info {
        Value::Map(nodes) => nodes.into_iter().flat_map(|(_, said)| texts(said)).collect(),
        said => String::from_redis_value(said).into_iter().collect(),
    }
}

/// The `name:value` lines of `INFO`.
pub(crate) fn fields(info: &str) -> BTreeMap<String, String> {
    let pairs = info.lines().filter_map(|line| line.split_once(':'));
    pairs.map(|(name, value)| (name.to_owned(), value.trim().to_owned())).collect()
}

fn version(text: &str) -> (u64, u64) {
    let mut parts = text.split('.').map(|part| part.parse().unwrap_or(0));
    (parts.next().unwrap_or(0), parts.next().unwrap_or(0))
}

/// How far its clock is surely off: it was read between the two moments.
fn skew(asked_at: Millis, theirs: i64, answered_at: Millis) -> i64 {
    if theirs < asked_at.0 {
        theirs - asked_at.0
    } else if theirs > answered_at.0 {
        theirs - answered_at.0
    } else {
        0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn healthy() -> Health {
        Health {
            place: "redis://host".to_owned(),
            version: "7.0.15".to_owned(),
            cluster: (false, false),
            replica: false,
            policy: "noeviction".to_owned(),
            memory: 1_000,
            memory_max: None,
            aof: true,
            appendfsync: Some("everysec".to_owned()),
            snapshots: Some(true),
            min_replicas: Some(0),
            skew_ms: 3,
            foreign: Some(0),
        }
    }

    #[test]
    fn what_loses_tasks_is_grave_and_the_rest_is_worth_a_word() {
        assert_eq!(healthy().findings(), []);
        let grave = [
            Health { version: "6.0.16".to_owned(), ..healthy() },
            Health { replica: true, ..healthy() },
            Health { cluster: (true, false), ..healthy() },
            Health { policy: "allkeys-lru".to_owned(), ..healthy() },
        ];
        for health in grave {
            assert!(matches!(health.fit(), Err(Error::Unfit { .. })), "{health:?}");
        }
        let advised = [
            Health { aof: false, ..healthy() },
            Health { aof: false, snapshots: Some(false), ..healthy() },
            Health { appendfsync: Some("no".to_owned()), ..healthy() },
            Health { memory: 81, memory_max: Some(100), ..healthy() },
            Health { foreign: Some(7), ..healthy() },
            Health { skew_ms: -5_000, ..healthy() },
        ];
        for health in advised {
            let found = health.findings();
            assert!(found.len() == 1 && health.fit().is_ok(), "{health:?}: {found:?}");
        }
        let fine = [
            Health { version: "6.2.0".to_owned(), appendfsync: None, ..healthy() },
            Health { cluster: (true, true), foreign: None, ..healthy() },
            Health { memory: 79, memory_max: Some(100), ..healthy() },
        ];
        for health in fine {
            assert_eq!(health.findings(), [], "{health:?}");
        }
    }

    #[test]
    fn a_clock_is_off_only_by_what_the_way_there_and_back_does_not_explain() {
        assert_eq!(skew(Millis(100), 150, Millis(200)), 0);
        assert_eq!(skew(Millis(100), 90, Millis(200)), -10);
        assert_eq!(skew(Millis(100), 5_200, Millis(200)), 5_000);
    }
}
