//! What takes long to find: told as it was a moment ago, and looked for anew beside.
//!
//! Guarantee: nobody waits longer than he wants to, and however many ask, the same is looked for
//! once at a time. How often it is looked for hangs on how long it takes: at most a hundredth of
//! the time goes into it.

use std::collections::HashMap;
use std::hash::Hash;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::sync::watch;
use tokio::time::{Instant, timeout};

/// What was found is told for so long before it is looked for anew.
const FRESH: Duration = Duration::from_secs(3);
/// And for so many times as long as it took.
const REST: u32 = 100;
/// Different things that are kept. Beyond that the one goes that was not asked for longest.
const KEPT_MAX: usize = 256;

/// What was found, and when.
#[derive(Debug)]
pub(crate) struct Found<T> {
    pub(crate) value: Arc<T>,
    pub(crate) at: Instant,
}

impl<T> Clone for Found<T> {
    fn clone(&self) -> Self {
        Found { value: Arc::clone(&self.value), at: self.at }
    }
}

/// Found things, by what was asked.
pub(crate) struct Slow<K, T>(Mutex<HashMap<K, Entry<T>>>);

struct Entry<T> {
    found: watch::Receiver<Option<Found<T>>>,
    tell: watch::Sender<Option<Found<T>>>,
    running: bool,
    took: Duration,
    asked: Instant,
}

impl<K, T> Default for Slow<K, T> {
    fn default() -> Self {
        Slow(Mutex::default())
    }
}

impl<K: Eq + Hash + Clone + Send + 'static, T: Send + Sync + 'static> Slow<K, T> {
    /// What was found last, once there is anything, at most `patience` from now. Where it is old,
    /// `find` looks for it anew, beside. `this` is where it is kept.
    pub(crate) async fn get<F>(
        this: &Arc<Self>,
        key: K,
        patience: Duration,
        find: F,
    ) -> Option<Found<T>>
    where
        F: Future<Output = Option<T>> + Send + 'static,
    {
        let (mut found, begin) = this.entry(&key);
        if begin {
            let this = Arc::clone(this);
            tokio::spawn(async move {
                let began = Instant::now();
                let value = find.await.map(Arc::new);
                this.done(&key, value, began.elapsed());
            });
        }
        let there = timeout(patience, found.wait_for(Option::is_some)).await;
        there.ok().and_then(Result::ok).and_then(|found| found.clone())
    }

    /// Forgets what was found: it is about to be something else.
    pub(crate) fn forget(&self, key: &K) {
        self.entries().remove(key);
    }

    /// The entry, and whether it is to be looked for now.
    fn entry(&self, key: &K) -> (watch::Receiver<Option<Found<T>>>, bool) {
        let now = Instant::now();
        let mut entries = self.entries();
        if entries.len() >= KEPT_MAX && !entries.contains_key(key) {
            let idle = entries.iter().filter(|(_, entry)| !entry.running);
            let longest = idle.min_by_key(|(_, entry)| entry.asked).map(|(key, _)| key.clone());
            longest.and_then(|key| entries.remove(&key));
        }
        let entry = entries.entry(key.clone()).or_insert_with(|| {
            let (tell, found) = watch::channel(None);
            Entry { found, tell, running: false, took: Duration::ZERO, asked: now }
        });
        entry.asked = now;
        let rest = FRESH.max(entry.took * REST);
        let old = entry.found.borrow().as_ref().is_none_or(|found| found.at + rest < now);
        let begin = old && !entry.running;
        entry.running |= begin;
        (entry.found.clone(), begin)
    }

    fn done(&self, key: &K, value: Option<Arc<T>>, took: Duration) {
        if let Some(entry) = self.entries().get_mut(key) {
            (entry.running, entry.took) = (false, took);
            if let Some(value) = value {
                entry.tell.send_replace(Some(Found { value, at: Instant::now() }));
            }
        }
    }

    fn entries(&self) -> MutexGuard<'_, HashMap<K, Entry<T>>> {
        // Nothing in here can be left half done.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicU64, Ordering};

    use super::*;

    /// Takes a second to count how often it was looked for.
    async fn count(times: &Arc<AtomicU64>) -> Option<u64> {
        tokio::time::sleep(Duration::from_secs(1)).await;
        Some(times.fetch_add(1, Ordering::Relaxed))
    }

    #[tokio::test(start_paused = true)]
    async fn nobody_waits_and_it_is_looked_for_once_in_a_while() {
        let (slow, times) = (Arc::new(Slow::default()), Arc::new(AtomicU64::new(0)));
        let get = async |patience| {
            let times = Arc::clone(&times);
            let found = Slow::get(&slow, "k", patience, async move { count(&times).await }).await;
            found.map(|found| *found.value)
        };
        let (short, long) = (Duration::from_millis(30), Duration::from_secs(9));
        assert_eq!(get(short).await, None, "it is not found yet");
        assert_eq!(get(long).await, Some(0));
        tokio::time::advance(Duration::from_secs(99)).await;
        assert_eq!(get(short).await, Some(0));
        assert_eq!(times.load(Ordering::Relaxed), 1, "it took a second: it rests for 100");
        tokio::time::advance(Duration::from_secs(2)).await;
        assert_eq!(get(short).await, Some(0), "as it was, while it is looked for");
        tokio::time::sleep(Duration::from_secs(2)).await;
        assert_eq!(get(short).await, Some(1));
    }

    #[tokio::test]
    async fn what_could_not_be_found_is_looked_for_again() {
        let slow: Arc<Slow<&str, u64>> = Arc::new(Slow::default());
        let patience = Duration::from_millis(20);
        assert!(Slow::get(&slow, "k", patience, async { None }).await.is_none());
        let found = Slow::get(&slow, "k", Duration::from_secs(9), async { Some(7) }).await;
        assert_eq!(found.map(|found| *found.value), Some(7));
    }
}
