//! `watershed erase`: one person out of datasets, files and state, for good.

use std::collections::BTreeMap;
use std::io::{self, BufRead as _, IsTerminal as _};
use std::time::Duration;

use anyhow::Result;
use serde_json::json;
use tokio::time::Instant;
use watershed_engine::{Connection, Erased, exit};
use watershed_ledger::{Command, Error as LedgerError};
use watershed_model::{Act, ConnectionName, RunRow, RunState};
use watershed_sink::Error as SinkError;

use super::dispatch::Call;
use super::resume::restored;
use crate::audit::Deed;
use crate::cli::Erase;
use crate::connect;
use crate::fault::Fault;
use crate::output::{Output, number, table};
use crate::settings::{Settings, Vars};
use crate::site::Site;

/// Another process may read a file for so long while it is to be written anew.
const BUSY_MAX: Duration = Duration::from_secs(120);
/// The pause between two tries.
const AGAIN: Duration = Duration::from_millis(500);

/// Erases. Broken off at any moment, the same command does the rest.
pub(crate) async fn erase(args: Erase, call: Call) -> Result<u8> {
    let Call { settings, vars, out } = call;
    let (name, _) = settings.connection(args.connection.as_deref())?;
    let name = ConnectionName::from(name);
    let connections = of_account(&name, &settings, &vars)?;
    // What is not there yet is not made.
    drop(Site::to_read(&settings).await?);
    if !args.yes {
        confirmed(&name)?;
    }
    let names: Vec<ConnectionName> = connections.iter().map(|c| c.name.clone()).collect();
    let account = connections[0].account.clone();
    let site = Site::to_command(&settings, connections).await?;
    for row in open(&site, &names).await? {
        site.engine.record(&row.id).await?;
    }
    let deed = Deed::on_data(Act::Erase, Some(name.clone()));
    let erasing = async { Ok(site.engine.erase(&name, &args.user).await?) };
    let erased = deed.done(&*site.sink, erasing).await?;
    let runs = open(&site, &names).await?;
    let forget = async || settings.store.forget(&account).await;
    let whole = patiently(LedgerError::waits, forget).await?;
    for row in runs {
        if let Err(error) = again(&site, &row).await {
            out.warning(format!("run {} does not go on: {error:#}", row.id));
        }
    }
    patiently(SinkError::waits, async || site.sink.compact().await).await?;
    tell(&name, &erased, out)?;
    if !whole {
        out.warning(
            "Redis was not asked to write its files anew: let each node do so (BGREWRITEAOF, \
             BGSAVE)",
        );
    }
    Ok(exit::COMPLETE)
}

/// The connection, and the others of its account: they share what the ledger holds.
fn of_account(
    name: &ConnectionName,
    settings: &Settings,
    vars: &Vars,
) -> Result<Vec<Connection>, Fault> {
    let mut all = BTreeMap::new();
    for (of, account) in &settings.connections {
        match connect::connection(of, account, vars) {
            Ok(connection) => drop(all.insert(of.as_str(), connection)),
            Err(fault) if of == name.as_str() => return Err(fault),
            // What cannot be used here has no run here that could go on.
            Err(_) => {}
        }
    }
    let first = all.remove(name.as_str()).ok_or_else(|| {
        Fault::usage(format!("there is no connection {name}")).hint("name it under [connections]")
    })?;
    let account = first.account.clone();
    let others = all.into_values().filter(|connection| connection.account == account);
    Ok(std::iter::once(first).chain(others).collect())
}

fn confirmed(name: &ConnectionName) -> Result<(), Fault> {
    let unsure = |why: &str| Fault::usage(why).hint("--yes says so without being asked");
    if !io::stdin().is_terminal() {
        return Err(unsure("nobody is here to confirm it"));
    }
    eprint!("All that connection {name} holds of that person goes for good. Type yes: ");
    let mut said = String::new();
    let read = io::stdin().lock().read_line(&mut said);
    match read.is_ok() && said.trim() == "yes" {
        true => Ok(()),
        false => Err(unsure("it was not confirmed: nothing was changed")),
    }
}

/// Does it, again and again for a while where somebody is in the way.
async fn patiently<T, E>(
    waits: fn(&E) -> bool,
    mut act: impl AsyncFnMut() -> Result<T, E>,
) -> Result<T, E> {
    let began = Instant::now();
    loop {
        match act().await {
            Err(error) if waits(&error) && began.elapsed() < BUSY_MAX => {
                tokio::time::sleep(AGAIN).await;
            }
            done => return done,
        }
    }
}

/// Runs that have not ended.
async fn open(site: &Site, names: &[ConnectionName]) -> Result<Vec<RunRow>> {
    let mut open = Vec::new();
    for name in names {
        let runs = site.sink.runs(Some(name.clone()), u32::MAX).await?;
        open.extend(runs.into_iter().filter(|run| !run.state.ended()));
    }
    Ok(open)
}

/// A run goes on, or stands still, as it did: the ledger gets it from what is stored.
async fn again(site: &Site, row: &RunRow) -> Result<()> {
    restored(site, row).await?;
    let said = match row.state {
        RunState::Paused => Command::Pause(row.id.clone()),
        RunState::Cancelling => Command::Cancel(row.id.clone()),
        _ => return Ok(()),
    };
    site.ledger.execute(said).await?;
    Ok(())
}

fn tell(name: &ConnectionName, erased: &Erased, out: Output) -> Result<()> {
    let Erased { rows, changed, files, coverage, letters, events, runs } = erased;
    if out.json {
        out.object(&json!({
            "connection": name, "rows": rows, "changed": changed, "files": files,
            "coverage": coverage, "letters": letters, "events": events, "runs": runs,
        }))?;
        return Ok(());
    }
    let of = |datasets: &BTreeMap<String, u64>, dataset: &str| {
        number(datasets.get(dataset).copied().unwrap_or(0))
    };
    let mut datasets: Vec<&String> = rows.keys().chain(changed.keys()).collect();
    datasets.sort();
    datasets.dedup();
    let mut lines: Vec<Vec<String>> =
        datasets.into_iter().map(|d| vec![d.clone(), of(rows, d), of(changed, d)]).collect();
    let rest = [
        ("files", files),
        ("_coverage", coverage),
        ("_failures", letters),
        ("_inbox", events),
        ("_runs", runs),
    ];
    let rest = rest.into_iter().filter(|(_, count)| **count > 0);
    lines.extend(rest.map(|(what, n)| vec![what.to_owned(), number(*n), String::new()]));
    out.text(&table(&["", "gone", "pseudonyms"], &lines))?;
    out.remark("erased; no reconcile and no event brings that person back");
    Ok(())
}
