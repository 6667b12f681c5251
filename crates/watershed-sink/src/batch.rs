//! What one sink transaction brings.

use std::collections::{BTreeMap, BTreeSet};

use serde::Serialize;
use serde_json::value::RawValue;
use watershed_model::{
    ConnectionName, Coverage, Dataset, DayCalls, DeadLetter, LeftOut, LetterId, Millis,
    OperationId, Row, RunId, Subject, hash64,
};

/// One sink transaction: all of it is durable together, or none of it.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Batch {
    /// What calls brought, in the order in which they ended.
    pub writes: Vec<Write>,
    /// Tasks that failed for good.
    pub failures: Vec<DeadLetter>,
    /// Dead letters of tasks that went well after all: they are removed.
    pub healed: Vec<LetterId>,
    /// What the account no longer has, by proof.
    pub gone: Vec<Gone>,
    /// Calls of days, as the ledger counts them now.
    pub days: Vec<DayCalls>,
    /// Who is left out, as the writes saw.
    pub left_out: Vec<LeftOut>,
    /// Marks of erased people that whoever made this knew, by connection; 0 where it says nothing.
    pub erased: BTreeMap<ConnectionName, u64>,
}

impl Batch {
    /// Whether there is nothing in it.
    pub fn is_empty(&self) -> bool {
        self.writes.is_empty()
            && self.failures.is_empty()
            && self.healed.is_empty()
            && self.gone.is_empty()
            && self.days.is_empty()
            && self.left_out.is_empty()
    }

    /// The connections that it is about.
    pub fn connections(&self) -> BTreeSet<&ConnectionName> {
        let writes = self.writes.iter().map(|write| &write.connection);
        let failures = self.failures.iter().map(|letter| &letter.connection);
        let gone = self.gone.iter().map(|gone| &gone.connection);
        let left_out = self.left_out.iter().map(|left_out| &left_out.connection);
        writes.chain(failures).chain(gone).chain(left_out).collect()
    }

    /// Marks of erased people of a connection that whoever made this knew.
    pub fn knows_erased(&self, connection: &ConnectionName) -> u64 {
        self.erased.get(connection).copied().unwrap_or(0)
    }
}

/// Rows that the account no longer has. What was read of them later than that stays as it is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Gone {
    /// The connection.
    pub connection: ConnectionName,
    /// The dataset.
    pub dataset: &'static Dataset,
    /// The column by which they are told: `_key`, or one of what they were asked for.
    pub column: &'static str,
    /// What stands there.
    pub value: String,
    /// When it was proved.
    pub at: Millis,
}

/// What one call brought: rows, and the coverage that speaks of them.
#[derive(Debug, Clone, PartialEq)]
pub struct Write {
    /// The connection.
    pub connection: ConnectionName,
    /// The run.
    pub run: RunId,
    /// When the call was made: the version of its rows. An older one overwrites nothing.
    pub fetched_at: Millis,
    /// The rows. Of several with one key, the last stays.
    pub rows: Vec<Row>,
    /// What is known through this call.
    pub coverage: Vec<Coverage>,
    /// The listing that brought the rows, where one did.
    pub listing: Option<Listing>,
    /// Which part of that listing this is; `None` where it is no answer to it.
    pub part: Option<Part>,
}

/// A page of a listing. Rows of other datasets that come with it are no members.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Part {
    /// The dataset whose rows are listed.
    pub dataset: &'static Dataset,
    /// Whether it is the first page: what an earlier reading brought no longer counts.
    pub first: bool,
}

/// A listing: what was asked, of which window. Stands in `_listing` of each row it brought.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Listing {
    /// What was asked.
    pub subject: Subject,
    /// First day of its window (`yyyy-mm-dd`), where it has one.
    pub from: Option<String>,
    /// Last day of its window, as it was asked.
    pub to: Option<String>,
    /// The operation.
    pub operation: OperationId,
}

impl Listing {
    /// The text that `_listing` holds: compact JSON, always in this order of members.
    /// `{"operation":"zoom.list_users","subject":{"status":"active"},"from":null,"to":null}`
    pub fn text(&self) -> String {
        #[derive(Serialize)]
        struct Shown<'a> {
            operation: &'a str,
            subject: &'a RawValue,
            from: Option<&'a str>,
            to: Option<&'a str>,
        }
        // A subject is JSON already; were it not, it would stand there as a string.
        let subject = RawValue::from_string(self.subject.as_str().to_owned())
            .or_else(|_| serde_json::value::to_raw_value(self.subject.as_str()))
            .expect("any text is a JSON string");
        let shown = Shown {
            operation: self.operation.as_str(),
            subject: &subject,
            from: self.from.as_deref(),
            to: self.to.as_deref(),
        };
        serde_json::to_string(&shown).expect("strings and checked JSON always serialise")
    }
}

/// What stands for a listing in `_listings` and `_members`, the same in every sink: `text` is
/// that of `_listing`. 64 bits as a signed integer: the text is long, and there is a listing
/// for almost every call.
pub fn listing_hash(connection: &ConnectionName, dataset: &str, text: &str) -> i64 {
    let parts = [connection.as_str(), dataset, text].map(str::as_bytes);
    hash64(&parts).cast_signed()
}
