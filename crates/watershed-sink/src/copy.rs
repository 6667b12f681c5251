//! From one sink to another: rows, listings, coverage, dead letters, runs, calls of days, accounts.
//!
//! Guarantees: some hundreds of rows are in memory at once; to copy something again changes
//! nothing, and what the other sink has that is newer stays; coverage comes after what it
//! speaks of, so a copy that was broken off claims nothing that is not there. It goes on from
//! the last [`Mark`] that was told. Nothing may write to the first sink meanwhile.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};
use watershed_model::{Catalogue, ConnectionName, Coverage, LeftOutWhy, LetterId, Millis};

use crate::{Ask, Batch, CoverageFilter, Error, MemberKey, Reading, RowKey, Sink, Stored, Write};

/// Rows, members or lines of coverage that are copied at once.
const AT_ONCE: u32 = 500;
/// Counts of an account's newest days: the day that goes on is among them.
const DAYS: u32 = 16;

/// How far a copy is: what comes next. Goes on in this order.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Mark {
    /// The accounts of connections: first, since another account's data is refused.
    Accounts,
    /// Rows of a dataset after this key.
    Rows(String, Option<RowKey>),
    /// Readings after this listing, not yet whole.
    Readings(Option<i64>),
    /// Members after this one.
    Members(Option<MemberKey>),
    /// Readings after this listing, whole where they were.
    Whole(Option<i64>),
    /// Coverage after this key.
    Coverage(Option<Ask>),
    /// Dead letters after this one.
    Letters(Option<LetterId>),
    /// Runs, and calls of days.
    Runs,
    /// Nothing.
    Done,
}

/// What was copied since it began, or went on.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Copied {
    /// Rows, by dataset.
    pub rows: BTreeMap<String, u64>,
    /// Members of listings.
    pub members: u64,
    /// Lines of coverage.
    pub coverage: u64,
    /// Dead letters.
    pub letters: u64,
    /// Runs.
    pub runs: u64,
}

/// Copies all that `from` holds of the datasets of this catalogue. Begins at `start`
/// ([`Mark::Accounts`]), and tells after each part where it would go on.
///
/// # Errors
/// Of either sink; each names its place. Where [`Error::waits`], go on from the last mark.
pub async fn copy(
    from: &dyn Sink,
    to: &dyn Sink,
    catalogue: Catalogue,
    start: Mark,
    told: &mut (dyn FnMut(&Mark, &Copied) + Send),
) -> Result<Copied, Error> {
    let mut copied = Copied::default();
    let mut mark = start;
    while mark != Mark::Done {
        mark = copy_part(from, to, catalogue, mark, &mut copied).await?;
        told(&mark, &copied);
    }
    Ok(copied)
}

/// Copies one part; what comes after it. For who must stop in between.
///
/// # Errors
/// As [`copy`].
pub async fn copy_part(
    from: &dyn Sink,
    to: &dyn Sink,
    catalogue: Catalogue,
    mark: Mark,
    copied: &mut Copied,
) -> Result<Mark, Error> {
    Ok(match mark {
        Mark::Accounts => {
            for (connection, account) in from.accounts().await? {
                to.bind_account(connection.clone(), account).await?;
                // Before any row: nobody is to come back by a copy. Who was erased from the other
                // sink alone is still in this one: then it refuses all that comes.
                let left_out = from.left_out(connection).await?;
                let erased = known(from).await?;
                to.write(Batch { left_out, erased, ..Batch::default() }.into()).await?;
            }
            match catalogue.datasets.first() {
                Some(first) => Mark::Rows(first.name.to_owned(), None),
                None => Mark::Readings(None),
            }
        }
        Mark::Rows(dataset, after) => {
            let page = from.rows(dataset.clone(), after, AT_ONCE).await?;
            let last = page.last().map(|row| row.at.clone());
            *copied.rows.entry(dataset.clone()).or_default() += page.len() as u64;
            let more = is_full(page.len());
            to.restore(Stored::Rows(dataset.clone(), page)).await?;
            match more {
                true => Mark::Rows(dataset, last),
                false => match after_dataset(catalogue, &dataset) {
                    Some(next) => Mark::Rows(next.to_owned(), None),
                    None => Mark::Readings(None),
                },
            }
        }
        Mark::Readings(after) => {
            // Whole only once their members are there.
            let begun = |reading| Reading { whole: false, ..reading };
            match readings(from, to, after, begun).await? {
                Some(last) => Mark::Readings(Some(last)),
                None => Mark::Members(None),
            }
        }
        Mark::Members(after) => {
            let page = from.members(after, AT_ONCE).await?;
            let last = page.last().map(|member| member.at.clone());
            copied.members += page.len() as u64;
            let more = is_full(page.len());
            to.restore(Stored::Members(page)).await?;
            if more { Mark::Members(last) } else { Mark::Whole(None) }
        }
        Mark::Whole(after) => match readings(from, to, after, |reading| reading).await? {
            Some(last) => Mark::Whole(Some(last)),
            None => Mark::Coverage(None),
        },
        Mark::Coverage(after) => {
            let page = from.coverage(CoverageFilter::default(), after, AT_ONCE).await?;
            let last = page.last().map(Ask::of);
            copied.coverage += page.len() as u64;
            let more = is_full(page.len());
            to.write(Batch { erased: known(from).await?, ..knowing(page) }.into()).await?;
            if more { Mark::Coverage(last) } else { Mark::Letters(None) }
        }
        Mark::Letters(after) => {
            let page = from.letters(after, AT_ONCE).await?;
            let last = page.last().map(|letter| letter.id.clone());
            copied.letters += page.len() as u64;
            let more = is_full(page.len());
            let erased = known(from).await?;
            to.write(Batch { failures: page, erased, ..Batch::default() }.into()).await?;
            if more { Mark::Letters(last) } else { Mark::Runs }
        }
        Mark::Runs => {
            copied.runs += runs(from, to).await?;
            days(from, to).await?;
            audit(from, to).await?;
            Mark::Done
        }
        Mark::Done => Mark::Done,
    })
}

