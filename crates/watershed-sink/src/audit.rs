//! The audit log: each entry holds the hash of the one before it.
//!
//! What the chain shows: that no entry was changed, taken out of the middle or put in between.
//! What it cannot show by itself: that its end was cut off, or that all of it was made anew by
//! somebody who may write there. Whoever keeps a hash elsewhere sees that, too: it is no longer in
//! the chain.

use serde::Serialize;
use sha2::{Digest as _, Sha256};
use watershed_model::{Audit, ConnectionName, RunId};

use crate::{Error, Sink};

/// The hash before the first entry.
const NOTHING: &str = "0000000000000000000000000000000000000000000000000000000000000000";
/// Entries that are read at once.
const AT_ONCE: u32 = 500;

/// An entry, as it stands there.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct AuditEntry {
    /// Its place, from 1 on, without a gap.
    pub place: u64,
    /// When: RFC 3339, UTC, milliseconds.
    pub at: String,
    /// Who.
    pub who: String,
    /// By what way.
    pub via: String,
    /// What.
    pub act: String,
    /// To what connection.
    pub connection: Option<String>,
    /// To what run.
    pub run: Option<String>,
    /// What became of it.
    pub outcome: String,
    /// The hash of the entry before.
    pub before: String,
    /// SHA-256 of `before` and all the rest, in hexadecimal digits.
    pub hash: String,
}

impl AuditEntry {
    /// The entry that follows on `last`.
    pub fn after(last: Option<&AuditEntry>, audit: &Audit) -> AuditEntry {
        let mut entry = AuditEntry {
            place: last.map_or(0, |last| last.place) + 1,
            at: audit.at.to_string(),
            who: audit.who.clone(),
            via: audit.via.name().to_owned(),
            act: audit.act.name().to_owned(),
            connection: audit.connection.clone().map(|ConnectionName(name)| name),
            run: audit.run.clone().map(|RunId(id)| id),
            outcome: audit.outcome.name().to_owned(),
            before: last.map_or(NOTHING, |last| &last.hash).to_owned(),
            hash: String::new(),
        };
        entry.hash = entry.reckoned();
        entry
    }

    /// Why it cannot follow on `last`; `None`: it does.
    pub fn broken(&self, last: Option<&AuditEntry>) -> Option<&'static str> {
        if self.place != last.map_or(0, |last| last.place) + 1 {
            Some("the entry before it is missing")
        } else if self.before != last.map_or(NOTHING, |last| &last.hash) {
            Some("it does not follow on the entry before it")
        } else if self.hash != self.reckoned() {
            Some("it is not as it was written")
        } else {
            None
        }
    }

    /// The hash that it must have.
    fn reckoned(&self) -> String {
        let told = (
            &self.before,
            self.place,
            &self.at,
            &self.who,
            &self.via,
            &self.act,
            &self.connection,
            &self.run,
            &self.outcome,
        );
        // One text for each entry: an array of strings and a number, in this order.
        let told = serde_json::to_string(&told).expect("strings always serialise");
        let hash = Sha256::digest(told.as_bytes());
        hash.iter().map(|byte| format!("{byte:02x}")).collect()
    }
}

/// What a walk along the chain found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AuditWalk {
    /// Entries that are as they were written, from the first on.
    pub entries: u64,
    /// The hash of the last of them; that before the first, where there is none.
    pub head: String,
    /// The place of the first that is not, and why.
    pub broken: Option<(u64, &'static str)>,
    /// Whether the hash that was asked for is among them.
    pub found: bool,
}

/// Walks along the chain, up to the first entry that is not as it was written.
///
/// # Errors
/// The sink's.
pub async fn walk_audit(sink: &dyn Sink, kept: Option<&str>) -> Result<AuditWalk, Error> {
    let mut last: Option<AuditEntry> = None;
    let mut found = kept == Some(NOTHING);
    loop {
        let after = last.as_ref().map_or(0, |last| last.place);
        let page = sink.audited(after, AT_ONCE).await?;
        let full = page.len() == AT_ONCE as usize;
        for entry in page {
            if let Some(why) = entry.broken(last.as_ref()) {
                return Ok(walked(last, Some((entry.place, why)), found));
            }
            found |= kept == Some(entry.hash.as_str());
            last = Some(entry);
        }
        if !full {
            return Ok(walked(last, None, found));
        }
    }
}

fn walked(last: Option<AuditEntry>, broken: Option<(u64, &'static str)>, found: bool) -> AuditWalk {
    AuditWalk {
        entries: last.as_ref().map_or(0, |last| last.place),
        head: last.map_or_else(|| NOTHING.to_owned(), |last| last.hash),
        broken,
        found,
    }
}
