//! Tokens, scopes, ids, pages, downloads, statistics.

use super::client::{Client, Got, encode};
use crate::{Account, Call, Clock, SCOPES, Spec, Tier};

fn client() -> Client {
    Client::of(Spec { limits: "off".parse().unwrap(), ..Spec::default() })
}

fn code(client: &Client, target: &str) -> (u16, u64) {
    let answer = client.once(target);
    (answer.status, answer.json()["code"].as_u64().unwrap_or(0))
}

/// The UUIDs of held instances that the truth names.
fn uuids(account: &Account) -> Vec<String> {
    let held = account.truth().filter(|row| row.dataset == "past_meetings");
    held.map(|row| row.key).collect()
}

#[test]
fn a_token_lives_an_hour_and_an_older_one_beside_a_newer() {
    let client = client();
    let first = client.token();
    client.clock.advance_ms(1_000_000);
    client.renew();
    assert_ne!(first, client.token());
    let call = Call::get("/v2/users", &first);
    assert_eq!(client.account.handle(&call, client.clock.now()).status, 200);
    client.clock.advance_ms(2_600_000);
    let expired = client.account.handle(&call, client.clock.now());
    assert_eq!((expired.status, expired.json()["code"].as_u64()), (401, Some(124)));
    assert_eq!(client.once("/v2/users").status, 200);
    assert_eq!(code(&client, "/v2/users").0, 200);
    let forged = Call::get("/v2/users", &format!("{}A", client.token()));
    assert_eq!(client.account.handle(&forged, client.clock.now()).status, 401);
}

#[test]
fn the_token_endpoint_says_what_is_wrong() {
    let client = client();
    let known = client.account.credentials().clone();
    let good = format!("grant_type=account_credentials&account_id={}", known.account_id);
    let (id, secret) = (known.client_id.as_str(), known.client_secret.as_str());
    let error = |form: &str, id: &str, secret: &str| {
        let answer = client.ask_token(form, id, secret);
        (answer.status, answer.json()["error"].as_str().unwrap_or_default().to_owned())
    };
    assert_eq!(error(&good, id, "wrong"), (401, "invalid_client".into()));
    assert_eq!(error("grant_type=client_credentials", id, secret).1, "unsupported_grant_type");
    let other = "grant_type=account_credentials&account_id=other";
    assert_eq!(error(other, id, secret), (400, "invalid_grant".into()));
    let answer = client.ask_token(&good, id, secret).json();
    assert_eq!(answer["expires_in"], 3_599);
    assert_eq!(answer["scope"].as_str().unwrap().split(' ').count(), SCOPES.len());
}

#[test]
fn a_missing_scope_is_named_in_brackets_and_classic_scopes_do() {
    let scopes = Some(vec!["user:read:admin".to_owned()]);
    let client = Client::of(Spec { scopes, ..Spec::default() });
    assert_eq!(client.once("/v2/users").status, 200);
    let refused = client.once("/v2/report/meetings/1/participants");
    let message = refused.json()["message"].as_str().unwrap().to_owned();
    assert_eq!((refused.status, refused.json()["code"].as_u64()), (400, Some(4_711)));
    assert!(message.contains("scopes:[report:read:list_meeting_participants:admin"), "{message}");
    assert_eq!(client.account.stats().in_vain.by_cause["foretold"], 1);
}

#[test]
fn reports_need_a_paid_plan() {
    let client = Client::of(Spec { tier: Tier::Free, ..Spec::default() });
    let refused = client.once("/v2/report/meetings/1");
    assert_eq!(refused.status, 200);
    assert_eq!(refused.json()["code"], 200);
    assert!(refused.json()["message"].as_str().unwrap().starts_with("Only available for paid"));
}

#[test]
fn a_uuid_with_a_leading_or_double_slash_is_found_only_when_encoded_twice() {
    let client = client();
    let once = |uuid: &str| uuid.replace('/', "%2F").replace('+', "%2B").replace('=', "%3D");
    let uuids = uuids(&client.account);
    let hard: Vec<&String> =
        uuids.iter().filter(|uuid| uuid.starts_with('/') || uuid.contains("//")).collect();
    assert!(hard.iter().any(|uuid| uuid.starts_with('/')));
    assert!(hard.iter().any(|uuid| uuid.contains("//")));
    for uuid in &uuids {
        let good = client.once(&format!("/v2/past_meetings/{}", encode(uuid)));
        assert_eq!(good.json()["uuid"].as_str(), Some(uuid.as_str()));
        let single = code(&client, &format!("/v2/past_meetings/{}", once(uuid)));
        let expected = if hard.contains(&uuid) { (404, 3_001) } else { (200, 0) };
        assert_eq!(single, expected, "{uuid}");
    }
    for uuid in hard {
        for raw in [format!("/v2/past_meetings/{uuid}"), format!("/v2/report/meetings/{uuid}/x")] {
            assert_eq!(code(&client, &raw), (404, 3_001), "{raw}");
        }
    }
}

