//! What changes on a page: made once for all who look, and sent to each.
//!
//! Guarantee: what is looked at costs the same however many look, and nothing once nobody does.

use std::collections::HashMap;
use std::convert::Infallible;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use axum::response::sse::{Event, KeepAlive, Sse};
use axum::response::{IntoResponse, Response};
use futures_util::stream;
use tokio::sync::watch;

use crate::control::Doing;
use crate::state::Server;

/// How often it is looked at.
const LOOK: Duration = Duration::from_secs(1);
/// So that a proxy does not take a still page for a dead one.
const KEEP_ALIVE: Duration = Duration::from_secs(20);

/// Makes what a page shows, anew.
pub(crate) type Render = Arc<dyn Fn(Server) -> Doing<'static, String> + Send + Sync>;
/// What is shown, and the same as it is sent: written out once, however many look.
type Shown = Option<(Arc<str>, Event)>;

/// What is looked at now, by its address.
#[derive(Default)]
pub(crate) struct Live {
    shown: Mutex<HashMap<String, watch::Receiver<Shown>>>,
    over: watch::Sender<bool>,
}

impl Live {
    /// Ends all streams: the server stops.
    pub(crate) fn end(&self) {
        self.over.send_replace(true);
    }

    fn shown(&self) -> MutexGuard<'_, HashMap<String, watch::Receiver<Shown>>> {
        // Nothing in here can be left half done.
        self.shown.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A stream of what stands at `address`, whenever it has changed.
pub(crate) fn stream_of(server: &Server, address: String, render: Render) -> Response {
    let shown = watched(server, address, render);
    let over = server.live.over.subscribe();
    let events = stream::unfold((shown, over), |(mut shown, mut over)| async move {
        if *over.borrow() {
            return None;
        }
        let changed = tokio::select! {
            changed = next(&mut shown) => changed?,
            _ = over.changed() => return None,
        };
        Some((Ok::<_, Infallible>(changed), (shown, over)))
    });
    Sse::new(events).keep_alive(KeepAlive::new().interval(KEEP_ALIVE)).into_response()
}

async fn next(shown: &mut watch::Receiver<Shown>) -> Option<Event> {
    loop {
        shown.changed().await.ok()?;
        if let Some((_, event)) = &*shown.borrow_and_update() {
            return Some(event.clone());
        }
    }
}

fn watched(server: &Server, address: String, render: Render) -> watch::Receiver<Shown> {
    let mut all = server.live.shown();
    if let Some(shown) = all.get(&address)
        && shown.has_changed().is_ok()
    {
        return shown.clone();
    }
    let (tell, shown) = watch::channel(None);
    all.insert(address.clone(), shown.clone());
    tokio::spawn(look(server.clone(), address, render, tell));
    shown
}

async fn look(server: Server, address: String, render: Render, tell: watch::Sender<Shown>) {
    loop {
        match render(server.clone()).await {
            Ok(text) => {
                tell.send_if_modified(|shown| {
                    let changed = shown.as_ref().is_none_or(|(before, _)| **before != *text);
                    if changed {
                        let event = Event::default().data(&text);
                        *shown = Some((text.into(), event));
                    }
                    changed
                });
            }
            Err(error) => tracing::debug!(%error, address, "a page could not be made anew"),
        }
        tokio::time::sleep(LOOK).await;
        let mut all = server.live.shown();
        // One is the list's own.
        if tell.receiver_count() <= 1 {
            all.remove(&address);
            return;
        }
    }
}
