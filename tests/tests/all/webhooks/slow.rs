//! Whoever is slow, and whoever stops.

use std::io::{BufReader, Read, Write};
use std::net::TcpStream;
use std::time::{Duration, Instant};

use rustix::process::Signal;
use watershed_test_servers::PostgresServer;

use super::endpoint::{
    Endpoint, PATH, SECRET, ended, folder, head, inbox, now, read_answer, signed,
};

/// A head and a part of the body of a right event.
fn begun(endpoint: &Endpoint, uuid: &str) -> (TcpStream, String) {
    let body = ended("acme-account", uuid);
    let mut stream = endpoint.connect();
    let head = head(&endpoint.host, "POST", PATH, &signed(SECRET, &now(), &body), body.len());
    stream.write_all(&head).expect("it takes a head");
    stream.write_all(&body.as_bytes()[..40]).expect("it takes some of a body");
    (stream, body[40..].to_owned())
}

#[test]
fn who_is_slow_keeps_nobody_waiting_and_is_cut_off() {
    let home = folder("");
    let endpoint = Endpoint::start(&home);
    let began = Instant::now();
    let mut heads: Vec<TcpStream> = (0..100)
        .map(|_| {
            let mut stream = endpoint.connect();
            stream.write_all(b"POST /webhooks/zoom/acme HTTP/1.1\r\nHo").expect("half a head");
            stream
        })
        .collect();
    let bodies: Vec<TcpStream> = (0..100).map(|_| begun(&endpoint, "slow==").0).collect();
    for n in 0..20 {
        let asked = Instant::now();
        assert_eq!(endpoint.post(&ended("acme-account", &format!("{n}=="))).status, 204);
        assert!(asked.elapsed() < Duration::from_secs(2), "{:?}", asked.elapsed());
    }
    for stream in bodies {
        let answer = read_answer(&mut BufReader::new(stream)).expect("an answer");
        assert_eq!(answer.status, 408);
    }
    for stream in &mut heads {
        // A byte now and then does not help.
        let _ = stream.write_all(b"s");
        let mut rest = Vec::new();
        let _ = stream.read_to_end(&mut rest);
        assert!(!String::from_utf8_lossy(&rest).contains(" 204 "), "{rest:?}");
    }
    assert!(began.elapsed() < Duration::from_secs(40), "{:?}", began.elapsed());
    assert_eq!(inbox(&home).len(), 20);
    assert!((endpoint.outcome("slow") - 100.0).abs() < f64::EPSILON);
}

#[test]
fn more_who_are_slow_than_there_is_room_for_make_way_soon() {
    let home = folder("");
    let endpoint = Endpoint::start(&home);
    let _heads: Vec<TcpStream> = (0..500)
        .map(|_| {
            let mut stream = endpoint.connect();
            stream.write_all(b"POST /webhooks/zoom/acme HTTP/1.1\r\nHo").expect("half a head");
            stream
        })
        .collect();
    let asked = Instant::now();
    assert_eq!(endpoint.post(&ended("acme-account", "a==")).status, 204);
    let took = asked.elapsed();
    eprintln!("behind 500 who are slow: {took:?}");
    assert!(took < Duration::from_secs(7), "{took:?}");
}

#[test]
fn long_bodies_that_trickle_fill_no_memory_and_keep_no_short_one_waiting() {
    let home = folder("");
    let endpoint = Endpoint::start(&home);
    let long = |uuid: &str| {
        let body = ended("acme-account", uuid);
        format!("{body}{}", " ".repeat(500_000))
    };
    assert_eq!(endpoint.post(&long("first==")).status, 204);
    let body = long("slow==");
    let head = head(&endpoint.host, "POST", PATH, &signed(SECRET, &now(), &body), body.len());
    let _slow: Vec<TcpStream> = (0..64)
        .map(|_| {
            let mut stream = endpoint.connect();
            stream.write_all(&head).expect("it takes a head");
            stream.write_all(&body.as_bytes()[..400]).expect("it takes some of a body");
            stream
        })
        .collect();
    std::thread::sleep(Duration::from_millis(300));
    let answer = endpoint.post(&long("another=="));
    assert_eq!(answer.status, 503, "{answer:?}");
    assert_eq!(endpoint.post(&ended("acme-account", "short==")).status, 204);
    assert!((endpoint.outcome("busy") - 1.0).abs() < f64::EPSILON);
    let until = Instant::now() + Duration::from_secs(20);
    while endpoint.post(&long("another==")).status != 204 {
        assert!(Instant::now() < until, "long ones are never read again");
    }
}

