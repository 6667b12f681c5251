//! How far ahead of its slot a task must be leased to come to its call in time. Pure.

/// A task that comes to its call this long after its slot is in time.
pub(super) const LATE_MS: i64 = 5;
/// However slow a machine is, permits are not asked for further ahead.
const LEAD_MAX_MS: i64 = 2_000;

/// What a task would have needed: it was leased so far ahead, and came so late to its call.
pub(super) fn needed(lead_ms: i64, late_ms: i64) -> i64 {
    if late_ms > LATE_MS { lead_ms + late_ms } else { 0 }
}

/// How far ahead permits are asked for: as far as the slowest task since the last exchange
/// needed from the ledger to the wire, since a slot that has passed is lost; a little less
/// each time that all were in time.
pub(super) fn lead(lead_ms: i64, needed_ms: i64) -> i64 {
    let shrunk = lead_ms - (lead_ms / 32).max(1).min(lead_ms);
    shrunk.max(needed_ms).min(LEAD_MAX_MS)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_slow_machine_asks_further_ahead_and_a_fast_one_comes_back() {
        let first = lead(0, needed(0, 300));
        assert_eq!(first, 300);
        // Tasks leased before the lead grew say the same again: it does not grow twice.
        assert_eq!(lead(first, needed(0, 300)), 300);
        assert_eq!(lead(first, needed(first, 100)), 400);
        assert_eq!(lead(first, needed(first, 60_000)), LEAD_MAX_MS);
        let mut lead_ms = first;
        for _ in 0..400 {
            lead_ms = lead(lead_ms, needed(lead_ms, 3));
        }
        assert_eq!(lead_ms, 0);
    }
}
