//! The rate limits of an account, by its tier.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};
use watershed_model::{Category, CategorySet, Limit, Limits, Period};

/// The Zoom plan that an account is on.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Tier {
    /// Free (Basic).
    Free,
    /// Pro.
    Pro,
    /// Business.
    Business,
    /// Education.
    Education,
    /// Enterprise.
    Enterprise,
    /// Partner.
    Partner,
}

impl Tier {
    /// Every tier.
    pub const ALL: [Tier; 6] =
        [Tier::Free, Tier::Pro, Tier::Business, Tier::Education, Tier::Enterprise, Tier::Partner];

    /// The name in configuration and output.
    pub fn name(self) -> &'static str {
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

/// A name that no tier has.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{given:?} is no tier; known are free, pro, business, education, enterprise, partner")]
pub struct UnknownTier {
    /// What was given.
    pub given: String,
}

impl FromStr for Tier {
    type Err = UnknownTier;

    fn from_str(text: &str) -> Result<Tier, UnknownTier> {
        let found = Tier::ALL.into_iter().find(|tier| tier.name() == text);
        found.ok_or_else(|| UnknownTier { given: text.to_owned() })
    }
}

/// What the customer was told, or agreed with Zoom, in place of the tier's figures.
#[derive(Debug, Clone, Copy, PartialEq, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Overrides {
    /// Light calls a second.
    pub light_per_second: Option<f64>,
    /// Medium calls a second.
    pub medium_per_second: Option<f64>,
    /// Heavy calls a second.
    pub heavy_per_second: Option<f64>,
    /// Heavy calls a UTC day, resource-intensive ones included.
    pub heavy_per_day: Option<u64>,
}

const LIGHT: CategorySet = CategorySet::of(&[Category::Light]);
const MEDIUM: CategorySet = CategorySet::of(&[Category::Medium]);
const HEAVY: CategorySet = CategorySet::of(&[Category::Heavy]);
const INTENSIVE: CategorySet = CategorySet::of(&[Category::ResourceIntensive]);
/// Paid plans count these two against one day's budget.
const HEAVY_AND_INTENSIVE: CategorySet =
    CategorySet::of(&[Category::Heavy, Category::ResourceIntensive]);

/// The figures of a tier.
///
/// # Source
/// Zoom "Rate limits" (figures of 2026-02, the same in Zoom's plugin of 2026-08), checked
/// 2026-11-24. Business, Education, Enterprise and Partner have the same.
struct Figures {
    light_per_second: f64,
    medium_per_second: f64,
    heavy_per_second: f64,
    intensive_per_minute: f64,
    per_day: &'static [(CategorySet, f64)],
}

fn figures(tier: Tier) -> Figures {
    match tier {
        Tier::Free => Figures {
            light_per_second: 4.0,
            medium_per_second: 2.0,
            heavy_per_second: 1.0,
            intensive_per_minute: 10.0,
            per_day: &[
                (LIGHT, 6_000.0),
                (MEDIUM, 2_000.0),
                (HEAVY, 1_000.0),
                (INTENSIVE, 30_000.0),
            ],
        },
        Tier::Pro => Figures {
            light_per_second: 30.0,
            medium_per_second: 20.0,
            heavy_per_second: 10.0,
            intensive_per_minute: 10.0,
            per_day: &[(HEAVY_AND_INTENSIVE, 30_000.0)],
        },
        Tier::Business | Tier::Education | Tier::Enterprise | Tier::Partner => Figures {
            light_per_second: 80.0,
            medium_per_second: 60.0,
            heavy_per_second: 40.0,
            intensive_per_minute: 20.0,
            per_day: &[(HEAVY_AND_INTENSIVE, 60_000.0)],
        },
    }
}

