//! Whether datasets and coverage have a place that keeps them.

#[cfg(feature = "postgres")]
use secrecy::ExposeSecret;
use watershed_model::{AccountId, ConnectionName};
use watershed_sink::{Error, Health, Sink};
#[cfg(feature = "postgres")]
use watershed_sink_postgres::PostgresSink;
#[cfg(feature = "postgres")]
use watershed_zoom::catalogue;

use super::{Checked, bad, good, may_write, not_yet, unwritable};
use crate::data::Data;
use crate::explain::explain;
use crate::fault::Fault;

/// What was found. Changes nothing.
pub(super) async fn checked(data: &Data, connection: &str, account: Option<&str>) -> Checked {
    match examined(data, connection, account).await {
        Ok(Some(health)) => of(&health, data),
        Ok(None) => match data {
            Data::File(path) => not_yet(path),
            #[cfg(feature = "postgres")]
            Data::Postgres { .. } => good(format!("{data}: empty yet, filled by the first run")),
        },
        Err(error) => bad(&explain(&error.into())),
    }
}

/// `None` where there is nothing yet.
async fn examined(
    data: &Data,
    connection: &str,
    account: Option<&str>,
) -> Result<Option<Health>, Error> {
    #[cfg(feature = "postgres")]
    if let Data::Postgres { url, .. } = data {
        PostgresSink::examine(url.expose_secret(), catalogue()).await?;
    }
    let Some(sink) = data.open_existing().await? else { return Ok(None) };
    of_account(&*sink, connection, account).await?;
    sink.check().await.map(Some)
}

/// A dataset is of one account for each connection.
async fn of_account(sink: &dyn Sink, connection: &str, account: Option<&str>) -> Result<(), Error> {
    let name = ConnectionName::from(connection);
    let stored = sink.account(name.clone()).await?;
    match (stored, account) {
        (Some(stored), Some(given)) if stored.as_str() != given => {
            let given = AccountId::from(given);
            Err(Error::OtherAccount { connection: name, stored, given })
        }
        _ => Ok(()),
    }
}

fn of(health: &Health, data: &Data) -> Checked {
    let found = format!(
        "{}: {}, {}, {} bytes",
        health.place, health.engine, health.durability, health.bytes
    );
    match data {
        Data::File(path) if !may_write(path) => bad(&unwritable(path)),
        _ if health.durable => good(found),
        _ => bad(&Fault::failed(found).hint(
            "a power cut loses rows that were acknowledged: turn these on at the server, fsync and \
             full_page_writes included",
        )),
    }
}
