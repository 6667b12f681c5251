//! Questions outside of any run, a few calls each without a permit: whether a list is granted,
//! and what a diagnosis wants to know. Nothing of them is kept.

use serde_json::{Map, Value};
use watershed_model::{ConnectionName, Millis, Operation, Verdict};

use crate::active::Link;
use crate::engine::Engine;
use crate::error::Error;
use crate::people;
use crate::task::{self, Spent};

/// Attempts of a call before it counts as not answered.
const TRIES_MAX: u32 = 4;

impl Engine {
    /// What Zoom answers to one call, less people who are left out; `None` where the operation is
    /// not known, no call can be made of the parameters, or a few tries brought no answer.
    ///
    /// # Errors
    /// [`Error::NoConnection`]; [`Error::Token`] where there is no token.
    pub async fn question(
        &self,
        connection: &ConnectionName,
        operation: &str,
        with: &Map<String, Value>,
    ) -> Result<Option<Verdict>, Error> {
        let Some(operation) = self.catalogue.operation(operation) else { return Ok(None) };
        let link = self.link(connection)?;
        let mut verdict = self.put(link, operation, with).await?;
        if let (Some(Verdict::Data(page)), Some(agreed)) = (&mut verdict, &link.connection.agreed) {
            people::shown(agreed, connection, operation, page, &*self.sink).await?;
        }
        Ok(verdict)
    }

    /// Whether a list of the account is granted: today's part of it is asked for.
    pub(crate) async fn probe(&self, link: &Link, operation: &str) -> Result<bool, Error> {
        let Some(operation) = self.catalogue.operation(operation) else { return Ok(false) };
        let today = self.clock.now().date().to_string();
        let required = operation.params.iter().filter(|p| p.required);
        let with = required.map(|p| (p.name.to_owned(), Value::from(today.as_str())));
        Ok(match self.put(link, operation, &with.collect()).await? {
            Some(Verdict::Data(_) | Verdict::Empty | Verdict::Waiting { .. }) => true,
            // Of the thing asked for, not of the operation.
            Some(Verdict::Unavailable { why, .. }) => !why.stops_step(),
            Some(_) => false,
            None => {
                tracing::warn!(operation = operation.id, connection = %link.connection.name,
                    "the probing call was not answered: the operation is not used in this run");
                false
            }
        })
    }

    async fn put(
        &self,
        link: &Link,
        operation: &Operation,
        with: &Map<String, Value>,
    ) -> Result<Option<Verdict>, Error> {
        let Ok(request) = watershed_zoom::request(operation, with, None) else { return Ok(None) };
        let tools = self.tools(crate::stop::stop().1, None);
        for _ in 0..TRIES_MAX {
            let token = link.tokens.get().await?;
            if let Some(category) = operation.category {
                self.paces.note(&link.connection.account, category, self.clock.now());
            }
            let mut spent = Spent::default();
            let verdict =
                task::call(operation, &request, (with, None), &token, &tools, &mut spent).await;
            let wait_until: Millis = match verdict {
                Verdict::Retry { .. } | Verdict::Restart => self.clock.now() + 1_000,
                Verdict::Wait(throttle) if !throttle.daily => throttle.until,
                // A token that was revoked meanwhile says nothing of the operation.
                Verdict::Token { .. } => {
                    link.tokens.refused(token.generation).await;
                    self.clock.now()
                }
                verdict => return Ok(Some(verdict)),
            };
            self.clock.sleep_until(wait_until).await;
        }
        Ok(None)
    }
}
