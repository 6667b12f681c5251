//! Rows on their way into the sink. What speaks of them is settled once they are there; meanwhile
//! more is leased, so that a page of many rows leaves no permit unused.

use std::future::poll_fn;
use std::pin::pin;
use std::sync::Arc;
use std::task::Poll;

use futures_util::FutureExt;
use futures_util::future::BoxFuture;
use tokio::sync::OwnedSemaphorePermit;
use watershed_ledger::{Fence, Outcome, Settle};
use watershed_model::Millis;
use watershed_sink::{Batch, Sink};

use super::{Dispatch, Flight};
use crate::error::Error;
use crate::metric;
use crate::phase::{self, Phase};

/// So long a batch is waited for before anything else is done: most arrive sooner, and one commit
/// after the other takes a disk less time than two at once.
const PATIENCE_MS: i64 = 50;

/// A batch that is being written, and what is settled after it.
pub(super) struct Writing {
    batch: Arc<Batch>,
    began: Millis,
    write: BoxFuture<'static, Result<(), watershed_sink::Error>>,
    /// What the sink has said.
    said: Option<Result<(), watershed_sink::Error>>,
    /// Whether the sink could not take it once: nothing is leased until it can.
    failed: bool,
    settles: Vec<Settle>,
    with_rows: Vec<Fence>,
    /// Room of the pages, until they are written.
    _rooms: Vec<OwnedSemaphorePermit>,
}

impl Writing {
    /// The tasks that are settled after it.
    pub(super) fn fences(&self) -> impl Iterator<Item = Fence> {
        self.settles.iter().map(|settle| settle.fence)
    }

    /// Whether the sink could not take it so far.
    pub(super) fn failed(&self) -> bool {
        self.failed
    }

    /// Waits until the sink has said how it went.
    pub(super) async fn over(&mut self) {
        if self.said.is_none() {
            self.said = Some((&mut self.write).await);
        }
    }

    /// Looks whether it has, without waiting. Whoever looks is still woken when it has: a look that
    /// took that away would leave the batch to whoever happens to look next.
    async fn look(&mut self) {
        let mut over = pin!(self.over());
        poll_fn(|cx| Poll::Ready(over.as_mut().poll(cx).is_ready())).await;
    }

    fn begin(
        batch: Arc<Batch>,
        sink: Arc<dyn Sink>,
    ) -> BoxFuture<'static, Result<(), watershed_sink::Error>> {
        async move { sink.write(batch).await }.boxed()
    }

    fn again(&mut self, sink: Arc<dyn Sink>) {
        self.write = Writing::begin(self.batch.clone(), sink);
        (self.said, self.failed) = (None, true);
    }
}

impl Dispatch {
    /// What may be settled now: its rows are in the sink. Begins to write what has come since,
    /// unless a batch is on its way.
    pub(super) async fn written(&mut self, now: Millis) -> Result<Vec<Settle>, Error> {
        let mut settles = self.arrived().await?;
        if self.state.writing.is_some() || self.state.done.is_empty() {
            return Ok(settles);
        }
        let mut done = std::mem::take(&mut self.state.done);
        // What goes back together stays together.
        done.sort_unstable_by_key(|done| done.settle.fence);
        self.foresee(&mut done, now).await?;
        let mut batch = Batch::default();
        let (mut after, mut with_rows, mut rooms) = (Vec::new(), Vec::new(), Vec::new());
        for done in done {
            if done.writes() {
                with_rows.push(done.settle.fence);
            }
            if let Some(Flight { run, .. }) = self.state.flights.get(&done.settle.fence) {
                let known = batch.erased.entry(run.connection().clone()).or_insert(run.erased());
                *known = run.erased().min(*known);
            }
            batch.writes.extend(done.write);
            batch.failures.extend(done.failures);
            batch.healed.extend(done.healed);
            batch.gone.extend(done.gone);
            batch.left_out.extend(done.left_out);
            after.push(done.settle);
            rooms.extend(done.room);
        }
        batch.days = self.state.days.news();
        if batch.is_empty() {
            settles.extend(after);
            return Ok(settles);
        }
        let batch = Arc::new(batch);
        let write = Writing::begin(batch.clone(), self.tools.sink.clone());
        let mut writing = Writing {
            batch,
            began: self.tools.clock.now(),
            write,
            said: None,
            failed: false,
            settles: after,
            with_rows,
            _rooms: rooms,
        };
        let patience = self.tools.clock.sleep_until(self.tools.clock.now() + PATIENCE_MS);
        tokio::select! {
            biased;
            () = writing.over() => {}
            () = patience => {}
        }
        self.state.writing = Some(writing);
        settles.extend(self.arrived().await?);
        Ok(settles)
    }

    /// Waits for another write, while the batch that is on its way goes on: that may hold a lock
    /// which the other one waits for.
    pub(super) async fn beside_writing<T>(&mut self, write: impl Future<Output = T>) -> T {
        tokio::pin!(write);
        loop {
            let on_its_way = self.state.writing.as_mut().filter(|writing| writing.said.is_none());
            let Some(writing) = on_its_way else { return write.await };
            tokio::select! {
                biased;
                done = &mut write => return done,
                () = writing.over() => {}
            }
        }
    }

    /// What is settled after the batch that is on its way, if that has arrived. One that did not is
    /// written again, waiting while the sink cannot take it.
    async fn arrived(&mut self) -> Result<Vec<Settle>, Error> {
        while let Some(mut writing) = self.state.writing.take() {
            writing.look().await;
            match writing.said.take() {
                None => {
                    self.state.writing = Some(writing);
                    break;
                }
                Some(Ok(())) => {
                    metric::written(self.tools.clock.now() - writing.began);
                    for fence in &writing.with_rows {
                        phase::tell_of(*fence, Phase::Written);
                    }
                    return Ok(writing.settles);
                }
                Some(Err(watershed_sink::Error::Erased { connection })) => {
                    tracing::info!(%connection, "somebody was erased: what is in hand goes anew");
                    // Each run is loaded anew, and knows whom to leave out then.
                    self.state.runs.clear();
                    return Ok(self.anew(writing.settles));
                }
                Some(Err(error)) => {
                    writing.again(self.tools.sink.clone());
                    self.state.writing = Some(writing);
                    self.wait_for("sink", error.waits(), &error).await?;
                }
            }
        }
        Ok(Vec::new())
    }

    /// What is settled where nothing of it could be written: the tasks are open as before. Their
    /// calls were made.
    fn anew(&self, settles: Vec<Settle>) -> Vec<Settle> {
        let at = self.tools.clock.now();
        let mut settles = settles;
        for settle in &mut settles {
            if matches!(
                settle.outcome,
                Outcome::More { .. } | Outcome::Closed { .. } | Outcome::Failed
            ) {
                settle.outcome = Outcome::Retry { at, counts: false };
                settle.least = 0;
            }
        }
        settles
    }
}
