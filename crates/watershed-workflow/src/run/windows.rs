//! Windows of time: a range of days, cut so that neighbours share one day.

use jiff::ToSpan;
use jiff::civil::Date;
use watershed_model::Order;

/// Windows of one step in one branch: 80 years of 30 days.
const WINDOWS_MAX: usize = 1_000;

/// The windows of a range, both days inclusive.
///
/// # Errors
/// What is wrong with the range.
pub(super) fn cut(
    from: Date,
    to: Date,
    size_days: u16,
    order: Order,
) -> Result<Vec<(Date, Date)>, String> {
    if from > to {
        return Err("the first day is behind the last".to_owned());
    }
    // A window that ends where the next begins: Zoom does not say whether `to` is inclusive.
    let step = i64::from(size_days.max(2)) - 1;
    let mut windows = Vec::new();
    let mut start = from;
    loop {
        let end = start.checked_add(step.days()).unwrap_or(to).min(to);
        windows.push((start, end));
        if end >= to {
            break;
        }
        if windows.len() == WINDOWS_MAX {
            return Err(format!("more than {WINDOWS_MAX} windows"));
        }
        start = end;
    }
    if order == Order::NewestFirst {
        windows.reverse();
    }
    Ok(windows)
}

#[cfg(test)]
mod tests {
    use super::*;
    use jiff::civil::date;
    use proptest::prelude::*;

    #[test]
    fn neighbours_share_a_day_and_the_newest_comes_first() {
        let windows = cut(date(2026, 1, 1), date(2026, 1, 7), 3, Order::NewestFirst);
        assert_eq!(
            windows.expect("the range is good"),
            [
                (date(2026, 1, 5), date(2026, 1, 7)),
                (date(2026, 1, 3), date(2026, 1, 5)),
                (date(2026, 1, 1), date(2026, 1, 3)),
            ]
        );
    }

    #[test]
    fn one_day_is_one_window() {
        let day = date(2026, 2, 1);
        assert_eq!(cut(day, day, 30, Order::AsListed), Ok(vec![(day, day)]));
    }

    #[test]
    fn a_reversed_or_endless_range_is_refused() {
        assert!(cut(date(2026, 2, 1), date(2026, 1, 1), 30, Order::AsListed).is_err());
        assert!(cut(date(1, 1, 1), date(9999, 1, 1), 30, Order::AsListed).is_err());
    }

    proptest! {
        #[test]
        fn windows_cover_the_range_and_nothing_else(
            start in 0i64..20_000, days in 0i64..900, size in 2u16..60
        ) {
            let from = date(1990, 1, 1) + start.days();
            let to = from + days.days();
            let windows = cut(from, to, size, Order::AsListed).expect("at most 900 windows");
            prop_assert_eq!(windows[0].0, from);
            prop_assert_eq!(windows[windows.len() - 1].1, to);
            for pair in windows.windows(2) {
                prop_assert_eq!(pair[0].1, pair[1].0);
            }
            for (a, b) in windows {
                let length = a.until(b).expect("they are days").get_days() + 1;
                prop_assert!(length <= i32::from(size) && a <= b);
            }
        }
    }
}
