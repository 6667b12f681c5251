//! Whether the ledger is as it should be: a file that may be written, or a Redis set up so that
//! it keeps what is open.

use serde::Serialize;
use watershed_ledger::Error;

use super::{Checked, bad, good, may_write, not_yet, unwritable};
use crate::explain::explain;
use crate::store::Store;

/// Where runs are kept.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub(crate) struct LedgerCheck {
    /// Whether it can be used.
    #[serde(flatten)]
    pub answers: Checked,
    /// What is wrong with how its Redis is set up.
    pub findings: Vec<Finding>,
    /// What a walk over all records found, where it was asked for.
    pub walk: Option<Checked>,
}

/// Something that is wrong with how a server is set up.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub(crate) struct Finding {
    /// Whether nothing may be kept there because of it.
    pub grave: bool,
    /// What was found.
    pub found: String,
    /// What to do about it.
    pub hint: String,
}

impl LedgerCheck {
    /// Whether runs may be kept there, and those that are there are whole.
    pub(crate) fn is_good(&self) -> bool {
        self.answers.ok
            && !self.findings.iter().any(|finding| finding.grave)
            && self.walk.as_ref().is_none_or(|walk| walk.ok)
    }
}

/// Looks at it; if `deep`, at each of its records.
pub(super) async fn checked(store: &Store, deep: bool) -> LedgerCheck {
    let mut walk = None;
    let answers = match (store.open_existing(), store) {
        (Ok(Some(_)), Store::File(path)) if !may_write(path) => bad(&unwritable(path)),
        (Ok(Some(ledger)), Store::File(_)) => match ledger.runs().await {
            Ok(runs) => {
                if deep {
                    walk = Some(walked(store).await.unwrap_or_else(|e| bad(&explain(&e.into()))));
                }
                good(format!("{store}: {} runs", runs.len()))
            }
            Err(error) => bad(&explain(&error.into())),
        },
        (Ok(None), Store::File(path)) => not_yet(path),
        #[cfg(feature = "redis")]
        (Ok(_), Store::Redis(url)) => match super::redis::checked(store, url, deep).await {
            Ok(check) => return check,
            Err(error) => bad(&explain(&error.into())),
        },
        (Err(error), _) => bad(&explain(&error.into())),
    };
    LedgerCheck { answers, findings: Vec::new(), walk }
}

/// A walk over all that a ledger counts.
pub(super) async fn walked(store: &Store) -> Result<Checked, Error> {
    let walked = store.walk().await?;
    let records: u64 = walked.values().map(|of| of.records).sum();
    let mut wrong = Vec::new();
    for (place, of) in &walked {
        wrong.extend(of.wrong.iter().map(|what| format!("{place}: {what}")));
    }
    let (of, delete) = match store {
        Store::File(_) => (String::new(), format!("move {store} away")),
        #[cfg(feature = "redis")]
        Store::Redis(_) => (
            format!(" of {} accounts", walked.len()),
            "stop the workers, delete the keys ws:{ACCOUNT}:*, start them again".to_owned(),
        ),
    };
    Ok(if wrong.is_empty() {
        good(format!("{records} records{of}: what is counted is there"))
    } else {
        Checked {
            ok: false,
            found: wrong.join("; "),
            hint: Some(format!(
                "{delete}: its runs are rebuilt from the dataset. And please report it: this is a \
                 defect, or somebody else's write"
            )),
        }
    })
}
