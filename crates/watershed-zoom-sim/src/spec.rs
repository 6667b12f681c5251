//! The specification of a simulated account: what a test or an operator asks for.
//!
//! Everything the account holds follows from it and from nothing else.

use std::fmt;
use std::str::FromStr;

use jiff::Timestamp;

use crate::faults::FaultSpec;
use crate::limits::LimitSpec;

/// What to simulate. The same specification gives the same account, to the byte.
#[derive(Clone, Debug, PartialEq)]
pub struct Spec {
    /// Users of all three statuses, at most 16,777,216.
    pub users: u64,
    /// Everything generated depends on it.
    pub seed: u64,
    /// Accounts of one seed differ by this in their own id and their app, and in nothing else.
    pub number: u64,
    /// The plan of the account: sets the limits, and whether reports answer at all.
    pub tier: Tier,
    /// What overrides the limits of the tier.
    pub limits: LimitSpec,
    /// Granted scopes; `None` means the 16 that the shipped workflow knows.
    pub scopes: Option<Vec<String>>,
    /// Delay before each answer, in milliseconds.
    pub latency_ms: u64,
    /// Faults, by name and rate.
    pub faults: FaultSpec,
    /// The account's present. What is held by then can be read; it stands still.
    pub now: Timestamp,
    /// Days of history before today's midnight (UTC).
    pub days: u32,
    /// Scales how many meetings each user has.
    pub meetings_per_user: f64,
    /// The size of the largest video or sound file, in KiB; the smallest has one.
    pub media_kib: u64,
    /// How fast a file is sent, in KiB a second; 0: as fast as it is taken.
    pub media_kib_per_second: u64,
}

impl Default for Spec {
    /// 40 users on a business plan, 180 days, no faults, no latency; `now` is 2026-11-24 12:00 UTC.
    fn default() -> Spec {
        Spec {
            users: 40,
            seed: 1,
            number: 0,
            tier: Tier::Business,
            limits: LimitSpec::default(),
            scopes: None,
            latency_ms: 0,
            faults: FaultSpec::none(),
            now: Timestamp::constant(1_795_521_600, 0),
            days: 180,
            meetings_per_user: 1.0,
            media_kib: 64,
            media_kib_per_second: 0,
        }
    }
}

/// The plan an account is on.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Tier {
    /// No reports, no past meetings, the lowest limits.
    Free,
    /// The middle limits.
    Pro,
    /// The high limits, as for all that follow.
    Business,
    /// As business.
    Education,
    /// As business.
    Enterprise,
    /// As business.
    Partner,
}

impl Tier {
    /// All tiers, lowest first.
    pub const ALL: [Tier; 6] =
        [Tier::Free, Tier::Pro, Tier::Business, Tier::Education, Tier::Enterprise, Tier::Partner];

    fn name(self) -> &'static str {
        match self {
            Tier::Free => "free",
            Tier::Pro => "pro",
            Tier::Business => "business",
            Tier::Education => "education",
            Tier::Enterprise => "enterprise",
            Tier::Partner => "partner",
        }
    }
}

impl fmt::Display for Tier {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

impl FromStr for Tier {
    type Err = SpecError;

    fn from_str(text: &str) -> Result<Tier, SpecError> {
        Tier::ALL.into_iter().find(|tier| tier.name() == text).ok_or_else(|| {
            let known = Tier::ALL.map(Tier::name).join(", ");
            SpecError::Tier { found: text.to_owned(), known }
        })
    }
}

/// What can be wrong with the text of a specification.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum SpecError {
    /// No such tier.
    #[error("unknown tier `{found}`; there are: {known}")]
    Tier {
        /// As written.
        found: String,
        /// All there are.
        known: String,
    },
    /// No such fault.
    #[error("unknown fault `{found}`; there are: all, none, {known}")]
    Fault {
        /// As written.
        found: String,
        /// All there are.
        known: String,
    },
    /// No such key of the limits.
    #[error("unknown limit `{found}`; there are: off, {known}")]
    Limit {
        /// As written.
        found: String,
        /// All there are.
        known: String,
    },
    /// A value that the key does not take.
    #[error("`{found}` is no value for `{key}`: {wanted}")]
    Value {
        /// The key it was given for.
        key: String,
        /// As written.
        found: String,
        /// What would do.
        wanted: &'static str,
    },
}
