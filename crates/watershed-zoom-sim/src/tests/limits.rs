//! Limits, as the handler answers them.

use super::client::Client;
use crate::{Spec, Tier};

fn client(limits: &str) -> Client {
    Client::of(Spec { limits: limits.parse().unwrap(), ..Spec::default() })
}

#[test]
fn a_full_second_is_429_with_headers_and_no_retry_after() {
    let client = client("medium_per_second=2");
    let statuses: Vec<u16> = (0..3).map(|_| client.once("/v2/users").status).collect();
    assert_eq!(statuses, [200, 200, 429]);
    let refused = client.once("/v2/users");
    assert_eq!(refused.json()["code"], 429);
    assert_eq!(refused.header("x-ratelimit-category"), Some("Medium"));
    assert_eq!(refused.header("x-ratelimit-type"), Some("QPS"));
    assert_eq!(refused.header("retry-after"), None);
    client.clock.advance_ms(1_000);
    assert_eq!(client.once("/v2/users").status, 200);
    let stats = client.account.stats();
    assert_eq!(stats.rate_limited["per_second"]["medium"], 2);
    assert_eq!(stats.peak_per_second["medium"], 4);
    assert_eq!(stats.in_vain.by_cause["rate_limited"], 2);
}

#[test]
fn a_full_day_names_midnight() {
    let client = client("heavy_per_day=1");
    client.once("/v2/report/meetings/1");
    let refused = client.once("/v2/report/meetings/1");
    assert_eq!(refused.status, 429);
    assert_eq!(refused.header("x-ratelimit-type"), Some("Daily-limit"));
    assert_eq!(refused.header("retry-after"), Some("2026-11-25T00:00:00Z"));
    assert!(refused.json()["message"].as_str().unwrap().contains("daily rate limit"));
    assert_eq!(client.account.stats().heavy_used_today, 1);
}

#[test]
fn past_instances_say_4001() {
    let client = client("medium_per_second=1");
    client.once("/v2/users");
    let refused = client.once("/v2/past_meetings/123456789/instances");
    assert_eq!((refused.status, refused.json()["code"].as_u64()), (429, Some(4_001)));
}

#[test]
fn calls_that_fail_count_and_calls_without_a_token_do_not() {
    let client = client("light_per_second=2");
    let no_token = crate::Call { method: "GET".into(), ..crate::Call::get("/v2/users/x", "") };
    for _ in 0..5 {
        let answer = client.account.handle(&no_token, client.account.spec().now);
        assert_eq!(answer.status, 401);
    }
    let statuses: Vec<u16> = (0..3).map(|_| client.once("/v2/users/nobody").status).collect();
    assert_eq!(statuses, [404, 404, 429]);
}

#[test]
fn each_category_has_its_own_budget_by_tier() {
    let spec = Spec { tier: Tier::Free, ..Spec::default() };
    let client = Client::of(spec);
    let passes = |target: &str| (0..100).take_while(|_| client.once(target).status != 429).count();
    assert_eq!(passes("/v2/users/nobody"), 4);
    assert_eq!(passes("/v2/users"), 2);
    assert_eq!(passes("/v2/report/meetings/1"), 1);
    client.clock.advance_ms(1_000);
    let answer = client.once("/v2/users");
    assert_eq!(answer.header("x-ratelimit-category"), Some("Medium"));
    assert_eq!(answer.header("x-ratelimit-limit"), None, "free plans were seen without");
}
