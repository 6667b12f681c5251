//! `docs/operations.md` is made from the catalogue, and is fresh.

use std::fmt::Write as _;
use std::path::Path;

use watershed_model::{Category, Dataset, Kind, Lifetime, Operation, Paging};
use watershed_zoom::catalogue;
use watershed_zoom::keys::Key;
use watershed_zoom::limits::{Overrides, Tier, limits};
use watershed_zoom::scopes::SEED;
use watershed_zoom::unseen::UNSEEN;

const HEAD: &str = "\
# Operations

What is asked of Zoom, and what of it goes where. Made from the catalogue (`UPDATE_DOCS=1` with the
test that says it is stale makes it anew): change it there.

A step of a workflow uses an operation by its name. Rows go into the dataset beside it, one for each
key. *Settled* is what never changes again: once complete it is asked by no later run. *Living* is
asked again by each run.

";

fn row(page: &mut String, cells: &[&str]) {
    writeln!(page, "| {} |", cells.join(" | ")).expect("text");
}

fn operations(page: &mut String) {
    row(page, &["operation", "what it brings", "dataset", "category", "rows a call", "lasting"]);
    row(page, &["---"; 6]);
    for operation in catalogue().operations {
        let Operation { id, summary, dataset, category, lifetime, .. } = operation;
        let rows = match (operation.paging, operation.rows_in) {
            (Paging::Token { page_size }, _) => page_size.to_string(),
            (Paging::None, Some(_)) => "all".to_owned(),
            (Paging::None, None) if operation.kind.is_no_call() => "no call".to_owned(),
            (Paging::None, None) => "1".to_owned(),
        };
        let lasting = match lifetime {
            Lifetime::Settled => "settled",
            Lifetime::Living => "living",
        };
        let category = category.map_or("none", Category::name);
        let summary = summary.replace('|', "\\|");
        let dataset = match operation.kind {
            Kind::Waiting | Kind::Events => "none",
            _ => dataset.name,
        };
        row(page, &[&format!("`{id}`"), &summary, dataset, category, &rows, lasting]);
    }
}

fn asked(page: &mut String) {
    page.push_str("\n## Where they are asked, and what opens them\n\n");
    page.push_str("A classic scope, or one that ends in `:master`, does as well.\n\n");
    row(page, &["operation", "scope", "path", "source"]);
    row(page, &["---"; 4]);
    for operation in catalogue().operations {
        let path = match operation.kind {
            Kind::Call => format!("`GET {}`", operation.path),
            Kind::File => "the address that the recording tells".to_owned(),
            Kind::Missing | Kind::Waiting | Kind::Events => "no call".to_owned(),
        };
        let id = format!("`{}`", operation.id);
        let scope = operation.scopes.first().map_or("none".to_owned(), |s| format!("`{s}`"));
        row(page, &[&id, &scope, &path, operation.source]);
    }
    let idle = SEED.iter().filter(|(scope, _)| watershed_zoom::scopes::opened_by(scope).is_empty());
    for (scope, brings) in idle {
        writeln!(page, "\n`{scope}` opens no call: {brings}.").expect("text");
    }
}

fn datasets(page: &mut String) {
    page.push_str("\n## Datasets\n\n");
    row(page, &["dataset", "key", "one row is", "columns that tell what was asked"]);
    row(page, &["---"; 4]);
    for Dataset { name, record, asked } in catalogue().datasets {
        let asked: Vec<&str> = asked.iter().map(|field| field.name).collect();
        row(
            page,
            &[&format!("`{name}`"), &Key::of(name).to_string(), record.name, &asked.join(", ")],
        );
    }
}

fn limits_of_tiers(page: &mut String) {
    page.push_str("\n## Limits\n\n");
    page.push_str("Calls of the whole account, all its apps together: a connection takes its\n");
    page.push_str("`share` of them. Days are UTC days.\n\n");
    row(page, &["tier", "limits"]);
    row(page, &["---"; 2]);
    for tier in Tier::ALL {
        let limits = limits(tier, &Overrides::default(), 1.0).0;
        let told: Vec<String> = limits
            .iter()
            .filter(|limit| limit.categories.to_string() != "resource_intensive")
            .map(|limit| {
                let category = limit.categories.to_string().replace("+resource_intensive", "");
                format!("{category} {} a {}", limit.calls, limit.period.name())
            })
            .collect();
        row(page, &[tier.name(), &told.join(", ")]);
    }
}

fn unseen(page: &mut String) {
    page.push_str("\n## What none of them shows\n\n");
    page.push_str("`watershed coverage` names it for each connection.\n\n");
    for unseen in UNSEEN {
        writeln!(page, "- `{}`: {}.", unseen.operation, unseen.why).expect("text");
    }
}

#[test]
fn the_page_of_operations_is_fresh() {
    let mut fresh = HEAD.to_owned();
    operations(&mut fresh);
    asked(&mut fresh);
    datasets(&mut fresh);
    limits_of_tiers(&mut fresh);
    unseen(&mut fresh);
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/operations.md");
    if std::env::var_os("UPDATE_DOCS").is_some() {
        std::fs::write(&path, &fresh).expect("it can be written");
    }
    let kept = std::fs::read_to_string(&path).unwrap_or_default();
    assert!(kept == fresh, "docs/operations.md is stale: run this test with UPDATE_DOCS=1");
}
