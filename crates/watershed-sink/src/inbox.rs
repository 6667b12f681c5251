//! The inbox: what webhooks brought, durable before it is acknowledged.

use std::collections::BTreeMap;

use watershed_model::{ConnectionName, EventKey, InboxEvent, Millis};

use crate::Pending;

/// Whether an event was there already.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Taken {
    /// It was not.
    New,
    /// It was, done or not: nothing has changed.
    Known,
}

/// An event that waits, with its place in the order of arrival.
#[derive(Debug, Clone, PartialEq)]
pub struct Waiting {
    /// Its place: events that come later have higher ones.
    pub place: i64,
    /// The event.
    pub event: InboxEvent,
}

/// How many events wait.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct InboxCount {
    /// Of this connection.
    pub connection: ConnectionName,
    /// That wait.
    pub waiting: u64,
    /// Since when the first of them does.
    pub since: Option<Millis>,
}

/// Events of any number of connections, each once by its key.
///
/// # Errors
/// Every method fails with [`crate::Error`]. Where [`crate::Error::waits`] says so, the same call
/// may be made again later: the failed one was kept whole or not at all, and to make it twice does
/// no harm.
pub trait Inbox: Send + Sync {
    /// Keeps events, in their order, in one transaction. Once it answers, all of them survive a
    /// power loss. Of several of one key the first stays. Whether each was new.
    ///
    /// # Errors
    /// [`crate::Error::Erased`] where more marks of erased people of a connection are remembered
    /// than `erased` says: nothing is kept.
    fn keep(
        &self,
        events: Vec<InboxEvent>,
        erased: BTreeMap<ConnectionName, u64>,
    ) -> Pending<'_, Vec<Taken>>;

    /// A page of the events of a connection that are not done, in the order in which they came,
    /// from the first after `after` on; at most `limit`. Where several processes keep events, one
    /// may appear late before others: begin anew without `after`, once a page was the last.
    fn waiting(
        &self,
        connection: ConnectionName,
        after: Option<i64>,
        limit: u32,
    ) -> Pending<'_, Vec<Waiting>>;

    /// Marks events as done. What they brought goes, their keys stay. One that is done already, or
    /// is not there, is no error.
    fn done(&self, connection: ConnectionName, keys: Vec<EventKey>, at: Millis) -> Pending<'_, ()>;

    /// Forgets at most `limit` of the events that were done before that. How many it were.
    fn forget(&self, done_before: Millis, limit: u32) -> Pending<'_, u64>;

    /// Events that wait, by connection; none of one for which nothing does.
    fn backlog(&self) -> Pending<'_, Vec<InboxCount>>;
}
