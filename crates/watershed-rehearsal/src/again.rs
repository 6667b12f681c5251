//! Stored rows, asked for once more: what an account holds follows from its specification.

use std::collections::BTreeMap;
use std::sync::Arc;

use secrecy::SecretString;
use serde_json::{Map, Value};
use watershed_model::{Millis, Operation, Verdict};
use watershed_sink::{ListedRow, ListingKey};
use watershed_zoom_sim::{Account, Call, FaultSpec, LimitSpec, Spec};

/// An account like the one that is rehearsed with, which refuses and counts nothing.
pub(crate) struct Again {
    account: Arc<Account>,
    token: SecretString,
}

impl Again {
    /// The account of that specification, without limits and faults.
    pub(crate) fn new(spec: &Spec) -> Again {
        let spec = Spec { limits: LimitSpec::off(), faults: FaultSpec::none(), ..spec.clone() };
        let account = Arc::new(Account::new(spec));
        account.forget_calls();
        let token = crate::account::token(&account);
        Again { account, token }
    }

    /// As [`watershed_sink::Sink::listed`].
    pub(crate) fn listed(
        &self,
        listing: &ListingKey,
        after: Option<&str>,
        limit: u32,
    ) -> Option<Vec<ListedRow>> {
        let catalogue = watershed_zoom::catalogue();
        let operation = catalogue.operation(listing.operation.as_str())?;
        let mut with: Map<String, Value> = serde_json::from_str(listing.subject.as_str()).ok()?;
        for (name, day) in [("from", &listing.from), ("to", &listing.to)] {
            if let Some(day) = day {
                with.insert(name.to_owned(), Value::from(day.as_str()));
            }
        }
        let mut rows = BTreeMap::new();
        let mut cursor = None;
        while let Verdict::Data(page) = self.page(operation, &with, cursor.as_deref())? {
            let own = page.rows.into_iter().filter(|row| row.dataset.name == listing.dataset);
            for row in own {
                rows.entry(row.key).or_insert(row.record);
            }
            cursor = page.next;
            if cursor.is_none() {
                break;
            }
        }
        let rows = rows.into_iter().filter(|(key, _)| after.is_none_or(|a| key.as_str() > a));
        let rows = rows.map(|(key, record)| ListedRow { key, record });
        Some(rows.take(limit as usize).collect())
    }

    fn page(
        &self,
        operation: &Operation,
        with: &Map<String, Value>,
        cursor: Option<&str>,
    ) -> Option<Verdict> {
        use secrecy::ExposeSecret;
        let request = watershed_zoom::request(operation, with, cursor).ok()?;
        let target = format!("/v2{}", request.path_and_query);
        let now = self.account.spec().now;
        let answer = self.account.handle(&Call::get(target, self.token.expose_secret()), now);
        let headers: Vec<(String, String)> =
            answer.headers.into_iter().map(|(name, value)| (name.to_owned(), value)).collect();
        let answer =
            watershed_zoom::Answer { status: answer.status, headers: &headers, body: &answer.body };
        Some(watershed_zoom::read_after(operation, with, cursor, &answer, Millis::from(now)))
    }
}
