//! The truth is what a client finds.

use super::client::{Client, Crawl, assert_same, truth};
use crate::{SCOPES, Spec, Tier};

fn check(spec: Spec) {
    let client = Client::of(spec);
    let crawled = Crawl::of(&client);
    assert_same(crawled, truth(&client.account));
}

#[test]
fn a_client_that_follows_the_chain_finds_exactly_the_truth() {
    for seed in 1..=2 {
        check(Spec { users: 40, seed, limits: "off".parse().unwrap(), ..Spec::default() });
    }
}

#[test]
fn it_does_under_every_limit_shape_and_with_another_app_beside_it() {
    for shape in ["fixed", "sliding", "bucket"] {
        let limits = format!("shape={shape},other_app=0.4").parse().unwrap();
        check(Spec { users: 20, seed: 9, limits, ..Spec::default() });
    }
}

#[test]
fn it_does_under_every_fault_that_a_run_survives() {
    for seed in 1..=2 {
        // What is late comes by itself; here the client asks but once.
        let faults = "all,late_report=0".parse().unwrap();
        let client = Client::of(Spec { users: 20, seed, faults, ..Spec::default() });
        let mut crawled = Crawl::of(&client);
        let refused = client.account.forbidden_uuid().expect("the account has the instance");
        assert!(!crawled.contains_key(&("past_meetings".into(), refused.clone())));
        let mut truth = truth(&client.account);
        for dataset in ["report_participants", "past_participants"] {
            // Stays come once: participants are not repeated by moving lists.
            assert!(!truth.contains_key(&(dataset.into(), refused.clone())));
        }
        for rows in crawled.values_mut().chain(truth.values_mut()) {
            rows.sort();
        }
        assert_same(crawled, truth);
    }
}

#[test]
fn it_does_with_some_of_the_scopes() {
    let telling = ["list_users", "list_meetings", "list_past_instances", "list_account", "files"];
    for left_out in telling {
        let scopes = SCOPES.iter().filter(|scope| !scope.contains(left_out));
        let scopes = Some(scopes.map(|scope| (*scope).to_owned()).collect());
        let limits = "off".parse().unwrap();
        check(Spec { users: 20, seed: 4, scopes, limits, ..Spec::default() });
    }
}

#[test]
fn it_does_on_a_free_account() {
    check(Spec { tier: Tier::Free, limits: "off".parse().unwrap(), ..Spec::default() });
}

#[test]
fn it_does_with_a_history_longer_than_zoom_tells_of() {
    let limits = "off".parse().unwrap();
    check(Spec { users: 20, seed: 5, days: 700, limits, ..Spec::default() });
}

#[test]
fn it_does_when_the_account_has_gone_on() {
    let spec = Spec { users: 20, seed: 6, limits: "off".parse().unwrap(), ..Spec::default() };
    let client = Client::of(spec.clone());
    let before = client.account.truth().count();
    let later = spec.now.saturating_add(jiff::SignedDuration::from_hours(24 * 6)).unwrap();
    client.account.advance_to(later);
    assert_same(Crawl::of(&client), truth(&client.account));
    assert!(client.account.truth().count() > before, "something was held in six days");
}

#[test]
fn the_same_seed_has_the_same_truth_and_another_has_another() {
    let rows = |seed| {
        let account = crate::Account::new(Spec { users: 20, seed, ..Spec::default() });
        account.truth().map(|row| serde_json::to_string(&row).unwrap()).collect::<Vec<_>>()
    };
    assert_eq!(rows(11), rows(11));
    assert_ne!(rows(11), rows(12));
}
