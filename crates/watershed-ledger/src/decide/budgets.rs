//! The budgets that an exchange touches: read once, kept once.

use std::collections::BTreeMap;

use watershed_model::{AccountId, DayCalls, Millis};

use crate::Error;
use crate::tables::{Budget, Tables};

/// By account: as it was read, and as it is now.
#[derive(Default)]
pub(super) struct Budgets(BTreeMap<AccountId, (Budget, Budget)>);

impl Budgets {
    pub(super) fn of(
        &mut self,
        tables: &mut impl Tables,
        account: &AccountId,
    ) -> Result<&mut Budget, Error> {
        if !self.0.contains_key(account) {
            let budget = tables.budget(account)?;
            self.0.insert(account.clone(), (budget.clone(), budget));
        }
        let (_, now) = self.0.get_mut(account).expect("inserted above");
        Ok(now)
    }

    /// Calls of today, as these budgets count them.
    pub(super) fn today(&self, now: Millis) -> Vec<DayCalls> {
        self.0.iter().flat_map(|(account, (_, budget))| budget.today(account, now)).collect()
    }

    /// Keeps those that have changed.
    pub(super) fn keep(self, tables: &mut impl Tables) -> Result<(), Error> {
        for (account, (before, now)) in self.0 {
            if before != now {
                tables.put_budget(&account, &now)?;
            }
        }
        Ok(())
    }
}
