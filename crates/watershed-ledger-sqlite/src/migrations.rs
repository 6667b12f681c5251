//! Bringing a state file to this program's version: one step for each version.

use rusqlite::{Connection, Row, Transaction, TransactionBehavior, named_params};
use watershed_ledger::pack::Packed;
use watershed_ledger::tables::{Counts, Item, Queue, RunRecord};
use watershed_model::{Order, Plan, StepId};

use crate::numbers::queue;
use crate::rows::{json, sql};

/// Marks a file as a Watershed ledger (`PRAGMA application_id`): the letters `WsLg`.
pub(crate) const APPLICATION_ID: u32 = 0x5773_4c67;

/// What brings a file from the version before.
struct Migration {
    statements: &'static str,
    /// What statements cannot do, after them.
    then: Option<fn(&Transaction<'_>) -> rusqlite::Result<()>>,
}

/// One for each version, from the first.
const MIGRATIONS: [Migration; 4] = [
    Migration { statements: include_str!("../migrations/0001_ledger.sql"), then: None },
    Migration { statements: include_str!("../migrations/0002_together.sql"), then: None },
    Migration {
        statements: include_str!("../migrations/0003_compact.sql"),
        then: Some(pack_items),
    },
    Migration { statements: include_str!("../migrations/0004_queues.sql"), then: Some(sort_out) },
];

/// The version of the state that this program writes. Only what is built for tests can write
/// another one.
pub(crate) fn version() -> u32 {
    let off = cfg!(debug_assertions).then(|| std::env::var("WATERSHED_TEST_LEDGER_OFF").ok());
    let off = off.flatten().and_then(|off| off.parse().ok()).unwrap_or(0);
    u32::try_from(MIGRATIONS.len()).unwrap_or(u32::MAX).saturating_add_signed(off)
}

/// Brings the file to this program's version, in one transaction.
pub(crate) fn migrate(connection: &mut Connection) -> rusqlite::Result<()> {
    let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
    let found: u32 = transaction.pragma_query_value(None, "user_version", |row| row.get(0))?;
    for migration in MIGRATIONS.iter().skip(found as usize) {
        transaction.execute_batch(migration.statements)?;
        if let Some(then) = migration.then {
            then(&transaction)?;
        }
    }
    if found < version() {
        transaction.pragma_update(None, "application_id", APPLICATION_ID)?;
        transaction.pragma_update(None, "user_version", version())?;
    }
    transaction.commit()
}

/// Puts the items of each chunk into its one stored value, and drops the rows that they were.
fn pack_items(transaction: &Transaction<'_>) -> rusqlite::Result<()> {
    let mut chunks = transaction.prepare("SELECT id FROM chunk")?;
    let mut items = transaction
        .prepare("SELECT item, once, together FROM item WHERE chunk = :chunk ORDER BY position")?;
    let mut keep = transaction.prepare(sql!("chunk_items_put"))?;
    let mut found = chunks.query([])?;
    while let Some(row) = found.next()? {
        let chunk: i64 = row.get(0)?;
        let mut packed = Packed::default();
        let mut rows = items.query(named_params! {":chunk": chunk})?;
        while let Some(row) = rows.next()? {
            let once = row.get::<_, Option<i64>>(1)?.map(i64::cast_unsigned);
            packed.push(&Item { item: row.get(0)?, once, together: row.get(2)? });
        }
        keep.execute(named_params! {":chunk": chunk, ":items": packed.bytes()})?;
    }
    drop(found);
    transaction.execute_batch("DROP TABLE item")
}

/// Open items of a step by month.
const MONTHS: &str = "SELECT bucket, sum(open) FROM (
    SELECT bucket, open FROM chunk WHERE run = :run AND step = :step
    UNION ALL SELECT body ->> '$.bucket', 1 FROM task WHERE run = :run AND body ->> '$.step' = :step
  ) WHERE bucket > 0 GROUP BY bucket";
/// Leased items by step.
const LEASED: &str = "SELECT coalesce(chunk.step, task.body ->> '$.step') AS step, sum(tasks)
  FROM lease
  LEFT JOIN chunk ON chunk.id = lease.body ->> '$.of.range.chunk'
  LEFT JOIN task ON task.id = lease.body ->> '$.of.task'
  WHERE lease.run = :run GROUP BY step HAVING step IS NOT NULL";
const SORT_CHUNKS: &str = "UPDATE chunk SET queue = iif(bucket > 0, :dated, :undated)
  WHERE run = :run AND step = :step AND rank IS NOT NULL";
const SORT_TASKS: &str = "UPDATE task SET queue = iif(body ->> '$.bucket' > 0, :dated, :undated)
  WHERE run = :run AND body ->> '$.step' = :step AND rank IS NOT NULL AND token_at IS NULL";

/// Puts the work of steps that go newest first into their queues, and counts it by month. A
/// plan that this program does not know is left as it was: it leaves such a run to others.
fn sort_out(transaction: &Transaction<'_>) -> rusqlite::Result<()> {
    let mut runs = transaction.prepare(
        "SELECT number, run.body, plan.body, counts.body FROM run
         JOIN run_number USING (run) JOIN counts USING (run)
         JOIN plan ON plan.hash = run.body ->> '$.plan_hash'",
    )?;
    let text = |row: &Row<'_>, at| row.get::<_, String>(at);
    let mut found = runs.query([])?;
    while let Some(row) = found.next()? {
        let number: i64 = row.get(0)?;
        let run: Option<RunRecord> = serde_json::from_str(&text(row, 1)?).ok();
        let plan: Option<Plan> = serde_json::from_str(&text(row, 2)?).ok();
        let counts: Option<Counts> = serde_json::from_str(&text(row, 3)?).ok();
        let (Some(run), Some(plan), Some(mut counts)) = (run, plan, counts) else { continue };
        sort_out_run(transaction, number, &plan, &mut counts)?;
        let params = named_params! {":run": run.run.as_str(), ":body": json(&counts)};
        transaction.execute(sql!("counts_put"), params)?;
    }
    Ok(())
}

fn sort_out_run(
    transaction: &Transaction<'_>,
    run: i64,
    plan: &Plan,
    counts: &mut Counts,
) -> rusqlite::Result<()> {
    let pair = |row: &Row<'_>| Ok((row.get::<_, u16>(0)?, u64::from(row.get::<_, u32>(1)?)));
    let mut leased = transaction.prepare_cached(LEASED)?;
    for leased in leased.query_map(named_params! {":run": run}, pair)? {
        let (step, leased) = leased?;
        if let Some(tally) = counts.steps.get_mut(usize::from(step)) {
            tally.leased = leased;
        }
    }
    for (id, _) in plan.steps().filter(|(_, step)| step.order == Order::NewestFirst) {
        let StepId(step) = id;
        for sort in [SORT_CHUNKS, SORT_TASKS] {
            let (dated, undated) = (queue(Queue::Dated(id)), queue(Queue::Undated(id)));
            let params = named_params! {
                ":run": run, ":step": step, ":dated": dated, ":undated": undated
            };
            transaction.execute(sort, params)?;
        }
        let params = named_params! {":run": run, ":step": step};
        let mut months = transaction.prepare_cached(MONTHS)?;
        if let Some(tally) = counts.steps.get_mut(id.index()) {
            tally.months = months.query_map(params, pair)?.collect::<Result<_, _>>()?;
        }
    }
    Ok(())
}
