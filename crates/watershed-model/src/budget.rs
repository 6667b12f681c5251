//! The rate budget's vocabulary: categories, periods and limits of one account.

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::{AccountId, Millis};

/// Zoom's rate label of an operation.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Category {
    /// Single records.
    Light,
    /// Lists.
    Medium,
    /// Reports.
    Heavy,
    /// Dashboards; none of the shipped operations.
    ResourceIntensive,
}

impl Category {
    /// Every category.
    pub const ALL: [Category; 4] =
        [Category::Light, Category::Medium, Category::Heavy, Category::ResourceIntensive];

    /// The name used in configuration, output and state.
    pub fn name(self) -> &'static str {
        match self {
            Category::Light => "light",
            Category::Medium => "medium",
            Category::Heavy => "heavy",
            Category::ResourceIntensive => "resource_intensive",
        }
    }
}

impl fmt::Display for Category {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// A set of categories that share one limit.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct CategorySet(u8);

impl CategorySet {
    /// The set of these.
    pub const fn of(categories: &[Category]) -> CategorySet {
        let mut bits = 0;
        let mut i = 0;
        while i < categories.len() {
            bits |= 1 << categories[i] as u8;
            i += 1;
        }
        CategorySet(bits)
    }

    /// Whether `category` is in the set.
    pub fn contains(self, category: Category) -> bool {
        self.0 & (1 << category as u8) != 0
    }

    /// The categories in the set, in their order.
    pub fn iter(self) -> impl Iterator<Item = Category> {
        Category::ALL.into_iter().filter(move |c| self.contains(*c))
    }

    /// The set of that name; `None` where it is none.
    pub fn named(name: &str) -> Option<CategorySet> {
        let of = |name: &str| Category::ALL.into_iter().find(|c| c.name() == name);
        let categories: Vec<Category> = name.split('+').map(of).collect::<Option<_>>()?;
        Some(CategorySet::of(&categories))
    }
}

/// The names of its categories: `heavy+resource_intensive`.
impl fmt::Display for CategorySet {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let names: Vec<&str> = self.iter().map(Category::name).collect();
        f.write_str(&names.join("+"))
    }
}

/// The stretch of time a limit counts in. A day is a UTC day.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Period {
    /// One second.
    Second,
    /// One minute.
    Minute,
    /// One UTC day.
    Day,
}

impl Period {
    /// Its length in milliseconds.
    pub fn ms(self) -> i64 {
        match self {
            Period::Second => 1_000,
            Period::Minute => 60_000,
            Period::Day => Millis::DAY,
        }
    }

    /// The name used in output.
    pub fn name(self) -> &'static str {
        match self {
            Period::Second => "second",
            Period::Minute => "minute",
            Period::Day => "day",
        }
    }
}

/// What the account may start in one period, over a set of categories together.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Limit {
    /// The categories counted together.
    pub categories: CategorySet,
    /// The period counted in.
    pub period: Period,
    /// Calls a period, already reduced to the connection's share; may be a fraction.
    pub calls: f64,
    /// Calls a period that the whole account has, before the share; 0 where nobody knows.
    #[serde(default)]
    pub of: f64,
    /// Of a day's calls, those kept back for events until 22:00 UTC.
    #[serde(default)]
    pub reserve: f64,
}

impl Limit {
    /// A limit of which nothing is kept back, and nothing known of the account's own.
    pub fn new(categories: CategorySet, period: Period, calls: f64) -> Limit {
        Limit { categories, period, calls, of: 0.0, reserve: 0.0 }
    }
}

/// All limits of one account. A call must fit every limit that names its category.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Limits(pub Vec<Limit>);

/// Calls of one day under one of an account's limits, as a ledger counted them.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct DayCalls {
    /// The account.
    pub account: AccountId,
    /// The categories that the limit counts together.
    pub categories: CategorySet,
    /// The UTC day, in days since 1970-01-01.
    pub day: i64,
    /// Calls of that day.
    pub calls: u64,
    /// When that changed last, by the ledger's clock, and later with each change: of two counts
    /// of one day the later one knows more.
    pub at: Millis,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_set_of_categories_is_found_by_its_name() {
        for set in [
            CategorySet::of(&[Category::Heavy]),
            CategorySet::of(&[Category::ResourceIntensive, Category::Heavy]),
            CategorySet::of(&Category::ALL),
        ] {
            assert_eq!(CategorySet::named(&set.to_string()), Some(set));
        }
        let both = CategorySet::of(&[Category::Heavy, Category::ResourceIntensive]);
        assert_eq!(both.to_string(), "heavy+resource_intensive");
        for none in ["", "heavy+", "Heavy", "heavy,light"] {
            assert_eq!(CategorySet::named(none), None, "{none:?}");
        }
    }
}
