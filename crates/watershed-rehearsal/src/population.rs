//! How busy an account is: from meetings a working day to what the simulated account takes.

use watershed_zoom_sim::{Account, Spec};

/// People who are counted.
const COUNTED: u64 = 400;
/// Working days of a week.
const WORKING: f64 = 5.0 / 7.0;

/// The account of `spec`, in which each person holds so many meetings on a working day.
pub fn as_busy(spec: &Spec, per_working_day: f64) -> Spec {
    let counted = COUNTED.min(spec.users.max(1));
    let wanted = per_working_day * f64::from(spec.days) * WORKING * counted as f64;
    let mut spec = spec.clone();
    // Not quite in proportion: nobody who hosts has fewer than two meetings.
    for _ in 0..3 {
        let held = Account::new(spec.clone()).held_by_the_first(counted).max(1) as f64;
        spec.meetings_per_user *= wanted / held;
    }
    spec
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_account_is_as_busy_as_it_is_said_to_be() {
        for per_day in [0.2, 0.5, 2.0] {
            let spec = as_busy(&Spec { users: 400, ..Spec::default() }, per_day);
            let held = Account::new(spec).held_by_the_first(400) as f64;
            let wanted = per_day * 180.0 * WORKING * 400.0;
            assert!((held / wanted - 1.0).abs() < 0.03, "{held} instead of {wanted}");
        }
    }
}
