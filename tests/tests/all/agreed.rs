//! Only what was agreed: what is to be dropped or pseudonymised is stored nowhere, and the
//! customer gets a page that tells what was taken.

use std::collections::BTreeSet;

use watershed_tests::Home;

use crate::ground::{free_account, free_home};
use crate::people::kept;

const RULES: &str = r#"
redact_key = { env = "REDACT" }
[connections.default.redact]
"report_participants.user_email" = "hmac"
"report_participants.name" = "drop"
"meeting_details.settings" = "drop"
"*.manager" = "drop"
"#;

fn holds(bytes: &[u8], text: &str) -> bool {
    memchr::memmem::find(bytes, text.as_bytes()).is_some()
}

fn with_rules(home: &mut Home, rules: &str) {
    let settings = std::fs::read_to_string(home.path().join("watershed.toml")).expect("settings");
    home.write("watershed.toml", &format!("{settings}{rules}"));
    home.set("REDACT", Some("a key of the customer"));
}

#[test]
fn what_is_redacted_is_in_no_byte_that_is_kept_and_people_are_still_told_apart() {
    let account = free_account(20, 91);
    let plain = free_home(&account);
    plain.run(&["run", "zoom-backfill", "-q"]).expect(0);
    // Invitees stand in the settings of meetings alone.
    assert!(holds(&kept(&plain), "@elsewhere.example"), "there is something to redact");
    let mut home = free_home(&account);
    with_rules(&mut home, RULES);
    home.run(&["run", "zoom-backfill", "-q"]).expect(0);
    let bytes = kept(&home);
    for text in ["@elsewhere.example", "\"manager\":", "a key of the customer"] {
        assert!(!holds(&bytes, text), "{text} is kept");
    }
    let truth = account.truth().expect("the truth");
    let emails: BTreeSet<String> = truth
        .of("report_participants")
        .values()
        .flatten()
        .filter_map(|stay| Some(stay["user_email"].as_str()?.to_lowercase()))
        .filter(|email| !email.is_empty())
        .collect();
    let database = rusqlite::Connection::open(home.sink()).expect("the dataset");
    let count =
        |query: &str| -> i64 { database.query_row(query, [], |row| row.get(0)).expect("a count") };
    let people = "SELECT count(DISTINCT user_email) FROM report_participants
        WHERE user_email LIKE 'hmac:%'";
    assert_eq!(count(people), i64::try_from(emails.len()).expect("a count"));
    let told = "SELECT count(*) FROM report_participants
        WHERE name IS NOT NULL OR json_extract(_raw, '$.name') IS NOT NULL
            OR user_email LIKE '%@%' OR _raw LIKE '%@%'";
    assert_eq!(count(told), 0);
    let stays: usize = truth.of("report_participants").values().map(Vec::len).sum();
    let rows = count("SELECT count(*) FROM report_participants");
    assert_eq!(rows, i64::try_from(stays).expect("a count"), "nobody is lost");
}

#[test]
fn a_rule_that_takes_away_what_a_step_needs_is_refused_before_anything_is_asked() {
    let account = free_account(10, 92);
    let refused = |rule: &str| {
        let mut home = free_home(&account);
        with_rules(&mut home, &format!("[connections.default.redact]\n{rule}\n"));
        home.run(&["run", "zoom-backfill"]).expect(2).stderr
    };
    let step = refused("\"users.status\" = \"drop\"");
    assert!(step.contains("users.status: step meetings of zoom-backfill needs it"), "{step}");
    let key = refused("\"users.email\" = \"drop\"");
    assert!(key.contains("rows of users are identified by it"), "{key}");
    let without = refused("\"users.dept\" = \"hmac\"");
    assert!(without.contains("a pseudonym needs redact_key"), "{without}");
    let action = refused("\"users.dept\" = \"hide\"");
    assert!(action.contains("drop or hmac"), "{action}");
    assert_eq!(account.stats().expect("stats").calls(), 0);
}

#[test]
fn a_page_tells_the_customer_what_was_taken_and_what_not() {
    let account = free_account(10, 93);
    let home = free_home(&account);
    home.run(&["run", "zoom-backfill", "-q"]).expect(0);
    home.run(&["coverage", "--report", "page.md"]).expect(0);
    let page = std::fs::read_to_string(home.path().join("page.md")).expect("a page");
    let told = ["zoom-backfill", "| users | 10 |", "zoom.get_past_meeting", "instant meetings"];
    for text in told {
        assert!(page.contains(text), "{text}: {page}");
    }
}
