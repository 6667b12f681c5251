//! Events of webhooks: kept once, in order, until they are done.
#![expect(missing_docs, reason = "the name of a case is its rule")]

use std::collections::BTreeMap;

use std::sync::Arc;

use serde_json::{Value, json};
use watershed_model::{InboxEvent, Millis};
use watershed_sink::{Inbox, InboxCount, Taken};

use crate::Place;
use crate::scenario::CATALOGUE;

async fn open(place: &dyn Place) -> Arc<dyn Inbox> {
    place.open_inbox(CATALOGUE).await.expect("the place opens")
}

fn event_of(connection: &str, key: &str, received_at: i64) -> InboxEvent {
    InboxEvent {
        connection: connection.into(),
        key: key.into(),
        event: "meeting.ended".to_owned(),
        event_at: Some(Millis(1_700_000_000_123)),
        received_at: Millis(received_at),
        body: json!({ "event": "meeting.ended", "payload": { "object": { "uuid": key } } }),
    }
}

fn event(key: &str) -> InboxEvent {
    event_of("acme", key, 1_700_000_001_000)
}

/// Keys of what waits for a connection.
async fn waiting(inbox: &Arc<dyn Inbox>, connection: &str) -> Vec<String> {
    let waiting = inbox.waiting(connection.into(), None, 100).await.expect("an answer");
    waiting.into_iter().map(|waiting| waiting.event.key.0).collect()
}

pub async fn an_event_comes_back_as_it_was_kept(place: &dyn Place) {
    let odd = InboxEvent {
        event: "app.\0new".to_owned(),
        event_at: None,
        body: json!({ "text": "nul \0 and \u{241b}", "deep": [1, { "x": null }] }),
        ..event("a\0")
    };
    let inbox = open(place).await;
    inbox.keep(vec![event("a"), odd.clone()], BTreeMap::new()).await.unwrap();
    drop(inbox);
    let inbox = open(place).await;
    let kept = inbox.waiting("acme".into(), None, 9).await.unwrap();
    let kept: Vec<InboxEvent> = kept.into_iter().map(|waiting| waiting.event).collect();
    assert_eq!(kept, [event("a"), odd]);
}

pub async fn an_event_that_comes_again_changes_nothing(place: &dyn Place) {
    let inbox = open(place).await;
    let again = InboxEvent { body: Value::Null, ..event_of("acme", "a", 2) };
    let taken =
        inbox.keep(vec![event("a"), event("b"), again.clone()], BTreeMap::new()).await.unwrap();
    assert_eq!(taken, [Taken::New, Taken::New, Taken::Known]);
    let taken = inbox.keep(vec![again, event("c"), event("b")], BTreeMap::new()).await.unwrap();
    assert_eq!(taken, [Taken::Known, Taken::New, Taken::Known]);
    let kept = inbox.waiting("acme".into(), None, 1).await.unwrap();
    assert_eq!(kept[0].event, event("a"), "the first stays");
    assert_eq!(waiting(&inbox, "acme").await, ["a", "b", "c"]);
    assert_eq!(inbox.keep(Vec::new(), BTreeMap::new()).await.unwrap(), []);
}

pub async fn what_is_done_waits_no_longer_and_is_known_when_it_comes_again(place: &dyn Place) {
    let inbox = open(place).await;
    inbox.keep(vec![event("a"), event("b"), event("c")], BTreeMap::new()).await.unwrap();
    let keys = vec!["b".into(), "a".into(), "nowhere".into()];
    for _ in 0..2 {
        inbox.done("acme".into(), keys.clone(), Millis(5)).await.unwrap();
        assert_eq!(waiting(&inbox, "acme").await, ["c"]);
    }
    assert_eq!(inbox.keep(vec![event("a")], BTreeMap::new()).await.unwrap(), [Taken::Known]);
    assert_eq!(waiting(&inbox, "acme").await, ["c"]);
}

pub async fn events_wait_in_the_order_in_which_they_came_page_by_page(place: &dyn Place) {
    let inbox = open(place).await;
    let keys: Vec<String> = (0..23).map(|n| format!("k{}", (n * 7) % 23)).collect();
    for some in keys.chunks(5) {
        inbox.keep(some.iter().map(|key| event(key)).collect(), BTreeMap::new()).await.unwrap();
    }
    let (mut seen, mut after) = (Vec::new(), None);
    loop {
        let page = inbox.waiting("acme".into(), after, 4).await.unwrap();
        after = page.last().map(|last| last.place);
        seen.extend(page.iter().map(|waiting| waiting.event.key.0.clone()));
        if page.len() < 4 {
            break;
        }
    }
    assert_eq!(seen, keys);
}

pub async fn connections_have_events_of_their_own_and_a_backlog_each(place: &dyn Place) {
    let inbox = open(place).await;
    assert_eq!(inbox.backlog().await.unwrap(), []);
    let events = vec![event_of("globex", "a", 9_000), event_of("acme", "a", 8_000), {
        event_of("acme", "b", 7_000)
    }];
    assert_eq!(inbox.keep(events, BTreeMap::new()).await.unwrap(), [Taken::New; 3]);
    let count = |connection: &str, waiting, since| InboxCount {
        connection: connection.into(),
        waiting,
        since: Some(Millis(since)),
    };
    let both = [count("acme", 2, 7_000), count("globex", 1, 9_000)];
    assert_eq!(inbox.backlog().await.unwrap(), both);
    inbox.done("acme".into(), vec!["a".into(), "b".into()], Millis(10_000)).await.unwrap();
    assert_eq!(inbox.backlog().await.unwrap(), both[1..]);
    assert_eq!(waiting(&inbox, "globex").await, ["a"]);
}

pub async fn only_what_was_done_long_ago_is_forgotten_some_at_a_time(place: &dyn Place) {
    let inbox = open(place).await;
    inbox.keep(["a", "b", "c", "d"].map(event).into(), BTreeMap::new()).await.unwrap();
    for (key, at) in [("a", 1_000), ("b", 2_000), ("c", 3_000)] {
        inbox.done("acme".into(), vec![key.into()], Millis(at)).await.unwrap();
    }
    assert_eq!(inbox.forget(Millis(3_000), 1).await.unwrap(), 1);
    assert_eq!(inbox.forget(Millis(3_000), 9).await.unwrap(), 1);
    assert_eq!(inbox.forget(Millis(3_000), 9).await.unwrap(), 0);
    let taken = inbox.keep(["a", "c", "d"].map(event).into(), BTreeMap::new()).await.unwrap();
    assert_eq!(taken, [Taken::New, Taken::Known, Taken::Known]);
    assert_eq!(waiting(&inbox, "acme").await, ["d", "a"]);
}

pub async fn two_who_keep_the_same_events_keep_each_once(place: &dyn Place) {
    let inboxes = [open(place).await, open(place).await];
    let keeping = |which: usize| {
        let inbox = &inboxes[which];
        async move {
            let mut new = 0;
            for round in 0..20 {
                let events = (0..10).map(|n| event(&format!("{}", round * 10 + n))).collect();
                let taken = inbox.keep(events, BTreeMap::new()).await.unwrap();
                new += taken.iter().filter(|taken| **taken == Taken::New).count();
            }
            new
        }
    };
    let (one, two) = tokio::join!(keeping(0), keeping(1));
    assert_eq!(one + two, 200);
    assert_eq!(inboxes[0].waiting("acme".into(), None, 999).await.unwrap().len(), 200);
}
