//! Quantities with their units: days, delays, percentages, attempts.

use crate::code;
use crate::source::At;
use crate::yaml::{Kind, Node};

use super::Reader;

/// Attempts of one call.
const ATTEMPTS_MAX: i64 = 100;
/// The longest delay between attempts, and of a tick: a day.
const DELAY_MS_MAX: i64 = 86_400_000;
/// Days of one window.
const DAYS_MAX: u16 = 3_660;

impl Reader<'_> {
    pub(super) fn days(&mut self, node: &Node, what: &str) -> Option<At<u16>> {
        let text = self.text(node, what)?;
        let days = text.value.strip_suffix('d').and_then(|n| digits(n)?.parse::<u16>().ok());
        // Neighbours share a day, so a window of one would never move on.
        match days.filter(|days| (2..=DAYS_MAX).contains(days)) {
            Some(days) => Some(At::new(days, text.span)),
            None => {
                let message = format!("`{}` is no size of a window", text.value);
                let help = format!("days from `2d` to `{DAYS_MAX}d`, such as `30d`");
                self.findings.error(code::WINDOW_SIZE, &text.span, message, Some(help));
                None
            }
        }
    }

    pub(super) fn attempts(&mut self, node: &Node, what: &str) -> Option<At<u16>> {
        let Kind::Int(attempts) = node.kind else {
            self.wrong_kind(node, what, "a whole number");
            return None;
        };
        let found = u16::try_from(attempts).ok().filter(|_| (1..=ATTEMPTS_MAX).contains(&attempts));
        if found.is_none() {
            let message = format!("`attempts` is from 1 to {ATTEMPTS_MAX}, not {attempts}");
            self.findings.error(code::ATTEMPTS, &node.span, message, None);
        }
        found.map(|attempts| At::new(attempts, node.span.clone()))
    }

    pub(super) fn backoff(&mut self, node: &Node, what: &str) -> Option<At<(i64, i64)>> {
        let text = self.text(node, what)?;
        let range = text
            .value
            .split_once("..")
            .and_then(|(first, most)| Some((delay(first.trim())?, delay(most.trim())?)))
            .filter(|(first, most)| first <= most && *most <= DELAY_MS_MAX);
        if range.is_none() {
            let message = format!("`{}` is no range of delays", text.value);
            let help = "first and longest, such as `1s..5m`; units: ms, s, m, h; at most 24h";
            self.findings.error(code::BACKOFF, &text.span, message, Some(help.to_owned()));
        }
        range.map(|range| At::new(range, text.span))
    }

    pub(super) fn jitter(&mut self, node: &Node, what: &str) -> Option<At<i64>> {
        let text = self.text(node, what)?;
        let found = delay(&text.value).filter(|ms| *ms <= DELAY_MS_MAX);
        if found.is_none() {
            let message = format!("`{}` is no length of time", text.value);
            let help = "a number and a unit, such as `10m`; units: ms, s, m, h; at most 24h";
            self.findings.error(code::JITTER, &text.span, message, Some(help.to_owned()));
        }
        found.map(|ms| At::new(ms, text.span))
    }

    pub(super) fn percentage(&mut self, node: &Node, what: &str) -> Option<At<f64>> {
        let text = self.text(node, what)?;
        let percent = text
            .value
            .strip_suffix('%')
            .filter(|n| n.starts_with(|c: char| c.is_ascii_digit()))
            .and_then(|n| n.parse::<f64>().ok())
            .filter(|percent| (0.0..=100.0).contains(percent));
        if percent.is_none() {
            let message = format!("`{}` is no percentage", text.value);
            let help = "from `0%` to `100%`, such as `1%`".to_owned();
            self.findings.error(code::TOLERATE, &text.span, message, Some(help));
        }
        percent.map(|percent| At::new(percent / 100.0, text.span))
    }
}

fn digits(text: &str) -> Option<&str> {
    (!text.is_empty() && text.bytes().all(|b| b.is_ascii_digit())).then_some(text)
}

/// Milliseconds of `500ms`, `1s`, `5m`, `1h`.
fn delay(text: &str) -> Option<i64> {
    let (number, unit) = text.split_at(text.find(|c: char| !c.is_ascii_digit())?);
    let each = match unit {
        "ms" => 1,
        "s" => 1_000,
        "m" => 60_000,
        "h" => 3_600_000,
        _ => return None,
    };
    digits(number)?.parse::<i64>().ok()?.checked_mul(each)
}
