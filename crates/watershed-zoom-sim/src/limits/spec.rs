//! What limits to simulate: by tier, and what overrides it.
//!
//! # Source
//! Zoom's page "Rate limits", figures of February 2026.

use std::fmt;
use std::str::FromStr;

use crate::spec::{SpecError, Tier};

/// Zoom's rate label.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Category {
    /// Single records.
    Light,
    /// Most lists.
    Medium,
    /// Reports.
    Heavy,
}

impl Category {
    /// All of them, in Zoom's order.
    pub const ALL: [Category; 3] = [Category::Light, Category::Medium, Category::Heavy];

    /// As headers and statistics write it, in lower case.
    pub fn name(self) -> &'static str {
        match self {
            Category::Light => "light",
            Category::Medium => "medium",
            Category::Heavy => "heavy",
        }
    }

    pub(super) fn label(self) -> &'static str {
        match self {
            Category::Light => "Light",
            Category::Medium => "Medium",
            Category::Heavy => "Heavy",
        }
    }
}

/// How calls of a second are counted.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Shape {
    /// By the second of the clock: two bursts may meet at its edge.
    #[default]
    Fixed,
    /// In any stretch of one second.
    Sliding,
    /// A bucket of one second's calls that fills evenly.
    Bucket,
}

/// What overrides the limits of the tier.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct LimitSpec {
    pub(super) off: bool,
    pub(super) shape: Shape,
    pub(super) light_per_second: Option<u64>,
    pub(super) medium_per_second: Option<u64>,
    pub(super) heavy_per_second: Option<u64>,
    pub(super) heavy_per_day: Option<u64>,
    /// The part of every limit that another app takes.
    pub(super) other_app: f64,
}

const KEYS: &str = "shape, light_per_second, medium_per_second, heavy_per_second, heavy_per_day, \
    other_app";

impl LimitSpec {
    /// No limit at all.
    pub fn off() -> LimitSpec {
        LimitSpec { off: true, ..LimitSpec::default() }
    }

    pub(super) fn per_second(&self, tier: Tier, category: Category) -> u64 {
        let (own, of_tier) = match category {
            Category::Light => (self.light_per_second, [4, 30, 80]),
            Category::Medium => (self.medium_per_second, [2, 20, 60]),
            Category::Heavy => (self.heavy_per_second, [1, 10, 40]),
        };
        own.unwrap_or(of_tier[rank(tier)])
    }

    pub(super) fn per_day(&self, tier: Tier, category: Category) -> Option<u64> {
        match (category, tier) {
            (Category::Heavy, _) => {
                Some(self.heavy_per_day.unwrap_or([1_000, 30_000, 60_000][rank(tier)]))
            }
            (Category::Light, Tier::Free) => Some(6_000),
            (Category::Medium, Tier::Free) => Some(2_000),
            (Category::Light | Category::Medium, _) => None,
        }
    }
}

fn rank(tier: Tier) -> usize {
    match tier {
        Tier::Free => 0,
        Tier::Pro => 1,
        Tier::Business | Tier::Education | Tier::Enterprise | Tier::Partner => 2,
    }
}

impl FromStr for LimitSpec {
    type Err = SpecError;

    /// `off`, or `key=value` separated by commas: `shape=sliding,heavy_per_day=500`.
    fn from_str(text: &str) -> Result<LimitSpec, SpecError> {
        let mut spec = LimitSpec::default();
        for part in text.split(',').map(str::trim).filter(|part| !part.is_empty()) {
            let (key, value) = part.split_once('=').unwrap_or((part, ""));
            match key {
                "off" if value.is_empty() => spec.off = true,
                "shape" => spec.shape = shape(value)?,
                "light_per_second" => spec.light_per_second = Some(count(key, value)?),
                "medium_per_second" => spec.medium_per_second = Some(count(key, value)?),
                "heavy_per_second" => spec.heavy_per_second = Some(count(key, value)?),
                "heavy_per_day" => spec.heavy_per_day = Some(count(key, value)?),
                "other_app" => spec.other_app = part_of_one(key, value)?,
                _ => {
                    let (found, known) = (key.to_owned(), KEYS.to_owned());
                    return Err(SpecError::Limit { found, known });
                }
            }
        }
        Ok(spec)
    }
}

impl fmt::Display for LimitSpec {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.off {
            return f.write_str("off");
        }
        let shape = match self.shape {
            Shape::Fixed => "fixed",
            Shape::Sliding => "sliding",
            Shape::Bucket => "bucket",
        };
        write!(f, "shape={shape}")?;
        let own = [
            ("light_per_second", self.light_per_second),
            ("medium_per_second", self.medium_per_second),
            ("heavy_per_second", self.heavy_per_second),
            ("heavy_per_day", self.heavy_per_day),
        ];
        for (key, value) in own {
            if let Some(value) = value {
                write!(f, ",{key}={value}")?;
            }
        }
        if self.other_app > 0.0 {
            write!(f, ",other_app={}", self.other_app)?;
        }
        Ok(())
    }
}

fn part_of_one(key: &str, value: &str) -> Result<f64, SpecError> {
    value.parse().ok().filter(|part| (0.0..1.0).contains(part)).ok_or_else(|| SpecError::Value {
        key: key.to_owned(),
        found: value.to_owned(),
        wanted: "a number from 0 to below 1",
    })
}

fn shape(value: &str) -> Result<Shape, SpecError> {
    match value {
        "fixed" => Ok(Shape::Fixed),
        "sliding" => Ok(Shape::Sliding),
        "bucket" => Ok(Shape::Bucket),
        _ => Err(SpecError::Value {
            key: "shape".to_owned(),
            found: value.to_owned(),
            wanted: "fixed, sliding or bucket",
        }),
    }
}

fn count(key: &str, value: &str) -> Result<u64, SpecError> {
    value.parse().ok().filter(|count| *count > 0).ok_or_else(|| SpecError::Value {
        key: key.to_owned(),
        found: value.to_owned(),
        wanted: "a whole number above 0",
    })
}
