//! The audit log: only added to, by whomever, and one chain.
#![expect(missing_docs, reason = "the name of a case is its rule")]

use std::sync::Arc;

use watershed_model::{Act, ActOutcome, Audit, Millis, Via};
use watershed_sink::{AuditEntry, Sink, Stored, walk_audit};

use crate::Place;
use crate::copies;
use crate::scenario::open;

fn audit(act: Act, at: i64) -> Audit {
    Audit {
        at: Millis(at),
        who: "ada \0(1000)".to_owned(),
        via: Via::Command,
        act,
        connection: Some("acme".into()),
        run: None,
        outcome: ActOutcome::Asked,
    }
}

async fn entries(sink: &Arc<dyn Sink>) -> Vec<AuditEntry> {
    sink.audited(0, 999).await.expect("the log is read")
}

pub async fn each_entry_follows_on_the_one_before(place: &dyn Place) {
    let sink = open(place).await;
    let empty = walk_audit(&*sink, None).await.unwrap();
    assert_eq!((empty.entries, empty.broken), (0, None));
    for (act, at) in [(Act::Pause, 1), (Act::Erase, 1), (Act::Pause, 1)] {
        sink.audit(audit(act, at)).await.unwrap();
    }
    let all = entries(&sink).await;
    assert_eq!(all.iter().map(|entry| entry.place).collect::<Vec<_>>(), [1, 2, 3]);
    assert_eq!(
        all.iter().map(|entry| entry.act.as_str()).collect::<Vec<_>>(),
        ["pause", "erase", "pause"]
    );
    assert_eq!(
        (all[0].at.as_str(), all[0].who.as_str()),
        ("1970-01-01T00:00:00.001Z", "ada \0(1000)")
    );
    assert_eq!(all[1].before, all[0].hash);
    assert_ne!(all[0].hash, all[2].hash, "the same act is another entry");
    assert_eq!(sink.audited(1, 1).await.unwrap(), all[1..2]);
    let walk = walk_audit(&*sink, Some(&all[1].hash)).await.unwrap();
    assert_eq!((walk.entries, walk.broken, walk.found), (3, None, true));
    assert_eq!(walk.head, all[2].hash);
}

pub async fn of_several_who_add_at_once_each_follows_on_another(place: &dyn Place) {
    let sinks = [open(place).await, open(place).await];
    let adding = (0..24).map(|n| {
        let sink = Arc::clone(&sinks[n % 2]);
        tokio::spawn(async move { sink.audit(audit(Act::Cancel, n as i64)).await })
    });
    for added in adding.collect::<Vec<_>>() {
        added.await.expect("no panic").expect("it is added");
    }
    let walk = walk_audit(&*sinks[0], None).await.unwrap();
    assert_eq!((walk.entries, walk.broken), (24, None));
}

pub async fn a_copy_goes_on_from_the_log_that_it_has_the_beginning_of(place: &dyn Place) {
    let from = open(place).await;
    for at in 1..=3 {
        from.audit(audit(Act::Pause, at)).await.unwrap();
    }
    let beside = place.beside();
    let to = open(&*beside).await;
    copies::whole(&from, &to).await;
    assert_eq!(entries(&to).await, entries(&from).await);
    from.audit(audit(Act::Erase, 4)).await.unwrap();
    copies::whole(&from, &to).await;
    assert_eq!(entries(&to).await, entries(&from).await);
    // One that went its own way stays.
    to.audit(audit(Act::Copy, 5)).await.unwrap();
    from.audit(audit(Act::Retry, 5)).await.unwrap();
    copies::whole(&from, &to).await;
    let acts: Vec<String> = entries(&to).await.into_iter().map(|entry| entry.act).collect();
    assert_eq!(acts, ["pause", "pause", "pause", "erase", "copy"]);
    assert_eq!(walk_audit(&*to, None).await.unwrap().broken, None);
    // And what does not follow is taken over by nobody.
    let strange = entries(&from).await.pop().unwrap();
    let strange = AuditEntry { place: 6, ..strange };
    to.restore(Stored::Audit(vec![strange])).await.unwrap_err();
    assert_eq!(entries(&to).await.len(), 5);
}
