//! Many events, one commit: what comes while one is made goes into the next.
//!
//! Guarantee: whoever is told that his event was taken may be told so after a power loss, too.

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::{mpsc, oneshot};
use tokio::time::{Instant, timeout};
use watershed_model::InboxEvent;
use watershed_sink::{Error, Inbox, Taken};

use crate::metrics::Metrics;
use crate::shield::Shield;

/// Events of one commit. At 3 ms a commit more than anybody sends; small enough for one to take
/// well under 100 ms.
const BATCH_MAX: usize = 256;
/// Events that wait for a commit. When there are more, the sender is asked to come again.
const QUEUE_MAX: usize = 4_096;
/// 2.5 s: Zoom takes no answer for a failure after 3.
const ANSWER_MAX: Duration = Duration::from_millis(2_500);
/// A sink that is busy is asked again for so long.
const AGAIN_MAX: Duration = Duration::from_millis(1_500);
/// The pause between.
const PAUSE: Duration = Duration::from_millis(50);

/// An event, and who waits for it to be durable.
struct Entry {
    event: InboxEvent,
    taken: oneshot::Sender<Taken>,
}

/// Why an event was not taken. It may be there all the same, which does no harm.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum NotTaken {
    /// More come than can be kept.
    Busy,
    /// The sink does not keep it now.
    Failed,
}

/// Takes events.
pub(crate) struct Keeper(mpsc::Sender<Entry>);

impl Keeper {
    /// Begins to keep events. Ends when it is dropped and what was handed in is kept.
    pub(crate) fn start(inbox: Arc<dyn Inbox>, shield: Shield, metrics: Arc<Metrics>) -> Keeper {
        let (entries, queue) = mpsc::channel(QUEUE_MAX);
        tokio::spawn(work(inbox, shield, queue, metrics));
        Keeper(entries)
    }

    /// Keeps an event. Once it answers, the event survives a power loss.
    pub(crate) async fn keep(&self, event: InboxEvent) -> Result<Taken, NotTaken> {
        let (taken, told) = oneshot::channel();
        self.0.try_send(Entry { event, taken }).map_err(|_| NotTaken::Busy)?;
        match timeout(ANSWER_MAX, told).await {
            Ok(Ok(taken)) => Ok(taken),
            Ok(Err(_)) | Err(_) => Err(NotTaken::Failed),
        }
    }
}

async fn work(
    inbox: Arc<dyn Inbox>,
    mut shield: Shield,
    mut queue: mpsc::Receiver<Entry>,
    metrics: Arc<Metrics>,
) {
    let mut entries = Vec::new();
    while queue.recv_many(&mut entries, BATCH_MAX).await > 0 {
        let began = Instant::now();
        let events: Vec<InboxEvent> = entries.iter().map(|entry| entry.event.clone()).collect();
        match kept(&*inbox, &mut shield, &events, began).await {
            Ok(taken) => {
                metrics.committed(began.elapsed());
                for (entry, taken) in entries.drain(..).zip(taken) {
                    // Whoever has stopped waiting sends it again.
                    let _ = entry.taken.send(taken);
                }
            }
            Err(error) => {
                tracing::warn!(%error, events = entries.len(), "events could not be kept");
                entries.clear();
            }
        }
    }
}

async fn kept(
    inbox: &dyn Inbox,
    shield: &mut Shield,
    events: &[InboxEvent],
    began: Instant,
) -> Result<Vec<Taken>, Error> {
    loop {
        let told: Vec<Option<InboxEvent>> = events.iter().map(|e| shield.without(e)).collect();
        let kept = inbox.keep(told.iter().flatten().cloned().collect(), shield.known());
        let error = match timeout(ANSWER_MAX, kept).await {
            Ok(Err(error @ Error::Erased { .. })) => {
                shield.learn().await?;
                error
            }
            Ok(Err(error)) if error.waits() => error,
            Ok(Err(error)) => return Err(error),
            // What is about somebody who was erased is dealt with: it need not come again.
            Ok(Ok(taken)) => {
                let mut taken = taken.into_iter();
                let of = |told: &Option<_>| told.as_ref().and_then(|_| taken.next());
                return Ok(told.iter().map(of).map(|t| t.unwrap_or(Taken::Known)).collect());
            }
            Err(_) => {
                let why = "it did not keep events in time".to_owned();
                return Err(Error::Unreachable { place: "the sink".to_owned(), why });
            }
        };
        if began.elapsed() > AGAIN_MAX {
            return Err(error);
        }
        tokio::time::sleep(PAUSE).await;
    }
}
