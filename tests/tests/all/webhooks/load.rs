//! A thousand events a second, and a kill in the middle of them.

use std::collections::BTreeSet;
use std::io::{BufReader, Write};
use std::net::TcpStream;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::{Duration, Instant};

use watershed_tests::{Home, Size};

use super::endpoint::{
    Endpoint, PATH, SECRET, ended, folder, head, inbox, now, read_answer, signed,
};
use crate::ground::measured;

/// Events a second.
const RATE: u64 = 1_000;
/// Connections that they come by.
const SENDERS: u64 = 16;
/// What Zoom's own patience leaves room for.
const P99_MAX: Duration = Duration::from_millis(100);

/// What was answered: the uuids of acknowledged events, and how long each answer took from when
/// its event was due.
#[derive(Default)]
struct Heard {
    acknowledged: BTreeSet<String>,
    took: Vec<Duration>,
    refused: Vec<String>,
}

/// Sends at the rate until `until`. Events that find nobody there are sent by nobody again: the
/// reconcile is for them. `gone`: the server is away on purpose.
fn send(host: &str, round: &str, during: Duration, gone: &AtomicBool) -> Heard {
    let heard = Arc::new(Mutex::new(Heard::default()));
    let began = Instant::now();
    thread::scope(|scope| {
        for sender in 0..SENDERS {
            let heard = Arc::clone(&heard);
            scope.spawn(move || {
                let mut own = Heard::default();
                let mut stream: Option<BufReader<TcpStream>> = None;
                for n in (sender..).step_by(SENDERS as usize) {
                    let due = began + Duration::from_micros(n * 1_000_000 / RATE);
                    if due > began + during || gone.load(Ordering::Relaxed) {
                        break;
                    }
                    thread::sleep(due.saturating_duration_since(Instant::now()));
                    let uuid = format!("{round}-{n}==");
                    match one(&mut stream, host, &uuid) {
                        Ok(204) => {
                            own.took.push(due.elapsed());
                            own.acknowledged.insert(uuid);
                        }
                        Ok(status) => own.refused.push(format!("{uuid}: {status}")),
                        Err(_) if gone.load(Ordering::Relaxed) => break,
                        Err(error) => own.refused.push(format!("{uuid}: {error}")),
                    }
                }
                let mut heard = heard.lock().expect("nobody panics with it");
                heard.acknowledged.append(&mut own.acknowledged);
                heard.took.append(&mut own.took);
                heard.refused.append(&mut own.refused);
            });
        }
    });
    Arc::into_inner(heard).expect("all have ended").into_inner().expect("nobody panicked")
}

fn one(stream: &mut Option<BufReader<TcpStream>>, host: &str, uuid: &str) -> std::io::Result<u16> {
    let mut open = match stream.take() {
        Some(open) => open,
        None => {
            let stream = TcpStream::connect(host)?;
            stream.set_nodelay(true)?;
            stream.set_read_timeout(Some(Duration::from_secs(30)))?;
            BufReader::new(stream)
        }
    };
    let body = ended("acme-account", uuid);
    let mut request = head(host, "POST", PATH, &signed(SECRET, &now(), &body), body.len());
    request.extend_from_slice(body.as_bytes());
    open.get_mut().write_all(&request)?;
    let answer = read_answer(&mut open)?;
    *stream = Some(open);
    Ok(answer.status)
}

/// Insists that every acknowledged event is in the inbox, once.
fn insist(home: &Home, acknowledged: &BTreeSet<String>) -> usize {
    let kept = inbox(home);
    let once: BTreeSet<String> = kept.iter().cloned().collect();
    assert_eq!(once.len(), kept.len(), "an event is there twice");
    let lost: Vec<&String> = acknowledged.difference(&once).collect();
    assert!(lost.is_empty(), "{} acknowledged and lost: {lost:?}", lost.len());
    kept.len()
}

#[test]
fn of_a_thousand_a_second_none_that_was_acknowledged_is_lost_over_a_kill() {
    let size = Size::asked();
    let during = Duration::from_secs(size.of(3, 30));
    let home = folder("");
    let gone = AtomicBool::new(false);

    let endpoint = Endpoint::start_quiet(&home);
    let mut heard = send(&endpoint.host, "whole", during, &gone);
    assert_eq!(heard.refused, [""; 0]);
    let sent = during.as_secs() * RATE;
    assert!(heard.acknowledged.len() as u64 >= sent, "{} of {sent}", heard.acknowledged.len());
    insist(&home, &heard.acknowledged);
    heard.took.sort();
    let p99 = heard.took[heard.took.len() * 99 / 100];
    let worst = heard.took.last().copied().unwrap_or_default();

    // The same again, killed in the middle.
    let Endpoint { process, host } = endpoint;
    let killed = thread::scope(|scope| {
        let sending = scope.spawn(|| send(&host, "killed", during, &gone));
        thread::sleep(during / 2);
        process.kill().expect("it is gone");
        gone.store(true, Ordering::Relaxed);
        sending.join().expect("it sends")
    });
    assert!(killed.acknowledged.len() as u64 >= sent / 4, "{}", killed.acknowledged.len());
    heard.acknowledged.extend(killed.acknowledged.iter().cloned());
    insist(&home, &heard.acknowledged);

    let endpoint = Endpoint::start_quiet(&home);
    gone.store(false, Ordering::Relaxed);
    let again = send(&endpoint.host, "again", Duration::from_secs(1), &gone);
    assert_eq!(again.refused, [""; 0]);
    heard.acknowledged.extend(again.acknowledged);
    let kept = insist(&home, &heard.acknowledged);
    let acknowledged = heard.acknowledged.len();
    measured(
        "webhooks, 1,000 a second, killed in the middle and started again",
        &format!("{} s twice, {acknowledged} acknowledged", during.as_secs()),
        &format!("0 lost, {kept} kept; p99 {} ms, worst {} ms", p99.as_millis(), worst.as_millis()),
        "0; p99 below 100 ms",
    );
    if size == Size::All {
        assert!(p99 < P99_MAX, "p99 is {p99:?}");
    }
}
