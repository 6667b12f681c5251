//! Hints that something may be leased: what other processes publish, heard on a connection of its
//! own. A hint that is lost costs the time until the next look at the ledger, nothing else.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use futures_util::StreamExt;
use redis::Client;
use tokio::sync::Notify;
use tokio::task::JoinHandle;

/// A connection that broke is made again after this.
const AGAIN: Duration = Duration::from_secs(1);

/// Who listens, once somebody waits.
#[derive(Default)]
pub(crate) struct Hints {
    heard: Arc<Notify>,
    listener: Mutex<Option<JoinHandle<()>>>,
}

impl Hints {
    /// Ends when somebody else than `own` has published on one of these channels since the last
    /// time. The first to wait chooses the channels.
    pub(crate) async fn next(&self, client: &Client, channels: Vec<String>, own: &str) {
        {
            let mut listener = self.listener.lock().unwrap_or_else(PoisonError::into_inner);
            listener.get_or_insert_with(|| {
                let (client, own) = (client.clone(), own.as_bytes().to_vec());
                tokio::spawn(listen(client, channels, own, self.heard.clone()))
            });
        }
        self.heard.notified().await;
    }
}

impl Drop for Hints {
    fn drop(&mut self) {
        let listener = self.listener.get_mut().unwrap_or_else(PoisonError::into_inner);
        if let Some(listener) = listener.take() {
            listener.abort();
        }
    }
}

async fn listen(client: Client, channels: Vec<String>, own: Vec<u8>, heard: Arc<Notify>) {
    loop {
        if let Err(error) = hear(&client, &channels, &own, &heard).await {
            tracing::debug!(%error, "hints are not heard");
        }
        tokio::time::sleep(AGAIN).await;
    }
}

/// Listens until the connection breaks.
async fn hear(
    client: &Client,
    channels: &[String],
    own: &[u8],
    heard: &Notify,
) -> redis::RedisResult<()> {
    let mut connection = client.get_async_pubsub().await?;
    connection.subscribe(channels).await?;
    // What was published before is not heard.
    heard.notify_one();
    let mut messages = connection.on_message();
    while let Some(message) = messages.next().await {
        if message.get_payload_bytes() != own {
            heard.notify_one();
        }
    }
    Ok(())
}
