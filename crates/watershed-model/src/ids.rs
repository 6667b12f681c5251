//! Identifiers as newtypes, so that no two of them are mixed up.

use std::fmt;

use serde::{Deserialize, Serialize};

macro_rules! text_id {
    ($(#[$doc:meta])* $name:ident) => {
        $(#[$doc])*
        #[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        #[serde(transparent)]
        pub struct $name(pub String);

        impl $name {
            /// The identifier as text.
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&self.0)
            }
        }

        impl From<&str> for $name {
            fn from(text: &str) -> Self {
                $name(text.to_owned())
            }
        }

        impl From<String> for $name {
            fn from(text: String) -> Self {
                $name(text)
            }
        }
    };
}

text_id!(
    /// The name of a connection in the configuration: one Zoom account. Also names its lane.
    ConnectionName
);
text_id!(
    /// Zoom's id of the account. Connections with the same one share one rate budget.
    AccountId
);
text_id!(
    /// One execution of a plan.
    RunId
);
text_id!(
    /// One worker process, unique per start.
    WorkerId
);
text_id!(
    /// An operation of the catalogue, such as `zoom.list_users`.
    OperationId
);
text_id!(
    /// The content hash of a canonical plan (BLAKE3, hex).
    PlanHash
);
text_id!(
    /// One dead letter.
    LetterId
);
text_id!(
    /// One event of a webhook, the same however often it is sent.
    EventKey
);

/// A step by its place in `Plan::steps`, which is in topological order.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, Default,
)]
#[serde(transparent)]
pub struct StepId(pub u16);

impl StepId {
    /// The index into `Plan::steps`.
    pub fn index(self) -> usize {
        usize::from(self.0)
    }
}
