//! Where the token goes when a download is sent on from host to host: to Zoom's, while it has not
//! left them, and never again after that. Names that cannot be had here are reached by a network
//! that is made up.

mod common;
#[path = "common/run.rs"]
mod run;

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use serde_json::json;
use watershed_engine::{
    Answered, Answering, Call, Clock, Engine, LOOK_MS, Parts, SystemClock, Transport,
    WorkerSettings, stop,
};
use watershed_lake::MemoryFiles;
use watershed_ledger::MemoryLedger;
use watershed_model::{RunId, WorkerName};
use watershed_sink::SqliteSink;

const WORKFLOW: &str = r#"
name: files
steps:
  recordings:
    use: zoom.list_account_recordings
    with: { from: "2026-01-01", to: "2026-01-31" }
  files:
    for_each: recordings.recording_files
    as: file
    use: zoom.download_recording_file
    with: { file: "${{ file }}" }
    retry: { attempts: 1 }
"#;

/// A network in which each address, but the last, sends a download on to the next.
struct Network {
    /// Status and `Location` by address.
    hops: BTreeMap<String, (u16, Vec<&'static str>)>,
    first: &'static str,
    api_url: Option<&'static str>,
    /// Hosts of downloads that were asked, each with `+` where it got the token.
    asked: Mutex<Vec<String>>,
    /// Hosts of the API's calls.
    api: Mutex<Vec<String>>,
}

impl Network {
    fn answer(&self, call: Call) -> (u16, Vec<(String, String)>, String) {
        let json = vec![("content-type".to_owned(), "application/json".to_owned())];
        let Call::Get { url, bearer, .. } = call else {
            let mut token = json!({
                "access_token": "t0k", "expires_in": 3600,
                "scope": "cloud_recording:read:list_account_recordings:admin \
                          cloud_recording:read:list_recording_files:admin",
            });
            token["api_url"] = json!(self.api_url);
            return (200, json, token.to_string());
        };
        assert!(!url.as_str().contains("t0k"), "the token is in an address: {url}");
        let host = url.host_str().unwrap_or("-").to_owned();
        let file = json!({
            "id": "f", "meeting_id": "U==", "file_type": "CHAT", "status": "completed",
            "recording_start": "2026-01-02T10:00:00Z", "download_url": self.first,
        });
        let recording = json!({"uuid": "U==", "id": 1, "recording_files": [file]});
        if url.path().starts_with("/v2/") && url.path().ends_with("/recordings") {
            assert!(bearer.is_some(), "the API is asked with the token");
            self.api.lock().expect("nobody broke").push(host);
            let list = json!({"meetings": [recording], "uuid": "U==", "recording_files": [file]});
            return (200, json, list.to_string());
        }
        let with = if bearer.is_some() { "+" } else { "" };
        self.asked.lock().expect("nobody broke").push(format!("{host}{with}"));
        match self.hops.get(url.as_str()) {
            Some((status, to)) => {
                let to = to.iter().map(|to| ("location".to_owned(), (*to).to_owned()));
                (*status, to.collect(), String::new())
            }
            None => (200, vec![("content-type".to_owned(), "text/plain".to_owned())], "hi".into()),
        }
    }
}

impl Transport for Network {
    fn send(&self, call: Call) -> Answering<'_> {
        let (status, headers, body) = self.answer(call);
        Box::pin(async move { Ok(Answered { status, headers, body: body.into() }) })
    }
}