/// The limits of an account on `tier`, reduced to `share` (0 to 1; anything else is brought
/// into that range, and no number counts as 0).
pub fn limits(tier: Tier, overrides: &Overrides, share: f64) -> Limits {
    let share = if share.is_nan() { 0.0 } else { share.clamp(0.0, 1.0) };
    let known = figures(tier);
    let limit = |categories, period, calls: f64| Limit {
        categories,
        period,
        calls: calls.max(0.0) * share,
        of: calls.max(0.0),
        reserve: 0.0,
    };
    let mut limits = vec![
        limit(LIGHT, Period::Second, overrides.light_per_second.unwrap_or(known.light_per_second)),
        limit(
            MEDIUM,
            Period::Second,
            overrides.medium_per_second.unwrap_or(known.medium_per_second),
        ),
        limit(HEAVY, Period::Second, overrides.heavy_per_second.unwrap_or(known.heavy_per_second)),
        limit(INTENSIVE, Period::Minute, known.intensive_per_minute),
    ];
    for &(categories, calls) in known.per_day {
        let heavy = categories.contains(Category::Heavy);
        let agreed = overrides.heavy_per_day.filter(|_| heavy).map(|n| n as f64);
        limits.push(limit(categories, Period::Day, agreed.unwrap_or(calls)));
    }
    Limits(limits)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What of `category` may start in `period`, as text.
    fn calls(tier: Tier, overrides: &Overrides, share: f64) -> Vec<String> {
        limits(tier, overrides, share)
            .0
            .iter()
            .map(|l| format!("{} {}/{}", l.categories, l.calls, l.period.name()))
            .collect()
    }

    #[test]
    fn each_tier_has_the_figures_that_zoom_publishes() {
        assert_eq!(
            calls(Tier::Free, &Overrides::default(), 1.0),
            [
                "light 4/second",
                "medium 2/second",
                "heavy 1/second",
                "resource_intensive 10/minute",
                "light 6000/day",
                "medium 2000/day",
                "heavy 1000/day",
                "resource_intensive 30000/day",
            ]
        );
        assert_eq!(
            calls(Tier::Pro, &Overrides::default(), 1.0),
            [
                "light 30/second",
                "medium 20/second",
                "heavy 10/second",
                "resource_intensive 10/minute",
                "heavy+resource_intensive 30000/day",
            ]
        );
        for tier in [Tier::Business, Tier::Education, Tier::Enterprise, Tier::Partner] {
            assert_eq!(
                calls(tier, &Overrides::default(), 1.0),
                [
                    "light 80/second",
                    "medium 60/second",
                    "heavy 40/second",
                    "resource_intensive 20/minute",
                    "heavy+resource_intensive 60000/day",
                ]
            );
        }
    }

    #[test]
    fn agreed_figures_replace_the_tiers_and_the_share_counts_for_both() {
        let overrides = Overrides {
            heavy_per_second: Some(8.0),
            heavy_per_day: Some(100_000),
            ..Overrides::default()
        };
        assert_eq!(
            calls(Tier::Pro, &overrides, 0.5),
            [
                "light 15/second",
                "medium 10/second",
                "heavy 4/second",
                "resource_intensive 5/minute",
                "heavy+resource_intensive 50000/day",
            ]
        );
        assert!(calls(Tier::Free, &overrides, 1.0).contains(&"heavy 100000/day".to_owned()));
    }

    #[test]
    fn no_share_makes_more_than_the_limit_or_less_than_nothing() {
        for (share, expected) in [(7.0, 40.0), (-1.0, 0.0), (f64::NAN, 0.0)] {
            let limits = limits(Tier::Business, &Overrides::default(), share);
            assert_eq!(limits.0[2].calls, expected, "{share}");
        }
    }

    #[test]
    fn tiers_are_written_as_in_the_configuration() {
        for tier in Tier::ALL {
            assert_eq!(tier.to_string().parse(), Ok(tier));
            let json = serde_json::to_string(&tier).expect("a name");
            assert_eq!(json, format!("\"{tier}\""));
        }
        let error = "Business".parse::<Tier>().expect_err("names are in lower case");
        assert!(error.to_string().contains("\"Business\" is no tier"));
        let typo = serde_json::from_str::<Overrides>(r#"{"hevy_per_day": 1}"#);
        assert!(typo.is_err_and(|e| e.to_string().contains("hevy_per_day")));
    }
}
