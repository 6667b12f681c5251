//! Whether the account can be reached, by what it has answered in this process.
//!
//! While nobody answers at all a call waits and costs no attempt: it is no task's fault. An
//! operation that nobody answers while others are answered is at fault itself, after a while.

use std::collections::BTreeMap;
use std::sync::{Mutex, MutexGuard, PoisonError};

use watershed_model::Millis;

/// So many calls in a row that nobody answered, and nobody is there.
const SILENT_CALLS: u32 = 5;
/// But for so long only: then it is the call's fault after all.
const DOWN_MAX_MS: i64 = 24 * 3_600_000;
/// Where others are answered so long after an operation fell silent, it is silent alone. Those that
/// were under way when the account went down are answered sooner, or never.
const ALONE_FROM_MS: i64 = 60_000;
/// An operation that is silent alone is waited for no longer than this.
const ALONE_MAX_MS: i64 = 3_600_000;

/// What was answered, and what was not.
#[derive(Debug, Default)]
pub(crate) struct Reach(Mutex<Heard>);

#[derive(Debug, Default)]
struct Heard {
    /// Calls in a row that nobody answered, and when somebody last did.
    unanswered: u32,
    answered_at: Option<Millis>,
    operations: BTreeMap<&'static str, Silence>,
}

/// The same of one operation.
#[derive(Debug, Default, Clone, Copy)]
struct Silence {
    ever_answered: bool,
    unanswered: u32,
    since: Millis,
}

impl Reach {
    /// A call of the operation was answered, whatever was said.
    pub(crate) fn answered(&self, operation: &'static str, now: Millis) {
        let mut heard = self.heard();
        heard.unanswered = 0;
        heard.answered_at = Some(now);
        heard.operations.insert(operation, Silence { ever_answered: true, ..Silence::default() });
    }

    /// A call of the operation was not answered.
    pub(crate) fn unanswered(&self, operation: &'static str, now: Millis) {
        let mut heard = self.heard();
        heard.unanswered = heard.unanswered.saturating_add(1);
        let silence = heard.operations.entry(operation).or_default();
        if silence.unanswered == 0 {
            silence.since = now;
        }
        silence.unanswered = silence.unanswered.saturating_add(1);
    }

    /// Whether nobody is there at present to answer the operation. An account that has answered
    /// nothing yet is taken for a wrong address.
    pub(crate) fn is_down(&self, operation: &str, now: Millis) -> bool {
        let heard = self.heard();
        let Some(answered_at) = heard.answered_at else { return false };
        heard.unanswered >= SILENT_CALLS
            && match heard.alone(operation) {
                Some(silence) => now - silence.since < ALONE_MAX_MS,
                None => now - answered_at < DOWN_MAX_MS,
            }
    }

    /// Whether the operation is not answered although others are, or were before it was asked for
    /// the first time.
    pub(crate) fn is_alone(&self, operation: &str) -> bool {
        self.heard().alone(operation).is_some()
    }

    fn heard(&self) -> MutexGuard<'_, Heard> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Heard {
    fn alone(&self, operation: &str) -> Option<Silence> {
        let silence = *self.operations.get(operation)?;
        let others_later = self.answered_at? - silence.since >= ALONE_FROM_MS;
        let is_alone =
            silence.unanswered >= SILENT_CALLS && (others_later || !silence.ever_answered);
        is_alone.then_some(silence)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const T: Millis = Millis(1_780_000_000_000);
    const HOUR: i64 = 3_600_000;

    fn silent(reach: &Reach, operation: &'static str, at: Millis) {
        for _ in 0..SILENT_CALLS {
            reach.unanswered(operation, at);
        }
    }

    #[test]
    fn an_account_that_nobody_answers_for_is_waited_for_a_day() {
        let reach = Reach::default();
        for operation in ["a", "b"] {
            reach.answered(operation, T);
        }
        silent(&reach, "a", T + 1_000);
        silent(&reach, "b", T + 1_000);
        for operation in ["a", "b", "never asked"] {
            assert!(reach.is_down(operation, T + 23 * HOUR), "{operation}");
            assert!(!reach.is_down(operation, T + 24 * HOUR), "{operation}");
            assert!(!reach.is_alone(operation), "{operation}");
        }
    }

    #[test]
    fn four_calls_are_not_enough_and_an_answer_begins_anew() {
        let reach = Reach::default();
        reach.answered("a", T);
        (1..SILENT_CALLS).for_each(|_| reach.unanswered("a", T));
        assert!(!reach.is_down("a", T));
        reach.unanswered("a", T);
        assert!(reach.is_down("a", T));
        reach.answered("a", T);
        assert!(!reach.is_down("a", T));
    }

    #[test]
    fn an_account_that_has_answered_nothing_is_a_wrong_address() {
        let reach = Reach::default();
        silent(&reach, "a", T);
        assert!(!reach.is_down("a", T));
    }

    #[test]
    fn an_operation_that_is_silent_while_others_are_answered_is_waited_for_an_hour() {
        let reach = Reach::default();
        reach.answered("a", T);
        silent(&reach, "a", T);
        reach.answered("b", T + ALONE_FROM_MS);
        // Nothing but the silent one is left to be asked.
        silent(&reach, "a", T + ALONE_FROM_MS);
        assert!(reach.is_alone("a") && !reach.is_alone("b"));
        assert!(reach.is_down("a", T + HOUR + -1));
        assert!(!reach.is_down("a", T + HOUR));
    }

    #[test]
    fn what_was_under_way_when_the_account_went_down_makes_no_other_operation_a_lone_one() {
        let reach = Reach::default();
        reach.answered("a", T);
        silent(&reach, "a", T);
        reach.answered("b", T + 10_000);
        silent(&reach, "b", T + 20_000);
        assert!(reach.is_down("a", T + 23 * HOUR));
    }

    #[test]
    fn an_operation_that_was_never_answered_is_waited_for_an_hour_where_others_were() {
        let reach = Reach::default();
        reach.answered("a", T);
        silent(&reach, "b", T + HOUR);
        assert!(reach.is_down("b", T + 2 * HOUR + -1));
        assert!(!reach.is_down("b", T + 2 * HOUR));
        reach.answered("b", T + 2 * HOUR);
        assert!(!reach.is_alone("b"));
    }
}
