//! The operations and datasets that are known, one constant row each, a file per family.
//!
//! A row says what may be asked, what comes back and what it costs. To add an operation:
//! write its record with `fields!`, its dataset and its row in the family's file, name them
//! below, and give the dataset its key in `keys.rs`. `docs/operations.md` is made from them.

mod events;
pub(crate) mod files;
mod late;
mod macros;
mod meetings;
mod missing;
pub(crate) mod past;
pub(crate) mod recordings;
pub(crate) mod reports;
mod users;

use watershed_model::{Catalogue, Dataset, Operation};

/// Rows a page. 300 is the most that every listing takes.
const PAGE_SIZE: u16 = 300;

const OPERATIONS: &[&Operation] = &[
    &users::LIST_USERS,
    &users::GET_USER,
    &users::GET_USER_SETTINGS,
    &meetings::LIST_MEETINGS,
    &meetings::GET_MEETING,
    &meetings::GET_INVITATION,
    &past::LIST_PAST_INSTANCES,
    &past::GET_PAST_MEETING,
    &past::LIST_PAST_PARTICIPANTS,
    &reports::REPORT_PARTICIPANTS,
    &reports::REPORT_MEETING,
    &recordings::LIST_USER_RECORDINGS,
    &recordings::LIST_ACCOUNT_RECORDINGS,
    &recordings::LIST_TRASHED_RECORDINGS,
    &recordings::GET_RECORDING,
    &recordings::GET_RECORDING_SETTINGS,
    &files::DOWNLOAD_RECORDING_FILE,
    &missing::MISSING_USERS,
    &missing::MISSING_MEETINGS,
    &missing::MISSING_RECORDINGS,
    &late::LATE_ANSWERS,
    &events::OF_A_DAY,
];

const DATASETS: &[&Dataset] = &[
    &users::USERS,
    &users::USER_DETAILS,
    &users::USER_SETTINGS,
    &meetings::MEETINGS,
    &meetings::MEETING_DETAILS,
    &meetings::MEETING_INVITATIONS,
    &past::PAST_INSTANCES,
    &past::PAST_MEETINGS,
    &past::PAST_PARTICIPANTS,
    &reports::REPORT_PARTICIPANTS_ROWS,
    &reports::REPORT_MEETINGS,
    &recordings::RECORDINGS,
    &recordings::RECORDING_FILES,
    &recordings::RECORDING_SETTINGS,
    &files::TRANSCRIPTS,
    &files::TRANSCRIPT_CUES,
];

/// All operations and datasets.
pub fn catalogue() -> Catalogue {
    Catalogue { operations: OPERATIONS, datasets: DATASETS }
}

#[cfg(test)]
mod tests;
