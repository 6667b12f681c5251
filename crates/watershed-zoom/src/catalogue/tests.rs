use std::collections::BTreeSet;

use watershed_model::{Kind, ParamPlace, Record};

use super::*;
use crate::SECRET_MEMBERS;

fn records() -> Vec<&'static Record> {
    let of_datasets = DATASETS.iter().map(|d| d.record);
    of_datasets.chain(OPERATIONS.iter().map(|o| o.record)).collect()
}

#[test]
fn names_are_unique_and_every_dataset_of_an_operation_has_a_table() {
    let ids: BTreeSet<_> = OPERATIONS.iter().map(|o| o.id).collect();
    assert_eq!(ids.len(), OPERATIONS.len());
    let names: BTreeSet<_> = DATASETS.iter().map(|d| d.name).collect();
    assert_eq!(names.len(), DATASETS.len());
    for operation in OPERATIONS {
        let kept = !matches!(operation.kind, Kind::Events | Kind::Waiting);
        assert_eq!(names.contains(operation.dataset.name), kept, "{}", operation.id);
        assert!(std::ptr::eq(operation.record, operation.dataset.record), "{}", operation.id);
    }
}

#[test]
fn a_member_that_is_never_stored_is_marked_secret_wherever_it_is_documented() {
    for record in records() {
        for field in record.fields {
            let never_stored = SECRET_MEMBERS.contains(&field.name);
            assert_eq!(field.secret, never_stored, "{}.{}", record.name, field.name);
        }
    }
}

#[test]
fn a_column_has_one_source() {
    for dataset in DATASETS {
        let columns = dataset.record.fields.iter().chain(dataset.asked).map(|f| f.name);
        let unique: BTreeSet<_> = columns.clone().collect();
        assert_eq!(unique.len(), columns.count(), "{}", dataset.name);
    }
}

#[test]
fn every_place_in_a_path_has_its_parameter_and_the_other_way_round() {
    for operation in OPERATIONS {
        let mut path = operation.path.to_owned();
        for param in operation.params {
            if matches!(param.place, ParamPlace::Path | ParamPlace::PathUuid) {
                let place = format!("{{{}}}", param.wire);
                assert!(path.contains(&place), "{}: {place}", operation.id);
                assert!(param.required, "{}: {place}", operation.id);
                path = path.replace(&place, "");
            }
        }
        assert!(!path.contains('{'), "{}: {path}", operation.id);
    }
}

#[test]
fn a_start_field_is_a_documented_instant() {
    for operation in OPERATIONS {
        if let Some(name) = operation.start_field {
            let field = operation.record.field(name).expect("documented");
            assert_eq!(field.ty, watershed_model::FieldType::Time, "{}", operation.id);
        }
    }
}

#[test]
fn each_operation_says_where_its_facts_come_from() {
    for operation in OPERATIONS {
        // What makes no call rests on no fact of Zoom's.
        let own = operation.kind.is_no_call();
        assert!(own || operation.source.contains("checked 20"), "{}", operation.id);
        let family = if own { "watershed." } else { "zoom." };
        assert!(operation.id.starts_with(family), "{}", operation.id);
    }
}
