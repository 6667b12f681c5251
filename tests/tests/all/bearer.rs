//! The token, and the client's secret, reach nobody but who may have them: not by the address of a
//! file, not by a redirect of a file, a call or the token's own. A catcher on other ports and
//! addresses of this machine keeps whatever arrives. What cannot be reached from here is judged in
//! `crates/watershed-engine/tests/bearer.rs` and beside `hosts.rs` of `watershed-zoom`.

use std::io::Read;
use std::net::{TcpListener, TcpStream};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use watershed_tests::{Account, Hostile, Kind, Lead, SECRET_MARK};

use crate::ground::{free_account, measured};
use crate::hostile::hostile_home;

/// Whoever should get nothing: on a port of IPv4, of another loopback address, and of IPv6.
struct Catcher {
    ports: [u16; 3],
    caught: Arc<Mutex<Vec<Vec<u8>>>>,
    over: Arc<AtomicBool>,
}

impl Catcher {
    fn new() -> Catcher {
        let (caught, over) = (Arc::new(Mutex::new(Vec::new())), Arc::new(AtomicBool::new(false)));
        let ports = ["127.0.0.1:0", "127.0.0.2:0", "[::1]:0"].map(|at| {
            let listener = TcpListener::bind(at).unwrap_or_else(|e| panic!("listen on {at}: {e}"));
            let port = listener.local_addr().expect("it is bound").port();
            let (caught, over) = (caught.clone(), over.clone());
            std::thread::spawn(move || {
                for stream in listener.incoming().take_while(|_| !over.load(Ordering::SeqCst)) {
                    let mut bytes = Vec::new();
                    if let Ok(mut stream) = stream {
                        let quiet = stream.set_read_timeout(Some(Duration::from_millis(300)));
                        quiet.expect("a time that is none is not given");
                        // It ends by silence, which is an error, or is cut off.
                        stream.read_to_end(&mut bytes).ok();
                    }
                    caught.lock().expect("nobody broke").push(bytes);
                }
            });
            port
        });
        Catcher { ports, caught, over }
    }

    /// What has come, each connection by what it brought.
    fn caught(&self) -> Vec<String> {
        let caught = self.caught.lock().expect("nobody broke");
        caught.iter().map(|bytes| String::from_utf8_lossy(bytes).into_owned()).collect()
    }

    /// Ways to say where it is; none of them may be gone.
    fn addresses(&self) -> Vec<String> {
        let [port, other, six] = self.ports;
        vec![
            format!("http://127.0.0.1:{port}/f"),
            format!("HTTP://127.0.0.1:{port}/f"),
            format!("https://127.0.0.1:{port}/f"),
            format!("http://127.0.0.2:{other}/f"),
            format!("http://localhost:{port}/f"),
            format!("https://LocalHost:{port}/f"),
            format!("http://127.0.0.1.:{port}/f"),
            format!("http://2130706433:{port}/f"),
            format!("http://0x7f.1:{port}/f"),
            format!("http://0:{port}/f"),
            format!("http://[::1]:{six}/f"),
            format!("https://[::1]:{six}/f"),
            format!("http://[::ffff:127.0.0.1]:{port}/f"),
            format!("http://{{own}}@127.0.0.1:{port}/f"),
            format!("http://user:word@127.0.0.1:{port}/f"),
            format!("http://127.0.0.1:{port}/f#@{{own}}"),
            format!("http://127.0.0.1:{port}?@{{own}}/f"),
            format!("http://127.0.0.1:{port}\\@{{own}}/f"),
            format!("http:\\\\127.0.0.1:{port}\\f"),
            format!("ht\ttp://127.0.0.1:{port}/f"),
            format!("http:/127.0.0.1:{port}/f"),
            format!("ftp://127.0.0.1:{port}/f"),
            format!("ws://127.0.0.1:{port}/f"),
            format!("http://127.0.0.1:{port}/f?access_token="),
            format!("//127.0.0.1:{port}/f"),
            format!("\\\\127.0.0.1:{port}\\f"),
            "https://{own}/rec/f".to_owned(),
            "http://user@{own}/rec/f".to_owned(),
            "javascript:fetch('//{own}/rec/f')".to_owned(),
            "file:///etc/passwd".to_owned(),
            "data:text/plain,hi".to_owned(),
            "http://[::".to_owned(),
            String::new(),
        ]
    }

