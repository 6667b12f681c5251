//! Virtual time: it stands while anything can go on, and then jumps to the next timer.
//!
//! Two timers of one millisecond end in an order that the seed chooses, one after the other:
//! what the first one wakes has done all it can before the second one ends. A timer that wakes
//! nobody does not hold up those after it.

use std::collections::BTreeMap;
use std::future::{Future, poll_fn};
use std::pin::{Pin, pin};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, Waker};

use watershed_engine::Clock;
use watershed_model::Millis;

use crate::draws::Draws;

/// Runs `work`, and all that it spawns, on this thread in the time of `clock`.
///
/// # Panics
/// Where the system gives no runtime.
pub fn in_virtual_time<W: Future>(clock: &VirtualClock, work: W) -> W::Output {
    let (passing, heeding) = (clock.clone(), clock.clone());
    // Neither network nor time of the system: nothing but a timer of ours can be waited for.
    let runtime = tokio::runtime::Builder::new_current_thread()
        .on_thread_park(move || passing.pass())
        .build()
        .expect("a runtime without drivers needs nothing of the system");
    let mut work = pin!(work);
    runtime.block_on(poll_fn(move |cx| {
        heeding.state().thread = Some(cx.waker().clone());
        work.as_mut().poll(cx)
    }))
}

/// Time that passes when nothing else happens, and chance from a seed. Cheap to clone.
#[derive(Clone)]
pub struct VirtualClock(Arc<Mutex<State>>);

struct State {
    now: Millis,
    timers: BTreeMap<Timer, Waker>,
    timers_begun: u64,
    /// Wakes the thread.
    thread: Option<Waker>,
    /// What callers draw from.
    chance: Draws,
    /// What the order of timers is drawn from: it must not shift what callers draw.
    order: Draws,
}

/// When a timer ends; its place among those of that millisecond; which one it is.
type Timer = (Millis, u64, u64);

impl VirtualClock {
    /// A clock that stands at `now`.
    pub fn new(now: Millis, seed: u64) -> VirtualClock {
        VirtualClock(Arc::new(Mutex::new(State {
            now,
            timers: BTreeMap::new(),
            timers_begun: 0,
            thread: None,
            chance: Draws(seed),
            order: Draws(!seed),
        })))
    }

    /// Jumps to the first timer, and ends that one. The thread looks again in any case: who waited
    /// for it may have been asked by somebody who is not woken.
    fn pass(&self) {
        let (sleeper, thread) = {
            let mut state = self.state();
            let Some(((at, ..), sleeper)) = state.timers.pop_first() else { return };
            state.now = state.now.max(at);
            (sleeper, state.thread.clone())
        };
        sleeper.wake();
        if let Some(thread) = thread {
            thread.wake();
        }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Clock for VirtualClock {
    fn now(&self) -> Millis {
        self.state().now
    }

    fn sleep_until(&self, at: Millis) -> Pin<Box<dyn Future<Output = ()> + Send>> {
        Box::pin(Sleep { clock: self.clone(), at, timer: None })
    }

    fn random(&self) -> u64 {
        self.state().chance.next()
    }
}

struct Sleep {
    clock: VirtualClock,
    at: Millis,
    timer: Option<Timer>,
}

impl Future for Sleep {
    type Output = ();

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<()> {
        let sleep = &mut *self;
        let mut state = sleep.clock.state();
        if let Some(timer) = &sleep.timer {
            // It ends with its own turn, even where its millisecond has come.
            return match state.timers.get_mut(timer) {
                Some(waker) => {
                    waker.clone_from(cx.waker());
                    Poll::Pending
                }
                None => Poll::Ready(()),
            };
        }
        if sleep.at <= state.now {
            return Poll::Ready(());
        }
        state.timers_begun += 1;
        let timer = (sleep.at, state.order.next(), state.timers_begun);
        state.timers.insert(timer, cx.waker().clone());
        sleep.timer = Some(timer);
        Poll::Pending
    }
}

impl Drop for Sleep {
    fn drop(&mut self) {
        if let Some(timer) = &self.timer {
            let dropped = self.clock.state().timers.remove(timer);
            // What a waker does when it is dropped is not for the time in which we hold the lock.
            drop(dropped);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOON: Millis = Millis(43_200_000);

    /// Sleepers of these lengths, and the order and times in which they wake.
    fn woken(seed: u64, lengths: &[i64]) -> Vec<(usize, i64)> {
        let clock = VirtualClock::new(NOON, seed);
        let woken = Arc::new(Mutex::new(Vec::new()));
        in_virtual_time(&clock, async {
            let sleepers: Vec<_> = lengths
                .iter()
                .enumerate()
                .map(|(n, ms)| {
                    let (clock, woken, ms) = (clock.clone(), woken.clone(), *ms);
                    tokio::spawn(async move {
                        clock.sleep_until(NOON + ms).await;
                        let at = clock.now() - NOON;
                        woken.lock().expect("one thread").push((n, at));
                    })
                })
                .collect();
            for sleeper in sleepers {
                sleeper.await.expect("it only sleeps");
            }
        });
        Arc::into_inner(woken).expect("all have ended").into_inner().expect("one thread")
    }

    #[test]
    fn time_jumps_from_timer_to_timer() {
        let day = Millis::DAY;
        assert_eq!(woken(1, &[3 * day, 7, day]), [(1, 7), (2, day), (0, 3 * day)]);
    }

    #[test]
    fn the_seed_alone_chooses_the_order_within_a_millisecond() {
        let same = [5; 12];
        let orders: Vec<_> = (0..8).map(|seed| woken(seed, &same)).collect();
        assert!(orders.iter().any(|order| *order != orders[0]), "{orders:?}");
        for (seed, order) in (0..).zip(&orders) {
            assert_eq!(woken(seed, &same), *order);
        }
    }

    #[test]
    fn a_timer_that_wakes_nobody_does_not_stop_time() {
        let (done, hears) = std::sync::mpsc::channel();
        std::thread::spawn(move || {
            let clock = VirtualClock::new(NOON, 1);
            in_virtual_time(&clock, async {
                let mut looked_at = clock.sleep_until(NOON + 10);
                let deaf = &mut Context::from_waker(Waker::noop());
                assert!(looked_at.as_mut().poll(deaf).is_pending());
                clock.sleep_until(NOON + 20).await;
            });
            done.send(clock.now() - NOON)
        });
        let at = hears.recv_timeout(std::time::Duration::from_secs(60));
        assert_eq!(at, Ok(20), "time stands still");
    }

    #[test]
    fn a_sleeper_that_is_dropped_holds_no_time() {
        let clock = VirtualClock::new(NOON, 1);
        in_virtual_time(&clock, async {
            tokio::select! {
                biased;
                () = clock.sleep_until(NOON + 1_000) => panic!("the shorter one ends first"),
                () = clock.sleep_until(NOON + 10) => {}
            }
            clock.sleep_until(NOON + 20).await;
        });
        assert_eq!(clock.now(), NOON + 20);
        assert!(clock.state().timers.is_empty());
    }
}
