//! Every fault, as it shows.

use super::client::{Client, encode};
use crate::{Answer, Fault, Spec};

fn client(faults: &str) -> Client {
    let limits = "off".parse().unwrap();
    Client::of(Spec { faults: faults.parse().unwrap(), limits, ..Spec::default() })
}

fn listed(faults: &str) -> Answer {
    client(faults).once("/v2/users?status=active&page_size=5")
}

#[test]
fn answers_that_never_were() {
    assert_eq!(listed("http_500=1").status, 500);
    let bad_gateway = listed("http_502_html=1");
    assert_eq!(bad_gateway.status, 502);
    assert!(bad_gateway.header("content-type").unwrap().contains("html"));
    assert_eq!(listed("http_408=1").status, 408);
    let sign_in = listed("html_200=1");
    assert_eq!((sign_in.status, sign_in.json().is_null()), (200, true));
}

#[test]
fn answers_that_do_not_arrive_whole() {
    let whole = listed("none");
    assert!(!whole.json().is_null());
    let short = listed("truncated_json=1");
    assert!(short.status == 200 && short.json().is_null() && short.cut_at.is_none());
    let cut = listed("connection_reset=1");
    assert!(cut.cut_at.unwrap() < cut.body.len());
    assert_eq!(listed("slow=1").delay_ms, 200);
}

#[test]
fn retry_after_is_nonsense_or_years_away() {
    let absurd = listed("retry_after_absurd=1");
    assert_eq!(absurd.status, 429);
    let after = absurd.header("retry-after").unwrap();
    assert!(["-5", "Thu, 01 Jan 1970 00:00:00 GMT", "soon", ""].contains(&after));
    let far = listed("retry_after_far=1");
    assert!(far.header("retry-after").unwrap().len() >= 10);
}

#[test]
fn tokens_are_revoked_and_the_endpoint_fails_now_and_then() {
    let client = client("token_revoked=1,token_endpoint_500=0.5");
    let answer = client.once("/v2/users");
    assert_eq!((answer.status, answer.json()["code"].as_u64()), (401, Some(124)));
    client.renew();
    for _ in 0..20 {
        client.renew();
    }
    assert!(client.account.stats().faults["token_endpoint_500"] > 0);
}

#[test]
fn a_page_token_expires_before_its_time() {
    let client = client("page_token_expires=1");
    let first = client.once("/v2/users?page_size=5").json();
    let token = first["next_page_token"].as_str().unwrap();
    let next = client.once(&format!("/v2/users?page_size=5&next_page_token={token}"));
    assert_eq!((next.status, next.json()["code"].as_u64()), (400, Some(300)));
}

#[test]
fn lists_move_and_rows_repeat_but_none_is_lost() {
    for faults in ["moving_lists=1", "duplicate_rows=1", "moving_lists=0.5,duplicate_rows=0.5"] {
        let client = client(faults);
        let (mut ids, mut token) = (Vec::new(), String::new());
        loop {
            let target = format!("/v2/users?page_size=7&next_page_token={token}");
            let page = client.once(&target).json();
            let rows = page["users"].as_array().unwrap();
            assert!(rows.len() <= 7);
            ids.extend(rows.iter().map(|row| row["id"].as_str().unwrap().to_owned()));
            token = page["next_page_token"].as_str().unwrap().to_owned();
            if token.is_empty() {
                break;
            }
        }
        let world = client.account.world();
        let all: Vec<String> = world
            .users_of_status(crate::world::Status::Active, 0)
            .map(|user| world.ids.user(user))
            .collect();
        assert!(ids.len() > all.len(), "{faults}: rows came more than once");
        assert_ne!(ids[..all.len()], all[..], "{faults}: and in another order");
        ids.sort();
        ids.dedup();
        assert_eq!(ids.len(), all.len(), "{faults}: none is lost");
    }
}

#[test]
fn a_fresh_report_is_late_once() {
    let client = client("late_report");
    let world = client.account.world();
    let now_s = world.now_s;
    let recent: Vec<_> = (0..world.users)
        .flat_map(|user| world.meetings(user).collect::<Vec<_>>())
        .filter(|meeting| meeting.kind.is_meeting())
        .flat_map(|meeting| {
            world.instances(&meeting).into_iter().map(move |i| (meeting.clone(), i))
        })
        .filter(|(_, instance)| instance.end_s + 86_400 > now_s)
        .filter(|(meeting, instance)| world.participants_count(meeting, instance) > 1)
        .collect();
    assert!(!recent.is_empty());
    for (_, instance) in recent {
        let target = format!("/v2/report/meetings/{}/participants", encode(&instance.uuid));
        let first = client.once(&target);
        let is_early = first.status == 404 || first.json()["participants"][0]["duration"] == 0;
        assert!(is_early, "{first:?}");
        let second = client.once(&target);
        assert_ne!(second.json()["participants"][0]["duration"], 0);
    }
    assert_eq!(client.account.stats().in_vain.total, 0, "who waits for a report wastes nothing");
}

#[test]
fn one_instance_is_forbidden_for_ever() {
    let client = client("html_403");
    let uuid = client.account.forbidden_uuid().unwrap();
    for _ in 0..3 {
        let answer = client.once(&format!("/v2/past_meetings/{}", encode(&uuid)));
        assert_eq!((answer.status, answer.json().is_null()), (403, true));
    }
    assert!(client.account.truth().all(|row| row.dataset != "past_meetings" || row.key != uuid));
}

#[test]
fn numbers_about_the_page_come_as_text() {
    let page = listed("body_wrong_type=1").json();
    assert_eq!(page["page_size"], "5");
    assert!(page["page_count"].is_null());
    assert_eq!(page["users"].as_array().unwrap().len(), 5);
}

#[test]
fn every_fault_that_fires_is_counted_by_its_name() {
    let client = client("all");
    let mut seen = std::collections::BTreeSet::new();
    for round in 0..4_000 {
        client.once(&format!("/v2/users?page_size=5&round={round}"));
        if round % 50 == 0 {
            client.renew();
            seen.extend(client.account.stats().faults.into_keys());
        }
    }
    let expected = ["http_500", "slow", "token_revoked", "moving_lists", "duplicate_rows"];
    assert!(expected.iter().all(|name| seen.contains(*name)), "{seen:?}");
    assert!(!seen.contains(Fault::RetryAfterFar.name()), "a run under `all` ends");
}