/// Brings one file in; the hosts of the API's calls and those of the download.
async fn brought(network: Network) -> (Vec<String>, String) {
    let network = Arc::new(network);
    let catalogue = watershed_zoom::catalogue();
    let ledger = Arc::new(MemoryLedger::new(Arc::new(|| SystemClock.now())));
    let connection = common::connection(None, "https://zoom.us/oauth/token");
    let engine = Engine::new(Parts {
        ledger,
        sink: Arc::new(SqliteSink::in_memory(catalogue).await.expect("a sink")),
        files: Arc::new(MemoryFiles::default()),
        transport: network.clone(),
        clock: Arc::new(SystemClock),
        catalogue,
        connections: vec![connection],
    });
    let id = RunId::from("run");
    engine.submit(run::request(WORKFLOW, &id, SystemClock.now())).await.expect("it begins");
    let settings = WorkerSettings {
        name: WorkerName::default(),
        concurrency: 1,
        lease_ms: 15_000,
        shutdown_grace_ms: 1_000,
        alone: true,
        look_ms: LOOK_MS,
        wait_until: None,
    };
    let (_handle, never) = stop();
    let work = engine.work(Some(&id), settings, never);
    tokio::time::timeout(Duration::from_secs(60), work).await.expect("it ends").expect("it works");
    let api = network.api.lock().expect("nobody broke").clone();
    let asked = network.asked.lock().expect("nobody broke").join(" ");
    (api, asked)
}

