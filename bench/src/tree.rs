//! Trees of items: one listing with many children, and Zoom's shape.

use std::sync::atomic::{AtomicU64, Ordering};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use watershed_ledger::{Checkpoint, Leased, Outcome, Submit};
use watershed_model::{Brood, Join, Kin, Millis, StepId};

use crate::flat::{child, plan, run, step};
use crate::server::closed;

/// Records of a page, as Zoom's lists have.
const PAGE: u64 = 300;

/// What hangs beneath the listing.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Shape {
    /// Items of one step; a join after the last.
    Wide,
    /// Users, one to five meetings each, one to five instances of each of these; a join.
    Zoom,
    /// The same, and a join for each user.
    ZoomJoined,
}

/// The steps. `AFTER` is the join of the run, `EACH` that of a user.
const LIST: StepId = StepId(0);
const USERS: StepId = StepId(1);
const MEETINGS: StepId = StepId(2);
const INSTANCES: StepId = StepId(3);
const AFTER: StepId = StepId(4);
const EACH: StepId = StepId(5);

/// A tree, and what its tasks bring.
pub(crate) struct Tree {
    shape: Shape,
    /// Records of the listing.
    records: u64,
    made: AtomicU64,
}

impl Tree {
    /// Of about so many items.
    pub(crate) fn of(shape: Shape, items: u64) -> Tree {
        // A user, three meetings on average, nine instances.
        let records = if shape == Shape::Wide { items } else { items / 13 };
        Tree { shape, records, made: AtomicU64::new(0) }
    }

    pub(crate) fn submit(&self) -> Submit {
        let joined = self.shape == Shape::ZoomJoined;
        let level = u8::from(joined);
        let steps = vec![
            step("list", 0, 0),
            step("users", level, 1),
            step("meetings", level, 2),
            step("instances", level, 3),
            step("after", 0, 4),
            step("each", level, 4),
        ];
        let watched = |last: u16| (0..=last).map(StepId).collect::<Vec<_>>();
        let mut joins = vec![Join { step: AFTER, scope: 0, watches: watched(3) }];
        if joined {
            joins[0].watches.push(EACH);
            let watches = vec![USERS, MEETINGS, INSTANCES];
            joins.push(Join { step: EACH, scope: 1, watches });
        }
        let scopes = if joined { &[None, Some(0)][..] } else { &[None] };
        let plan = plan(steps, joins, scopes);
        run(plan, vec![child(LIST, "[]".to_owned())], vec![(AFTER, vec!["[]".to_owned()])])
    }

    /// What came of a task.
    pub(crate) fn outcome(&self, leased: &Leased) -> Outcome {
        match leased.step {
            LIST => self.page(leased.checkpoint.as_ref()),
            USERS if self.shape != Shape::Wide => closed(self.few(MEETINGS)),
            MEETINGS => closed(self.few(INSTANCES)),
            _ => closed(Vec::new()),
        }
    }

    /// The next page of the listing.
    fn page(&self, checkpoint: Option<&Checkpoint>) -> Outcome {
        let rows = checkpoint.map_or(0, |checkpoint| checkpoint.rows);
        let more = (self.records - rows).min(PAGE);
        let broods = (rows..rows + more).map(|record| self.record(record)).collect();
        if rows + more == self.records {
            return closed(broods);
        }
        let pages = checkpoint.map_or(0, |checkpoint| checkpoint.pages) + 1;
        let token = format!("{pages:024}");
        let at = Millis(0);
        let checkpoint = Checkpoint { token, token_at: at, first_at: at, pages, rows: rows + more };
        Outcome::More { broods, checkpoint }
    }

    fn record(&self, record: u64) -> Brood {
        let item = if self.shape == Shape::Wide { instance(record) } else { user(record) };
        let task = child(USERS, item);
        let kin = if self.shape == Shape::ZoomJoined {
            let joins = vec![(EACH, vec![user(record)])];
            Kin::Scope { level: 1, key: key(record), joins, kin: vec![task] }
        } else {
            task
        };
        Brood { key: key(record), kin: vec![kin] }
    }

    /// One to five children, in turn.
    fn few(&self, step: StepId) -> Vec<Brood> {
        let turn = self.made.fetch_add(1, Ordering::Relaxed);
        let few = (0..1 + turn % 5).map(|n| {
            let number = turn * 5 + n;
            let item = if step == MEETINGS { meeting(number) } else { instance(number) };
            Brood { key: key(n), kin: vec![child(step, item)] }
        });
        few.collect()
    }
}

pub(crate) fn user(number: u64) -> String {
    format!("[\"{}\"]", base64::engine::general_purpose::URL_SAFE_NO_PAD.encode(id(number)))
}

pub(crate) fn meeting(number: u64) -> String {
    format!("[{}]", 90_000_000_000 + number)
}

/// 24 characters and a start: a UUID of Zoom.
pub(crate) fn instance(number: u64) -> String {
    let (hour, minute) = (number / 60 % 24, number % 60);
    let uuid = STANDARD.encode(id(number));
    format!("[\"{uuid}\",\"2026-10-02T{hour:02}:{minute:02}:00Z\"]")
}

/// Sixteen bytes without a pattern, the same for the same number.
pub(crate) fn id(number: u64) -> [u8; 16] {
    let (high, low) = (key(2 * number), key(2 * number + 1));
    ((u128::from(high) << 64) | u128::from(low)).to_be_bytes()
}

/// Eight bytes without a pattern: a key, as hashes are.
pub(crate) fn key(number: u64) -> u64 {
    // splitmix64: every bit depends on every bit.
    let z = (number + 1).wrapping_mul(0x9e37_79b9_7f4a_7c15);
    let z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    let z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    z ^ (z >> 31)
}
