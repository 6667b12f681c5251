//! `watershed copy`: rows, coverage, runs and failures from one sink to another.

use std::time::Duration;

use anyhow::Result;
use tokio::signal::unix::{SignalKind, signal};
use tokio::time::Instant;
use watershed_engine::exit;
use watershed_ledger_sqlite::Hold;
use watershed_model::{Act, ActOutcome};
use watershed_sink::{Copied, Mark, Sink, copy_part};
use watershed_zoom::catalogue;

use super::dispatch::Call;
use crate::audit::Deed;
use crate::cli::Copy;
use crate::data::{Data, has_password};
use crate::fault::Fault;
use crate::output::{Output, number, table};
use crate::progress::Remarks;
use crate::settings::Settings;

/// A sink that does not answer is asked again so often,
const AGAIN: Duration = Duration::from_secs(1);
/// for so long.
const WAIT_MAX: Duration = Duration::from_secs(120);

/// Copies. 4 where a signal breaks it off.
pub(crate) async fn copy(args: Copy, call: Call) -> Result<u8> {
    let Call { settings, out, .. } = call;
    let (from, to) = (side("--from", args.from, &settings)?, side("--to", args.to, &settings)?);
    if from.to_string() == to.to_string() {
        return Err(Fault::usage(format!("--from and --to are the same sink, {from}"))
            .hint("sink.url is taken for the one that is left out")
            .into());
    }
    let held = hold(&settings, [&from, &to])?;
    let (mut interrupt, mut terminate) =
        (signal(SignalKind::interrupt())?, signal(SignalKind::terminate())?);
    tokio::select! {
        copied = across(&from, &to, out) => {
            let copied = copied?;
            drop(held);
            tell(&from, &to, &copied, out)?;
            Ok(exit::COMPLETE)
        }
        _ = interrupt.recv() => Ok(broken_off(out)),
        _ = terminate.recv() => Ok(broken_off(out)),
    }
}

fn broken_off(out: Output) -> u8 {
    out.say("stopped: what is copied stays; the same command goes on with the rest");
    exit::STOPPED
}

/// The sink that was named, or the configured one.
fn side(flag: &str, url: Option<String>, settings: &Settings) -> Result<Data, Fault> {
    let Some(url) = url else { return Ok(settings.sink.clone()) };
    if has_password(&url) {
        return Err(Fault::usage(format!(
            "{flag}: the URL holds a password, which everybody on this machine can see"
        ))
        .hint(format!(
            "set WATERSHED_SINK__URL to that URL, and leave {flag} out: sink.url is taken for it"
        )));
    }
    Data::read(&url).map_err(|why| {
        Fault::usage(format!("{flag}: it cannot be used as a sink: {why}"))
            .hint(format!("write {}", Data::WANTED))
    })
}

/// Keeps others from executing on the configured sink, as far as one process alone may.
fn hold(settings: &Settings, sides: [&Data; 2]) -> Result<Option<Hold>> {
    let configured = settings.sink.to_string();
    match sides.iter().any(|side| side.to_string() == configured) {
        true => Ok(settings.store.hold()?),
        false => Ok(None),
    }
}

async fn across(from: &Data, to: &Data, out: Output) -> Result<Copied> {
    let Some(source) = from.open_existing().await? else {
        return Err(Fault::failed(format!("{from}: there is no dataset to copy"))
            .hint("--from names the sink that is read")
            .into());
    };
    let target = to.open().await?;
    if let Some(run) = source.runs(None, u32::MAX).await?.iter().find(|run| !run.state.ended()) {
        out.remark(format!(
            "run {} has not ended: what is fetched into {from} from now on is not copied",
            run.id
        ));
    }
    let copied = all(&*source, &*target, out).await?;
    // After the log of the other one: the log here goes on from it.
    Deed::on_data(Act::Copy, None).put_down(&*target, ActOutcome::Asked).await?;
    Ok(copied)
}

/// All parts, each asked again while a sink does not answer.
async fn all(source: &dyn Sink, target: &dyn Sink, out: Output) -> Result<Copied> {
    let mut copied = Copied::default();
    let mut mark = Mark::Accounts;
    let mut remarks = Remarks::new(out);
    let mut waits_since: Option<Instant> = None;
    while mark != Mark::Done {
        let before = copied.clone();
        match copy_part(source, target, catalogue(), mark.clone(), &mut copied).await {
            Ok(next) => {
                mark = next;
                waits_since = None;
                remarks.show(|| so_far(&copied));
            }
            Err(error) if error.waits() => {
                copied = before;
                let since = *waits_since.get_or_insert_with(|| {
                    out.remark(format!("waiting: {error}"));
                    Instant::now()
                });
                if since.elapsed() > WAIT_MAX {
                    return Err(error.into());
                }
                tokio::time::sleep(AGAIN).await;
            }
            Err(error) => return Err(error.into()),
        }
    }
    Ok(copied)
}

fn so_far(copied: &Copied) -> String {
    format!(
        "copied {} rows, {} lines of coverage",
        number(copied.rows.values().sum()),
        number(copied.coverage)
    )
}

fn tell(from: &Data, to: &Data, copied: &Copied, out: Output) -> Result<()> {
    if out.json {
        out.object(&serde_json::json!({
            "from": from.to_string(),
            "to": to.to_string(),
            "rows": copied.rows,
            "coverage": copied.coverage,
            "failures": copied.letters,
            "runs": copied.runs,
        }))?;
        return Ok(());
    }
    let others =
        [("_coverage", copied.coverage), ("_failures", copied.letters), ("_runs", copied.runs)];
    let lines: Vec<Vec<String>> = copied
        .rows
        .iter()
        .map(|(dataset, rows)| (dataset.as_str(), *rows))
        .chain(others)
        .filter(|(_, rows)| *rows > 0)
        .map(|(dataset, rows)| vec![dataset.to_owned(), number(rows)])
        .collect();
    out.text(&table(&["dataset", "rows"], &lines))?;
    out.remark(format!("copied from {from} to {to}; point sink.url there to go on with it"));
    Ok(())
}
