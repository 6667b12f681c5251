//! How long a call waits before it is tried again.

use watershed_model::Retry;

/// The delay before attempt number `attempts + 2`, in milliseconds: doubled for each attempt
/// made, at most the policy's longest; with full jitter drawn between zero and that.
pub fn delay_ms(policy: &Retry, attempts: u16, chance: u64) -> i64 {
    let doubled = 1_i64.checked_shl(u32::from(attempts).min(40)).unwrap_or(i64::MAX);
    let full = policy.backoff.first_ms.saturating_mul(doubled).min(policy.backoff.max_ms).max(0);
    if !policy.jitter {
        return full;
    }
    let span = u64::try_from(full).unwrap_or(0) + 1;
    i64::try_from(chance % span).unwrap_or(full)
}

#[cfg(test)]
mod tests {
    use super::*;
    use watershed_model::Backoff;

    fn policy(jitter: bool) -> Retry {
        Retry { attempts: 8, backoff: Backoff { first_ms: 1_000, max_ms: 300_000 }, jitter }
    }

    #[test]
    fn it_doubles_up_to_the_longest() {
        let delays: Vec<i64> = (0..11).map(|n| delay_ms(&policy(false), n, 0)).collect();
        assert_eq!(delays[..4], [1_000, 2_000, 4_000, 8_000]);
        assert_eq!(delays[9..], [300_000, 300_000]);
    }

    #[test]
    fn full_jitter_stays_between_zero_and_the_delay() {
        for chance in [0, 1, 999, 1_000, 1_001, u64::MAX] {
            let delay = delay_ms(&policy(true), 0, chance);
            assert!((0..=1_000).contains(&delay), "{delay}");
        }
    }
}
