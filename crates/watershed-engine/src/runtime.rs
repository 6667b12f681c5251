//! The worker loop, carried by apalis. The only module that knows it.
//!
//! The ledger's conversation (`dispatch`) is an apalis backend: `poll_next` yields leased
//! tasks, and the backend's own layer, outermost, hands every outcome back to be written and
//! settled. apalis brings the loop, its restart, a layer for panics, and drain; time comes from the
//! engine's clock.
//! A slot is bounded by `dispatch`, which leases no more than there are free ones.

use std::convert::Infallible;
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll};

use apalis::layers::WorkerBuilderExt;
use apalis_core::backend::finalize::Ephemeral;
use apalis_core::backend::{Backend, BackendConfig};
use apalis_core::error::BoxDynError;
use apalis_core::monitor::Monitor;
use apalis_core::task::Task;
use apalis_core::task::builder::TaskBuilder;
use apalis_core::task::data::Data;
use apalis_core::task::task_id::{RandomId, TaskId};
use apalis_core::worker::builder::WorkerBuilder;
use apalis_core::worker::context::WorkerContext;
use apalis_core::worker::ext::parallelize::ParallelizeExt;
use futures_util::FutureExt;
use futures_util::future::BoxFuture;
use tokio::sync::mpsc;
use tokio_util::task::AbortOnDropHandle;
use tower::{Layer, Service};
use watershed_ledger::Fence;

use crate::task::{self, Done, Job, Tools};

/// A backstop above the transport's own bound: no handler holds its slot longer.
const HANDLER_MAX_MS: i64 = 150_000;

/// Leased tasks as apalis carries them: one, or all files of one recording.
pub(crate) struct Ticket(Vec<Job>);

impl Ticket {
    /// A ticket for tasks that start and come back together; there is one at least.
    pub(crate) fn new(jobs: Vec<Job>) -> Self {
        Ticket(jobs)
    }

    fn fences(&self) -> Vec<Fence> {
        self.0.iter().map(|job| job.leased.fence).collect()
    }
}

/// What became of a ticket.
pub(crate) enum Return {
    /// The tasks came to an end.
    Done(Vec<Done>),
    /// Their handler did not bring them to one: too late, or broken.
    Broken {
        /// Which.
        fences: Vec<Fence>,
        /// Why.
        why: String,
    },
}

/// The two ends that `dispatch` leaves with the workers.
#[derive(Clone)]
pub(crate) struct Ends {
    tickets: Arc<Mutex<mpsc::Receiver<Ticket>>>,
    returns: mpsc::Sender<Return>,
}

impl Ends {
    pub(crate) fn new(tickets: mpsc::Receiver<Ticket>, returns: mpsc::Sender<Return>) -> Self {
        Ends { tickets: Arc::new(Mutex::new(tickets)), returns }
    }
}

/// Runs workers for as long as it is polled; dropped, it takes what is in flight with it.
pub(crate) async fn run(name: String, ends: Ends, tools: Arc<Tools>) {
    let monitor = Monitor::new()
        .register(move |_restarts| {
            WorkerBuilder::new(name.as_str())
                .backend(LedgerBackend { ends: ends.clone() })
                .data(tools.clone())
                .catch_panic()
                .parallelize(spawn_abort)
                .build(perform)
        })
        .should_restart(|_worker, error| {
            tracing::warn!(%error, "worker restarts");
            true
        });
    if let Err(error) = monitor.run().await {
        tracing::error!(%error, "workers ended");
    }
}

async fn perform(ticket: Ticket, tools: Data<Arc<Tools>>) -> Result<Carried, BoxDynError> {
    let clock = &tools.clock;
    let late = clock.sleep_until(clock.now() + HANDLER_MAX_MS);
    // A file has as long as its size takes, and bounds of its own.
    let bounded = !ticket.0.iter().any(Job::is_file);
    tokio::select! {
        biased;
        done = task::perform(ticket.0, &tools) => Ok(Carried(done)),
        () = late, if bounded => Err("it took too long".into()),
    }
}

/// A future that is dropped with its task takes the spawned one with it: a handler that was
/// timed out must not go on.
fn spawn_abort<F>(future: F) -> AbortOnDropHandle<F::Output>
where
    F: Future + Send + 'static,
    F::Output: Send + 'static,
{
    AbortOnDropHandle::new(tokio::spawn(future))
}

/// Outcomes on their way through apalis' layers.
struct Carried(Vec<Done>);

struct LedgerBackend {
    ends: Ends,
}

impl Backend for LedgerBackend {
    type Task = Task<Ticket>;
    type Error = Infallible;

    fn poll_ready(
        &mut self,
        _cx: &mut Context<'_>,
        _worker: &WorkerContext,
    ) -> Poll<Result<(), Infallible>> {
        Poll::Ready(Ok(()))
    }

    fn poll_next(
        &mut self,
        cx: &mut Context<'_>,
        _worker: &WorkerContext,
    ) -> Poll<Option<Result<Task<Ticket>, Infallible>>> {
        let mut tickets = self.ends.tickets.lock().unwrap_or_else(PoisonError::into_inner);
        tickets.poll_recv(cx).map(|next| {
            next.map(|ticket| {
                let first = ticket.fences().first().copied();
                let mut task = TaskBuilder::new(ticket);
                if let Some(Fence { lease, nonce, index }) = first {
                    let id = format!("{}.{nonce:x}.{index}", lease.0);
                    task = task.task_id(TaskId::from_string(id));
                }
                Ok(task.build())
            })
        })
    }

    fn poll_close(
        &mut self,
        _cx: &mut Context<'_>,
        _worker: &WorkerContext,
    ) -> Poll<Result<(), Infallible>> {
        Poll::Ready(Ok(()))
    }
}

impl BackendConfig for LedgerBackend {
    type Args = Ticket;
    type Id = RandomId;
    type Kind = Ephemeral;
    type Config = ();
    type Layer = SettleLayer;

    fn config(&self) -> &() {
        &()
    }

    fn middleware(&mut self, _worker: &mut WorkerContext) -> SettleLayer {
        SettleLayer { returns: self.ends.returns.clone() }
    }
}

/// Hands every outcome back, whatever the layers beneath made of it.
#[derive(Clone)]
struct SettleLayer {
    returns: mpsc::Sender<Return>,
}

impl<S> Layer<S> for SettleLayer {
    type Service = SettleService<S>;

    fn layer(&self, inner: S) -> SettleService<S> {
        SettleService { inner, returns: self.returns.clone() }
    }
}

struct SettleService<S> {
    inner: S,
    returns: mpsc::Sender<Return>,
}

impl<S> Service<Task<Ticket>> for SettleService<S>
where
    S: Service<Task<Ticket>, Response = Carried>,
    S::Error: Into<BoxDynError>,
    S::Future: Send + 'static,
{
    type Response = ();
    type Error = BoxDynError;
    type Future = BoxFuture<'static, Result<(), BoxDynError>>;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), BoxDynError>> {
        self.inner.poll_ready(cx).map_err(Into::into)
    }

    fn call(&mut self, task: Task<Ticket>) -> Self::Future {
        let fences = task.args.fences();
        let returns = self.returns.clone();
        let outcome = self.inner.call(task);
        async move {
            let back = match outcome.await {
                Ok(Carried(done)) => Return::Done(done),
                Err(error) => Return::Broken { fences, why: error.into().to_string() },
            };
            // Nobody listens after a stop at once: leases then run out by themselves.
            let _ = returns.send(back).await;
            Ok(())
        }
        .boxed()
    }
}
