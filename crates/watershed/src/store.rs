//! Where runs, tasks, leases and budgets are kept: a file of this machine, or Redis.

use std::collections::BTreeMap;
use std::fmt;
use std::path::PathBuf;
use std::sync::Arc;

#[cfg(feature = "redis")]
use secrecy::{ExposeSecret, SecretString};
use watershed_engine::{Clock, SystemClock};
use watershed_ledger::{Error, Ledger, ReadClock, Walked};
#[cfg(feature = "redis")]
use watershed_ledger_redis::{Link, RedisLedger};
use watershed_ledger_sqlite::{Hold, SqliteLedger, hold};
use watershed_model::AccountId;

/// What all keys of a ledger on Redis begin with.
#[cfg(feature = "redis")]
const PREFIX: &str = "ws";

/// A ledger's place. Shown without what is secret.
#[derive(Debug, Clone)]
pub(crate) enum Store {
    /// A file, which one process at a time executes on.
    File(PathBuf),
    /// A Redis, which any number of processes execute on.
    #[cfg(feature = "redis")]
    Redis(SecretString),
}

impl Store {
    /// Opens it, to say something to it.
    ///
    /// # Errors
    /// Where it cannot be opened; [`Error::Unfit`] for a Redis that may lose what is open.
    pub(crate) async fn open(&self) -> Result<Arc<dyn Ledger>, Error> {
        match self {
            Store::File(path) => Ok(Arc::new(SqliteLedger::open(path, clock())?)),
            #[cfg(feature = "redis")]
            Store::Redis(url) => {
                let ledger = on_redis(url)?;
                ledger.fit().await?;
                Ok(Arc::new(ledger))
            }
        }
    }

    /// Opens it, to look at it; `None` for a file that is not there.
    ///
    /// # Errors
    /// Where it cannot be opened. Redis is not asked before it is used.
    pub(crate) fn open_existing(&self) -> Result<Option<Arc<dyn Ledger>>, Error> {
        match self {
            Store::File(path) => {
                let ledger = SqliteLedger::open_existing(path, clock())?;
                Ok(ledger.map(|ledger| -> Arc<dyn Ledger> { Arc::new(ledger) }))
            }
            #[cfg(feature = "redis")]
            Store::Redis(url) => Ok(Some(Arc::new(on_redis(url)?))),
        }
    }

    /// Compares, for every account (a file holds all of them as one), what is counted with what is
    /// there.
    ///
    /// # Errors
    /// Where it cannot be read.
    pub(crate) async fn walk(&self) -> Result<BTreeMap<String, Walked>, Error> {
        match self {
            Store::File(path) => {
                let Some(ledger) = SqliteLedger::open_existing(path, clock())? else {
                    return Ok(BTreeMap::new());
                };
                let walked = tokio::task::spawn_blocking(move || ledger.walk()).await;
                let place = path.display().to_string();
                let why = |error: tokio::task::JoinError| error.to_string();
                let walked = walked.map_err(|e| Error::Corrupt { place, why: why(e) })??;
                Ok(BTreeMap::from([(self.to_string(), walked)]))
            }
            #[cfg(feature = "redis")]
            Store::Redis(url) => {
                let walked = on_redis(url)?.walk().await?;
                Ok(walked.into_iter().map(|(id, of)| (format!("account {id}"), of)).collect())
            }
        }
    }

    /// Forgets all runs of an account, as if they had been lost. `false`: what was forgotten may
    /// still lie in files of Redis.
    ///
    /// # Errors
    /// Where it cannot be opened or written.
    pub(crate) async fn forget(&self, account: &AccountId) -> Result<bool, Error> {
        match self {
            Store::File(path) => {
                let Some(ledger) = SqliteLedger::open_existing(path, clock())? else {
                    return Ok(true);
                };
                let account = account.clone();
                let forgot = tokio::task::spawn_blocking(move || ledger.forget(&account)).await;
                let place = path.display().to_string();
                let why = |error: tokio::task::JoinError| error.to_string();
                forgot.map_err(|error| Error::Corrupt { place, why: why(error) })??;
                Ok(true)
            }
            #[cfg(feature = "redis")]
            Store::Redis(url) => on_redis(url)?.forget(account).await,
        }
    }

    /// Keeps other processes from executing on a file. `None` where any number may.
    ///
    /// # Errors
    /// [`Error::Held`] where another does.
    pub(crate) fn hold(&self) -> Result<Option<Hold>, Error> {
        match self {
            Store::File(path) => hold(path).map(Some),
            #[cfg(feature = "redis")]
            Store::Redis(_) => Ok(None),
        }
    }

    /// Whether a process that executes on it is the only one.
    pub(crate) fn is_alone(&self) -> bool {
        matches!(self, Store::File(_))
    }
}

impl fmt::Display for Store {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Store::File(path) => path.display().fmt(f),
            #[cfg(feature = "redis")]
            Store::Redis(url) => {
                f.write_str(&watershed_ledger_redis::place_of(url.expose_secret()))
            }
        }
    }
}

/// The ledger on the Redis of that URL, which is not asked yet.
///
/// # Errors
/// Where the URL is none.
#[cfg(feature = "redis")]
pub(crate) fn on_redis(url: &SecretString) -> Result<RedisLedger, Error> {
    Ok(RedisLedger::new(Link::open(url.expose_secret())?, PREFIX))
}

/// The system's clock, for a ledger.
pub(crate) fn clock() -> ReadClock {
    Arc::new(|| SystemClock.now())
}
