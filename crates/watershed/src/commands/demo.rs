//! `watershed demo`: the whole backfill on a simulated account, in this process.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use anyhow::{Context, Result};
use jiff::Timestamp;
use serde_json::Value;
use watershed_ledger_sqlite::hold;
use watershed_model::ConnectionName;
use watershed_workflow::LOOKBACK_DAYS;
use watershed_zoom_sim::{Account, Server, Spec, Tier};

use super::run::{request, submit};
use crate::cli::Demo;
use crate::connect;
use crate::execution::Signals;
use crate::fault::Fault;
use crate::output::{Output, number};
use crate::program::{callable, quoted};
use crate::settings::{Given, Layer, Origin, Settings, Vars, load};
use crate::site::Site;
use crate::workflows;

/// Tells a folder of the demo from one that holds anything else.
const MARK: &str = ".watershed-demo";
/// What the backfill fetches when nothing is said of it.
const FILLED: [&str; 14] = [
    "users",
    "user_details",
    "user_settings",
    "meetings",
    "meeting_details",
    "meeting_invitations",
    "past_instances",
    "past_meetings",
    "report_participants",
    "recordings",
    "recording_files",
    "recording_settings",
    "transcripts",
    "transcript_cues",
];
/// What the demo writes, and removes before it begins anew.
const FILES: [&str; 8] = [
    "state.db",
    "state.db-wal",
    "state.db-shm",
    "zoom.db",
    "zoom.db-wal",
    "zoom.db-shm",
    "watershed.toml",
    MARK,
];
/// The folder of files beside them.
const FILE_STORE: &str = "files";

/// Shows it.
pub(crate) async fn demo(args: Demo, vars: Vars, out: Output) -> Result<u8> {
    let dir = prepare(&args.dir, args.keep)?;
    let spec = Spec {
        users: args.users,
        seed: args.seed,
        tier: Tier::Business,
        now: Timestamp::now(),
        ..Spec::default()
    };
    let account = Arc::new(Account::new(spec));
    let listen = SocketAddr::from(([127, 0, 0, 1], 0));
    let server = Server::start(account.clone(), listen).await.context("listen on 127.0.0.1")?;
    let ready = server.ready_line();
    out.remark(format!(
        "a simulated Zoom account of {} users (seed {}) answers at {}",
        number(args.users),
        args.seed,
        ready["base"].as_str().unwrap_or_default()
    ));
    let settings = settings(&dir, &ready)?;
    let found = workflows::shipped("zoom-backfill");
    let compiled = workflows::compiled(&found, &out)?;
    let request = request("default", found, compiled, Vec::new(), None, LOOKBACK_DAYS)?;
    let (by, configured) = settings.connection(None)?;
    let connection = connect::connection(by, configured, &vars)?;
    let signals = Signals::listen(out, settings.worker.shutdown_grace_ms)?;
    let site = Site::to_execute(&settings, vec![connection]).await?;
    let code = submit(&site, request, None, &signals, out).await?;
    let rows = site.sink.counts(ConnectionName::from("default")).await?;
    drop(site);
    if code == 0 {
        out.remark(compared(&account, &rows));
    }
    server.stop().await;
    let next = next(&dir);
    if out.json {
        out.remark(next);
    } else {
        out.line(next)?;
    }
    Ok(code)
}

/// Makes the folder, or makes room in one that an earlier demo made. Nothing else is touched.
fn prepare(dir: &Path, keep: bool) -> Result<PathBuf> {
    let place = dir.display();
    let filled = std::fs::read_dir(dir).is_ok_and(|mut entries| entries.next().is_some());
    if filled && !dir.join(MARK).exists() {
        return Err(Fault::usage(format!("{place}: holds something that no demo wrote"))
            .hint("choose another folder with --dir; nothing was touched")
            .into());
    }
    std::fs::create_dir_all(dir).with_context(|| format!("make {place}"))?;
    if filled && !keep {
        // Not under the hands of a demo that runs there.
        let _held = hold(&dir.join("state.db"))?;
        let files = dir.join(FILE_STORE);
        if files.is_dir() {
            std::fs::remove_dir_all(&files)
                .with_context(|| format!("remove {}", files.display()))?;
        }
        for file in FILES {
            let path = dir.join(file);
            if path.exists() {
                std::fs::remove_file(&path)
                    .with_context(|| format!("remove {}", path.display()))?;
            }
        }
    }
    std::fs::write(dir.join(MARK), "Written by `watershed demo`, which may replace it.\n")
        .with_context(|| format!("write into {place}"))?;
    let dir = std::fs::canonicalize(dir).with_context(|| format!("find {place}"))?;
    let quote =
        |kind: &str, file: &str| Value::from(format!("{kind}://{}", dir.join(file).display()));
    let text = format!(
        "# Written by `watershed demo`: where its data is, for `watershed status --config` and \
         others.\n[store]\nurl = {}\n[sink]\nurl = {}\n[files]\nurl = {}\n",
        quote("sqlite", "state.db"),
        quote("sqlite", "zoom.db"),
        quote("file", FILE_STORE)
    );
    std::fs::write(dir.join("watershed.toml"), text)
        .with_context(|| format!("write into {place}"))?;
    Ok(dir)
}

