//! A thread that owns one connection, and the handle to it.
//!
//! Guarantees: acts run one after another, in the order in which they were polled first;
//! a connection on which the system failed is never used again (a commit that is tried
//! again after a failed fsync may succeed without being on the disk). The queue has no
//! bound of its own: each caller waits for its answer, so it holds one act a caller.

use std::sync::mpsc;
use std::thread::JoinHandle;

use rusqlite::Connection;
use tokio::sync::oneshot;

use super::fault::Fault;
use super::opening::{Access, Identity, Place};
use crate::{Error, Pending};

type Act = Box<dyn FnOnce(&mut Keeper) + Send>;

/// The connection of a thread, opened anew where it must be.
pub(super) struct Keeper {
    place: Place,
    access: Access,
    identity: Option<Identity>,
    /// `None` after the system failed, until the next act.
    connection: Option<Connection>,
}

impl Keeper {
    pub(super) fn new(place: Place, access: Access, connection: Connection) -> Keeper {
        let identity = place.identity();
        Keeper { place, access, identity, connection: Some(connection) }
    }

    fn perform<T>(
        &mut self,
        act: impl FnOnce(&mut Connection) -> Result<T, Fault>,
    ) -> Result<T, Error> {
        let path = self.place.path().to_owned();
        // Otherwise rows would go on into a file that has no name any more.
        if self.place.identity() != self.identity {
            return Err(Error::Moved { path });
        }
        let mut connection = match self.connection.take() {
            Some(connection) => connection,
            None => self.reopen()?,
        };
        let done = act(&mut connection).map_err(|fault| fault.at(&path));
        let spoilt = matches!(done, Err(Error::Io { .. } | Error::Corrupt { .. }));
        if !spoilt || matches!(self.place, Place::Memory) {
            self.connection = Some(connection);
        }
        done
    }

    fn reopen(&self) -> Result<Connection, Error> {
        let path = self.place.path().to_owned();
        tracing::warn!(path = %path.display(), "opening the sink anew after a failure");
        let connection = self.place.connect(self.access).map_err(|error| match error {
            // It was open before, so this passes like the failure itself.
            Error::CannotOpen { path, source } => Error::Io { path, source },
            other => other,
        })?;
        if self.access == Access::Write {
            settle_journal(&connection).map_err(|fault| fault.at(&path))?;
        }
        Ok(connection)
    }
}

/// Brings the whole journal into the file and starts it anew. After a failed fsync parts of
/// it may be in memory alone, and what is appended behind them would be lost with them.
fn settle_journal(connection: &Connection) -> Result<(), Fault> {
    let busy: bool =
        connection.query_row("PRAGMA wal_checkpoint(TRUNCATE)", [], |row| row.get(0))?;
    if busy {
        return Err(Error::Busy { path: connection.path().unwrap_or_default().into() }.into());
    }
    Ok(())
}

/// Lets all other threads go before this one, as far as the system can: what it does may take as
/// long as it likes.
pub(super) fn yield_to_all() {
    #[cfg(target_os = "linux")]
    if let Err(error) = rustix::process::setpriority_process(Some(rustix::thread::gettid()), 15) {
        tracing::debug!(%error, "counting goes on as if it were urgent");
    }
}

/// The handle: dropped, it waits until the thread has ended and the file is closed.
pub(super) struct Hand {
    acts: Option<mpsc::Sender<Act>>,
    thread: Option<JoinHandle<()>>,
}

impl Hand {
    /// Starts a thread of this name; `open` runs on it and gives its connection.
    pub(super) async fn start(
        name: &str,
        place: &Place,
        open: impl FnOnce() -> Result<Keeper, Error> + Send + 'static,
    ) -> Result<Hand, Error> {
        let (acts, queue) = mpsc::channel::<Act>();
        let (tell, told) = oneshot::channel();
        let thread = std::thread::Builder::new()
            .name(name.to_owned())
            .spawn(move || match open() {
                Ok(mut keeper) => {
                    let _ = tell.send(Ok(()));
                    for act in queue {
                        act(&mut keeper);
                    }
                }
                Err(error) => {
                    let _ = tell.send(Err(error));
                }
            })
            .map_err(|source| Error::Io { path: place.path().to_owned(), source: source.into() })?;
        let hand = Hand { acts: Some(acts), thread: Some(thread) };
        told.await.unwrap_or(Err(Error::Closed))?;
        Ok(hand)
    }

    /// Performs `act` on the thread's connection.
    pub(super) fn ask<'a, T: Send + 'static>(
        &'a self,
        act: impl FnOnce(&mut Connection) -> Result<T, Fault> + Send + 'static,
    ) -> Pending<'a, T> {
        Box::pin(async move {
            let (tell, told) = oneshot::channel();
            let boxed: Act = Box::new(move |keeper| {
                let _ = tell.send(keeper.perform(act));
            });
            let acts = self.acts.as_ref().ok_or(Error::Closed)?;
            acts.send(boxed).map_err(|_| Error::Closed)?;
            told.await.map_err(|_| Error::Closed)?
        })
    }
}

impl Drop for Hand {
    fn drop(&mut self) {
        drop(self.acts.take());
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}
