//! A Redis Cluster of three servers.

use std::time::{Duration, Instant};

use crate::redis::{RedisServer, free_port};

/// Slots of a cluster: keys by their hash tags.
const SLOTS: u16 = 16_384;
/// They agree within this.
const AGREE_MAX: Duration = Duration::from_secs(30);
/// Servers, each without a replica.
const MANY: usize = 3;

/// A cluster of this process. Dropped, it ends.
pub struct RedisCluster {
    nodes: Vec<Node>,
}

struct Node {
    server: RedisServer,
    /// Where the others talk to it.
    bus: u16,
    id: String,
}

impl Node {
    fn start() -> Node {
        let bus = free_port();
        let server = RedisServer::start(&[
            "--cluster-enabled",
            "yes",
            "--cluster-port",
            &bus.to_string(),
            "--cluster-node-timeout",
            "5000",
        ]);
        let id = server.ask(&["CLUSTER", "MYID"]).expect("a node of a cluster has an id");
        Node { server, bus, id }
    }

    fn done(&self, words: &[&str]) {
        let said = self.server.ask(words);
        assert_eq!(said.as_deref(), Some("OK"), "{words:?}");
    }
}

impl RedisCluster {
    /// Three servers, a third of the slots each.
    ///
    /// # Panics
    /// Where Redis (7.0 or later) is not installed, or they do not come to agree.
    pub fn start() -> RedisCluster {
        let nodes: Vec<Node> = (0..MANY).map(|_| Node::start()).collect();
        let share = SLOTS.div_ceil(MANY as u16);
        for (at, node) in (0..).zip(&nodes) {
            let (first, last) = (at * share, ((at + 1) * share).min(SLOTS) - 1);
            node.done(&["CLUSTER", "ADDSLOTSRANGE", &first.to_string(), &last.to_string()]);
            node.done(&["CLUSTER", "SET-CONFIG-EPOCH", &(at + 1).to_string()]);
        }
        for other in &nodes[1..] {
            let (port, bus) = (other.server.port().to_string(), other.bus.to_string());
            nodes[0].done(&["CLUSTER", "MEET", "127.0.0.1", &port, &bus]);
        }
        let cluster = RedisCluster { nodes };
        let begun = Instant::now();
        while !cluster.agrees() {
            assert!(begun.elapsed() < AGREE_MAX, "the cluster does not come to agree");
            std::thread::sleep(Duration::from_millis(50));
        }
        cluster
    }

    /// Where it is: `redis+cluster://127.0.0.1:PORT`.
    pub fn url(&self) -> String {
        format!("redis+cluster://127.0.0.1:{}", self.nodes[0].server.port())
    }

    /// The slot of a key.
    ///
    /// # Panics
    /// Where the cluster does not answer.
    pub fn slot(&self, key: &str) -> u16 {
        let said = self.nodes[0].server.ask(&["CLUSTER", "KEYSLOT", key]);
        said.and_then(|slot| slot.parse().ok()).expect("every key has a slot")
    }

    /// How often its servers have answered so (`TRYAGAIN`, `MOVED`).
    pub fn answered(&self, error: &str) -> u64 {
        let named = format!("errorstat_{error}:count=");
        let of = |node: &Node| -> Option<u64> {
            let told = node.server.ask(&["INFO", "errorstats"])?;
            told.lines().find_map(|line| line.trim().strip_prefix(&named)?.parse().ok())
        };
        self.nodes.iter().filter_map(of).sum()
    }

    /// The server that holds keys of a slot, by its number.
    fn holder(&self, slot: u16) -> Option<usize> {
        let count = ["CLUSTER", "COUNTKEYSINSLOT", &slot.to_string()];
        self.nodes.iter().position(|node| node.server.ask(&count).is_some_and(|n| n != "0"))
    }

    /// Moves a slot to another server as operators do: key by key, while it is used. Says
    /// `parted` where its first key has gone: its keys are on two servers then, and no command
    /// that names several of them can be carried out.
    ///
    /// # Panics
    /// Where a server refuses, or none holds a key of it.
    pub fn move_slot(&self, slot: u16, parted: impl FnOnce()) {
        let from = self.holder(slot).expect("a slot with keys");
        let to = (from + 1) % MANY;
        let mut parted = Some(parted);
        let (from, to, slot) = (&self.nodes[from], &self.nodes[to], slot.to_string());
        to.done(&["CLUSTER", "SETSLOT", &slot, "IMPORTING", &from.id]);
        from.done(&["CLUSTER", "SETSLOT", &slot, "MIGRATING", &to.id]);
        let port = to.server.port().to_string();
        while let Some(key) = from.server.ask(&["CLUSTER", "GETKEYSINSLOT", &slot, "1"]) {
            from.done(&["MIGRATE", "127.0.0.1", &port, &key, "0", "5000"]);
            if let Some(parted) = parted.take() {
                parted();
            }
        }
        let others = self.nodes.iter().filter(|node| node.id != to.id);
        for node in std::iter::once(to).chain(others) {
            node.done(&["CLUSTER", "SETSLOT", &slot, "NODE", &to.id]);
        }
    }

    /// Whether each knows all, and all slots are served.
    fn agrees(&self) -> bool {
        let known = format!("cluster_known_nodes:{}", self.nodes.len());
        self.nodes.iter().all(|node| {
            let info = node.server.ask(&["CLUSTER", "INFO"]).unwrap_or_default();
            info.contains("cluster_state:ok") && info.contains(&known)
        })
    }
}