#[test]
fn an_id_leads_to_the_latest_instance_and_the_listed_uuid_to_none() {
    let client = client();
    let world = client.account.world();
    let mut met = 0;
    for meeting in (0..world.users).flat_map(|user| world.meetings(user).collect::<Vec<_>>()) {
        let instances = world.instances(&meeting);
        if !meeting.kind.is_meeting() || instances.is_empty() {
            continue;
        }
        met += 1;
        let latest = client.once(&format!("/v2/past_meetings/{}", meeting.number)).json();
        assert_eq!(latest["uuid"].as_str(), Some(instances[instances.len() - 1].uuid.as_str()));
        let coming = encode(&world.uuid(&meeting, instances.len() as u64));
        assert_eq!(code(&client, &format!("/v2/past_meetings/{coming}")), (404, 3_001));
    }
    assert!(met > 50);
}

#[test]
fn a_page_token_lives_a_quarter_of_an_hour_and_for_one_query_only() {
    let client = client();
    let first = client.once("/v2/users?status=active&page_size=5").json();
    let token = first["next_page_token"].as_str().unwrap().to_owned();
    let next = |query: &str| code(&client, &format!("/v2/users?{query}&next_page_token={token}"));
    assert_eq!(next("status=active&page_size=5"), (200, 0));
    assert_eq!(next("status=active&page_size=5"), (200, 0), "it may be used again");
    assert_eq!(next("status=inactive&page_size=5"), (400, 300));
    client.clock.advance_ms(899_000);
    assert_eq!(next("status=active&page_size=5"), (200, 0));
    client.clock.advance_ms(1_000);
    assert_eq!(next("status=active&page_size=5"), (400, 300));
}

#[test]
fn recordings_of_more_than_a_month_are_cut_and_the_cut_is_told() {
    let client = client();
    let body = client.once("/v2/accounts/me/recordings?from=1970-01-01&to=2026-11-20").json();
    assert_eq!(
        (body["from"].as_str(), body["to"].as_str()),
        (Some("2026-10-20"), Some("2026-11-20"))
    );
    assert_eq!(code(&client, "/v2/accounts/me/recordings?from=2026-13-01"), (400, 300));
    assert_eq!(code(&client, "/v2/accounts/x/recordings"), (400, 4_711));
}

#[test]
fn users_are_found_by_id_and_address_and_pending_ones_are_not_asked() {
    let client = client();
    let rows = client.list("/v2/users?status=active", "users").unwrap();
    let (id, email) = (rows[3]["id"].as_str().unwrap(), rows[3]["email"].as_str().unwrap());
    let by_id = client.once(&format!("/v2/users/{id}")).json();
    assert_eq!(by_id["id"].as_str(), Some(id));
    assert_eq!(by_id["account_id"], *client.account.credentials().account_id);
    assert_eq!(client.once(&format!("/v2/users/{email}")).json(), by_id);
    assert_eq!(code(&client, "/v2/users/nobody@acme-sim.example"), (404, 1_001));
    let pending = client.list("/v2/users?status=pending", "users").unwrap();
    assert!(pending[0].get("id").is_none());
    let email = pending[0]["email"].as_str().unwrap();
    assert_eq!(code(&client, &format!("/v2/users/{email}/settings")), (400, 1_120));
    assert_eq!(code(&client, "/v2/nothing"), (404, 2_300));
    let delete = Call { method: "DELETE".into(), ..Call::get("/v2/users", &client.token()) };
    assert_eq!(client.account.handle(&delete, client.clock.now()).status, 404, "nothing writes");
}