/// Marks of erased people of each connection.
async fn known(sink: &dyn Sink) -> Result<BTreeMap<ConnectionName, u64>, Error> {
    let mut erased = BTreeMap::new();
    for connection in sink.accounts().await?.into_keys() {
        let left_out = sink.left_out(connection.clone()).await?;
        let marks = left_out.iter().filter(|left_out| left_out.why == LeftOutWhy::Erased).count();
        erased.insert(connection, marks as u64);
    }
    Ok(erased)
}

fn is_full(page: usize) -> bool {
    page == AT_ONCE as usize
}

fn after_dataset(catalogue: Catalogue, dataset: &str) -> Option<&'static str> {
    let names = catalogue.datasets.iter().map(|dataset| dataset.name);
    names.skip_while(|name| *name != dataset).nth(1)
}

/// Copies a page of readings; the last one, where more follow.
async fn readings(
    from: &dyn Sink,
    to: &dyn Sink,
    after: Option<i64>,
    shown: impl Fn(Reading) -> Reading + Send,
) -> Result<Option<i64>, Error> {
    let page: Vec<Reading> = from.readings(after, AT_ONCE).await?.into_iter().map(shown).collect();
    let last = page.last().map(|reading| reading.listing).filter(|_| is_full(page.len()));
    to.restore(Stored::Readings(page)).await?;
    Ok(last)
}

/// A batch that brings coverage alone.
fn knowing(page: Vec<Coverage>) -> Batch {
    let mut by_connection: BTreeMap<ConnectionName, Vec<Coverage>> = BTreeMap::new();
    for coverage in page {
        by_connection.entry(coverage.connection.clone()).or_default().push(coverage);
    }
    let write = |(connection, coverage): (ConnectionName, Vec<Coverage>)| Write {
        connection,
        run: coverage[0].run.clone(),
        fetched_at: Millis(0),
        rows: Vec::new(),
        coverage,
        listing: None,
        part: None,
    };
    Batch { writes: by_connection.into_iter().map(write).collect(), ..Batch::default() }
}

/// Copies runs, oldest first; one that the other sink knows is written over only where it has
/// ended here and not there.
async fn runs(from: &dyn Sink, to: &dyn Sink) -> Result<u64, Error> {
    let mut copied = 0;
    for run in from.runs(None, u32::MAX).await?.into_iter().rev() {
        let known = to.run(run.id.clone()).await?;
        if known.is_none_or(|known| run.state.ended() && !known.state.ended()) {
            to.put_run(run).await?;
            copied += 1;
        }
    }
    Ok(copied)
}

/// Copies what is known of the newest days' calls: a new ledger beside the other sink goes on from
/// it.
async fn days(from: &dyn Sink, to: &dyn Sink) -> Result<(), Error> {
    for account in BTreeSet::from_iter(from.accounts().await?.into_values()) {
        let days = from.days(account, DAYS).await?;
        to.write(Batch { days, ..Batch::default() }.into()).await?;
    }
    Ok(())
}

/// Copies the audit log, as far as the other one's is its beginning. One that has gone its own way
/// stays as it is: a chain cannot be put into another.
async fn audit(from: &dyn Sink, to: &dyn Sink) -> Result<(), Error> {
    let mut after = 0;
    loop {
        let (page, there) =
            (from.audited(after, AT_ONCE).await?, to.audited(after, AT_ONCE).await?);
        if !page.starts_with(&there) {
            return Ok(());
        }
        let Some(last) = page.last().map(|entry| entry.place) else { return Ok(()) };
        after = last;
        if page.len() > there.len() {
            to.restore(Stored::Audit(page)).await?;
        }
    }
}
