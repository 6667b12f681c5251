//! A way to Redis that rewrites scripts: what is planted is in no program, and Redis carries it
//! out like any other script.

use std::collections::BTreeMap;
use std::io::{BufRead, BufReader, Result, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::{Arc, Mutex};

/// The hash of a script that Redis does not know: it has to be loaded by this way first.
const UNKNOWN: &[u8] = b"0000000000000000000000000000000000000000";

/// Hashes of scripts as the program has them, and of those in their place.
type Loaded = Arc<Mutex<BTreeMap<Vec<u8>, String>>>;

/// What is made of the text of a script.
pub(crate) type Rewrite = fn(&str) -> String;

/// Listens, and leads to that port of this machine; the URL of the way.
pub(crate) fn way_to(port: u16, rewrite: Rewrite) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
    let here = listener.local_addr().expect("it has an address").port();
    let loaded = Loaded::default();
    std::thread::spawn(move || {
        for client in listener.incoming().flatten() {
            let server = TcpStream::connect(("127.0.0.1", port)).expect("the server");
            client.set_nodelay(true).and_then(|()| server.set_nodelay(true)).expect("no delay");
            let (mut back, mut answers) = (clone(&client), clone(&server));
            std::thread::spawn(move || std::io::copy(&mut answers, &mut back));
            let loaded = loaded.clone();
            // It ends where either side does.
            std::thread::spawn(move || requests(client, server, rewrite, &loaded));
        }
    });
    format!("redis://127.0.0.1:{here}/0")
}

fn clone(stream: &TcpStream) -> TcpStream {
    stream.try_clone().expect("a second hand on the connection")
}

fn requests(client: TcpStream, mut to: TcpStream, rewrite: Rewrite, loaded: &Loaded) -> Result<()> {
    let mut from = BufReader::new(client);
    loop {
        let mut words = request(&mut from)?;
        let is = |at: usize, what: &str| words.get(at).is_some_and(|w: &Vec<u8>| is(w, what));
        if is(0, "EVALSHA") {
            let loaded = loaded.lock().expect("no thread died with it");
            words[1] = loaded.get(&words[1]).map_or(UNKNOWN, |hash| hash.as_bytes()).to_vec();
        } else if is(0, "SCRIPT") && is(1, "LOAD") {
            // It is loaded as it is, too: its hash is what the program waits for.
            let text = String::from_utf8(words[2].clone()).expect("a script is text");
            let was = redis::Script::new(&text).get_hash().to_owned();
            let now = rewritten(&to, &rewrite(&text));
            loaded.lock().expect("no thread died with it").insert(was.into_bytes(), now);
        }
        let mut whole = format!("*{}\r\n", words.len()).into_bytes();
        for word in words {
            whole.extend(format!("${}\r\n", word.len()).into_bytes());
            whole.extend(word);
            whole.extend(b"\r\n");
        }
        to.write_all(&whole)?;
    }
}

/// Loads a script; its hash.
fn rewritten(server: &TcpStream, text: &str) -> String {
    let port = server.peer_addr().expect("it is connected").port();
    let client = redis::Client::open(format!("redis://127.0.0.1:{port}")).expect("the URL");
    let mut connection = client.get_connection().expect("a connection");
    redis::Script::new(text).load(&mut connection).expect("what is planted is Lua")
}

fn is(word: &[u8], what: &str) -> bool {
    word.eq_ignore_ascii_case(what.as_bytes())
}

/// One request: `*WORDS`, and `$BYTES` before each word.
fn request(from: &mut impl BufRead) -> Result<Vec<Vec<u8>>> {
    let mut words = Vec::new();
    for _ in 0..number(from)? {
        let mut word = vec![0; number(from)? + 2];
        from.read_exact(&mut word)?;
        word.truncate(word.len() - 2);
        words.push(word);
    }
    Ok(words)
}

/// A line's number, after its mark.
fn number(from: &mut impl BufRead) -> Result<usize> {
    let mut line = String::new();
    from.read_line(&mut line)?;
    let number = line.get(1..).and_then(|number| number.trim().parse().ok());
    number.ok_or_else(|| std::io::ErrorKind::UnexpectedEof.into())
}