#[test]
fn a_file_comes_by_header_token_in_parts_and_sometimes_by_a_redirect() {
    let client = client();
    let files = client.account.truth().filter(|row| row.dataset == "recording_files");
    let (mut redirected, mut whole) = (0, 0);
    for file in files.filter(|file| file.record["status"] == "completed") {
        let url = file.record["download_url"].as_str().unwrap();
        let mut target = url.strip_prefix("https://sim.zoom.invalid").unwrap().to_owned();
        assert_eq!(
            client
                .account
                .handle(
                    &Call { method: "GET".into(), target: target.clone(), ..Call::default() },
                    client.clock.now()
                )
                .status,
            401
        );
        let mut answer = client.once(&target);
        if answer.status == 302 {
            redirected += 1;
            let location = answer.header("location").unwrap();
            target = location.strip_prefix("https://sim.zoom.invalid").unwrap().to_owned();
            answer = client.once(&target);
        }
        whole += 1;
        assert_eq!(answer.status, 200);
        assert_eq!(Some(answer.body.len() as u64), file.record["file_size"].as_u64());
        let mut part = Call::get(&target, &client.token());
        part.headers.push(("range".into(), "bytes=10-".into()));
        part.headers.push(("if-range".into(), answer.header("etag").unwrap().into()));
        let rest = client.account.handle(&part, client.clock.now());
        assert_eq!(rest.status, 206);
        assert_eq!(rest.body, answer.body.slice(10..));
        part.headers.pop();
        part.headers.push(("if-range".into(), "\"another\"".into()));
        assert_eq!(client.account.handle(&part, client.clock.now()).status, 200);
    }
    assert!(redirected > 0 && whole > redirected, "{redirected} of {whole}");
}

#[test]
fn the_download_token_of_a_recording_opens_its_own_files_only() {
    let client = client();
    let rows: Vec<_> =
        client.account.truth().filter(|row| row.dataset == "recordings").take(2).collect();
    let path = encode(&rows[0].key);
    let plain = client.once(&format!("/v2/meetings/{path}/recordings")).json();
    assert!(plain.get("download_access_token").is_none());
    let target = format!("/v2/meetings/{path}/recordings?include_fields=download_access_token");
    let body = client.once(&target).json();
    let token = body["download_access_token"].as_str().unwrap();
    let status = |row: &crate::TruthRow| {
        let url = row.record["recording_files"][0]["download_url"].as_str().unwrap();
        let target = url.strip_prefix("https://sim.zoom.invalid").unwrap();
        client.account.handle(&Call::get(target, token), client.clock.now()).status
    };
    assert!([200, 302].contains(&status(&rows[0])));
    assert_eq!(status(&rows[1]), 401);
}

#[test]
fn statistics_tell_what_was_in_vain_and_what_would_have_been_least() {
    let client = client();
    let one_person = {
        let world = client.account.world();
        let meetings = (0..world.users).flat_map(|user| world.meetings(user).collect::<Vec<_>>());
        let mut held = meetings.filter(|meeting| meeting.kind.is_meeting()).flat_map(|meeting| {
            let instances = world.instances(&meeting);
            instances.into_iter().map(move |instance| (meeting.clone(), instance))
        });
        held.find(|(m, i)| world.participants_count(m, i) == 1).unwrap().1.uuid
    };
    client.once("/v2/users?status=active");
    assert_eq!(client.account.stats().in_vain.total, 0);
    client.once("/v2/users?status=active");
    client.once(&format!("/v2/report/meetings/{}/participants", encode(&one_person)));
    client.once("/v2/users/nobody");
    client.once("/v2/users/nobody");
    let stats = client.account.stats();
    assert_eq!(stats.in_vain.by_cause["repeated"], 1);
    assert_eq!(stats.in_vain.repeated["list_users"], 1);
    assert_eq!(stats.in_vain.by_cause["report_below_two"], 1);
    assert_eq!(stats.in_vain.by_cause["foretold"], 1);
    assert_eq!(stats.in_vain.total, 3);
    assert_eq!((stats.least, stats.spent), (2, 5));
    assert_eq!(stats.calls["list_users"]["200"], 2);
}

#[test]
fn a_large_report_is_several_pages_and_its_least_is_counted_so() {
    let client = client();
    let mut sizes = std::collections::BTreeMap::<String, u64>::new();
    for row in client.account.truth().filter(|row| row.dataset == "report_participants") {
        *sizes.entry(row.key).or_default() += 1;
    }
    let (uuid, size) = sizes.into_iter().max_by_key(|(_, size)| *size).unwrap();
    assert!(size > 300);
    let target = format!("/v2/report/meetings/{}/participants", encode(&uuid));
    assert_eq!(client.list(&target, "participants").unwrap().len() as u64, size);
    let stats = client.account.stats();
    assert_eq!((stats.least, stats.spent, stats.in_vain.total), (2, 2, 0));
}

#[test]
fn a_user_who_may_not_host_is_refused_and_has_no_rows() {
    let client = client();
    let barred =
        (0..20).find(|user| client.account.world().profile(*user) == crate::world::Profile::Barred);
    let id = client.account.world().ids.user(barred.unwrap());
    assert!(matches!(client.get(&format!("/v2/users/{id}/meetings")), Got::Refused(3_161)));
}
