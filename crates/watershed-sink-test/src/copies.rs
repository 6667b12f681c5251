//! What one sink holds, in another one: nothing lost, nothing claimed, nothing asked again.
#![expect(missing_docs, reason = "the name of a case is its rule")]

use std::sync::Arc;

use serde_json::json;
use watershed_model::{
    Category, CategorySet, CoverageState, DayCalls, LeftOut, LeftOutWhy, Millis, Row, RunState,
};
use watershed_sink::{
    Ask, Copied, Error, Mark, Member, MemberKey, Reading, RowKey, Sink, Stored, StoredRow, Write,
    copy, copy_part,
};

use crate::Place;
use crate::scenario;
use crate::scenario::{
    CATALOGUE, batch, coverage, fetched, key, letter, open, person, run_row, write,
};

/// Two readings, one of a row that the other one took over, one still under way and one mixed;
/// what was asked for, a deleted row, coverage, letters, runs, accounts.
pub async fn filled(place: &dyn Place) -> Arc<dyn Sink> {
    let sink = open(place).await;
    let page = |status: &str, at: i64, first: bool, rows: Vec<Row>| Write {
        coverage: vec![coverage(status, None, CoverageState::Complete, at)],
        ..scenario::page(status, at, first, rows)
    };
    let many = (0..1_200).map(|n| {
        let asked = json!({ "order": format!("o{n}") }).as_object().cloned().unwrap();
        Row {
            asked: asked.into(),
            ..person(&format!("u{n:04}"), json!({ "id": format!("{n}"), "n": n }))
        }
    });
    write(&sink, page("active", 1, true, many.collect())).await;
    write(&sink, page("inactive", 2, true, vec![person("u0007", json!({ "said": 2 }))])).await;
    write(&sink, page("mixed", 5, true, vec![person("m\0", json!({ "a": "\0" }))])).await;
    write(&sink, page("mixed", 4, false, Vec::new())).await;
    let mut other = page("active", 3, true, vec![person("u1", json!({ "of": "globex" }))]);
    other.connection = "globex".into();
    other.coverage[0].connection = "globex".into();
    other.coverage.push(coverage("x", Some("2026-01-01"), CoverageState::Waiting, 1));
    let mut failing = batch(vec![other]);
    failing.days = vec![day()];
    failing.left_out = vec![left_out()];
    failing.failures = (0..3).map(|n| letter(&format!("l{n}"), "run-1", "s", n, 1)).collect();
    sink.write(failing.into()).await.unwrap();
    sink.put_run(run_row("run-1", "acme", RunState::Running, 1)).await.unwrap();
    sink.put_run(run_row("run-2", "acme", RunState::Complete, 2)).await.unwrap();
    sink.bind_account("acme".into(), "account-1".into()).await.unwrap();
    let at = "1970-01-01T00:00:09.000Z";
    place.meddle(&format!("UPDATE people SET _deleted_at = '{at}' WHERE _key = 'u0003'")).await;
    sink
}

fn left_out() -> LeftOut {
    LeftOut {
        connection: "acme".into(),
        mark: u64::MAX - 3,
        why: LeftOutWhy::Erased,
        run: "run-1".into(),
        at: Millis(2),
    }
}

fn day() -> DayCalls {
    DayCalls {
        account: "account-1".into(),
        categories: CategorySet::of(&[Category::Heavy]),
        day: 20_000,
        calls: 17,
        at: Millis(1_728_000_000_000),
    }
}

/// All that a sink tells of itself.
pub type Held = (
    Vec<StoredRow>,
    Vec<Reading>,
    Vec<Member>,
    Vec<watershed_model::Coverage>,
    Vec<watershed_model::DeadLetter>,
    Vec<watershed_model::RunRow>,
);

/// Asks it.
pub async fn held(sink: &Arc<dyn Sink>) -> Held {
    (
        sink.rows("people".to_owned(), None, 9_999).await.unwrap(),
        sink.readings(None, 9_999).await.unwrap(),
        sink.members(None, 9_999).await.unwrap(),
        sink.coverage(Default::default(), None, 9_999).await.unwrap(),
        sink.letters(None, 9_999).await.unwrap(),
        sink.runs(None, 9_999).await.unwrap(),
    )
}

/// Copies all of it.
pub async fn whole(from: &Arc<dyn Sink>, to: &Arc<dyn Sink>) -> Copied {
    copy(&**from, &**to, CATALOGUE, Mark::Accounts, &mut |_, _| {}).await.unwrap()
}

