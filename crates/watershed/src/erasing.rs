//! Erasing one person: what the command and the dashboard do alike.

use std::collections::BTreeMap;
use std::time::Duration;

use anyhow::Result;
use tokio::time::Instant;
use watershed_engine::Connection;
use watershed_ledger::{Command, Error as LedgerError};
use watershed_model::{AccountId, ConnectionName, RunRow, RunState};
use watershed_server::shape::Erased;
use watershed_sink::{Error as SinkError, Sink};

use crate::commands::restored;
use crate::connect;
use crate::fault::Fault;
use crate::settings::{Settings, Vars};
use crate::site::Site;

/// Another process may read a file for so long while it is to be written anew.
const BUSY_MAX: Duration = Duration::from_secs(120);
/// The pause between two tries.
const AGAIN: Duration = Duration::from_millis(500);

/// The stores of a connection, opened to erase somebody there.
pub(crate) struct Erasing {
    name: ConnectionName,
    account: AccountId,
    /// All connections of that account: they share what the ledger holds.
    names: Vec<ConnectionName>,
    site: Site,
}

impl Erasing {
    /// Opens them. What is not there yet is not made.
    ///
    /// # Errors
    /// Where the connection cannot be used, or there is nothing yet.
    pub(crate) async fn of(
        name: ConnectionName,
        settings: &Settings,
        vars: &Vars,
    ) -> Result<Erasing> {
        let connections = of_account(&name, settings, vars)?;
        drop(Site::to_read(settings).await?);
        let names = connections.iter().map(|c| c.name.clone()).collect();
        let account = connections[0].account.clone();
        let site = Site::to_command(settings, connections).await?;
        Ok(Erasing { name, account, names, site })
    }

    /// Where it is put down.
    pub(crate) fn sink(&self) -> &dyn Sink {
        &*self.site.sink
    }

    /// Erases who is called so, by id or address. Broken off at any moment, the same again does
    /// the rest.
    ///
    /// # Errors
    /// As the engine's; and where a store does not forget, or cannot be written anew.
    pub(crate) async fn erase(&self, user: &str) -> Result<Erased> {
        let Erasing { name, account, site, .. } = self;
        for row in self.open().await? {
            site.engine.record(&row.id).await?;
        }
        let erased = site.engine.erase(name, user).await?;
        let runs = self.open().await?;
        let store = &site.settings.store;
        let whole = patiently(LedgerError::waits, || store.forget(account)).await?;
        let mut warnings = Vec::new();
        for row in runs {
            if let Err(error) = again(site, &row).await {
                warnings.push(format!("run {} does not go on: {error:#}", row.id));
            }
        }
        patiently(SinkError::waits, || site.sink.compact()).await?;
        if !whole {
            let redis = "Redis was not asked to write its files anew: let each node do so \
                         (BGREWRITEAOF, BGSAVE)";
            warnings.push(redis.to_owned());
        }
        Ok(Erased {
            connection: name.to_string(),
            rows: erased.rows,
            changed: erased.changed,
            files: erased.files,
            coverage: erased.coverage,
            letters: erased.letters,
            events: erased.events,
            runs: erased.runs,
            warnings,
        })
    }

    /// Runs that have not ended.
    async fn open(&self) -> Result<Vec<RunRow>> {
        let mut open = Vec::new();
        for name in &self.names {
            let runs = self.site.sink.runs(Some(name.clone()), u32::MAX).await?;
            open.extend(runs.into_iter().filter(|run| !run.state.ended()));
        }
        Ok(open)
    }
}

/// The connection, and the others of its account.
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

/// Does it, again and again for a while where somebody is in the way.
async fn patiently<T, E, Acting>(waits: fn(&E) -> bool, act: impl Fn() -> Acting) -> Result<T, E>
where
    Acting: Future<Output = Result<T, E>>,
{
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
