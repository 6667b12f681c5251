//! The heads of a category's queues: what of them may be leased next, and what bars the others.

use watershed_model::{Category, RunId};

use crate::Error;
use crate::fold::Ground;
use crate::order;
use crate::scarce::{Bar, Scarce};
use crate::tables::{ChunkId, Queue, Ready, Tables, TaskId};

/// The heads of the queues of a run and category; each looked up once for as long as it stands.
pub(crate) struct Heads(Vec<(Queue, Option<(i64, Ready)>)>);

/// A head that may be leased.
#[derive(Clone, Copy)]
pub(super) struct Head {
    /// The place of its queue.
    at: usize,
    rank: i64,
    pub(super) ready: Ready,
}

impl Heads {
    pub(crate) fn of(
        tables: &mut impl Tables,
        ground: &Ground,
        category: Option<Category>,
    ) -> Result<Heads, Error> {
        let run = &ground.run.run;
        let queues = order::queues(&ground.plan, &ground.counts, category).into_iter();
        let heads = queues.map(|queue| Ok((queue, first(tables, run, queue)?)));
        heads.collect::<Result<_, Error>>().map(Heads)
    }

    /// Looks a queue up again of which something was taken.
    pub(super) fn taken_of(
        &mut self,
        tables: &mut impl Tables,
        run: &RunId,
        head: Head,
    ) -> Result<(), Error> {
        let (queue, known) = &mut self.0[head.at];
        *known = first(tables, run, *queue)?;
        Ok(())
    }

    /// A head's queue, and how far in front it stands.
    pub(super) fn place(&self, head: Head) -> (Queue, i64) {
        (self.0[head.at].0, head.rank)
    }

    /// The foremost head that nothing bars; tells of what stands before it and is barred.
    pub(super) fn foremost(
        &self,
        scarce: &Scarce<'_>,
        mut barred: impl FnMut(Bar),
    ) -> Option<Head> {
        let mut foremost: Option<((i64, u64), Head)> = None;
        for (at, (queue, head)) in self.0.iter().enumerate() {
            let Some((rank, ready)) = *head else { continue };
            let place = (rank, number_of(ready));
            if foremost.is_some_and(|(known, _)| known < place) {
                continue;
            }
            match scarce.bar(*queue, order::month_of(rank)) {
                Some(bar) => barred(bar),
                None => foremost = Some((place, Head { at, rank, ready })),
            }
        }
        foremost.map(|(_, head)| head)
    }

    /// The queues in which anything is ready, and how far in front their heads stand.
    pub(crate) fn ranks(&self) -> impl Iterator<Item = (Queue, i64)> + '_ {
        self.0.iter().filter_map(|(queue, head)| Some((*queue, head.as_ref()?.0)))
    }
}

fn first(
    tables: &mut impl Tables,
    run: &RunId,
    queue: Queue,
) -> Result<Option<(i64, Ready)>, Error> {
    Ok(tables.ready(run, queue, 1)?.first().copied())
}

fn number_of(ready: Ready) -> u64 {
    match ready {
        Ready::Chunk(ChunkId(id)) | Ready::Task(TaskId(id)) => id,
    }
}
