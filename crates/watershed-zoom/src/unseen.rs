//! What no call shows with the scopes that an admin is asked for, by the operation that might be
//! thought to show it. Coverage names it: absence is never shown as zero.
//!
//! # Source
//! Zoom API reference, Meetings and Users (OpenAPI 2026-08), checked 2026-11-24.

use serde_json::Value;
use watershed_model::Subject;

/// Something that an operation's listings leave out.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Unseen {
    /// The operation.
    pub operation: &'static str,
    /// The parameter that would have to choose it, and the value that Zoom does not take.
    pub choice: (&'static str, &'static str),
    /// What is left out, and what would show it.
    pub why: &'static str,
}

/// All that is known to be left out.
pub const UNSEEN: &[Unseen] = &[
    Unseen {
        operation: "zoom.list_users",
        choice: ("status", "deleted"),
        why: "in no list: deleted users, and what they held; what was handed over shows with its \
              new owner",
    },
    Unseen {
        operation: "zoom.list_meetings",
        choice: ("type", "instant"),
        why: "in no list: instant meetings that were not recorded (Zoom shows them under \
              report:read:user:admin, which is not asked for)",
    },
];

impl Unseen {
    /// The subject under which coverage names it.
    pub fn subject(&self) -> Subject {
        let (parameter, value) = self.choice;
        Subject::of(&[(parameter.to_owned(), Value::from(value))].into_iter().collect())
    }
}

#[cfg(test)]
mod tests {
    use watershed_model::ParamType;

    use super::*;
    use crate::catalogue;

    #[test]
    fn what_is_left_out_is_told_of_an_operation_that_cannot_be_asked_for_it() {
        for unseen in UNSEEN {
            let operation = catalogue().operation(unseen.operation).expect("in the catalogue");
            let (parameter, value) = unseen.choice;
            match operation.param(parameter).expect("a parameter").ty {
                ParamType::OneOf(values) => assert!(!values.contains(&value), "{unseen:?}"),
                other => panic!("{unseen:?}: {other:?} takes it"),
            }
        }
        assert_eq!(UNSEEN[1].subject().as_str(), r#"{"type":"instant"}"#);
    }
}
