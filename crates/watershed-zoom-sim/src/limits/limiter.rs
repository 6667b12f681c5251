//! The limiter: admits a call or names the window that is full.

use std::collections::VecDeque;

use super::spec::{Category, LimitSpec, Shape};
use crate::spec::{Spec, Tier};

const SECOND_US: i64 = 1_000_000;
const DAY_US: i64 = 86_400 * SECOND_US;

/// A window in which calls are counted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Window {
    Second,
    Day,
}

/// What the limiter says of a call.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Admission {
    pub(crate) category: Category,
    /// The window that is full; none where the call is admitted.
    pub(crate) full: Option<Window>,
    /// The limit of the window that is nearest to its end, and what is left of it.
    pub(crate) limit: u64,
    pub(crate) remaining: u64,
    /// When the full window opens again, in microseconds.
    pub(crate) free_us: i64,
}

impl Admission {
    pub(crate) fn label(&self) -> &'static str {
        self.category.label()
    }
}

/// Counts the calls of one account.
#[derive(Debug)]
pub(crate) struct Limiter {
    spec: LimitSpec,
    tier: Tier,
    seconds: [SecondCount; 3],
    day: i64,
    day_used: [u64; 3],
}

#[derive(Debug, Default)]
struct SecondCount {
    /// Fixed: the second that is counted, and its count.
    second: i64,
    count: u64,
    /// Sliding: the last admitted calls, at most one limit's worth.
    arrivals: VecDeque<i64>,
    /// Bucket: millionths of a call that were used up, as of `level_us`.
    level: i64,
    level_us: i64,
}

impl Limiter {
    pub(crate) fn new(spec: &Spec) -> Limiter {
        Limiter {
            spec: spec.limits.clone(),
            tier: spec.tier,
            seconds: Default::default(),
            day: 0,
            day_used: [0; 3],
        }
    }

    /// Heavy calls admitted in the day of the last call.
    pub(crate) fn heavy_used(&self) -> u64 {
        self.day_used[Category::Heavy as usize]
    }

    /// Counts the call, unless a window is full.
    pub(crate) fn admit(&mut self, category: Category, now_us: i64) -> Admission {
        let day = now_us.div_euclid(DAY_US);
        if day != self.day {
            (self.day, self.day_used) = (day, [0; 3]);
        }
        let of_second = self.spec.per_second(self.tier, category);
        let of_day = self.spec.per_day(self.tier, category);
        let used_today = self.day_used[category as usize];
        let mut admission =
            Admission { category, full: None, limit: of_second, remaining: 0, free_us: 0 };
        if self.spec.off {
            self.day_used[category as usize] += 1;
            admission.remaining = of_second;
            return admission;
        }
        if let Some(of_day) = of_day
            && used_today >= self.left_for_us(of_day)
        {
            admission.full = Some(Window::Day);
            admission.limit = of_day;
            admission.free_us = (day + 1) * DAY_US;
            return admission;
        }
        let ours = self.left_for_us(of_second);
        match self.seconds[category as usize].take(self.spec.shape, ours, now_us) {
            Ok(remaining) => {
                self.day_used[category as usize] += 1;
                admission.remaining = remaining;
            }
            Err(free_us) => {
                admission.full = Some(Window::Second);
                admission.free_us = free_us;
            }
        }
        admission
    }

    /// What another app leaves of a limit: at least one call, so that nobody waits for ever.
    fn left_for_us(&self, limit: u64) -> u64 {
        (limit - (limit as f64 * self.spec.other_app).round() as u64).max(1)
    }
}

