//! `watershed coverage`: what is complete, waiting or unavailable, and why.

use anyhow::Result;
use watershed_model::{ConnectionName, CoverageState};
use watershed_server::shape::Coverage as Row;
use watershed_sink::{Ask, CoverageFilter};

use super::coverage_report;
use super::dispatch::Call;
use crate::cli::Coverage;
use crate::freshness;
use crate::output::{Output, name, number, table};
use crate::program::program;
use crate::site::Site;

/// Rows read at once.
const PAGE: u32 = 1_000;

/// A table of counts; with `--json` every row.
pub(crate) async fn coverage(args: Coverage, call: Call) -> Result<u8> {
    let Call { settings, out, .. } = call;
    let Some(site) = Site::to_read_if_any(&settings).await? else {
        out.remark(format!("nothing was tried yet: `{} run zoom-backfill`", program()));
        return Ok(0);
    };
    if let Some(file) = args.report {
        let (by, account) = settings.connection(args.connection.as_deref())?;
        coverage_report::write(&*site.sink, by, &account.content, &file).await?;
        out.remark(format!("{}: what was taken of {by}, and what not", file.display()));
        return Ok(0);
    }
    let connection = args.connection.map(ConnectionName);
    let connections = match &connection {
        Some(connection) => vec![connection.clone()],
        None => site.sink.accounts().await?.into_keys().collect(),
    };
    let filter = CoverageFilter { connection, ..CoverageFilter::default() };
    if out.json {
        lines(&site, filter, &out).await?;
    } else {
        counts(&site, filter, &out).await?;
        for connection in connections {
            let fresh = freshness::of(&*site.sink, &connection).await?;
            if !fresh.is_empty() {
                out.text(&format!("\n{connection}\n{}", freshness::shown(&fresh)))?;
            }
        }
    }
    Ok(0)
}

async fn lines(site: &Site, filter: CoverageFilter, out: &Output) -> Result<()> {
    let mut after: Option<Ask> = None;
    loop {
        let rows = site.sink.coverage(filter.clone(), after, PAGE).await?;
        for row in &rows {
            out.object(&Row::of(row))?;
        }
        let whole = u32::try_from(rows.len()).is_ok_and(|n| n == PAGE);
        match rows.last() {
            Some(last) if whole => after = Some(Ask::of(last)),
            _ => return Ok(()),
        }
    }
}

async fn counts(site: &Site, filter: CoverageFilter, out: &Output) -> Result<()> {
    let catalogue = watershed_zoom::catalogue();
    let mut counts = site.sink.coverage_counts(filter).await?;
    let place = |state: CoverageState| CoverageState::ALL.iter().position(|s| *s == state);
    counts.sort_by(|a, b| {
        (&a.operation, place(a.state), &a.reason).cmp(&(&b.operation, place(b.state), &b.reason))
    });
    if counts.is_empty() {
        out.remark(format!("nothing was tried yet: `{} run zoom-backfill`", program()));
        return Ok(());
    }
    let rows: Vec<Vec<String>> = counts
        .iter()
        .map(|count| {
            let operation = catalogue.operation(count.operation.as_str());
            vec![
                operation.map_or("", |o| o.dataset.name).to_owned(),
                name(count.operation.as_str()),
                count.state.name().to_owned(),
                number(count.count),
                number(count.rows),
                name(count.reason.as_deref().unwrap_or_default()),
            ]
        })
        .collect();
    out.text(&table(&["dataset", "operation", "state", "asked", "rows", "why"], &rows))?;
    out.remark("\nwhat stands in no line was never tried; --json prints each user and window");
    Ok(())
}
