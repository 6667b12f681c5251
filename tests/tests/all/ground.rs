//! What most tests begin with.

use watershed_tests::{Account, Home, Settings, Spec, told};

/// Limits of an account that never refuses a call for its rate.
pub(crate) const NO_LIMITS: &str = "off";

/// An account beside which nothing ever waits.
pub(crate) fn free_account(users: u64, seed: u64) -> Account {
    account(Spec { users, seed, limits: Some(NO_LIMITS.to_owned()), ..Spec::default() })
}

/// A few people, and now and then a page of a gateway in place of an answer.
pub(crate) fn account_behind_a_gateway() -> Account {
    account(Spec {
        users: 3,
        seed: 71,
        limits: Some(NO_LIMITS.to_owned()),
        faults: Some("html_403".to_owned()),
        ..Spec::default()
    })
}

/// The account of that description.
pub(crate) fn account(spec: Spec) -> Account {
    Account::start(spec).expect("a simulated account")
}

/// A folder whose connection has no limits that a test would wait for.
pub(crate) fn free_home(account: &Account) -> Home {
    home(account, &Settings { limits: Some(Settings::FREE), ..Settings::default() })
}

/// The folder with these settings.
pub(crate) fn home(account: &Account, settings: &Settings) -> Home {
    Home::new(account, settings).expect("a folder")
}

/// Says a figure of a campaign: on the terminal, and in the table of `./scripts/test --all`.
pub(crate) fn measured(campaign: &str, size: &str, result: &str, bound: &str) {
    eprintln!("measured: {campaign}: {size}: {result} (bound: {bound})");
    told("WATERSHED_MEASURED", &format!("| {campaign} | {size} | {result} | {bound} |"));
}

/// Says what one kill found: on the terminal, and in the list of `./scripts/test`.
pub(crate) fn kill_told(kill: &str) {
    eprintln!("{kill}");
    told("WATERSHED_KILLS", kill);
}

/// The scopes that an account grants by default.
pub(crate) const SCOPES: [&str; 16] = [
    "user:read:list_users:admin",
    "user:read:user:admin",
    "user:read:settings:admin",
    "meeting:read:list_meetings:admin",
    "meeting:read:meeting:admin",
    "meeting:read:list_past_instances:admin",
    "meeting:read:past_meeting:admin",
    "meeting:read:list_past_participants:admin",
    "meeting:read:invitation:admin",
    "cloud_recording:read:list_user_recordings:admin",
    "cloud_recording:read:list_account_recordings:admin",
    "cloud_recording:read:recording:admin",
    "cloud_recording:read:list_recording_files:admin",
    "cloud_recording:read:recording_settings:admin",
    "report:read:list_meeting_participants:admin",
    "report:read:meeting:admin",
];