/// The simulated account as the only connection, everything in `dir`.
fn settings(dir: &Path, ready: &Value) -> Result<Settings> {
    let demo = || Origin::Flag("demo");
    let mut flags = Layer::default();
    flags.put("store.url", format!("sqlite://{}", dir.join("state.db").display()), demo());
    flags.put("sink.url", format!("sqlite://{}", dir.join("zoom.db").display()), demo());
    flags.put("files.url", format!("file://{}", dir.join(FILE_STORE).display()), demo());
    for member in ["account_id", "client_id", "client_secret", "api_url", "token_url"] {
        flags.put(&format!("connections.default.{member}"), ready[member].clone(), demo());
    }
    flags.put("connections.default.tier", "business", demo());
    Ok(load(Given { flags, alone: true, ..Given::default() }, &Vars::new())?)
}

/// What came home, against what the account holds.
fn compared(account: &Account, rows: &BTreeMap<String, u64>) -> String {
    let mut held: BTreeMap<String, u64> = BTreeMap::new();
    for row in account.truth() {
        *held.entry(row.dataset.to_string()).or_default() += 1;
    }
    let of = |counts: &BTreeMap<String, u64>, dataset| counts.get(dataset).copied().unwrap_or(0);
    let differ: Vec<String> = FILLED
        .iter()
        .map(|dataset| (dataset, of(rows, *dataset), of(&held, *dataset)))
        .filter(|(_, fetched, truth)| fetched != truth)
        .map(|(dataset, n, truth)| format!("{dataset}: {} of {}", number(n), number(truth)))
        .collect();
    if differ.is_empty() {
        let all: u64 = FILLED.iter().map(|dataset| of(rows, *dataset)).sum();
        format!("checked   {} rows, exactly what the simulated account holds", number(all))
    } else {
        format!("checked   differs from what the simulated account holds: {}", differ.join(", "))
    }
}

fn next(dir: &Path) -> String {
    let (program, config) = (callable(), quoted(&dir.join("watershed.toml").to_string_lossy()));
    let data = quoted(&dir.join("zoom.db").to_string_lossy());
    format!(
        "\nThe data is in {data}, a SQLite file. Try next:\n\n  \
         sqlite3 {data} 'SELECT name, count(*) AS stays, sum(duration) / 60 AS minutes \
         FROM report_participants GROUP BY name ORDER BY minutes DESC LIMIT 10'\n  \
         {program} coverage --config {config}\n  \
         {program} status --config {config}"
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_folder_that_no_demo_made_is_left_alone() {
        let dir = tempfile::tempdir().expect("a folder");
        std::fs::write(dir.path().join("zoom.db"), "precious").expect("a file");
        let error = prepare(dir.path(), false).expect_err("it is not ours");
        assert!(error.to_string().contains("holds something that no demo wrote"), "{error}");
        let kept = std::fs::read_to_string(dir.path().join("zoom.db")).expect("still there");
        assert_eq!(kept, "precious");
    }

    #[test]
    fn a_second_demo_begins_anew_unless_it_is_told_to_keep() {
        let dir = tempfile::tempdir().expect("a folder");
        let place = dir.path().join("demo");
        prepare(&place, false).expect("a new folder");
        std::fs::write(place.join("zoom.db"), "old").expect("a file");
        prepare(&place, true).expect("kept");
        assert!(place.join("zoom.db").exists());
        prepare(&place, false).expect("anew");
        assert!(!place.join("zoom.db").exists());
    }
}
