//! Room for answers: so much of them is read, and not yet written, at a time.
//!
//! A page of 300 recordings takes some 30 MB while it is records, rows and children; 64 tasks
//! bring as many pages at once where the network is quick. Who has an answer waits with the
//! bytes until there is room, and gives it back when all is in the sink.

use std::sync::Arc;

use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use crate::clock::Clock;

/// KiB of answers: with all that is made of them some 30 MB.
const KIB: u32 = 2_048;
/// A sink that takes nothing for so long gives no room; what is there is read all the same, or
/// its call would be made again.
const WAIT_MAX_MS: i64 = 10_000;

/// The room.
pub(crate) struct Room(Arc<Semaphore>);

impl Default for Room {
    fn default() -> Room {
        Room(Arc::new(Semaphore::new(KIB as usize)))
    }
}

impl Room {
    /// Waits until an answer of so many bytes has room. One that is too large has all of it.
    pub(crate) async fn take(
        &self,
        bytes: usize,
        clock: &dyn Clock,
    ) -> Option<OwnedSemaphorePermit> {
        let kib = u32::try_from(bytes.div_ceil(1_024)).unwrap_or(KIB).clamp(1, KIB);
        let until = clock.now() + WAIT_MAX_MS;
        tokio::select! {
            biased;
            room = self.0.clone().acquire_many_owned(kib) => room.ok(),
            () = clock.sleep_until(until) => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::clock::SystemClock;

    #[tokio::test]
    async fn a_large_answer_waits_for_all_others_and_small_ones_for_none() {
        let (room, clock) = (Room::default(), SystemClock);
        let small = room.take(3_000, &clock).await.expect("there is room");
        let other = room.take(3_000, &clock).await.expect("there is room");
        let large = room.take(usize::MAX, &clock);
        tokio::pin!(large);
        let waits = tokio::time::timeout(std::time::Duration::from_millis(20), &mut large);
        assert!(waits.await.is_err());
        drop((small, other));
        assert!(large.await.is_some());
    }
}
