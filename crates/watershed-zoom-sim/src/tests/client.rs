//! A client that knows nothing but Zoom's rules: asks until it has a whole answer.

use std::collections::{BTreeMap, BTreeSet};

use bytes::Bytes;
use serde_json::Value;

use crate::operation::Operation;
use crate::{Account, Answer, Call, Clock, HandClock, Spec};

/// Records by dataset and key, as text; several under one key only for participants.
pub(super) type Found = BTreeMap<(String, String), Vec<String>>;

pub(super) struct Client {
    pub(super) account: Account,
    pub(super) clock: HandClock,
    token: std::cell::RefCell<String>,
}

/// What became of a call at last.
#[derive(Debug)]
pub(super) enum Got {
    Data(Value),
    /// Zoom's code; 0 where the answer had none.
    Refused(u64),
}

impl Client {
    pub(super) fn of(spec: Spec) -> Client {
        let clock = HandClock::new(spec.now);
        let client = Client { account: Account::new(spec), clock, token: String::new().into() };
        client.renew();
        client
    }

    pub(super) fn token(&self) -> String {
        self.token.borrow().clone()
    }

    /// One call, one answer.
    pub(super) fn once(&self, target: &str) -> Answer {
        self.account.handle(&Call::get(target, &self.token()), self.clock.now())
    }

    pub(super) fn ask_token(&self, form: &str, id: &str, secret: &str) -> Answer {
        use base64::Engine as _;
        let basic = base64::engine::general_purpose::STANDARD.encode(format!("{id}:{secret}"));
        let call = Call {
            method: "POST".into(),
            target: "/oauth/token".into(),
            headers: vec![("Authorization".into(), format!("Basic {basic}"))],
            body: Bytes::from(form.to_owned()),
        };
        self.account.handle(&call, self.clock.now())
    }

    pub(super) fn renew(&self) {
        let credentials = self.account.credentials().clone();
        let form = format!("grant_type=account_credentials&account_id={}", credentials.account_id);
        for _ in 0..50 {
            let answer = self.ask_token(&form, &credentials.client_id, &credentials.client_secret);
            if let Some(token) = answer.json()["access_token"].as_str() {
                self.token.replace(token.to_owned());
                return;
            }
            assert_eq!(answer.status, 500, "{answer:?}");
        }
        panic!("no token in 50 tries");
    }

    /// Asks again until the answer is whole and final.
    pub(super) fn get(&self, target: &str) -> Got {
        for _ in 0..200 {
            let answer = self.once(target);
            let body = answer.json();
            let is_whole = answer.cut_at.is_none() && !body.is_null();
            match answer.status {
                200 if is_whole && body["code"].as_u64().unwrap_or(0) == 0 => {
                    return Got::Data(body);
                }
                200 if is_whole => return Got::Refused(200),
                401 => self.renew(),
                429 => self.clock.advance_ms(1_000),
                403 => return Got::Refused(0),
                400 | 404 if is_whole => return Got::Refused(body["code"].as_u64().unwrap_or(0)),
                _ => {}
            }
        }
        panic!("no whole answer to {target}");
    }

    /// All rows of a listing; starts again when a page token is refused.
    pub(super) fn list(&self, target: &str, key: &str) -> Result<Vec<Value>, u64> {
        let mark = if target.contains('?') { '&' } else { '?' };
        'again: for _ in 0..200 {
            let (mut rows, mut token) = (Vec::new(), String::new());
            loop {
                let page = match token.as_str() {
                    "" => format!("{target}{mark}page_size=300"),
                    token => format!("{target}{mark}page_size=300&next_page_token={token}"),
                };
                let body = match self.get(&page) {
                    Got::Data(body) => body,
                    Got::Refused(300) if !token.is_empty() => continue 'again,
                    Got::Refused(code) => return Err(code),
                };
                rows.extend(body[key].as_array().expect("a page has rows").iter().cloned());
                token = body["next_page_token"].as_str().unwrap_or_default().to_owned();
                if token.is_empty() {
                    return Ok(rows);
                }
            }
        }
        panic!("{target} never ended");
    }

    pub(super) fn file(&self, url: &str, base: &str) -> String {
        let mut target = url.strip_prefix(base).expect("files are on the same host").to_owned();
        for _ in 0..200 {
            let answer = self.once(&target);
            let kind = answer.header("content-type").unwrap_or_default().to_owned();
            match answer.status {
                302 => {
                    let location = answer.header("location").unwrap();
                    target = location.strip_prefix(base).unwrap().to_owned();
                }
                401 => self.renew(),
                200 if answer.cut_at.is_none() && kind.starts_with("text/vtt") => {
                    return String::from_utf8(answer.body.to_vec()).unwrap();
                }
                _ => {}
            }
        }
        panic!("{url} never came");
    }
}

