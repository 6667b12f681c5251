//! The way to Redis: one server, or a cluster.

use std::time::Duration;

use redis::aio::{ConnectionLike, ConnectionManager, ConnectionManagerConfig};
use redis::cluster::ClusterClient;
use redis::cluster_async::ClusterConnection;
use redis::io::tcp::TcpSettings;
use redis::{Client, Cmd, ConnectionInfo, IntoConnectionInfo, Pipeline, RedisFuture, Value};
use tokio::sync::Mutex;
use watershed_ledger::Error;

use crate::fault::fault;

/// A script is done in milliseconds; an answer that is so late will not come.
const ANSWER_MAX: Duration = Duration::from_secs(5);
/// So long a connection may take.
const CONNECT_MAX: Duration = Duration::from_secs(3);
/// A connection that breaks is tried again so soon at first, and at last.
const AGAIN_FIRST: Duration = Duration::from_millis(50);
const AGAIN_LAST: Duration = Duration::from_secs(1);

/// A Redis that is used. Nothing is connected before it is used.
pub struct Link {
    place: String,
    kind: Kind,
    /// For a connection of its own: to one server, or to a cluster's node.
    client: Client,
}

enum Kind {
    One(ConnectionManager),
    Cluster(Box<ClusterClient>, Mutex<Option<Box<ClusterConnection>>>),
}

impl Link {
    /// By a URL: `redis://`, `rediss://` or `redis+unix://`, `redis+cluster://` or
    /// `rediss+cluster://`. Must be called inside a tokio runtime.
    ///
    /// # Errors
    /// [`Error::Refused`] for a URL that is none. Its password is in no error.
    pub fn open(url: &str) -> Result<Link, Error> {
        let place = place_of(url);
        let refused = |error: &redis::RedisError| Error::Refused {
            place: place.clone(),
            why: error.category().to_owned(),
        };
        let plain = url.replacen("+cluster://", "://", 1);
        let info = info(&plain).map_err(|error| refused(&error))?;
        let client = Client::open(info.clone()).map_err(|error| refused(&error))?;
        let kind = if plain == url {
            let config = ConnectionManagerConfig::new()
                .set_response_timeout(Some(ANSWER_MAX))
                .set_connection_timeout(Some(CONNECT_MAX))
                .set_min_delay(AGAIN_FIRST)
                .set_max_delay(AGAIN_LAST)
                .set_number_of_retries(1);
            let manager = ConnectionManager::new_lazy_with_config(client.clone(), config);
            Kind::One(manager.map_err(|error| refused(&error))?)
        } else {
            let cluster = ClusterClient::builder([info])
                .response_timeout(ANSWER_MAX)
                .connection_timeout(CONNECT_MAX)
                .tcp_settings(TcpSettings::default().set_nodelay(true))
                .retries(3)
                .build();
            let cluster = cluster.map_err(|error| refused(&error))?;
            Kind::Cluster(Box::new(cluster), Mutex::new(None))
        };
        Ok(Link { place, kind, client })
    }

    /// Where it is, without what is secret.
    pub(crate) fn place(&self) -> &str {
        &self.place
    }

    /// Whether the URL names a cluster.
    pub(crate) fn is_cluster(&self) -> bool {
        matches!(self.kind, Kind::Cluster(..))
    }

    /// What makes further connections. A cluster passes what is published on to every node.
    pub(crate) fn client(&self) -> &Client {
        &self.client
    }

    /// A connection, as far as there is one.
    pub(crate) async fn connection(&self) -> Result<Connection, Error> {
        match &self.kind {
            Kind::One(manager) => Ok(Connection::One(manager.clone())),
            Kind::Cluster(client, known) => {
                let mut known = known.lock().await;
                if known.is_none() {
                    let made = client.get_async_connection().await;
                    *known = Some(Box::new(made.map_err(|error| fault(&self.place, &error))?));
                }
                Ok(Connection::Cluster(known.clone().expect("it was made above")))
            }
        }
    }
}

fn info(url: &str) -> Result<ConnectionInfo, redis::RedisError> {
    let info = url.into_connection_info()?;
    Ok(info.set_tcp_settings(TcpSettings::default().set_nodelay(true)))
}

/// A URL without user and password.
pub fn place_of(url: &str) -> String {
    let Some((scheme, rest)) = url.split_once("://") else { return "Redis".to_owned() };
    let host = rest.rsplit_once('@').map_or(rest, |(_, host)| host);
    let host = host.split(['?', '#']).next().unwrap_or_default();
    format!("{scheme}://{host}")
}

/// A connection to either.
#[derive(Clone)]
pub(crate) enum Connection {
    One(ConnectionManager),
    Cluster(Box<ClusterConnection>),
}

impl ConnectionLike for Connection {
    fn req_packed_command<'a>(&'a mut self, cmd: &'a Cmd) -> RedisFuture<'a, Value> {
        match self {
            Connection::One(connection) => connection.req_packed_command(cmd),
            Connection::Cluster(connection) => connection.req_packed_command(cmd),
        }
    }

    fn req_packed_commands<'a>(
        &'a mut self,
        pipeline: &'a Pipeline,
        offset: usize,
        count: usize,
    ) -> RedisFuture<'a, Vec<Value>> {
        match self {
            Connection::One(connection) => connection.req_packed_commands(pipeline, offset, count),
            Connection::Cluster(connection) => {
                connection.req_packed_commands(pipeline, offset, count)
            }
        }
    }

    fn get_db(&self) -> i64 {
        match self {
            Connection::One(connection) => connection.get_db(),
            Connection::Cluster(connection) => connection.get_db(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_place_tells_no_secret() {
        assert_eq!(place_of("redis://user:p@ss@host:1/2?x=y"), "redis://host:1/2");
        assert_eq!(place_of("rediss+cluster://:secret@a:7000"), "rediss+cluster://a:7000");
        assert_eq!(place_of("nonsense"), "Redis");
    }
}
