//! People who are left out, as they are remembered.

use serde::{Deserialize, Serialize};

use crate::{ConnectionName, Millis, RunId};

/// Why somebody is left out.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum LeftOutWhy {
    /// The customer did not agree to him, as a run saw in its list of users.
    Excluded,
    /// He was erased, for good.
    Erased,
}

/// One thing by which somebody who is left out is known: a keyed hash, never the thing itself.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct LeftOut {
    /// The connection.
    pub connection: ConnectionName,
    /// 64 bits under a key of the connection.
    pub mark: u64,
    /// Why.
    pub why: LeftOutWhy,
    /// The run that saw it last, or the id of the erasure.
    pub run: RunId,
    /// When.
    pub at: Millis,
}
