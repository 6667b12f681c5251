//! `watershed audit`: who did what when, and whether the log is whole.

use anyhow::Result;
use serde_json::json;
use watershed_engine::exit;
use watershed_sink::{AuditEntry, walk_audit};

use super::dispatch::Call;
use crate::cli::Audit;
use crate::fault::Fault;
use crate::output::{Output, name, number, table};
use crate::site::Site;

/// Entries that are read at once.
const AT_ONCE: u32 = 500;

/// Lists the log, or walks along it. 1 where it is not whole.
pub(crate) async fn audit(args: Audit, call: Call) -> Result<u8> {
    let Call { settings, out, .. } = call;
    let site = Site::to_read(&settings).await?;
    if args.verify {
        return verify(&site, args.kept.as_deref(), out).await;
    }
    let mut entries: Vec<AuditEntry> = Vec::new();
    loop {
        let after = entries.last().map_or(0, |last| last.place);
        let page = site.sink.audited(after, AT_ONCE).await?;
        let full = page.len() == AT_ONCE as usize;
        entries.extend(page);
        if !full {
            break;
        }
    }
    if out.json {
        for entry in &entries {
            out.object(entry)?;
        }
        return Ok(exit::COMPLETE);
    }
    let line = |entry: &AuditEntry| {
        let shown = |text: &Option<String>| text.as_deref().map_or_else(String::new, name);
        vec![
            entry.place.to_string(),
            name(&entry.at),
            name(&entry.who),
            name(&entry.via),
            name(&entry.act),
            shown(&entry.connection),
            shown(&entry.run),
            name(&entry.outcome),
        ]
    };
    let lines: Vec<Vec<String>> = entries.iter().map(line).collect();
    let head = ["", "at (UTC)", "who", "via", "act", "connection", "run", "outcome"];
    out.text(&table(&head, &lines))?;
    Ok(exit::COMPLETE)
}

async fn verify(site: &Site, kept: Option<&str>, out: Output) -> Result<u8> {
    let walk = walk_audit(&*site.sink, kept).await?;
    if out.json {
        let broken = walk.broken.map(|(place, why)| json!({ "place": place, "why": why }));
        let found = kept.map(|_| walk.found);
        out.object(&json!({
            "entries": walk.entries, "head": walk.head, "broken": broken, "kept": found,
        }))?;
    } else {
        out.line(format!("{} entries are as they were written", number(walk.entries)))?;
        out.line(format!("head {}", walk.head))?;
    }
    let place = &site.settings.sink;
    if let Some((at, why)) = walk.broken {
        return Err(Fault::failed(format!("{place}: entry {at} of the audit log: {why}"))
            .hint("somebody changed the log: compare it with a copy of the dataset")
            .into());
    }
    if kept.is_some() && !walk.found {
        return Err(Fault::failed(format!("{place}: no entry of the audit log has that hash"))
            .hint("its end was cut off, or all of it was made anew: compare it with a copy")
            .into());
    }
    Ok(exit::COMPLETE)
}
