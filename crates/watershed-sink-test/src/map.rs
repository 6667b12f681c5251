//! Coverage from far above: months, and bands of subjects.
#![expect(missing_docs, reason = "the name of a case is its rule")]

use serde_json::json;
use watershed_model::{Coverage, CoverageState};
use watershed_sink::{Bands, MonthCount};

use crate::Place;
use crate::scenario::{CATALOGUE, coverage, knowing, open, subject, write};

/// What is known of a user in a window that begins on that day.
fn of_user(user: usize, from: Option<&str>, state: CoverageState) -> Coverage {
    Coverage {
        subject: subject(json!({ "user_id": format!("u{user:03}") })),
        ..coverage("", from, state, 1)
    }
}

fn text(user: usize) -> String {
    format!("{{\"user_id\":\"u{user:03}\"}}")
}

fn all(bands: u32) -> Bands {
    Bands { connection: "acme".into(), operation: "zoom.list_people".into(), between: None, bands }
}

pub async fn coverage_is_counted_by_operation_month_and_state(place: &dyn Place) {
    use CoverageState::{Complete, Failed};
    let sink = open(place).await;
    let pets = Coverage { operation: "zoom.list_pets".into(), ..of_user(1, None, Complete) };
    let known = vec![
        of_user(1, Some("2026-01-02"), Complete),
        of_user(1, Some("2026-01-09"), Complete),
        of_user(2, Some("2026-01-31"), Failed),
        of_user(2, Some("2026-02-01"), Complete),
        pets,
    ];
    write(&sink, knowing(known)).await;
    let map = place.open_map(CATALOGUE).await.unwrap();
    let count = |operation: &str, month: Option<&str>, state, count| MonthCount {
        operation: operation.into(),
        month: month.map(str::to_owned),
        state,
        count,
        rows: 3 * count,
    };
    assert_eq!(
        map.months("acme".into()).await.unwrap(),
        [
            count("zoom.list_people", Some("2026-01"), Complete, 2),
            count("zoom.list_people", Some("2026-01"), Failed, 1),
            count("zoom.list_people", Some("2026-02"), Complete, 1),
            count("zoom.list_pets", None, Complete, 1),
        ]
    );
}

pub async fn bands_have_equally_many_subjects_and_can_be_looked_into(place: &dyn Place) {
    let sink = open(place).await;
    let state = |user| {
        if user == 7 { CoverageState::Unavailable } else { CoverageState::Complete }
    };
    let known = (0..10).map(|user| of_user(user, Some("2026-01-02"), state(user))).collect();
    write(&sink, knowing(known)).await;
    let map = place.open_map(CATALOGUE).await.unwrap();
    let counted = map.bands(all(2)).await.unwrap();
    let shown: Vec<(&str, &str, u64, &str, u64)> = counted
        .iter()
        .map(|c| (c.between.0.as_str(), c.between.1.as_str(), c.subjects, c.state.name(), c.count))
        .collect();
    let [first, fifth, sixth, last] = [text(0), text(4), text(5), text(9)];
    assert_eq!(
        shown,
        [
            (first.as_str(), fifth.as_str(), 5, "complete", 5),
            (sixth.as_str(), last.as_str(), 5, "complete", 4),
            (sixth.as_str(), last.as_str(), 5, "unavailable", 1),
        ]
    );

    let second = Bands { between: Some(counted[1].between.clone()), ..all(9) };
    let inside = map.bands(second).await.unwrap();
    assert!(inside.iter().all(|c| c.subjects == 1 && c.between.0 == c.between.1), "{inside:?}");
    let users: Vec<&str> = inside.iter().map(|c| c.between.0.as_str()).collect();
    assert_eq!(users, (5..10).map(text).collect::<Vec<_>>());
}

pub async fn nothing_is_counted_of_another_connection_or_operation(place: &dyn Place) {
    let sink = open(place).await;
    let mine = of_user(1, None, CoverageState::Complete);
    let globex = Coverage { connection: "globex".into(), ..mine.clone() };
    let pets = Coverage { operation: "zoom.list_pets".into(), ..mine.clone() };
    write(&sink, knowing(vec![mine, globex, pets])).await;
    let map = place.open_map(CATALOGUE).await.unwrap();
    assert_eq!(map.months("globex".into()).await.unwrap().len(), 1);
    let counted = map.bands(all(4)).await.unwrap();
    assert_eq!(counted.iter().map(|c| c.count).sum::<u64>(), 1, "{counted:?}");
    assert_eq!(map.months("nobody".into()).await.unwrap(), []);
}
