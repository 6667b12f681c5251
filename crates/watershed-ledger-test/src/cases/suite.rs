//! The suite: all cases by name.

use super::scenario::Scenario;
use super::{
    budget, days, failures, fences, joins, leases, listings, once, order, recalled, retries, runs,
    scarce, workers,
};
use crate::subject::{Capability, Make};

/// A case: a rule, and what shows it.
#[derive(Debug, Clone, Copy)]
pub struct Case {
    /// The rule, as a sentence.
    pub name: &'static str,
    /// What a ledger must be able to do for it.
    pub needs: Option<Capability>,
    pub(super) play: fn(&mut Scenario),
}

impl Case {
    pub(super) const fn new(name: &'static str, play: fn(&mut Scenario)) -> Case {
        Case { name, needs: None, play }
    }

    pub(super) const fn needing(mut self, capability: Capability) -> Case {
        self.needs = Some(capability);
        self
    }

    /// Plays the case on an empty ledger; one that it does not support passes.
    ///
    /// # Panics
    /// Where the ledger breaks the rule.
    pub fn run(&self, make: Make<'_>) {
        let subject = make();
        if self.needs.is_none_or(|capability| subject.supports(capability)) {
            (self.play)(&mut Scenario::on(subject));
        }
    }
}

/// Declares cases by the names of their functions.
macro_rules! declare {
    ($($name:ident $(needs $capability:ident)?),* $(,)?) => {
        /// The cases of this file.
        pub(super) const CASES: &[crate::cases::Case] = &[$(
            crate::cases::Case::new(stringify!($name), $name)
                $(.needing(crate::subject::Capability::$capability))?
        ),*];
    };
}
pub(super) use declare;

/// All cases, in groups by what they are about.
const GROUPS: &[&[Case]] = &[
    fences::CASES,
    leases::CASES,
    listings::CASES,
    joins::CASES,
    failures::CASES,
    retries::CASES,
    once::CASES,
    runs::CASES,
    order::CASES,
    scarce::CASES,
    days::CASES,
    budget::CASES,
    recalled::CASES,
    workers::CASES,
];

/// Every case.
pub fn cases() -> impl Iterator<Item = &'static Case> {
    GROUPS.iter().flat_map(|group| group.iter())
}

/// Plays every case.
///
/// # Panics
/// At the first case that fails; its name is printed before.
pub fn conformance(make: Make<'_>) {
    for case in cases() {
        println!("case {}", case.name);
        case.run(make);
    }
}
