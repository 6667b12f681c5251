//! The table of events in `docs/webhooks.md` is made from what is known of them, and is fresh.

use std::fmt::Write as _;
use std::path::Path;

use watershed_zoom::webhook::EVENTS;

const BEGIN: &str = "<!-- events: begin -->\n";
const END: &str = "<!-- events: end -->";

#[test]
fn the_table_of_events_is_fresh() {
    let mut table = "| event | tells that | scope | source |\n".to_owned();
    table.push_str("| --- | --- | --- | --- |\n");
    for row in EVENTS {
        writeln!(table, "| `{}` | {} | `{}` | {} |", row.name, row.tells, row.scope, row.source)
            .expect("text");
    }
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/webhooks.md");
    let page = std::fs::read_to_string(&path).expect("the page is there");
    let (before, rest) = page.split_once(BEGIN).expect("the table has a begin");
    let (_, after) = rest.split_once(END).expect("the table has an end");
    let fresh = format!("{before}{BEGIN}{table}{END}{after}");
    if std::env::var_os("UPDATE_DOCS").is_some() {
        std::fs::write(&path, &fresh).expect("it can be written");
    }
    let kept = std::fs::read_to_string(&path).expect("the page is there");
    assert!(kept == fresh, "docs/webhooks.md is stale: run this test with UPDATE_DOCS=1");
}
