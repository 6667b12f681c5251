//! What an answer means: status, headers and body to a verdict.
//!
//! Guarantee: total (no answer makes it panic or recurse without bound), and secrets are
//! gone from everything it gives back. `body` opens the JSON, `errors` is the table of
//! failures, `throttle` reads a 429, `rows` makes rows and items, `unfit` tells what cannot be
//! stored, `unripe` knows what is not there yet, `cursor` carries over from page to page.

mod body;
mod cursor;
mod errors;
mod rows;
mod throttle;
mod unfit;
mod unripe;
mod verdict;

pub(crate) use cursor::page_token;
pub use cursor::{ended, unfit};
pub use rows::{item, items};
pub use throttle::heard;
pub(crate) use throttle::throttled;
pub use unripe::not_before;
pub(crate) use unripe::{RECORDING_MS, instant, processing, waiting};
pub use verdict::{read, read_after};

/// An answer as it came. A caller bounds the size of the body before.
#[derive(Debug, Clone, Copy)]
pub struct Answer<'a> {
    /// HTTP status.
    pub status: u16,
    /// Headers, names in lower case.
    pub headers: &'a [(String, String)],
    /// The body, decompressed.
    pub body: &'a [u8],
}

impl Answer<'_> {
    /// The first header of that name (lower case), trimmed.
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(n, _)| n == name).map(|(_, value)| value.trim())
    }
}

#[cfg(test)]
mod tests;
