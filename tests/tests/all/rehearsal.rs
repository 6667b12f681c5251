//! What is rehearsed: an account like that of a connection, and the same with one thing changed.

use serde_json::Value;

use crate::ground::{free_account, free_home};

/// How far a sample's meetings may be from those of the account, in percent.
const CLOSE: f64 = 25.0;

fn calls(told: &Value, category: &str) -> u64 {
    told["calls"][category].as_u64().unwrap_or(0)
}

#[test]
fn a_sample_of_a_connection_is_rehearsed_with_as_many_people_about_as_busy() {
    let account = free_account(30, 61);
    let home = free_home(&account);
    let words = ["rehearse", "zoom-backfill", "--sample", "--json"];
    let told = home.run(&words).expect(0).json();
    let told = &told["rehearsals"][0];
    let of = |dataset: &str| {
        let all = told["datasets"].as_array().expect("datasets");
        all.iter().find(|d| d["dataset"] == dataset).and_then(|d| d["rows"].as_u64()).unwrap_or(0)
    };
    let truth = account.truth().expect("the account's truth");
    let held = truth.of("past_instances").len() as f64;
    assert_eq!(told["users"], 30, "{told}");
    let off = 100.0 * (of("past_instances") as f64 - held) / held;
    assert!(off.abs() <= CLOSE, "{off:.1} % off: {} of {held}", of("past_instances"));
    let stats = account.stats().expect("the account's statistics");
    let sampling = stats.counted();
    assert!(sampling <= 270, "{sampling} calls for a sample");
}

#[test]
fn each_thing_that_may_be_compared_changes_what_it_should() {
    let account = free_account(1, 62);
    let home = free_home(&account);
    let changes = ["tier=business", "share=0.3", "workers=2", "users=12", "attendance=fast"];
    let mut words = vec!["rehearse", "zoom-backfill", "--users", "6", "--tier", "pro", "--json"];
    changes.iter().for_each(|change| words.extend(["--compare", change]));
    let told = home.run(&words).expect(0).json();
    let [plain, tier, share, workers, users, attendance] =
        told["rehearsals"].as_array().expect("one for each").as_slice()
    else {
        panic!("six are told: {told}");
    };
    let ms = |told: &Value| told["ms"].as_i64().expect("a time");
    assert_eq!((&plain["tier"], &tier["tier"]), (&"pro".into(), &"business".into()));
    assert!(ms(tier) < ms(plain), "a plan with wider limits takes no less time");
    assert!(ms(share) > ms(plain), "a third of the share takes no longer");
    assert_eq!(
        workers["datasets"].as_array().map(Vec::len),
        plain["datasets"].as_array().map(Vec::len)
    );
    assert_eq!(workers["calls"], plain["calls"], "a second process makes other calls");
    assert_eq!(users["users"], 12);
    assert!(calls(plain, "heavy") > 0 && calls(attendance, "heavy") == 0, "{attendance}");
}
