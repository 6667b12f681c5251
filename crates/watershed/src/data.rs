//! Where datasets and coverage are kept: a file of this machine, or PostgreSQL.

use std::fmt;
use std::path::PathBuf;
use std::sync::Arc;

#[cfg(feature = "postgres")]
use secrecy::{ExposeSecret, SecretString};
use watershed_sink::{CoverageMap, Error, Inbox, Sink, SqliteSink};
#[cfg(feature = "postgres")]
use watershed_sink_postgres::{PostgresSink, place_of};
use watershed_zoom::catalogue;

use crate::built::left_out;

/// A sink's place. Shown without what is secret.
#[derive(Debug, Clone)]
pub(crate) enum Data {
    /// A file of SQLite.
    File(PathBuf),
    /// A database of PostgreSQL.
    #[cfg(feature = "postgres")]
    Postgres {
        /// Its URL, which may hold a password.
        url: SecretString,
        /// Server and database alone.
        place: String,
    },
}

/// A sink in all that a server asks of it.
pub(crate) struct Served {
    /// Rows, coverage, runs.
    pub sink: Arc<dyn Sink>,
    /// Events.
    pub inbox: Arc<dyn Inbox>,
    /// Coverage from far above.
    pub map: Arc<dyn CoverageMap>,
}

impl Data {
    /// What may be written as its URL.
    pub(crate) const WANTED: &str = "sqlite://PATH (an absolute one has three slashes) or \
                                     postgres://USER@HOST/DATABASE";

    /// Reads a URL. Connects to nothing.
    ///
    /// # Errors
    /// Why it is none; it does not repeat the URL.
    pub(crate) fn read(url: &str) -> Result<Data, String> {
        if let Some(why) = left_out(url) {
            return Err(why);
        }
        let (scheme, rest) = url.split_once("://").unwrap_or_default();
        match scheme {
            "sqlite" if !rest.is_empty() && !rest.contains('?') => Ok(Data::File(rest.into())),
            #[cfg(feature = "postgres")]
            "postgres" | "postgresql" => match place_of(url) {
                Ok(place) => Ok(Data::Postgres { url: url.into(), place }),
                Err(Error::Unusable { why, .. }) => Err(why),
                Err(error) => Err(error.to_string()),
            },
            "sqlite" => Err("it names no file, or has parameters".to_owned()),
            _ => Err("it begins with neither sqlite:// nor postgres://".to_owned()),
        }
    }

    /// Opens it to write, and makes it where it is not there.
    ///
    /// # Errors
    /// Where it cannot be opened or made.
    pub(crate) async fn open(&self) -> Result<Arc<dyn Sink>, Error> {
        Ok(match self {
            Data::File(path) => Arc::new(SqliteSink::open(path, catalogue()).await?),
            #[cfg(feature = "postgres")]
            Data::Postgres { url, .. } => {
                Arc::new(PostgresSink::open(url.expose_secret(), catalogue()).await?)
            }
        })
    }

    /// Opens it to write, and for what webhooks bring.
    ///
    /// # Errors
    /// Where it cannot be opened or made.
    pub(crate) async fn open_inbox(&self) -> Result<(Arc<dyn Sink>, Arc<dyn Inbox>), Error> {
        Ok(match self {
            Data::File(path) => {
                let sink = Arc::new(SqliteSink::open(path, catalogue()).await?);
                (Arc::clone(&sink) as Arc<dyn Sink>, sink)
            }
            #[cfg(feature = "postgres")]
            Data::Postgres { url, .. } => {
                let sink = Arc::new(PostgresSink::open(url.expose_secret(), catalogue()).await?);
                (Arc::clone(&sink) as Arc<dyn Sink>, sink)
            }
        })
    }

    /// Opens it to keep what webhooks bring, and to be looked at.
    ///
    /// # Errors
    /// Where it cannot be opened or made.
    pub(crate) async fn open_served(&self) -> Result<Served, Error> {
        Ok(match self {
            Data::File(path) => {
                let sink = Arc::new(SqliteSink::open(path, catalogue()).await?);
                // What is counted for long holds up nobody who reads.
                let map = Arc::new(SqliteSink::open_read_only(path, catalogue()).await?);
                Served { sink: sink.clone(), inbox: sink, map }
            }
            #[cfg(feature = "postgres")]
            Data::Postgres { url, .. } => {
                let sink = Arc::new(PostgresSink::open(url.expose_secret(), catalogue()).await?);
                Served { sink: sink.clone(), inbox: sink.clone(), map: sink }
            }
        })
    }

    /// Opens it to look at it; `None` where there is nothing yet.
    ///
    /// # Errors
    /// Where it cannot be opened.
    pub(crate) async fn open_existing(&self) -> Result<Option<Arc<dyn Sink>>, Error> {
        let opened: Result<Arc<dyn Sink>, Error> = match self {
            Data::File(path) if !path.exists() => return Ok(None),
            Data::File(path) => SqliteSink::open_read_only(path, catalogue())
                .await
                .map(|sink| -> Arc<dyn Sink> { Arc::new(sink) }),
            #[cfg(feature = "postgres")]
            Data::Postgres { url, .. } => {
                PostgresSink::open_read_only(url.expose_secret(), catalogue())
                    .await
                    .map(|sink| -> Arc<dyn Sink> { Arc::new(sink) })
            }
        };
        match opened {
            // The first run is about to make it.
            Err(Error::OlderVersion { found: 0, .. }) => Ok(None),
            opened => opened.map(Some),
        }
    }
}

impl fmt::Display for Data {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Data::File(path) => path.display().fmt(f),
            #[cfg(feature = "postgres")]
            Data::Postgres { place, .. } => f.write_str(place),
        }
    }
}

/// Whether a URL holds a password.
pub(crate) fn has_password(url: &str) -> bool {
    let Some((scheme, rest)) = url.split_once("://") else { return false };
    if scheme == "sqlite" {
        return false;
    }
    let authority = rest.split(['/', '?']).next().unwrap_or_default();
    let user = authority.rsplit_once('@').map_or("", |(user, _)| user);
    let query = rest.split_once('?').map_or("", |(_, query)| query);
    user.split_once(':').is_some_and(|(_, password)| !password.is_empty())
        || query.split('&').any(|pair| pair.starts_with("pass=") || pair.starts_with("password="))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_url_is_read_without_telling_its_password() {
        let data = Data::read("postgres://ana:hunter2@db:6432/w").expect("a database");
        assert_eq!(data.to_string(), "postgres://db:6432/w");
        assert!(!format!("{data:?}").contains("hunter2"));
        assert_eq!(Data::read("sqlite:///a/z.db").expect("a file").to_string(), "/a/z.db");
        for wrong in ["sqlite://", "sqlite://a?b", "mysql://ana:hunter2@h/d", "z.db", ""] {
            let why = Data::read(wrong).expect_err(wrong);
            assert!(!why.contains("hunter2"), "{why}");
        }
    }

    #[test]
    fn a_password_is_found_wherever_it_stands_in_a_url() {
        for url in ["postgres://a:b@h/d", "postgres://h/d?user=a&password=b", "redis://:b@h"] {
            assert!(has_password(url), "{url}");
        }
        for url in ["postgres://a@h:5432/d", "sqlite://a:b@c", "redis://h:6379/0", "redis://a:@h"] {
            assert!(!has_password(url), "{url}");
        }
    }
}
