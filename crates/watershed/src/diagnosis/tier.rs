//! The plan that an account is on, and what its limits mean for a backfill's length.

use serde::Serialize;
use watershed_engine::{Clock, SystemClock, limit_times};
use watershed_model::{Category, Limits, Millis, Plan};

use crate::connect;
use crate::output::{number, span};
use crate::settings::Account;

/// The meetings for which the time is told: a company of a thousand, half a year.
const MEETINGS: u32 = 100_000;

/// The plan and what it allows.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub(crate) struct TierCheck {
    /// The plan that is reckoned with.
    pub tier: String,
    /// Whether it was named; else the lowest is assumed.
    pub known: bool,
    /// The part of the limits that is used now.
    pub share: f64,
    /// What may be started, by category and period.
    pub limits: Vec<LimitCheck>,
    /// Steps of the shipped backfill that the plan does not allow.
    pub costs: Vec<String>,
    /// What the limits mean for the length of a backfill.
    pub means: String,
}

/// A limit.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub(crate) struct LimitCheck {
    /// The category, or several joined by `+`.
    pub category: String,
    /// `second`, `minute` or `day`.
    pub period: String,
    /// Calls that the share allows in a period.
    pub calls: f64,
}

/// What was configured, and what follows.
pub(super) fn checked(account: &Account, plan: &Plan) -> TierCheck {
    let now = SystemClock.now();
    let limits = connect::limits_of(account, now);
    let checks = limits.0.iter().map(|limit| LimitCheck {
        category: limit.categories.to_string(),
        period: limit.period.name().to_owned(),
        calls: limit.calls,
    });
    // Zoom answers reports on paid plans only. A guess is no reason to complain.
    let costs = if account.tier_known && account.tier == "free" {
        let reports =
            plan.steps.iter().filter(|s| s.operation.as_str() == "zoom.report_participants");
        reports.map(|step| step.name.clone()).collect()
    } else {
        Vec::new()
    };
    TierCheck {
        tier: account.tier.clone(),
        known: account.tier_known,
        share: account.share.at(now),
        limits: checks.collect(),
        costs,
        means: means(&limits),
    }
}

/// Each meeting that was held costs a Light call and, for who was there, a Heavy one; all else
/// is few beside them.
fn means(limits: &Limits) -> String {
    let calls = |category| match category {
        Category::Light | Category::Heavy => f64::from(MEETINGS),
        Category::Medium | Category::ResourceIntensive => 0.0,
    };
    // How long a day's limit takes hangs on the hour in which it begins: days are told instead.
    let times = limit_times(limits, calls, Millis(0));
    let meetings = number(u64::from(MEETINGS));
    let Some(binds) = times.iter().find(|time| time.binds) else {
        return format!("{meetings} meetings held: no limit binds");
    };
    let takes = match (binds.days, binds.ms) {
        (Some(days), _) => format!("need the calls of {} days", number(days)),
        (None, Some(ms)) => format!("take {} at best", span(ms)),
        (None, None) => "never end".to_owned(),
    };
    let by = binds.category.replace('_', "-");
    format!("{meetings} meetings held {takes}, bound by {by} calls a {}", binds.period)
}

#[cfg(test)]
mod tests {
    use watershed_zoom::limits::{Overrides, Tier, limits};

    use super::*;

    #[test]
    fn the_length_of_a_backfill_is_what_the_binding_limit_makes_of_its_meetings() {
        let of = |tier| means(&limits(tier, &Overrides::default(), 1.0));
        let by = "bound by heavy+resource-intensive calls a day";
        assert_eq!(of(Tier::Pro), format!("100,000 meetings held need the calls of 4 days, {by}"));
        let free = "100,000 meetings held need the calls of 100 days, bound by heavy calls a day";
        assert_eq!(of(Tier::Free), free);
    }

    #[test]
    fn without_a_limit_of_the_day_that_of_the_second_binds() {
        let overrides = Overrides { heavy_per_day: Some(1_000_000), ..Overrides::default() };
        let told = means(&limits(Tier::Pro, &overrides, 1.0));
        let expected =
            "100,000 meetings held take 2 h 46 min at best, bound by heavy calls a second";
        assert_eq!(told, expected);
    }
}
