//! Faults: what goes wrong, by name and rate.
//!
//! A fault is drawn from (seed, number of the request), so the same call may succeed when it is
//! made again. None of them changes what the account holds: whoever asks until it has whole
//! answers ends with the truth (see [`crate::Account::truth`] for the two exceptions).

use std::fmt;
use std::str::FromStr;

use crate::draw::{Draw, Purpose};
use crate::spec::SpecError;

macro_rules! faults {
    ($($(#[$doc:meta])* $name:ident = $text:literal, $alone:literal, $in_all:literal;)*) => {
        /// One kind of fault.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
        #[repr(u8)]
        pub enum Fault { $($(#[$doc])* $name),* }

        impl Fault {
            /// Every fault there is.
            pub const ALL: [Fault; [$(Fault::$name),*].len()] = [$(Fault::$name),*];

            /// The name in a specification.
            pub fn name(self) -> &'static str {
                match self { $(Fault::$name => $text),* }
            }

            /// The rate where none is given.
            pub fn default_rate(self) -> f64 {
                match self { $(Fault::$name => $alone),* }
            }

            fn rate_in_all(self) -> f64 {
                match self { $(Fault::$name => $in_all),* }
            }
        }
    };
}

faults! {
    /// 500 with a JSON body.
    Http500 = "http_500", 0.02, 0.01;
    /// 502 with an HTML body, as a gateway writes it.
    Http502Html = "http_502_html", 0.02, 0.01;
    /// 408.
    Http408 = "http_408", 0.02, 0.005;
    /// The connection ends in the middle of the body.
    ConnectionReset = "connection_reset", 0.02, 0.01;
    /// The answer takes twenty times as long (of 10 ms, where no latency is set).
    Slow = "slow", 0.02, 0.01;
    /// A whole answer whose JSON ends too early. Not for downloads: nothing would tell.
    TruncatedJson = "truncated_json", 0.02, 0.01;
    /// 200 with a sign-in page.
    Html200 = "html_200", 0.02, 0.005;
    /// 403 with HTML for one instance, always: past meeting, participants, reports. What these
    /// would have said is not in the truth. The rate means nothing.
    Html403 = "html_403", 1.0, 1.0;
    /// A page token that is refused as expired.
    PageTokenExpires = "page_token_expires", 0.05, 0.03;
    /// All tokens are revoked: 401 with 124, until a new one is fetched.
    TokenRevoked = "token_revoked", 0.005, 0.002;
    /// A 429 of the second whose `Retry-After` is nonsense: negative, long past, no date at all.
    RetryAfterAbsurd = "retry_after_absurd", 0.02, 0.01;
    /// A 429 of the second whose `Retry-After` lies years ahead. Not part of `all`: who believes
    /// it, never ends.
    RetryAfterFar = "retry_after_far", 0.01, 0.0;
    /// Between two pages the list moves: the next page repeats rows, and the rows of a page come
    /// in another order. Who follows the tokens to the end sees every row at least once.
    MovingLists = "moving_lists", 0.5, 0.3;
    /// A row stands twice in a page. Not among participants, where twins are people.
    DuplicateRows = "duplicate_rows", 0.1, 0.05;
    /// The report of an instance that ended in the last 24 hours: the first call finds nothing
    /// (404 with 3001) or stays of 0 seconds; the next finds it.
    LateReport = "late_report", 1.0, 1.0;
    /// The token endpoint answers 500.
    TokenEndpoint500 = "token_endpoint_500", 0.2, 0.1;
    /// Numbers about the page, and the life of a token, come as text or null. Records are spared.
    BodyWrongType = "body_wrong_type", 0.1, 0.05;
}

/// Which faults, and how often (0 to 1, by call to which they can happen).
#[derive(Clone, Debug, Default, PartialEq)]
pub struct FaultSpec {
    rates: [f64; Fault::ALL.len()],
}

impl FaultSpec {
    /// No fault.
    pub fn none() -> FaultSpec {
        FaultSpec::default()
    }

    /// Every fault that a run survives, at a rate at which it still ends.
    pub fn all() -> FaultSpec {
        FaultSpec { rates: Fault::ALL.map(Fault::rate_in_all) }
    }

    /// The same with this fault at this rate.
    #[must_use]
    pub fn with(mut self, fault: Fault, rate: f64) -> FaultSpec {
        self.rates[fault as usize] = rate.clamp(0.0, 1.0);
        self
    }

    pub(crate) fn rate(&self, fault: Fault) -> f64 {
        self.rates[fault as usize]
    }

    /// The draws of one request.
    pub(crate) fn draws(&self, seed: u64, request: u64) -> FaultDraws<'_> {
        FaultDraws { spec: self, seed, request }
    }
}

/// Says for one request which faults happen.
#[derive(Clone, Copy, Debug)]
pub(crate) struct FaultDraws<'a> {
    spec: &'a FaultSpec,
    seed: u64,
    request: u64,
}

impl FaultDraws<'_> {
    pub(crate) fn fires(&self, fault: Fault) -> bool {
        let rate = self.spec.rate(fault);
        rate > 0.0 && self.draw(fault).chance(rate)
    }

    /// What else is to be drawn for the fault.
    pub(crate) fn draw(&self, fault: Fault) -> Draw {
        Draw::of(self.seed, Purpose::Fault, [self.request, fault as u64, 0])
    }
}

impl FromStr for FaultSpec {
    type Err = SpecError;

    /// `none`, `all`, or `name[=rate]` separated by commas; a later part wins over an earlier.
    fn from_str(text: &str) -> Result<FaultSpec, SpecError> {
        let mut spec = FaultSpec::none();
        for part in text.split(',').map(str::trim).filter(|part| !part.is_empty()) {
            let (name, rate) = part.split_once('=').unwrap_or((part, ""));
            match name {
                "all" if rate.is_empty() => spec = FaultSpec::all(),
                "none" if rate.is_empty() => spec = FaultSpec::none(),
                _ => {
                    let fault = fault(name)?;
                    let rate = match rate {
                        "" => fault.default_rate(),
                        rate => parse_rate(name, rate)?,
                    };
                    spec = spec.with(fault, rate);
                }
            }
        }
        Ok(spec)
    }
}

impl fmt::Display for FaultSpec {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let set = Fault::ALL.into_iter().filter(|fault| self.rate(*fault) > 0.0);
        let parts: Vec<String> =
            set.map(|fault| format!("{}={}", fault.name(), self.rate(fault))).collect();
        f.write_str(if parts.is_empty() { "none" } else { "" })?;
        f.write_str(&parts.join(","))
    }
}

