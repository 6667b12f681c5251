//! Connections: how many, for how long, and how they end.

use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use hyper::server::conn::http1;
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::server::graceful::GracefulShutdown;
use hyper_util::service::TowerToHyperService;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::time::{MissedTickBehavior, interval, sleep, timeout};
use watershed_model::Millis;

use crate::history;
use crate::routes::router;
use crate::state::Server;

/// Open connections: well below the 1,024 files that a process usually may have open.
const CONNECTIONS_MAX: usize = 400;
/// 10 s from the start of a connection, or from the last answer on it, to the end of the next
/// head: whoever is slower is cut off.
const HEAD_TIME: Duration = Duration::from_secs(10);
/// 2 s instead, while more than half of the room is taken: whoever is slow makes way.
const HEAD_TIME_BUSY: Duration = Duration::from_secs(2);
/// Bytes of a head.
const HEAD_MAX: usize = 16 * 1024;
/// After the system gave no connection: it has too many files open.
const PAUSE: Duration = Duration::from_millis(100);
/// How often what is over is swept out.
const SWEEP: Duration = Duration::from_secs(3_600);
/// Metrics are kept small this often.
pub(crate) const UPKEEP: Duration = Duration::from_secs(10);
/// 7 days: whoever sends an event again does so within two hours.
const DONE_KEPT_MS: i64 = 7 * Millis::DAY;
/// Events that are forgotten at once.
const FORGOTTEN_AT_ONCE: u32 = 1_000;

/// Serves until `shutdown` ends; then takes no more connections, and ends what is in flight within
/// the grace that the server was made with.
/// What goes wrong with one connection does not touch the others.
pub async fn serve(listener: TcpListener, server: Server, shutdown: impl Future<Output = ()>) {
    let app = router(&server);
    let metrics = Arc::clone(&server.metrics);
    let counted = move |open: bool| if open { metrics.opened() } else { metrics.closed() };
    let over = async {
        tokio::select! {
            () = shutdown => {}
            () = sweep(&server) => {}
            () = history::watch(&server) => {}
        }
    };
    let graceful = connections(&listener, &app, counted, over).await;
    drop(listener);
    server.live.end();
    // Whoever is slower than that is cut off when the process ends.
    let _ = timeout(server.grace, graceful.shutdown()).await;
}

/// Takes connections until `over` ends; those that are open then end by themselves. `counted` is
/// told of each, when it is opened and when it is closed.
pub(crate) async fn connections(
    listener: &TcpListener,
    app: &Router,
    counted: impl Fn(bool) + Clone + Send + 'static,
    over: impl Future<Output = ()>,
) -> GracefulShutdown {
    let graceful = GracefulShutdown::new();
    let room = Arc::new(Semaphore::new(CONNECTIONS_MAX));
    let mut over = pin!(over);
    loop {
        let (stream, permit) = tokio::select! {
            accepted = accept(listener, &room) => accepted,
            () = &mut over => return graceful,
        };
        let busy = room.available_permits() * 2 < CONNECTIONS_MAX;
        let service = TowerToHyperService::new(app.clone());
        let connection = http1::Builder::new()
            .timer(TokioTimer::new())
            .header_read_timeout(if busy { HEAD_TIME_BUSY } else { HEAD_TIME })
            .max_buf_size(HEAD_MAX)
            .serve_connection(TokioIo::new(stream), service);
        let connection = graceful.watch(connection);
        let counted = counted.clone();
        tokio::spawn(async move {
            counted(true);
            if let Err(error) = connection.await {
                tracing::debug!(%error, "a connection broke off");
            }
            counted(false);
            drop(permit);
        });
    }
}

/// The next connection, once there is room for it.
async fn accept(
    listener: &TcpListener,
    room: &Arc<Semaphore>,
) -> (TcpStream, OwnedSemaphorePermit) {
    let permit = Arc::clone(room).acquire_owned().await.expect("it is never closed");
    loop {
        match listener.accept().await {
            Ok((stream, _)) => {
                // An answer is one small packet: nothing is gained by waiting for more.
                let _ = stream.set_nodelay(true);
                return (stream, permit);
            }
            // A connection that is gone already, or too many files are open: both pass.
            Err(error) => {
                tracing::warn!(%error, "a connection could not be taken");
                sleep(PAUSE).await;
            }
        }
    }
}

/// Forgets events that were done long ago, and keeps metrics small. Never ends.
async fn sweep(server: &Server) {
    let (mut upkeep, mut sweep) = (interval(UPKEEP), interval(SWEEP));
    upkeep.set_missed_tick_behavior(MissedTickBehavior::Delay);
    sweep.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        tokio::select! {
            _ = upkeep.tick() => {
                server.metrics.upkeep();
                if let Some(worker) = &server.worker {
                    worker.upkeep();
                }
            }
            _ = sweep.tick() => forget(server).await,
        }
    }
}

/// Some at a time: nobody who keeps events waits long for it.
async fn forget(server: &Server) {
    let (inbox, before) = (&server.stores.inbox, (server.clock)() + -DONE_KEPT_MS);
    loop {
        match inbox.forget(before, FORGOTTEN_AT_ONCE).await {
            Ok(forgotten) if forgotten == u64::from(FORGOTTEN_AT_ONCE) => {}
            Ok(_) => return,
            // The next time, then.
            Err(error) => return tracing::warn!(%error, "old events could not be forgotten"),
        }
    }
}
