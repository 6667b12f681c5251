//! What was deleted goes from the disk of a server, too.

use std::time::Duration;

use redis::{RedisResult, ServerErrorKind};
use tokio::time::Instant;

use crate::health::{config, fields};
use crate::link::Connection;

/// How long a server may take to write its files anew.
const WRITTEN_MAX: Duration = Duration::from_secs(300);
/// How often is looked.
const LOOK: Duration = Duration::from_millis(100);
/// What `INFO persistence` tells while files are written, or are to be.
const WRITES: [&str; 3] =
    ["aof_rewrite_in_progress", "aof_rewrite_scheduled", "rdb_bgsave_in_progress"];

/// Lets a server write its files anew. `false`: it may not be asked to, or is not done in time.
pub(crate) async fn written_anew(connection: &mut Connection) -> RedisResult<bool> {
    let until = Instant::now() + WRITTEN_MAX;
    let has_log = told(connection, &["aof_enabled"]).await?;
    let has_snapshots = config(connection, "save").await.is_some_and(|save| !save.is_empty());
    let files = [(has_log, "BGREWRITEAOF"), (has_snapshots, "BGSAVE")];
    for (_, write) in files.into_iter().filter(|(is_there, _)| *is_there) {
        // One that is being written now may hold what was deleted since it began.
        if !idle(connection, until).await? {
            return Ok(false);
        }
        match redis::cmd(write).query_async::<redis::Value>(connection).await {
            Ok(_) => {}
            Err(error) if error.kind() == ServerErrorKind::NoPerm.into() => return Ok(false),
            Err(error) => return Err(error),
        }
    }
    idle(connection, until).await
}

/// Waits until no file is written; whether none is then.
async fn idle(connection: &mut Connection, until: Instant) -> RedisResult<bool> {
    while told(connection, &WRITES).await? {
        if Instant::now() >= until {
            return Ok(false);
        }
        tokio::time::sleep(LOOK).await;
    }
    Ok(true)
}

/// Whether one of these is said to be so.
async fn told(connection: &mut Connection, names: &[&str]) -> RedisResult<bool> {
    let info: String = redis::cmd("INFO").arg("persistence").query_async(connection).await?;
    let fields = fields(&info);
    Ok(names.iter().any(|name| fields.get(*name).is_some_and(|value| value == "1")))
}
