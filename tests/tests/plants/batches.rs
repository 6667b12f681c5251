//! What a bug does to a batch on its way to the sink, wherever it is planted.

use std::collections::BTreeMap;

use watershed_model::Row;
use watershed_sink::Batch;

/// Leaves out a row, and not the coverage that speaks of it.
pub(crate) fn without_a_row(batch: &mut Batch) {
    let brought = batch.writes.iter_mut().rev().find(|write| !write.rows.is_empty());
    brought.and_then(|write| write.rows.pop());
}

/// Who leaves an instance and comes again has one key for all stays: they are told apart by who
/// they are of, and by nothing else.
pub(crate) fn without_rejoins(batch: &mut Batch) {
    batch.writes.iter_mut().for_each(|write| one_key_each(&mut write.rows));
}

fn one_key_each(rows: &mut [Row]) {
    let mut keys: BTreeMap<(String, String), String> = BTreeMap::new();
    for row in rows.iter_mut().filter(|row| row.dataset.name == "report_participants") {
        let member = |name: &str| row.record[name].as_str().unwrap_or_default().to_owned();
        let person = (member("user_email"), member("name"));
        let key = keys.entry(person).or_insert_with(|| row.key.clone());
        row.key.clone_from(key);
    }
}
