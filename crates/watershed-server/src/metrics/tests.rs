use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use watershed_model::BudgetUse;

use super::*;
use crate::standing::Lane;

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..")
}

fn read(file: &str) -> String {
    let path = root().join(file);
    std::fs::read_to_string(&path).unwrap_or_else(|e| panic!("{}: {e}", path.display()))
}

/// A scrape after each thing that is counted has happened.
fn scrape() -> String {
    let acme = ConnectionName::from("acme");
    let metrics = Metrics::new([&acme].into_iter());
    metrics.answered(Some(&acme), Outcome::Kept, Duration::from_millis(2));
    metrics.event(&acme, "meeting.ended");
    metrics.committed(Duration::from_millis(1));
    metrics.asked("GET", "/", 200, Duration::from_millis(3));
    metrics.refused(Refused::Host);
    metrics.opened();
    let limit = BudgetUse {
        category: "light".to_owned(),
        period: "second".to_owned(),
        used: 3,
        share: 72.0,
        binds: true,
        free_at: None,
    };
    let lane = Lane { budget: vec![limit], open: 5, ..Lane::default() };
    metrics.stands(&Standing { lanes: [(acme, lane)].into(), workers: 1 });
    metrics.render(&[], Millis(0))
}

/// The metric that a line of a scrape or a query speaks of.
fn base(name: &str) -> &str {
    let known = |name: &str| TABLE.iter().any(|metric| metric.name == name);
    let of_histogram = ["_bucket", "_sum", "_count"].iter().find_map(|end| name.strip_suffix(end));
    of_histogram.filter(|name| known(name)).unwrap_or(name)
}

/// Names that begin with ours, in any text.
fn named(text: &str) -> BTreeSet<&str> {
    let part = |c: char| !c.is_ascii_alphanumeric() && c != '_';
    text.split(part).filter(|word| word.starts_with("watershed_")).map(base).collect()
}

fn all() -> BTreeSet<&'static str> {
    TABLE.iter().map(|metric| metric.name).collect()
}

#[test]
fn what_is_exported_is_what_the_table_lists() {
    let text = scrape();
    let of_server = || TABLE.iter().filter(|metric| metric.by == By::Server);
    assert_eq!(named(&text), of_server().map(|metric| metric.name).collect());
    for metric in of_server() {
        let kind = match metric.kind {
            Kind::Counter => "counter",
            Kind::Gauge => "gauge",
            Kind::Histogram => "histogram",
        };
        assert!(text.contains(&format!("# TYPE {} {kind}\n", metric.name)), "{}", metric.name);
        let line = text.lines().find(|line| {
            line.split(['{', ' ']).next().map(base) == Some(metric.name) && !line.starts_with('#')
        });
        let line = line.unwrap_or_else(|| panic!("no {}", metric.name));
        let labels: BTreeSet<&str> = match line.split_once('{') {
            Some((_, rest)) => {
                rest.split("=\"").filter_map(|p| p.rsplit(['"', ',']).next()).collect()
            }
            None => BTreeSet::new(),
        };
        let labels: BTreeSet<&str> =
            labels.into_iter().filter(|l| !l.contains('}') && *l != "le").collect();
        assert_eq!(labels, metric.labels.iter().copied().collect(), "{line}");
    }
}

#[test]
fn names_follow_the_conventions() {
    for metric in TABLE {
        let ends = |end: &str| metric.name.ends_with(end);
        assert!(metric.name.starts_with("watershed_"), "{}", metric.name);
        assert_eq!(metric.kind == Kind::Counter, ends("_total"), "{}", metric.name);
        assert!(metric.kind != Kind::Histogram || ends("_seconds"), "{}", metric.name);
        assert!(!ends("_ms") && !ends("_millis"), "{}: base units", metric.name);
    }
}

#[test]
fn the_page_of_metrics_lists_them() {
    let mut table = String::from(
        "| metric | by | kind | labels | meaning |\n| --- | --- | --- | --- | --- |\n",
    );
    for metric in TABLE {
        let kind = format!("{:?}", metric.kind).to_lowercase();
        let by = format!("{:?}", metric.by).to_lowercase();
        let labels: Vec<String> = metric.labels.iter().map(|label| format!("`{label}`")).collect();
        let labels = labels.join(", ");
        let (name, about) = (metric.name, metric.about);
        table.push_str(&format!("| `{name}` | {by} | {kind} | {labels} | {about} |\n"));
    }
    let page = read("docs/metrics.md");
    let (before, rest) = page.split_once("<!-- metrics: begin -->\n").expect("a begin");
    let (inside, after) = rest.split_once("<!-- metrics: end -->").expect("an end");
    if std::env::var_os("UPDATE_DOCS").is_some() {
        let page = format!("{before}<!-- metrics: begin -->\n{table}<!-- metrics: end -->{after}");
        std::fs::write(root().join("docs/metrics.md"), page).expect("the page is written");
    } else {
        assert_eq!(inside, table, "UPDATE_DOCS=1 renews docs/metrics.md");
    }
}

#[test]
fn dashboard_and_alerts_ask_only_for_what_is_exported() {
    for file in ["config/grafana.json", "config/alerts.yaml"] {
        let text = read(file);
        let unknown: Vec<&str> = named(&text).difference(&all()).copied().collect();
        assert_eq!(unknown, [""; 0], "{file}");
        assert!(named(&text).len() > 3, "{file} asks for next to nothing");
    }
    let grafana: serde_json::Value =
        serde_json::from_str(&read("config/grafana.json")).expect("JSON");
    assert!(grafana["panels"].as_array().is_some_and(|panels| panels.len() > 5));
}