/// Percent-encodes a UUID as a path segment, twice where it holds a slash.
pub(super) fn encode(uuid: &str) -> String {
    let once = |text: &str| {
        text.replace('%', "%25").replace('/', "%2F").replace('+', "%2B").replace('=', "%3D")
    };
    if uuid.contains('/') { once(&once(uuid)) } else { once(uuid) }
}

/// What a whole crawl of the account brings.
pub(super) struct Crawl<'a> {
    client: &'a Client,
    from: i64,
    to: i64,
    pub(super) found: Found,
    uuids: BTreeSet<String>,
}

impl<'a> Crawl<'a> {
    pub(super) fn of(client: &'a Client) -> Found {
        let world = client.account.world();
        // All the history there is, however far the account has gone on since.
        let from = crate::time::day_of(world.midnight_s) - world.days;
        let to = world.today();
        let mut crawl = Crawl { client, from, to, found: Found::new(), uuids: BTreeSet::new() };
        crawl.users();
        crawl.account_recordings();
        crawl.held();
        crawl.found
    }

    fn keep(&mut self, dataset: &str, key: &str, record: &Value) {
        let place = (dataset.to_owned(), key.to_owned());
        let known = self.found.entry(place).or_default();
        let text = record.to_string();
        let shares = dataset.ends_with("participants");
        if shares || known.is_empty() {
            known.push(text);
        } else {
            assert_eq!(known[0], text, "{dataset} {key} was told in two ways");
        }
    }

    fn one(&mut self, dataset: &str, key: &str, target: &str) {
        if let Got::Data(record) = self.client.get(target) {
            self.keep(dataset, key, &record);
        }
    }

    fn users(&mut self) {
        for status in ["active", "inactive", "pending"] {
            let target = format!("/v2/users?status={status}");
            for user in self.client.list(&target, "users").unwrap_or_default() {
                match user["id"].as_str() {
                    Some(id) => {
                        self.keep("users", id, &user);
                        self.one("user_details", id, &format!("/v2/users/{id}"));
                        self.one("user_settings", id, &format!("/v2/users/{id}/settings"));
                        self.user(id);
                    }
                    None => {
                        let email = user["email"].as_str().unwrap();
                        self.keep("users", &format!("email:{email}"), &user);
                    }
                }
            }
        }
    }

    fn user(&mut self, id: &str) {
        let (from, to) = (crate::time::date(self.from), crate::time::date(self.to));
        let mut numbers = BTreeSet::new();
        for query in
            [format!("type=previous_meetings&from={from}&to={to}"), "type=scheduled".into()]
        {
            let target = format!("/v2/users/{id}/meetings?{query}");
            for meeting in self.client.list(&target, "meetings").unwrap_or_default() {
                numbers.insert(meeting["id"].as_i64().unwrap());
                self.keep("meetings", &meeting["id"].to_string(), &meeting);
            }
        }
        for number in numbers {
            let key = number.to_string();
            self.one("meeting_details", &key, &format!("/v2/meetings/{number}"));
            self.one("meeting_invitations", &key, &format!("/v2/meetings/{number}/invitation"));
            let target = format!("/v2/past_meetings/{number}/instances");
            for instance in self.client.list(&target, "meetings").unwrap_or_default() {
                let uuid = instance["uuid"].as_str().unwrap();
                self.keep("past_instances", uuid, &instance);
                self.uuids.insert(uuid.to_owned());
            }
        }
        if !self.client.account.answers(Operation::ListAccountRecordings) {
            self.recordings(&format!("/v2/users/{id}/recordings"));
        }
    }

    fn account_recordings(&mut self) {
        self.recordings("/v2/accounts/me/recordings");
    }