#[test]
fn what_is_in_flight_at_a_stop_is_answered() {
    let home = folder("");
    let mut endpoint = Endpoint::start(&home);
    let (mut stream, rest) = begun(&endpoint, "late==");
    std::thread::sleep(Duration::from_millis(200));
    endpoint.process.signal(Signal::TERM);
    let refused = |endpoint: &Endpoint| TcpStream::connect(&endpoint.host).is_err();
    let until = Instant::now() + Duration::from_secs(10);
    while !refused(&endpoint) {
        assert!(Instant::now() < until, "it takes connections after a stop");
        std::thread::sleep(Duration::from_millis(10));
    }
    stream.write_all(rest.as_bytes()).expect("it still reads");
    let answer = read_answer(&mut BufReader::new(stream)).expect("an answer");
    assert_eq!(answer.status, 204);
    let ended = endpoint.process.wait(Duration::from_secs(30)).expect("it ends").expect(0);
    assert!(ended.took < Duration::from_secs(20), "{ended}");
    assert_eq!(inbox(&home), ["late=="]);
}

#[test]
fn on_a_postgresql_that_goes_away_nothing_acknowledged_is_lost() {
    let mut server = PostgresServer::start(&[]);
    let database = server.database();
    let home = folder(&format!("[sink]\nurl = \"{}\"\n", database.url));
    let endpoint = Endpoint::start(&home);
    let body = |n: u32| ended("acme-account", &format!("{n}=="));
    let mut acknowledged = Vec::new();
    let until = Instant::now() + Duration::from_secs(60);
    // What the killed server's children still commit is as durable as the rest.
    for n in 0.. {
        if n == 50 {
            server.kill();
        }
        let began = Instant::now();
        match endpoint.post(&body(n)).status {
            204 => acknowledged.push(format!("{n}==")),
            503 if n >= 50 => {
                assert!(began.elapsed() < Duration::from_secs(3), "{:?}", began.elapsed());
                break;
            }
            other => panic!("event {n} was answered {other}"),
        }
        assert!(Instant::now() < until, "it goes well without its database");
    }
    server.restart();
    while endpoint.post(&body(u32::MAX)).status != 204 {
        assert!(Instant::now() < until, "it never goes well again");
    }
    acknowledged.push(format!("{}==", u32::MAX));
    let kept =
        "SELECT string_agg(body #>> '{payload,object,uuid}', ' ' ORDER BY place) FROM _inbox";
    let kept = server.sql(&database.name, kept);
    let kept: Vec<&str> = kept.split_whitespace().collect();
    let lost: Vec<_> = acknowledged.iter().filter(|uuid| !kept.contains(&uuid.as_str())).collect();
    assert!(lost.is_empty(), "acknowledged and lost: {lost:?}");
    // The one that was not acknowledged may be there all the same.
    assert!(kept.len() <= acknowledged.len() + 1, "{kept:?}");
}

#[test]
fn an_inbox_that_does_not_keep_is_told_as_such_and_again_later_goes_well() {
    let home = folder("");
    let endpoint = Endpoint::start(&home);
    let database = rusqlite::Connection::open(home.sink()).expect("the dataset");
    database.execute_batch("BEGIN IMMEDIATE").expect("it is held");
    let began = Instant::now();
    let answer = endpoint.post(&ended("acme-account", "a=="));
    assert_eq!(answer.status, 503, "{answer:?}");
    assert!(answer.headers.iter().any(|h| h.starts_with("retry-after: ")), "{answer:?}");
    assert!(
        began.elapsed() < Duration::from_secs(3),
        "Zoom waits no longer: {:?}",
        began.elapsed()
    );
    assert!((endpoint.outcome("failed") - 1.0).abs() < f64::EPSILON);
    database.execute_batch("ROLLBACK").expect("it is free");
    let until = Instant::now() + Duration::from_secs(30);
    while endpoint.post(&ended("acme-account", "a==")).status != 204 {
        assert!(Instant::now() < until, "it never goes well again");
    }
    assert_eq!(inbox(&home), ["a=="]);
}
