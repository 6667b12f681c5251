//! Calls of the day, as the ledger told them last, on their way to the sink: it outlives the
//! ledger, and a new one goes on from what is there.

use std::collections::BTreeMap;

use watershed_ledger::Leased;
use watershed_model::{AccountId, CategorySet, DayCalls};

/// What was told, and whether the sink knows it.
#[derive(Default)]
pub(crate) struct Days {
    told: BTreeMap<(AccountId, CategorySet), DayCalls>,
    news: bool,
}

impl Days {
    /// An answer of the ledger told this.
    pub(crate) fn tell(&mut self, days: Vec<DayCalls>) {
        for day in days {
            let before = self.told.insert((day.account.clone(), day.categories), day.clone());
            self.news |= before != Some(day);
        }
    }

    /// Whether the call of what is leased is one of them.
    pub(crate) fn count(&self, leased: &Leased) -> bool {
        let categories = || self.told.keys().map(|(_, categories)| categories);
        leased.category.is_some_and(|of| categories().any(|categories| categories.contains(of)))
    }

    /// What the sink does not know yet.
    pub(crate) fn news(&mut self) -> Vec<DayCalls> {
        match std::mem::take(&mut self.news) {
            true => self.told.values().cloned().collect(),
            false => Vec::new(),
        }
    }
}