impl SecondCount {
    /// What remains after this call, or when there will be room for it.
    fn take(&mut self, shape: Shape, limit: u64, now_us: i64) -> Result<u64, i64> {
        match shape {
            Shape::Fixed => {
                let second = now_us.div_euclid(SECOND_US);
                if second != self.second {
                    (self.second, self.count) = (second, 0);
                }
                if self.count >= limit {
                    return Err((second + 1) * SECOND_US);
                }
                self.count += 1;
                Ok(limit - self.count)
            }
            Shape::Sliding => {
                while self.arrivals.front().is_some_and(|first| first + SECOND_US <= now_us) {
                    self.arrivals.pop_front();
                }
                if self.arrivals.len() as u64 >= limit {
                    return Err(self.arrivals.front().map_or(now_us, |first| first + SECOND_US));
                }
                self.arrivals.push_back(now_us);
                Ok(limit - self.arrivals.len() as u64)
            }
            Shape::Bucket => {
                let (limit, past_us) = (limit as i64, (now_us - self.level_us).max(0));
                let drained = past_us.saturating_mul(limit);
                self.level = self.level.saturating_sub(drained).max(0);
                self.level_us = self.level_us.max(now_us);
                let room = limit * SECOND_US - self.level - SECOND_US;
                if room < 0 {
                    return Err(now_us + (-room + limit - 1) / limit);
                }
                self.level += SECOND_US;
                Ok((room / SECOND_US) as u64)
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn limiter(text: &str) -> Limiter {
        Limiter::new(&Spec { limits: text.parse().unwrap(), ..Spec::default() })
    }

    /// How many of the calls at these milliseconds are admitted.
    fn admitted(limiter: &mut Limiter, at_ms: impl IntoIterator<Item = i64>) -> usize {
        let calls = at_ms.into_iter().map(|ms| limiter.admit(Category::Heavy, ms * 1_000));
        calls.filter(|admission| admission.full.is_none()).count()
    }

    #[test]
    fn a_fixed_second_lets_two_bursts_meet_at_its_edge() {
        let mut limiter = limiter("heavy_per_second=10");
        assert_eq!(admitted(&mut limiter, [990; 15]), 10);
        assert_eq!(admitted(&mut limiter, [1_010; 15]), 10);
    }

    #[test]
    fn a_sliding_second_does_not() {
        let mut limiter = limiter("shape=sliding,heavy_per_second=10");
        assert_eq!(admitted(&mut limiter, [990; 15]), 10);
        assert_eq!(admitted(&mut limiter, [1_010; 15]), 0);
        assert_eq!(admitted(&mut limiter, [1_991; 15]), 10);
    }

    #[test]
    fn a_bucket_fills_evenly() {
        let mut limiter = limiter("shape=bucket,heavy_per_second=10");
        assert_eq!(admitted(&mut limiter, [5_000; 15]), 10);
        assert_eq!(admitted(&mut limiter, [5_100; 3]), 1);
        assert_eq!(admitted(&mut limiter, (5_200..6_200).step_by(50)), 10);
        assert_eq!(admitted(&mut limiter, [9_000; 15]), 10);
    }

    #[test]
    fn a_full_window_says_when_it_opens() {
        for shape in ["fixed", "sliding", "bucket"] {
            let mut limiter = limiter(&format!("shape={shape},heavy_per_second=2"));
            assert_eq!(admitted(&mut limiter, [400, 400]), 2);
            let refused = limiter.admit(Category::Heavy, 400_000);
            assert_eq!(refused.full, Some(Window::Second));
            let again = limiter.admit(Category::Heavy, refused.free_us);
            assert_eq!(again.full, None, "{shape}");
        }
    }

    #[test]
    fn the_day_ends_at_midnight() {
        let mut limiter = limiter("heavy_per_second=100,heavy_per_day=3");
        assert_eq!(admitted(&mut limiter, [86_399_000; 5]), 3);
        let refused = limiter.admit(Category::Heavy, 86_399_500_000);
        assert_eq!((refused.full, refused.free_us), (Some(Window::Day), DAY_US));
        assert_eq!(admitted(&mut limiter, [86_400_000; 5]), 3);
    }

    #[test]
    fn another_app_takes_its_part_of_every_limit() {
        let mut limiter = limiter("heavy_per_second=10,heavy_per_day=20,other_app=0.3");
        assert_eq!(admitted(&mut limiter, [100; 12]), 7);
        assert_eq!(admitted(&mut limiter, (0..40).map(|n| 2_000 + n * 1_000)), 7);
    }

    #[test]
    fn off_means_off() {
        let mut limiter = limiter("off");
        assert_eq!(admitted(&mut limiter, [1; 1_000]), 1_000);
    }

    #[test]
    fn the_text_of_a_specification_reads_back() {
        let spec: LimitSpec =
            "heavy_per_day=500,shape=sliding,light_per_second=10,other_app=0.4".parse().unwrap();
        assert_eq!(spec.to_string().parse::<LimitSpec>().unwrap(), spec);
        let error = "heavy_per_hour=3".parse::<LimitSpec>().unwrap_err().to_string();
        assert!(error.contains("heavy_per_hour") && error.contains("heavy_per_day"), "{error}");
        assert!("shape=round".parse::<LimitSpec>().is_err());
        assert!("heavy_per_day=0".parse::<LimitSpec>().is_err());
    }
}
