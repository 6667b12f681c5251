//! Who does what at the command line, put down before it is done.

use anyhow::Result;
use watershed_engine::{Clock, SystemClock};
use watershed_model::{Act, ActOutcome, Audit, ConnectionName, RunId, RunRow, Via};
use watershed_sink::Sink;

/// What is done, and to what.
#[derive(Debug, Clone)]
pub(crate) struct Deed {
    act: Act,
    connection: Option<ConnectionName>,
    run: Option<RunId>,
}

impl Deed {
    /// To a run.
    pub(crate) fn on_run(act: Act, row: &RunRow) -> Deed {
        Deed { act, connection: Some(row.connection.clone()), run: Some(row.id.clone()) }
    }

    /// To a run of a connection.
    pub(crate) fn begins(act: Act, connection: ConnectionName, run: RunId) -> Deed {
        Deed { act, connection: Some(connection), run: Some(run) }
    }

    /// To a connection, or to all of them.
    pub(crate) fn on_data(act: Act, connection: Option<ConnectionName>) -> Deed {
        Deed { act, connection, run: None }
    }

    /// Puts it down.
    ///
    /// # Errors
    /// Where it cannot be put down: then it must not be done.
    pub(crate) async fn put_down(&self, sink: &dyn Sink, outcome: ActOutcome) -> Result<()> {
        let Deed { act, connection, run } = self.clone();
        let (at, who, via) = (SystemClock.now(), user(), Via::Command);
        sink.audit(Audit { at, who, via, act, connection, run, outcome }).await?;
        Ok(())
    }

    /// Does it, and puts it down before; afterwards only that it failed.
    ///
    /// # Errors
    /// Its own; and where it cannot be put down.
    pub(crate) async fn done<T>(
        self,
        sink: &dyn Sink,
        doing: impl Future<Output = Result<T>>,
    ) -> Result<T> {
        self.put_down(sink, ActOutcome::Asked).await?;
        let done = doing.await;
        if done.is_err() {
            self.put_down(sink, ActOutcome::Failed).await?;
        }
        done
    }
}

/// The user of the system, by number and, where it has one, by name. What the environment says is
/// not asked: whoever gives the command may say there what he likes.
fn user() -> String {
    let id = rustix::process::getuid().as_raw();
    let users = std::fs::read_to_string("/etc/passwd").unwrap_or_default();
    match name_of(&users, id) {
        Some(name) => format!("{name} ({id})"),
        None => id.to_string(),
    }
}

/// The name of a user in a list as `/etc/passwd` is one: `name:password:number:…`.
fn name_of(users: &str, id: u32) -> Option<&str> {
    let fields = users.lines().map(|line| line.split(':').collect::<Vec<_>>());
    let mut fields = fields.filter(|fields| fields.get(2).is_some_and(|of| *of == id.to_string()));
    fields.next().and_then(|fields| fields.first().copied())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_user_is_found_by_his_number() {
        let users = "root:x:0:0::/:/bin/sh\nada:x:1000:1000::/:/bin/sh\nodd\n";
        assert_eq!(name_of(users, 1000), Some("ada"));
        assert_eq!(name_of(users, 100), None);
    }
}