fn fault(name: &str) -> Result<Fault, SpecError> {
    Fault::ALL.into_iter().find(|fault| fault.name() == name).ok_or_else(|| {
        let known = Fault::ALL.map(Fault::name).join(", ");
        SpecError::Fault { found: name.to_owned(), known }
    })
}

fn parse_rate(name: &str, rate: &str) -> Result<f64, SpecError> {
    rate.parse().ok().filter(|rate| (0.0..=1.0).contains(rate)).ok_or_else(|| SpecError::Value {
        key: name.to_owned(),
        found: rate.to_owned(),
        wanted: "a rate from 0 to 1",
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_fault_has_a_name_that_parses_and_a_rate_that_fires() {
        for fault in Fault::ALL {
            let spec: FaultSpec = fault.name().parse().unwrap();
            assert!(spec.rate(fault) > 0.0, "{}", fault.name());
            assert_eq!(spec.to_string().parse::<FaultSpec>().unwrap(), spec);
            assert!((0..5_000).any(|request| spec.draws(1, request).fires(fault)));
            let others = Fault::ALL.into_iter().filter(|other| *other != fault);
            assert!(others.into_iter().all(|other| !spec.draws(1, 3).fires(other)));
        }
    }

    #[test]
    fn rates_can_be_given_and_taken_back() {
        let spec: FaultSpec = "all,http_500=0,slow=0.5".parse().unwrap();
        assert_eq!(spec.rate(Fault::Http500), 0.0);
        assert_eq!(spec.rate(Fault::Slow), 0.5);
        assert!(spec.rate(Fault::Http408) > 0.0);
        assert_eq!("none".parse::<FaultSpec>().unwrap(), FaultSpec::none());
    }

    #[test]
    fn an_unknown_name_is_answered_with_all_names() {
        let error = "http_501".parse::<FaultSpec>().unwrap_err().to_string();
        assert!(error.contains("http_501"));
        assert!(Fault::ALL.iter().all(|fault| error.contains(fault.name())), "{error}");
        assert!("http_500=2".parse::<FaultSpec>().is_err());
    }
}
