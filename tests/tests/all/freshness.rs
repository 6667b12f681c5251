//! How far datasets are complete, and whom that is told.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpListener;
use std::sync::mpsc::{Receiver, channel};
use std::time::Duration;

use rustix::process::Signal;
use serde_json::Value;
use watershed_tests::{Home, clock_off};

use crate::ground::{free_account, free_home};

const DAY_S: i64 = 86_400;
const TOLD_MAX: Duration = Duration::from_secs(60);
const NIGHT: [&str; 6] = ["run", "zoom-reconcile", "-q", "--input", "media=none", "--json"];

/// A reconcile so many days from now.
fn night(home: &Home, days: i64) {
    let mut command = home.command(&NIGHT);
    command.envs(clock_off(days * DAY_S, home.path()));
    home.start_command(command).wait(Duration::from_secs(120)).expect("it ends").expect(0);
}

fn fresh(home: &Home, dataset: &str) -> Value {
    let status = home.run(&["status", "--json"]).expect(0).json();
    let all = status["freshness"].as_array().expect("freshness").clone();
    all.into_iter().find(|one| one["dataset"] == dataset).unwrap_or_else(|| panic!("{status:#}"))
}

#[test]
fn nights_that_touch_are_one_stretch_and_those_left_out_are_told_until_somebody_asks() {
    let account = free_account(6, 93);
    let home = free_home(&account);
    night(&home, 0);
    night(&home, 1);
    let meetings = fresh(&home, "meetings");
    assert_eq!(meetings["missing"], Value::Array(Vec::new()));
    let first = meetings["through"].as_str().expect("an instant").to_owned();
    assert!(meetings["from"].as_str().is_some_and(|from| from < first.as_str()), "{meetings:#}");

    night(&home, 9);
    let meetings = fresh(&home, "meetings");
    let gap = &meetings["missing"][0];
    assert_eq!(gap["from"], first, "{meetings:#}");
    assert!(meetings["through"].as_str().is_some_and(|through| through > first.as_str()));
    let said = home.run(&["status"]).expect(0).stdout;
    assert!(said.contains("meetings: nobody asked from"), "{said}");
    let said = home.run(&["coverage"]).expect(0).stdout;
    assert!(said.contains("report_participants") && said.contains("not asked before"), "{said}");

    let mut command = home.command(&["run", "zoom-backfill", "-q", "--input", "from=-12d"]);
    command.args(["--input", "media=none"]).envs(clock_off(10 * DAY_S, home.path()));
    home.start_command(command).wait(Duration::from_secs(120)).expect("it ends").expect(0);
    let meetings = fresh(&home, "meetings");
    assert_eq!(meetings["missing"], Value::Array(Vec::new()), "{meetings:#}");
}

/// A service that takes notices, the first one with an error. Its address, and what came.
fn service() -> (String, Receiver<Value>) {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    let address = format!("http://{}/T0/SIMSECRET-hook", listener.local_addr().expect("where"));
    let (sender, told) = channel();
    std::thread::spawn(move || {
        for (nth, stream) in listener.incoming().enumerate() {
            let mut stream = stream.expect("a connection");
            let mut from = BufReader::new(stream.try_clone().expect("the same"));
            let (mut line, mut length) = (String::new(), 0);
            while from.read_line(&mut line).is_ok_and(|n| n > 2) {
                let header = line.trim().to_lowercase();
                if let Some(told) = header.strip_prefix("content-length: ") {
                    length = told.parse().expect("a length");
                }
                line.clear();
            }
            let mut body = vec![0; length];
            from.read_exact(&mut body).expect("a body");
            let status = if nth == 0 { "503 Busy" } else { "204 No Content" };
            let answer =
                format!("HTTP/1.1 {status}\r\nContent-Length: 0\r\nConnection: close\r\n\r\n");
            stream.write_all(answer.as_bytes()).expect("it listens");
            if sender.send(serde_json::from_slice(&body).expect("JSON")).is_err() {
                return;
            }
        }
    });
    (address, told)
}

#[test]
fn a_service_is_told_that_a_run_has_ended_and_that_nothing_fresh_has_come() {
    let account = free_account(4, 94);
    let mut home = free_home(&account);
    let (address, told) = service();
    home.set("WATERSHED_NOTIFY__URL", Some(&address));
    let ended = home.run(&NIGHT).expect(0);
    let (first, again) = (told.recv_timeout(TOLD_MAX), told.recv_timeout(TOLD_MAX));
    let (first, again) = (first.expect("a notice"), again.expect("the same once more"));
    assert_eq!(first, again, "it is tried again where it was not taken");
    let run = ended.json()["run"].clone();
    assert_eq!((&first["event"], &first["run"]), (&"run_ended".into(), &run), "{first:#}");
    assert_eq!((&first["state"], &first["exit"]), (&"complete".into(), &0.into()), "{first:#}");
    assert!(!ended.stderr.contains("SIMSECRET-hook"), "{}", ended.stderr);

    // A worker that is there days later, and no night has come.
    let mut command = home.command(&["worker"]);
    command.envs(clock_off(3 * DAY_S, home.path())).env("RUST_LOG", "trace");
    let mut worker = home.start_command(command);
    let notice = told.recv_timeout(TOLD_MAX).expect("a notice");
    assert_eq!(notice["event"], "nothing_fresh", "{notice:#}");
    assert_eq!(notice["connection"], "default");
    assert_eq!(
        notice["through"],
        fresh(&home, notice["dataset"].as_str().expect("a name"))["through"]
    );
    worker.signal(Signal::TERM);
    let ended = worker.wait(TOLD_MAX).expect("it ends").expect(0);
    assert!(!ended.stderr.contains("SIMSECRET-hook"), "{}", ended.stderr);
}
