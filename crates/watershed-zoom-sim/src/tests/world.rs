//! What the account holds.

use crate::{Account, SECRET_MARK, Spec};

#[test]
fn every_odd_thing_is_there_for_every_seed() {
    for seed in 0..200 {
        let census = Account::new(Spec { users: 20, seed, ..Spec::default() }).census();
        for (name, count) in census.counts() {
            assert!(count > 0, "seed {seed} has no {name}");
        }
    }
}

#[test]
fn a_demo_of_forty_users_stays_small() {
    for seed in 1..=4 {
        let account = Account::new(Spec { seed, ..Spec::default() });
        let mut counts = std::collections::BTreeMap::new();
        for row in account.truth() {
            let rows =
                counts.entry(row.dataset).or_insert((0_u64, std::collections::BTreeSet::new()));
            rows.0 += 1;
            rows.1.insert(row.key);
        }
        let reports = counts["report_participants"].1.len();
        assert!((150..=600).contains(&reports), "{reports} reports of seed {seed}");
    }
}

#[test]
fn every_secret_is_marked_and_nothing_else_is() {
    const SECRETS: [&str; 13] = [
        "start_url",
        "download_url",
        "play_url",
        "download_access_token",
        "password",
        "encrypted_password",
        "pstn_password",
        "h323_password",
        "default_password_for_scheduled_meetings",
        "pmi_password",
        "recording_play_passcode",
        "host_key",
        "dynamic_host_key",
    ];
    fn walk(value: &serde_json::Value, found: &mut std::collections::BTreeSet<String>) {
        match value {
            serde_json::Value::Object(members) => {
                for (name, value) in members {
                    let is_secret = SECRETS.contains(&name.as_str());
                    let is_marked = value.as_str().is_some_and(|text| text.contains(SECRET_MARK));
                    assert_eq!(is_secret, is_marked, "{name}: {value}");
                    if is_secret {
                        found.insert(name.clone());
                    }
                    walk(value, found);
                }
            }
            serde_json::Value::Array(values) => values.iter().for_each(|value| walk(value, found)),
            _ => {}
        }
    }
    let account = Account::new(Spec::default());
    let mut found = std::collections::BTreeSet::new();
    for row in account.truth() {
        walk(&row.record, &mut found);
    }
    assert!(found.len() >= 10, "{found:?}");
    assert!(account.credentials().client_secret.starts_with("sim-secret-"));
    assert!(account.credentials().client_secret.contains(SECRET_MARK));
}

#[test]
fn cues_are_what_the_text_of_the_transcript_says() {
    let account = Account::new(Spec { users: 20, seed: 2, ..Spec::default() });
    let mut text = String::new();
    let mut seen = 0;
    for row in account.truth() {
        match row.dataset {
            "transcripts" => {
                text = row.record["text"].as_str().unwrap().replace("\r\n", "\n");
            }
            "transcript_cues" => {
                let raw = row.record["text_raw"].as_str().unwrap();
                assert!(text.contains(&format!("\n{raw}\n")), "{raw} in {text}");
                seen += 1;
            }
            _ => {}
        }
    }
    assert!(seen > 20);
}

#[test]
fn a_far_page_of_a_large_account_comes_at_once() {
    use super::client::{Client, Got};
    let spec = Spec { users: 100_000, limits: "off".parse().unwrap(), ..Spec::default() };
    let client = Client::of(spec);
    let world = client.account.world();
    let active = |skip| world.users_of_status(crate::world::Status::Active, skip).next();
    assert_eq!((active(89_999), active(90_000)), (active(89_998).map(|user| user + 1), None));
    let Got::Data(page) = client.get("/v2/users?page_size=300") else { panic!("refused") };
    assert_eq!(page["total_records"], 90_000);
    let target = "/v2/accounts/me/recordings?page_size=300&from=2026-10-20&to=2026-11-18";
    let Got::Data(page) = client.get(target) else { panic!("refused") };
    assert_eq!(page["meetings"].as_array().unwrap().len(), 300);
}

#[test]
fn every_stay_lies_in_its_meeting_and_lasts() {
    let account = Account::new(Spec { users: 20, seed: 8, ..Spec::default() });
    let world = account.world();
    for meeting in (0..20).flat_map(|user| world.meetings(user).collect::<Vec<_>>()) {
        for instance in world.instances(&meeting) {
            assert!(instance.start_s >= world.midnight_s - world.days * 86_400);
            let stays = world.stays(&meeting, &instance);
            assert!(stays.iter().all(|stay| stay.join_s >= instance.start_s));
            assert!(stays.iter().all(|stay| stay.leave_s <= instance.end_s + 7));
            assert!(stays.iter().all(|stay| stay.leave_s > stay.join_s), "0 means not yet");
            let mut people: Vec<u64> = stays.iter().map(|stay| stay.who).collect();
            people.sort_unstable();
            people.dedup();
            assert_eq!(people.len() as u64, world.participants_count(&meeting, &instance));
        }
    }
}
