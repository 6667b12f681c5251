//! `watershed erase`: one person out of datasets, files and state, for good.

use std::io::{self, BufRead as _, IsTerminal as _};

use anyhow::Result;
use watershed_engine::exit;
use watershed_model::{Act, ConnectionName};
use watershed_server::shape::Erased;

use super::dispatch::Call;
use crate::audit::Deed;
use crate::cli::Erase;
use crate::erasing::Erasing;
use crate::fault::Fault;
use crate::output::{Output, number, table};

/// Erases. Broken off at any moment, the same command does the rest.
pub(crate) async fn erase(args: Erase, call: Call) -> Result<u8> {
    let Call { settings, vars, out } = call;
    let (name, _) = settings.connection(args.connection.as_deref())?;
    let name = ConnectionName::from(name);
    let erasing = Erasing::of(name.clone(), &settings, &vars).await?;
    if !args.yes {
        confirmed(&name)?;
    }
    let deed = Deed::on_data(Act::Erase, Some(name));
    let erased = deed.done(erasing.sink(), erasing.erase(&args.user)).await?;
    tell(&erased, out)?;
    for warning in &erased.warnings {
        out.warning(warning);
    }
    Ok(exit::COMPLETE)
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

fn tell(erased: &Erased, out: Output) -> Result<()> {
    if out.json {
        out.object(erased)?;
        return Ok(());
    }
    let line = |(what, gone, changed): (&str, u64, Option<u64>)| {
        vec![what.to_owned(), number(gone), changed.map_or_else(String::new, number)]
    };
    let lines: Vec<Vec<String>> = erased.counts().into_iter().map(line).collect();
    out.text(&table(&["", "gone", "pseudonyms"], &lines))?;
    out.remark("erased; no reconcile and no event brings that person back");
    Ok(())
}
