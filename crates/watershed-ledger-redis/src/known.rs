//! What this process has learned of the ledger on Redis: where accounts, lanes and runs are found,
//! and what was last seen of each account's records.

use std::collections::BTreeMap;

use watershed_model::{AccountId, ConnectionName, RunId, WorkerId};

use crate::answer::Head;

/// What was learned of the ledger.
#[derive(Default)]
pub(crate) struct Known {
    /// Accounts by their numbers.
    pub(crate) numbers: BTreeMap<u64, AccountId>,
    /// Where lanes are found.
    pub(crate) lanes: BTreeMap<ConnectionName, AccountId>,
    /// Where runs are found.
    pub(crate) runs: BTreeMap<RunId, AccountId>,
    /// What was last seen of each account's records.
    pub(crate) last: BTreeMap<AccountId, Last>,
    /// The last exchange of each worker here that an account has answered.
    pub(crate) answered: BTreeMap<(AccountId, WorkerId), u64>,
}

/// What was last seen of an account's records: where they know less, they have lost something.
#[derive(Default, Clone)]
pub(crate) struct Last {
    /// Which life of the records it was.
    pub(crate) epoch: String,
    /// Acts in it so far.
    pub(crate) acts: u64,
}

impl Last {
    /// What an answer tells, where it is later than what is known.
    pub(crate) fn learn(&mut self, head: &Head) {
        if self.epoch == head.epoch && self.acts >= head.acts {
            return;
        }
        self.epoch.clone_from(&head.epoch);
        self.acts = head.acts;
    }
}

impl Known {
    /// After a loss accounts may have other numbers, and know of no exchange.
    pub(crate) fn forget_places(&mut self) {
        let last = std::mem::take(&mut self.last);
        *self = Known { last, ..Known::default() };
    }
}