    /// Answers that lead there.
    fn heads(&self) -> Vec<String> {
        let port = self.ports[0];
        let there = format!("http://127.0.0.1:{port}/f");
        let mut heads: Vec<String> = self
            .addresses()
            .iter()
            .map(|to| format!("302 Found\r\nlocation: {}", to.replace('\t', "%09")))
            .collect();
        for status in [300, 301, 303, 305, 307, 308, 200, 401] {
            heads.push(format!("{status} There\r\nlocation: {there}"));
        }
        heads.extend([
            format!("302 Found\r\nlocation: {there}\r\nlocation: http://{{own}}/rec/f"),
            format!("302 Found\r\nlocation: http://{{own}}:1/f\r\nlocation: {there}"),
            format!("200 Fine\r\nrefresh: 0; url={there}"),
            format!(
                "302 Found\r\nrefresh: 0; url={there}\r\nuri: {there}\r\ncontent-location: {there}"
            ),
            format!("200 Fine\r\nlink: <{there}>; rel=preload\r\nalt-svc: h2=\"127.0.0.1:{port}\""),
            format!("401 No\r\nwww-authenticate: Bearer realm=\"{there}\""),
            format!("407 No\r\nproxy-authenticate: Basic realm=\"{there}\""),
        ]);
        heads
    }
}

impl Drop for Catcher {
    fn drop(&mut self) {
        self.over.store(true, Ordering::SeqCst);
        for (host, port) in ["127.0.0.1", "127.0.0.2", "::1"].into_iter().zip(self.ports) {
            // Each listener waits for a connection, and sees that it is over.
            TcpStream::connect((host, port)).ok();
        }
    }
}

/// Leads calls of that kind away, in one run; how many were.
fn led(account: &Account, kind: Kind, lead: Lead, leads: Vec<String>, catcher: &Catcher) -> usize {
    let count = leads.len();
    let hostile = Hostile::leading(account, kind, lead.behaviour(), leads).expect("a server");
    let home = hostile_home(&hostile, account, 16);
    let run = home.run(&["run", "hostile.yaml", "--run-id", "one", "-vvv"]);
    assert!(matches!(run.code, Some(1..=4)), "led away, it is not complete: {run}");
    let given = hostile.led() as usize;
    assert!(given > 0, "{kind:?}: nothing was led away: {run}");
    assert_eq!(hostile.odd(), [""; 0], "{kind:?}");
    let caught = catcher.caught();
    assert!(caught.is_empty(), "{kind:?}, {lead:?}: somebody else was asked: {caught:#?}");
    for secret in [SECRET_MARK, account.ready("client_secret")] {
        assert!(!run.stderr.contains(secret) && !run.stdout.contains(secret), "{kind:?}: {run}");
    }
    given.min(count)
}

#[test]
fn nobody_but_who_may_have_it_gets_the_token() {
    let account = free_account(4, 20_786);
    let catcher = Catcher::new();
    let addresses = led(&account, Kind::Recording, Lead::Address, catcher.addresses(), &catcher);
    let files = led(&account, Kind::File, Lead::Head, catcher.heads(), &catcher);
    let calls = led(&account, Kind::Pages, Lead::Head, catcher.heads(), &catcher);
    let reports = led(&account, Kind::Report, Lead::Head, catcher.heads(), &catcher);
    assert_eq!((addresses, files), (catcher.addresses().len(), catcher.heads().len()));
    // One by one, since a token that is refused is not asked for again.
    let mut tokens = 0;
    for head in catcher.heads().into_iter().filter(|head| head.starts_with("307 ")) {
        tokens += led(&account, Kind::Token, Lead::Head, vec![head], &catcher);
    }
    measured(
        "the token, led away",
        &format!(
            "{addresses} addresses of files; redirects of {files} files, {calls} lists, {reports} \
             reports, {tokens} tokens"
        ),
        "0 connections to anybody else",
        "0",
    );
}

#[test]
fn the_catcher_catches() {
    use std::io::Write;
    let catcher = Catcher::new();
    for (host, port) in ["127.0.0.1", "127.0.0.2", "::1"].into_iter().zip(catcher.ports) {
        let mut stream = TcpStream::connect((host, port)).expect("it listens");
        write!(stream, "GET /f HTTP/1.1\r\nauthorization: Bearer {SECRET_MARK}\r\n\r\n")
            .expect("sent");
    }
    let caught = || catcher.caught().iter().filter(|told| told.contains(SECRET_MARK)).count();
    let until = std::time::Instant::now() + Duration::from_secs(10);
    while caught() < 3 {
        assert!(std::time::Instant::now() < until, "{:?}", catcher.caught());
        std::thread::sleep(Duration::from_millis(10));
    }
}
