//! How far the datasets of a connection are complete, and whether that is fresh.

use anyhow::Result;
use watershed_model::{ConnectionName, Millis};
use watershed_sink::Sink;
use watershed_zoom::freshness::{Freshness, freshness, through};

use crate::notify::Notice;
use crate::output::{name, number, table};

/// Runs that are looked at: a nightly one of more than two years.
const RUNS_MAX: u32 = 1_000;
/// What the nightly reconcile lists: all else hangs beneath.
const LISTED: [&str; 3] = ["users", "meetings", "recordings"];

/// How far each dataset is complete.
///
/// # Errors
/// The sink's.
pub(crate) async fn of(sink: &dyn Sink, connection: &ConnectionName) -> Result<Vec<Freshness>> {
    let runs = sink.runs(Some(connection.clone()), RUNS_MAX).await?;
    let knows = sink.coverage_by_run(connection.clone()).await?;
    Ok(freshness(&runs, &knows))
}

/// What is told where the dataset that is furthest behind is not complete through that time.
pub(crate) fn stale(
    fresh: &[Freshness],
    connection: &ConnectionName,
    (since, now): (Millis, Millis),
) -> Option<Notice> {
    let listed = fresh.iter().filter(|one| LISTED.contains(&one.dataset));
    let reached = listed.filter_map(|one| Some((through(one)?, one.dataset)));
    let (through, dataset) = reached.min()?;
    (through < since).then(|| Notice::NothingFresh {
        id: format!("{connection}:{dataset}:{through}"),
        connection: connection.clone(),
        dataset,
        through: through.to_string(),
        at: now.to_string(),
    })
}

/// In short: datasets by how far they are complete, the furthest behind first.
pub(crate) fn short(fresh: &[Freshness]) -> Vec<String> {
    let mut by: std::collections::BTreeMap<Option<&str>, Vec<&str>> = Default::default();
    for one in fresh {
        by.entry(one.through.as_deref()).or_default().push(one.dataset);
    }
    let told = by.into_iter().map(|(through, datasets)| {
        let datasets = datasets.join(", ");
        match through {
            Some(through) => format!("complete through {through}: {datasets}"),
            None => format!("never complete yet: {datasets}"),
        }
    });
    let missing = fresh.iter().filter(|one| LISTED.contains(&one.dataset));
    let missing = missing.flat_map(|one| {
        one.missing.iter().map(move |gap| {
            format!("{}: nobody asked from {} to {}", one.dataset, gap.from, gap.to)
        })
    });
    told.chain(missing).collect()
}

/// As a table.
pub(crate) fn shown(fresh: &[Freshness]) -> String {
    let instant = |at: &Option<String>| at.clone().unwrap_or_else(|| "-".to_owned());
    let rows: Vec<Vec<String>> = fresh
        .iter()
        .map(|one| {
            let missing = one.missing.iter().map(|gap| format!("{} to {}", gap.from, gap.to));
            vec![
                name(one.dataset),
                instant(&one.from),
                instant(&one.through),
                number(one.waiting),
                number(one.open),
                missing.collect::<Vec<_>>().join(", "),
            ]
        })
        .collect();
    let head = ["dataset", "complete from", "through", "waiting", "open", "not asked before"];
    table(&head, &rows)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn fresh(dataset: &'static str, through: Option<&str>) -> Freshness {
        let through = through.map(str::to_owned);
        Freshness { dataset, from: None, through, missing: Vec::new(), waiting: 0, open: 0 }
    }

    #[test]
    fn the_list_that_is_furthest_behind_tells_whether_anything_fresh_has_come() {
        let late = "2026-11-28T01:45:00.000Z";
        let all = [
            fresh("users", Some("2026-11-29T01:45:00.000Z")),
            fresh("user_settings", Some("2026-01-01T00:00:00.000Z")),
            fresh("meetings", Some(late)),
            fresh("recordings", None),
        ];
        let late: jiff::Timestamp = late.parse().expect("an instant");
        let late = Millis::from(late);
        let of = |since| stale(&all, &"acme".into(), (since, since));
        assert_eq!(of(late), None);
        let Some(Notice::NothingFresh { dataset, id, .. }) = of(late + 1) else { panic!("stale") };
        assert_eq!((dataset, id.as_str()), ("meetings", "acme:meetings:2026-11-28T01:45:00.000Z"));
        assert_eq!(
            stale(&all[3..], &"acme".into(), (late, late)),
            None,
            "nothing was complete yet"
        );
    }

    #[test]
    fn what_was_never_complete_is_told_first() {
        let told =
            short(&[fresh("users", Some("2026-11-29T01:45:00.000Z")), fresh("meetings", None)]);
        assert_eq!(
            told,
            ["never complete yet: meetings", "complete through 2026-11-29T01:45:00.000Z: users"]
        );
    }
}
