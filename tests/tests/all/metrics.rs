//! What Prometheus gets of a server and of a worker while a run goes on.

use std::collections::{BTreeMap, BTreeSet};
use std::io::{Read, Write};
use std::net::TcpStream;
use std::time::Duration;

use watershed_tests::{Running, Size, get, root};

use crate::dashboard::Served;
use crate::ground::{free_account, free_home, measured};

const SOON: Duration = Duration::from_secs(120);
/// Series of one connection.
const SERIES_MAX: usize = 600;

/// A scrape: each series, `NAME{LABELS}`, with its value.
type Series = BTreeMap<String, f64>;

/// Reads the text format of Prometheus, and insists on what it demands.
fn scraped(host: &str) -> Series {
    let text = String::from_utf8(get(host, "/metrics").expect("a scrape")).expect("text");
    let (mut series, mut kinds): (Series, BTreeMap<String, String>) = Default::default();
    for line in text.lines().filter(|line| !line.is_empty()) {
        if let Some(rest) = line.strip_prefix("# TYPE ") {
            let (name, kind) = rest.split_once(' ').expect("a name and its kind");
            assert!(["counter", "gauge", "histogram"].contains(&kind), "{line}");
            assert!(kinds.insert(name.to_owned(), kind.to_owned()).is_none(), "twice: {line}");
            continue;
        }
        if line.starts_with('#') {
            assert!(line.starts_with("# HELP "), "{line}");
            continue;
        }
        let (of, value) = line.rsplit_once(' ').expect("a series and its value");
        let name = of.split('{').next().expect("a name");
        assert!(name.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_'), "{line}");
        let base = ["_bucket", "_sum", "_count"].iter().find_map(|end| {
            name.strip_suffix(end).filter(|base| kinds.get(*base).is_some_and(|k| k == "histogram"))
        });
        assert!(kinds.contains_key(base.unwrap_or(name)), "no TYPE before {line}");
        if let Some((_, labels)) = of.split_once('{') {
            let labels = labels.strip_suffix('}').unwrap_or_else(|| panic!("{line}"));
            let labels = labels.strip_suffix('"').unwrap_or_else(|| panic!("{line}"));
            for label in labels.split("\",") {
                let (label, value) = label.split_once("=\"").unwrap_or_else(|| panic!("{line}"));
                assert!(label.bytes().all(|b| b.is_ascii_lowercase() || b == b'_'), "{line}");
                assert!(!value.contains(['"', '\n']), "{line}");
            }
        }
        let value: f64 = value.parse().unwrap_or_else(|e| panic!("{e}: {line}"));
        assert!(series.insert(of.to_owned(), value).is_none(), "twice: {line}");
    }
    histograms(&series, &kinds);
    series
}

/// Buckets grow, and the last is the count.
fn histograms(series: &Series, kinds: &BTreeMap<String, String>) {
    for name in kinds.iter().filter(|(_, kind)| *kind == "histogram").map(|(name, _)| name) {
        for (of, count) in series.iter().filter(|(of, _)| names(of) == format!("{name}_count")) {
            let labels = of.split_once('{').map_or("", |(_, labels)| labels.trim_end_matches('}'));
            let last = match labels {
                "" => format!("{name}_bucket{{le=\"+Inf\"}}"),
                labels => format!("{name}_bucket{{{labels},le=\"+Inf\"}}"),
            };
            assert_eq!(series.get(&last), Some(count), "{last}");
        }
    }
}

fn names(series: &str) -> &str {
    series.split('{').next().unwrap_or_default()
}

/// What docs/metrics.md lists of those.
fn documented(by: &str) -> BTreeSet<String> {
    let page = std::fs::read_to_string(root().join("docs/metrics.md")).expect("the page");
    let rows = page.lines().filter(|line| line.contains(&format!("| {by} |")));
    rows.filter_map(|row| Some(row.split('`').nth(1)?.to_owned())).collect()
}

/// Names of the metrics in a scrape, those of histograms once.
fn metrics(series: &Series) -> BTreeSet<String> {
    let base = |name: &str| {
        let ends = ["_bucket", "_sum", "_count"];
        let seconds = ends.iter().find_map(|end| name.strip_suffix(end));
        seconds.filter(|base| base.ends_with("_seconds")).unwrap_or(name).to_owned()
    };
    series.keys().map(|of| base(names(of))).collect()
}

#[test]
fn however_many_users_there_are_the_series_are_few_and_each_scrape_can_be_read() {
    let users = Size::asked().of(500, 10_000);
    let account = free_account(users, 74);
    let home = free_home(&account);
    let mut served = Served::start(&home, "up");
    let host = served.base.trim_start_matches("http://").to_owned();
    let workflow = "name: people\nsteps:\n  users:\n    use: zoom.list_users\n    \
        with: { status: active }\n  settings:\n    for_each: users\n    as: user\n    \
        use: zoom.get_user_settings\n    with: { user_id: \"${{ user.id }}\" }\n";
    home.write("people.yaml", workflow);
    home.run(&["submit", "people.yaml", "--run-id", "one"]).expect(0);
    let (mut seen, mut scrapes) = (Series::new(), 0);
    let calls = |series: &Series| -> f64 {
        series.iter().filter(|(of, _)| names(of) == "watershed_calls_total").map(|(_, n)| n).sum()
    };
    let ended = |process: &Running| process.stderr().contains("run one is complete");
    while !ended(&served.process) {
        assert!(!served.process.ends_within(Duration::from_millis(100)), "it works on");
        let now = scraped(&host);
        assert!(calls(&now) >= calls(&seen), "counters only grow");
        (seen, scrapes) = (now, scrapes + 1);
    }
    let last = scraped(&host);
    assert!(calls(&last) > users as f64 * 0.8, "{} calls", calls(&last));
    assert_eq!(last["watershed_workers"], 1.0);
    let told = metrics(&last);
    assert!(told.is_superset(&documented("worker")), "{told:?}");
    let all: BTreeSet<String> =
        documented("worker").union(&documented("server")).cloned().collect();
    assert_eq!(told.difference(&all).collect::<Vec<_>>(), [""; 0]);
    assert!(last.len() < SERIES_MAX, "{} series", last.len());
    measured(
        "series of a scrape",
        &format!("{users} users, {scrapes} scrapes during a run"),
        &format!("{} series", last.len()),
        &format!("{SERIES_MAX}"),
    );
}

#[test]
fn a_worker_tells_its_own_metrics_where_it_is_asked_to() {
    let account = free_account(5, 75);
    let mut home = free_home(&account);
    home.run(&["submit", "zoom-backfill", "--run-id", "one"]).expect(0);
    let mut worker = home.start(&["worker", "--metrics", "127.0.0.1:0"]);
    worker
        .until("the run's end", SOON, |w| w.stderr().contains("run one is complete"))
        .expect("it");
    let said = worker.stderr();
    let place = said.split("metrics on http://").nth(1).expect("it says where");
    let host = place.split("/metrics").next().expect("an address").to_owned();
    assert_eq!(metrics(&scraped(&host)), documented("worker"));
    assert!(get(&host, "/healthz").is_ok());
    let mut evil = TcpStream::connect(&host).expect("it listens");
    evil.write_all(b"GET /metrics HTTP/1.0\r\nHost: evil.example\r\n\r\n").expect("it hears");
    let mut answer = String::new();
    evil.read_to_string(&mut answer).expect("an answer");
    assert!(answer.starts_with("HTTP/1.0 403"), "a name that it does not have: {answer}");
    drop(worker);

    home.set("WATERSHED_WORKER__METRICS", Some("0.0.0.0:0"));
    let ended = home.run(&["worker"]).expect(2);
    assert!(ended.stderr.contains("there is no token"), "{}", ended.stderr);
}
