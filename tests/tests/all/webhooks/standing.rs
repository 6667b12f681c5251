//! Health, metrics, and who may ask.

use std::time::{Duration, Instant};

use serde_json::Value;
use watershed_test_servers::RedisServer;

use super::endpoint::{Endpoint, PATH, asked, ended, folder};

const ROUTES: [(&str, &str); 5] = [
    ("GET", "/healthz"),
    ("GET", "/readyz"),
    ("GET", "/metrics"),
    ("POST", PATH),
    ("GET", "/anything"),
];

#[test]
fn a_name_that_is_not_ours_is_refused_on_every_route() {
    let home = folder("[server]\nhosts = [\"hooks.example.com\"]\n");
    let endpoint = Endpoint::start(&home);
    let status = |name: &str, (method, path): (&str, &str)| {
        endpoint.ask_as(name, method, path, &Vec::new(), b"").status
    };
    for route in ROUTES {
        for name in ["evil.example", "localhost.evil.example:80", ""] {
            assert_eq!(status(name, route), 403, "{name} {route:?}");
        }
        for name in ["localhost", "hooks.example.com", "[::1]:8080"] {
            assert_ne!(status(name, route), 403, "{name} {route:?}");
        }
    }
    let refused = "watershed_http_refused_total{reason=\"host\"}";
    assert!((endpoint.metric(refused) - 15.0).abs() < f64::EPSILON);
    let answer = endpoint.get("/healthz");
    assert!(answer.headers.iter().any(|h| h == "x-content-type-options: nosniff"), "{answer:?}");
}

#[test]
fn it_listens_beyond_this_machine_only_with_a_token_that_nobody_guesses() {
    let home = folder("");
    let refused = home.run(&["serve", "--listen", "0.0.0.0:0"]).expect(2);
    assert!(refused.stderr.contains("there is no token"), "{refused}");
    let mut home = folder("[server]\ntoken = { env = \"TOKEN\" }\n");
    home.set("TOKEN", Some("SIMSECRET-short"));
    let refused = home.run(&["serve", "--listen", "0.0.0.0:0"]).expect(2);
    assert!(refused.stderr.contains("could be guessed"), "{refused}");
    assert!(!refused.stderr.contains("SIMSECRET"), "{refused}");
}

#[test]
fn with_a_token_metrics_need_it_and_health_does_not() {
    let mut home = folder("[server]\ntoken = { env = \"TOKEN\" }\n");
    home.set("TOKEN", Some("SIMSECRET-0123456789abcdef"));
    let endpoint = Endpoint::start(&home);
    let ask = |path, given: Option<&str>| {
        let given = given.map(|token| ("Authorization", format!("Bearer {token}")));
        endpoint.ask("GET", path, &given.into_iter().collect(), b"").status
    };
    assert_eq!(ask("/metrics", None), 401);
    assert_eq!(ask("/metrics", Some("SIMSECRET-0123456789abcdee")), 401);
    assert_eq!(ask("/metrics", Some("SIMSECRET-0123456789abcdef")), 200);
    assert_eq!((ask("/healthz", None), ask("/readyz", None)), (200, 200));
}

#[test]
fn what_was_done_more_than_a_week_ago_is_forgotten() {
    let home = folder("");
    let endpoint = Endpoint::start(&home);
    for uuid in ["old==", "late==", "waits=="] {
        assert_eq!(endpoint.post(&ended("acme-account", uuid)).status, 204);
    }
    drop(endpoint);
    let database = rusqlite::Connection::open(home.sink()).expect("the dataset");
    let done = "UPDATE _inbox SET body = NULL, done_at = strftime('%FT%H:%M:%fZ', 'now', ?1)
                WHERE place = ?2";
    for (when, place) in [("-8 days", 1), ("-6 days", 2)] {
        database.execute(done, (when, place)).expect("it is done");
    }
    let _endpoint = Endpoint::start(&home);
    let until = Instant::now() + Duration::from_secs(30);
    while asked(&home, "SELECT \"key\" FROM _inbox").len() == 3 {
        assert!(Instant::now() < until, "nothing is forgotten");
        std::thread::sleep(Duration::from_millis(20));
    }
    assert_eq!(asked(&home, "SELECT cast(place AS TEXT) FROM _inbox"), ["2", "3"]);
}

#[test]
fn it_is_ready_while_both_stores_answer() {
    let mut redis = RedisServer::start(&[]);
    let home = folder(&format!("[store]\nurl = \"{}\"\n", redis.url()));
    let endpoint = Endpoint::start(&home);
    let answer = endpoint.get("/readyz");
    let told: Value = serde_json::from_slice(&answer.body).expect("JSON");
    assert_eq!((answer.status, &told["store"]), (200, &"answers".into()), "{told}");
    redis.kill();
    let until = Instant::now() + Duration::from_secs(30);
    let told: Value = loop {
        let answer = endpoint.get("/readyz");
        if answer.status == 503 {
            break serde_json::from_slice(&answer.body).expect("JSON");
        }
        assert!(Instant::now() < until, "it is ready without its store");
    };
    assert_eq!((&told["store"], &told["sink"]), (&"does not answer".into(), &"answers".into()));
    assert_eq!(endpoint.get("/healthz").status, 200, "the process lives all the same");
}
