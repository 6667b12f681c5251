//! How much is tested: a sample each day, the full counts on request.

/// A sample, or everything.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Size {
    /// What fits into the daily run.
    Sample,
    /// The counts that the project promises: `./scripts/test --all`.
    All,
}

impl Size {
    /// What `WATERSHED_ALL` asks for.
    pub fn asked() -> Size {
        match std::env::var("WATERSHED_ALL") {
            Ok(all) if all == "1" => Size::All,
            _ => Size::Sample,
        }
    }

    /// One of two numbers.
    pub fn of<T>(self, sample: T, all: T) -> T {
        match self {
            Size::Sample => sample,
            Size::All => all,
        }
    }
}

/// `count` seeds: those of the day (`WATERSHED_SEED`, else the days since 1970), so that each
/// day tests others and a failure of a known day can be had again.
pub fn seeds(count: u64) -> Vec<u64> {
    let first = match std::env::var("WATERSHED_SEED") {
        Ok(text) => text.parse().expect("WATERSHED_SEED is a number"),
        Err(_) => today(),
    };
    (0..count).map(|n| first + n).collect()
}

fn today() -> u64 {
    let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH);
    now.expect("this was written after 1970").as_secs() / 86_400
}
