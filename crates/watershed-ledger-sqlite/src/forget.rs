//! Forgetting an account: as if the file had been lost, as far as it tells of that account.

use std::path::Path;

use rusqlite::fallible_iterator::FallibleIterator as _;
use rusqlite::{Batch, Connection, TransactionBehavior, named_params};
use watershed_ledger::Error;
use watershed_model::AccountId;

use crate::fault::fault;
use crate::rows::sql;

/// Deletes all that is open of an account, then writes the file anew: no byte of it is left.
pub(crate) fn forget(
    connection: &mut Connection,
    path: &Path,
    account: &AccountId,
) -> Result<(), Error> {
    let failed = |error| fault(path, &error);
    let act = connection.transaction_with_behavior(TransactionBehavior::Immediate);
    let act = act.map_err(failed)?;
    let mut statements = Batch::new(&act, sql!("forget"));
    while let Some(mut statement) = statements.next().map_err(failed)? {
        statement.execute(named_params! { ":account": account.as_str() }).map_err(failed)?;
    }
    act.commit().map_err(failed)?;
    connection.execute_batch("VACUUM").map_err(failed)?;
    let busy: bool = connection
        .query_row("PRAGMA wal_checkpoint(TRUNCATE)", [], |row| row.get(0))
        .map_err(failed)?;
    match busy {
        true => Err(Error::Unreachable {
            place: path.display().to_string(),
            why: "another process reads it all the time".to_owned(),
        }),
        false => Ok(()),
    }
}
