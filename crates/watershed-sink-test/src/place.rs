//! What a sink must lend the suite: opening it, and a look past it.

use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;

use serde_json::Value;
use watershed_model::Catalogue;
use watershed_sink::{CoverageMap, Error, Inbox, Sink};

/// An answer that a place still owes.
pub type Later<'a, T> = Pin<Box<dyn Future<Output = T> + 'a>>;

/// A sink's place: empty at first, opened as often as a case likes, gone with the value.
pub trait Place {
    /// Another empty place of this kind.
    fn beside(&self) -> Box<dyn Place>;

    /// Opens it to write.
    fn open(&self, catalogue: Catalogue) -> Later<'_, Result<Arc<dyn Sink>, Error>>;

    /// Opens its inbox.
    fn open_inbox(&self, catalogue: Catalogue) -> Later<'_, Result<Arc<dyn Inbox>, Error>>;

    /// Opens it to count coverage.
    fn open_map(&self, catalogue: Catalogue) -> Later<'_, Result<Arc<dyn CoverageMap>, Error>>;

    /// Opens it to read.
    fn open_read_only(&self, catalogue: Catalogue) -> Later<'_, Result<Arc<dyn Sink>, Error>>;

    /// What a column of `people` holds in the row of that key, asked of the engine itself:
    /// numbers, truth values, text and JSON as what they are; an instant (a column whose name
    /// ends in `_at`) and a day as text, by [`instant`](crate::instant) and `yyyy-mm-dd`.
    fn look(&self, column: &str, key: &str) -> Later<'_, Value>;

    /// The columns of `people`.
    fn columns(&self) -> Later<'_, Vec<String>>;

    /// Runs SQL that every engine knows, as some other program would.
    fn meddle(&self, sql: &str) -> Later<'_, ()>;

    /// Makes every write of a dead letter fail with the word `planted`, or lifts that again.
    fn plant(&self, planted: bool) -> Later<'_, ()>;

    /// Says that the tables are of this version.
    fn set_version(&self, version: u32) -> Later<'_, ()>;

    /// The version that this program writes.
    fn version(&self) -> u32;

    /// The version as it stands in `_meta`.
    fn meta(&self) -> Later<'_, u32>;
}
