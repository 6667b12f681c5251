//! A way to a server that can be harmed: cut, held up, led elsewhere.

use std::io::{Read, Write};
use std::net::{Shutdown, TcpListener, TcpStream};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

/// What begins a request that changes something: a script of Redis by its hash.
const REQUEST: &[u8] = b"EVALSHA";
/// Bytes that are passed on at once.
const PART: usize = 64 * 1024;

/// A port of this machine whose connections lead to another port of it. Dropped, it leads nowhere.
pub struct Proxy {
    port: u16,
    way: Arc<Way>,
}

/// How the way is.
#[derive(Default)]
struct State {
    to: u16,
    held: bool,
    over: bool,
    delay: Duration,
    /// Cuts to come, and those that were made.
    cuts: [u64; 2],
    made: u64,
    open: Vec<TcpStream>,
}

/// Where a request is cut.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Cut {
    /// Half of it has gone.
    Request,
    /// It has gone, and what the server answers is lost.
    Answer,
}

#[derive(Default)]
struct Way {
    state: Mutex<State>,
    changed: Condvar,
}

impl Proxy {
    /// A way to that port.
    ///
    /// # Panics
    /// Where there is no free port.
    pub fn to(port: u16) -> Proxy {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
        let own = listener.local_addr().expect("it is bound").port();
        let way = Arc::new(Way::default());
        way.state().to = port;
        let taken = way.clone();
        std::thread::spawn(move || {
            for client in listener.incoming().flatten() {
                if taken.state().over {
                    break;
                }
                taken.clone().open(client);
            }
        });
        Proxy { port: own, way }
    }

    /// The port that it listens on, on the loopback.
    pub fn port(&self) -> u16 {
        self.port
    }

    /// Leads to another port from now on. What is open is cut.
    pub fn lead_to(&self, port: u16) {
        self.way.state().to = port;
        self.cut_all();
    }

    /// Cuts what is open.
    pub fn cut_all(&self) {
        self.way.state().cut_all();
    }

    /// Cuts the next `many` requests there, each with its connection.
    pub fn cut(&self, at: Cut, many: u64) {
        self.way.state().cuts[at as usize] += many;
    }

    /// Cuts that were asked for and not made yet.
    pub fn cuts_to_come(&self) -> u64 {
        self.way.state().cuts.iter().sum()
    }

    /// Requests that were cut so far.
    pub fn cuts_made(&self) -> u64 {
        self.way.state().made
    }

    /// Holds up all that passes by so much, each way.
    pub fn delay(&self, by: Duration) {
        self.way.state().delay = by;
    }

    /// A black hole: nothing passes, nothing is cut, until [`Proxy::let_pass`].
    pub fn hold(&self) {
        self.way.state().held = true;
    }

    /// All passes again, what was held first.
    pub fn let_pass(&self) {
        self.way.state().held = false;
        self.way.changed.notify_all();
    }
}

impl Drop for Proxy {
    fn drop(&mut self) {
        let mut state = self.way.state();
        (state.over, state.held) = (true, false);
        state.cut_all();
        drop(state);
        self.way.changed.notify_all();
        // Its thread waits for a connection: the last one.
        drop(TcpStream::connect(("127.0.0.1", self.port)));
    }
}

impl State {
    fn cut_all(&mut self) {
        for open in self.open.drain(..) {
            // It may be over already.
            let _ = open.shutdown(Shutdown::Both);
        }
    }

    fn takes(&mut self, at: Cut) -> bool {
        let left = &mut self.cuts[at as usize];
        let takes = *left > 0;
        *left -= u64::from(takes);
        self.made += u64::from(takes);
        takes
    }
}

impl Way {
    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn open(self: Arc<Way>, client: TcpStream) {
        let to = self.state().to;
        let Ok(server) = TcpStream::connect(("127.0.0.1", to)) else { return };
        let ends = [&client, &client, &server, &server].map(TcpStream::try_clone);
        let [Ok(from_client), Ok(to_client), Ok(from_server), Ok(to_server)] = ends else { return };
        for end in [&client, &server] {
            let _ = end.set_nodelay(true);
        }
        self.state().open.extend([client, server]);
        let asked = Arc::new(Mutex::new(false));
        let (there, back) = (self.clone(), self);
        let waits = asked.clone();
        std::thread::spawn(move || there.pass(Cut::Request, from_client, to_server, &waits));
        std::thread::spawn(move || back.pass(Cut::Answer, from_server, to_client, &asked));
    }

