//! Records: what is said about the world, field by field, as Zoom says it.
//!
//! Guarantee: every value that nobody may store carries [`SECRET_MARK`].
//! # Source
//! Zoom's API reference for meetings and users, as published in August 2026.

mod meetings;
mod past;
mod recordings;
mod settings;
mod users;

pub(crate) use meetings::{invitation, listed_meeting, meeting_details};
pub(crate) use past::{
    instance_row, past_meeting, past_participant, report_meeting, report_participant,
};
pub(crate) use recordings::{download_token, recording, recording_settings};
pub(crate) use settings::user_settings;
pub(crate) use users::{listed_user, user_details};

use crate::draw::{Draw, Purpose, hash_text};

/// Stands in every secret that the simulated account gives away: it must not be found anywhere
/// else afterwards.
pub const SECRET_MARK: &str = "SIMSECRET";

/// A secret for a place, of at most ten characters.
fn passcode(seed: u64, place: &str) -> String {
    let mut draw = Draw::of(seed, Purpose::Secret, [hash_text(seed, place), 0, 0]);
    format!("{SECRET_MARK}{}", draw.below(10))
}

/// A long secret for a place.
fn secret(seed: u64, place: &str) -> String {
    let mut draw = Draw::of(seed, Purpose::Secret, [hash_text(seed, place), 1, 0]);
    format!("{SECRET_MARK}{}", draw.word(22))
}