pub async fn a_copy_holds_all_that_the_other_one_held(place: &dyn Place) {
    let from = filled(place).await;
    let before = held(&from).await;
    assert_eq!(before.0.len(), 1_202);
    let row = |key: &str| before.0.iter().find(|row| row.at.key == key).unwrap();
    assert_eq!(row("u0003").deleted_at, Some(Millis(9_000)));
    assert_eq!(row("u0005").asked["order"], json!("o5"));
    let empty = place.beside();
    let to = open(&*empty).await;
    let copied = whole(&from, &to).await;
    assert_eq!(copied.rows["people"], 1_202);
    assert_eq!((copied.coverage, copied.letters, copied.runs), (5, 3, 2));
    assert_eq!(held(&to).await, before);
    assert_eq!(to.account("acme".into()).await.unwrap(), Some("account-1".into()));
    assert_eq!(to.days("account-1".into(), 9).await.unwrap(), [day()]);
    assert_eq!(to.left_out("acme".into()).await.unwrap(), [left_out()]);
    assert_eq!(empty.look("order", "u0005").await, json!("o5"));
    // Nothing is asked again: what is covered is known, and so is what each listing brought.
    for status in ["active", "inactive", "mixed"] {
        let ask = Ask::of(&coverage(status, None, CoverageState::Complete, 1));
        assert!(to.covered(vec![ask]).await.unwrap()[0].is_some());
        let brought = from.listed(key(status), None, 9_999).await.unwrap();
        assert_eq!(brought.is_some(), status != "mixed");
        assert_eq!(to.listed(key(status), None, 9_999).await.unwrap(), brought);
    }
    // And the same again changes nothing.
    assert_eq!(whole(&from, &to).await.runs, 0);
    assert_eq!(held(&to).await, before);
}

pub async fn a_copy_that_is_broken_off_claims_nothing_and_goes_on(place: &dyn Place) {
    let from = filled(place).await;
    let beside = place.beside();
    let to = open(&*beside).await;
    let mut mark = Mark::Accounts;
    let mut parts = 0;
    while mark != Mark::Done {
        let known = to.coverage(Default::default(), None, 9_999).await.unwrap();
        let after_coverage = matches!(mark, Mark::Letters(_) | Mark::Runs);
        assert!(known.is_empty() || after_coverage, "{mark:?}");
        for status in ["active", "inactive"] {
            let claimed = to.listed(key(status), None, 9_999).await.unwrap().is_some();
            let members_are_there = after_coverage || matches!(mark, Mark::Coverage(_));
            assert_eq!(claimed, members_are_there, "{mark:?} {status}");
        }
        // Twice: it was done, and broken off before anybody was told.
        let mut next = mark.clone();
        for _ in 0..2 {
            let copied = &mut Copied::default();
            next = copy_part(&*from, &*to, CATALOGUE, mark.clone(), copied).await.unwrap();
        }
        mark = next;
        parts += 1;
    }
    assert!(parts > 10, "{parts}");
    assert_eq!(held(&to).await, held(&from).await);
}

pub async fn what_is_newer_where_it_is_copied_to_stays(place: &dyn Place) {
    let from = open(place).await;
    write(&from, fetched(5, vec![person("u1", json!({ "at": 5 })), person("u2", json!({}))])).await;
    from.put_run(run_row("r", "acme", RunState::Running, 1)).await.unwrap();
    let beside = place.beside();
    let to = open(&*beside).await;
    write(&to, fetched(6, vec![person("u1", json!({ "at": 6 }))])).await;
    to.put_run(run_row("r", "acme", RunState::Complete, 1)).await.unwrap();
    assert_eq!(whole(&from, &to).await.runs, 0);
    assert_eq!(beside.look("_raw", "u1").await, json!({ "at": 6 }));
    assert_eq!(to.counts("acme".into()).await.unwrap()["people"], 2);
    assert_eq!(to.run("r".into()).await.unwrap().unwrap().state, RunState::Complete);
}

pub async fn the_data_of_another_account_is_not_copied(place: &dyn Place) {
    let from = filled(place).await;
    let beside = place.beside();
    let to = open(&*beside).await;
    to.bind_account("acme".into(), "account-9".into()).await.unwrap();
    let refused = copy(&*from, &*to, CATALOGUE, Mark::Accounts, &mut |_, _| {}).await.unwrap_err();
    assert!(matches!(refused, Error::OtherAccount { .. }), "{refused}");
    assert_eq!(to.counts("acme".into()).await.unwrap()["people"], 0);
}

pub async fn what_is_held_is_read_in_pages(place: &dyn Place) {
    let sink = filled(place).await;
    let all = held(&sink).await;
    let mut rows: Vec<StoredRow> = Vec::new();
    let mut members: Vec<Member> = Vec::new();
    loop {
        let after: Option<RowKey> = rows.last().map(|row| row.at.clone());
        let page = sink.rows("people".to_owned(), after, 500).await.unwrap();
        let after: Option<MemberKey> = members.last().map(|member| member.at.clone());
        members.extend(sink.members(after, 500).await.unwrap());
        rows.extend(page.iter().cloned());
        if page.len() < 500 {
            break;
        }
    }
    assert_eq!(rows, all.0);
    assert_eq!(members, all.2);
    let last = all.1[all.1.len() - 2].listing;
    assert_eq!(sink.readings(Some(last), 9).await.unwrap(), all.1[all.1.len() - 1..]);
    assert_eq!(sink.letters(Some("l0".into()), 1).await.unwrap()[0].id, "l1".into());
    let unknown = sink.rows("unknown".to_owned(), None, 1).await.unwrap_err();
    assert!(matches!(unknown, Error::UnknownDataset { .. }), "{unknown}");
    let unknown = sink.restore(Stored::Rows("unknown".to_owned(), Vec::new())).await;
    assert!(matches!(unknown, Err(Error::UnknownDataset { .. })), "{unknown:?}");
}