/// The hosts that a download asks, `+` after those that get the token. `way` is its first address
/// and where each sends it on to.
async fn way(status: u16, way: &[&'static str]) -> String {
    let pairs = way.windows(2).map(|pair| (at(pair[0]), (status, vec![pair[1]])));
    let network = Network {
        hops: pairs.collect(),
        first: way[0],
        api_url: None,
        asked: Mutex::default(),
        api: Mutex::default(),
    };
    brought(network).await.1
}

/// An address as it is when it is asked; what is relative is so to Zoom.
fn at(address: &str) -> String {
    let zoom: url::Url = "https://zoom.us/rec/1".parse().expect("a URL");
    zoom.join(address).map_or_else(|_| address.to_owned(), String::from)
}

const ZOOM: &str = "https://zoom.us/rec/1";
const CDN: &str = "https://cdn.example.com/f?sig=1";

#[tokio::test]
async fn a_download_takes_the_token_along_as_far_as_zooms_hosts_go() {
    for status in [301, 302, 303, 307, 308] {
        let zooms =
            ["https://file.zoom.us/2", "https://ssrweb.zoom.com/3", "https://x.zoomgov.com/4"];
        let all = [ZOOM, zooms[0], zooms[1], zooms[2]];
        let expected = "zoom.us+ file.zoom.us+ ssrweb.zoom.com+ x.zoomgov.com+";
        assert_eq!(way(status, &all).await, expected, "{status}");
        assert_eq!(way(status, &[ZOOM, CDN]).await, "zoom.us+ cdn.example.com", "{status}");
    }
}

#[tokio::test]
async fn who_has_left_zoom_does_not_get_it_again() {
    let back = way(302, &[ZOOM, CDN, "https://zoom.us/rec/2"]).await;
    assert_eq!(back, "zoom.us+ cdn.example.com zoom.us");
    let never = way(302, &[CDN, ZOOM, "https://file.zoom.us/2"]).await;
    assert_eq!(never, "cdn.example.com zoom.us file.zoom.us");
    let again = way(307, &[ZOOM, "https://a.example.com/", "https://file.zoom.us/2", CDN]).await;
    assert_eq!(again, "zoom.us+ a.example.com file.zoom.us cdn.example.com");
}

#[tokio::test]
async fn names_that_look_like_zooms_get_nothing() {
    for (address, host) in [
        ("https://zoom.us.evil.example/f", "zoom.us.evil.example"),
        ("https://evilzoom.us/f", "evilzoom.us"),
        ("//evilzoom.us/f", "evilzoom.us"),
        ("\\\\evilzoom.us\\f", "evilzoom.us"),
        ("https:\\\\evilzoom.us/f", "evilzoom.us"),
        ("ht\ttps://evil\nzoom.us/f", "evilzoom.us"),
        ("HTTPS://EVILZOOM.US/f", "evilzoom.us"),
        ("https://zoom.us./f", "zoom.us."),
        ("https://evilzoom.us/f#@zoom.us", "evilzoom.us"),
        ("https://evilzoom.us?@zoom.us/f", "evilzoom.us"),
        ("https://evilzoom.us\\@zoom.us/f", "evilzoom.us"),
        ("https://93.184.215.14/zoom.us", "93.184.215.14"),
        ("https://[2606:4700::6810:84e5]/zoom.us", "[2606:4700::6810:84e5]"),
        ("https://xn--zom-hna.us/f", "xn--zom-hna.us"),
        ("https://zoom.us.evil.example/f?access_token=", "zoom.us.evil.example"),
    ] {
        assert_eq!(way(302, &[ZOOM, address]).await, format!("zoom.us+ {host}"), "{address}");
    }
}

#[tokio::test]
async fn where_no_file_may_come_from_nobody_is_asked() {
    for address in [
        "http://zoom.us/rec/2",
        "http://cdn.example.com/f",
        "https://zoom.us:8443/rec/2",
        "https://user:word@zoom.us/rec/2",
        "https://zoom.us@evil.example/f",
        "https://127.0.0.1/f",
        "https://2130706433/f",
        "https://169.254.169.254/latest/meta-data",
        "https://[::ffff:10.0.0.1]/f",
        "https://localhost/f",
        "https://metadata.internal/f",
        "javascript:alert(1)",
        "file:///etc/passwd",
        "data:text/plain,hi",
        "ftp://zoom.us/f",
        "https://[::",
    ] {
        assert_eq!(way(302, &[ZOOM, address]).await, "zoom.us+", "{address}");
        assert_eq!(way(302, &[address]).await, "", "{address}");
    }
}

#[tokio::test]
async fn a_way_of_more_than_five_hops_is_not_gone() {
    let hops = [ZOOM, "/1", "/2", "/3", "/4", "/5", "/6", "/7"];
    assert_eq!(way(302, &hops).await.split(' ').count(), 6);
    let hops = [("/rec/1", "/rec/1")].map(|(_, to)| to);
    assert_eq!(way(302, &[ZOOM, hops[0]]).await.split(' ').count(), 6, "it leads to itself");
}

#[tokio::test]
async fn of_two_locations_the_first_counts_and_other_headers_do_not() {
    let network = |to| Network {
        hops: [(ZOOM.to_owned(), (302, to))].into(),
        first: ZOOM,
        api_url: None,
        asked: Mutex::default(),
        api: Mutex::default(),
    };
    let (_, asked) = brought(network(vec![CDN, "https://file.zoom.us/2"])).await;
    assert_eq!(asked, "zoom.us+ cdn.example.com");
    let (_, asked) = brought(network(Vec::new())).await;
    assert_eq!(asked, "zoom.us+");
}

#[tokio::test]
async fn the_api_of_a_token_is_one_of_zooms_or_it_is_not_asked() {
    for (api_url, expected) in [
        (None, "api.zoom.us"),
        (Some("https://api-eu.zoom.us"), "api-eu.zoom.us"),
        (Some("https://zoom.us.evil.example"), "api.zoom.us"),
        (Some("https://evilzoom.us"), "api.zoom.us"),
        (Some("http://api-eu.zoom.us"), "api.zoom.us"),
        (Some("https://api-eu.zoom.us@evil.example"), "api.zoom.us"),
        (Some("https://api-eu.zoom.us:8443"), "api.zoom.us"),
        (Some("https://169.254.169.254"), "api.zoom.us"),
        (Some("javascript:alert(1)"), "api.zoom.us"),
    ] {
        let network = Network {
            hops: BTreeMap::new(),
            first: ZOOM,
            api_url,
            asked: Mutex::default(),
            api: Mutex::default(),
        };
        let (api, _) = brought(network).await;
        assert!(!api.is_empty() && api.iter().all(|host| host == expected), "{api_url:?}: {api:?}");
    }
}