    fn recordings(&mut self, path: &str) {
        let mut from = self.from;
        while from <= self.to {
            let to = (from + 29).min(self.to);
            let days = format!("from={}&to={}", crate::time::date(from), crate::time::date(to));
            let rows = self.client.list(&format!("{path}?{days}"), "meetings");
            for recording in rows.unwrap_or_default() {
                self.recording(&recording);
            }
            from = to + 1;
        }
    }

    fn recording(&mut self, recording: &Value) {
        let uuid = recording["uuid"].as_str().unwrap();
        if self.found.contains_key(&("recordings".into(), uuid.into())) {
            return;
        }
        self.keep("recordings", uuid, recording);
        let path = encode(uuid);
        self.one("recording_settings", uuid, &format!("/v2/meetings/{path}/recordings/settings"));
        let kind = recording["type"].as_u64();
        let kind = kind.or(recording["type"].as_str().and_then(|kind| kind.parse().ok()));
        if ![5, 6, 9, 99].contains(&kind.unwrap()) {
            self.uuids.insert(uuid.to_owned());
        }
        let mut ordinals: BTreeMap<String, usize> = BTreeMap::new();
        for file in recording["recording_files"].as_array().unwrap() {
            let kind = file["file_type"].as_str().unwrap();
            let Some(id) = file["id"].as_str() else {
                let place = format!("{uuid}|{kind}|{}", file["recording_start"].as_str().unwrap());
                let ordinal = ordinals.entry(place.clone()).or_default();
                let key = format!("{place}|{ordinal}");
                *ordinal += 1;
                self.keep("recording_files", &key, file);
                continue;
            };
            self.keep("recording_files", id, file);
            if kind == "TRANSCRIPT" && self.client.account.answers(Operation::Download) {
                let url = file["download_url"].as_str().unwrap();
                let text = self.client.file(url, "https://sim.zoom.invalid");
                assert!(text.trim_start_matches('\u{feff}').starts_with("WEBVTT"));
                assert_eq!(Some(text.len() as u64), file["file_size"].as_u64());
                let record = serde_json::json!(
                    { "file_id": id, "instance_uuid": uuid, "text": text });
                self.keep("transcripts", id, &record);
            }
        }
    }

    fn held(&mut self) {
        for uuid in std::mem::take(&mut self.uuids) {
            let path = encode(&uuid);
            let mut people = 2;
            if let Got::Data(past) = self.client.get(&format!("/v2/past_meetings/{path}")) {
                people = past["participants_count"].as_u64().unwrap();
                self.keep("past_meetings", &uuid, &past);
            }
            if people < 2 {
                continue;
            }
            self.one("report_meetings", &uuid, &format!("/v2/report/meetings/{path}"));
            for (dataset, path) in [
                ("report_participants", format!("/v2/report/meetings/{path}/participants")),
                ("past_participants", format!("/v2/past_meetings/{path}/participants")),
            ] {
                for row in self.client.list(&path, "participants").unwrap_or_default() {
                    self.keep(dataset, &uuid, &row);
                }
            }
        }
    }
}

/// The truth in the shape of a crawl, cues left out: they are read from the text.
pub(super) fn truth(account: &Account) -> Found {
    let mut found = Found::new();
    for row in account.truth().filter(|row| row.dataset != "transcript_cues") {
        let place = (row.dataset.to_owned(), row.key);
        let known = found.entry(place.clone()).or_default();
        known.push(row.record.to_string());
        let shares = row.dataset.ends_with("participants");
        assert!(shares || known.len() == 1, "{place:?} stands twice in the truth");
    }
    found
}

/// Fails with the first few differences, each told.
pub(super) fn assert_same(mut crawled: Found, mut truth: Found) {
    for rows in crawled.values_mut().chain(truth.values_mut()) {
        rows.sort();
    }
    let mut told = Vec::new();
    for (place, rows) in &truth {
        match crawled.get(place) {
            None => told.push(format!("not found: {place:?}")),
            Some(found) if found != rows => {
                told.push(format!("differs: {place:?}\n{found:?}\n{rows:?}"));
            }
            Some(_) => {}
        }
    }
    let extra = crawled.keys().filter(|place| !truth.contains_key(*place));
    told.extend(extra.map(|place| format!("not in the truth: {place:?}")));
    assert!(
        told.is_empty(),
        "{} differences:\n{}",
        told.len(),
        told[..told.len().min(5)].join("\n")
    );
}