    /// Passes on what comes, until either end is over or the way is cut here. `asked`: whether
    /// a request waits for its answer.
    fn pass(&self, at: Cut, mut from: TcpStream, mut to: TcpStream, asked: &Mutex<bool>) {
        let mut part = vec![0; PART];
        while let Ok(length @ 1..) = from.read(&mut part) {
            let mut part = &part[..length];
            self.waited();
            let mut asked = asked.lock().unwrap_or_else(PoisonError::into_inner);
            let meant = match at {
                Cut::Request => {
                    *asked |= part.windows(REQUEST.len()).any(|bytes| bytes == REQUEST);
                    *asked
                }
                Cut::Answer => std::mem::take(&mut *asked),
            };
            drop(asked);
            let cut = meant && self.state().takes(at);
            if cut {
                part = if at == Cut::Request { &part[..length / 2] } else { &[] };
            }
            if to.write_all(part).is_err() || cut {
                break;
            }
        }
        for end in [from, to] {
            let _ = end.shutdown(Shutdown::Both);
        }
    }

    /// Waits as long as what passes is held up.
    fn waited(&self) {
        let delay = self.state().delay;
        if !delay.is_zero() {
            std::thread::sleep(delay);
        }
        let state = self.state();
        drop(self.changed.wait_while(state, |state| state.held));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A way to a server that answers whatever ends with a full stop, and what that has read.
    fn ground() -> (Proxy, Arc<Mutex<Vec<u8>>>) {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
        let port = listener.local_addr().expect("it is bound").port();
        let read = Arc::new(Mutex::new(Vec::new()));
        let kept = read.clone();
        std::thread::spawn(move || {
            for mut client in listener.incoming().flatten() {
                let mut part = [0; 100];
                while let Ok(length @ 1..) = client.read(&mut part) {
                    kept.lock().expect("it is read").extend(&part[..length]);
                    if part[..length].ends_with(b".") {
                        let _ = client.write_all(b"+");
                    }
                }
            }
        });
        (Proxy::to(port), read)
    }

    /// What is answered to a request; `None` where the connection is cut.
    fn asked(proxy: &Proxy, request: &[u8]) -> Option<u8> {
        let mut client = TcpStream::connect(("127.0.0.1", proxy.port())).expect("it listens");
        client.write_all(request).expect("it is written");
        let mut answer = [0];
        matches!(client.read(&mut answer), Ok(1)).then_some(answer[0])
    }

    #[test]
    fn a_request_is_cut_before_its_answer_or_in_its_middle() {
        let (proxy, read) = ground();
        proxy.cut(Cut::Answer, 1);
        assert_eq!(asked(&proxy, b"PING."), Some(b'+'), "no script");
        assert_eq!(asked(&proxy, b"EVALSHA 1."), None);
        assert_eq!(asked(&proxy, b"EVALSHA 2."), Some(b'+'));
        assert!(read.lock().expect("it is read").ends_with(b"EVALSHA 1.EVALSHA 2."));
        proxy.cut(Cut::Request, 1);
        assert_eq!(asked(&proxy, b"EVALSHA 3."), None);
        assert_eq!((proxy.cuts_to_come(), proxy.cuts_made()), (0, 2));
        assert_eq!(asked(&proxy, b"PING."), Some(b'+'));
        assert!(read.lock().expect("it is read").ends_with(b"EVALSPING."));
    }

    #[test]
    fn what_is_held_comes_once_it_is_let_pass() {
        let (proxy, _) = ground();
        proxy.hold();
        let mut client = TcpStream::connect(("127.0.0.1", proxy.port())).expect("it listens");
        client.write_all(b"PING.").expect("it is written");
        client.set_read_timeout(Some(Duration::from_millis(100))).expect("it can be set");
        let mut answer = [0];
        assert!(client.read(&mut answer).is_err(), "nothing passes");
        proxy.let_pass();
        client.set_read_timeout(None).expect("it can be set");
        assert_eq!(client.read(&mut answer).expect("it passes"), 1);
        proxy.cut_all();
        assert_eq!(client.read(&mut answer).unwrap_or(0), 0, "it is cut");
    }
}
