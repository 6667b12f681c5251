//! The members that are never stored: removed at any depth, before anything else happens.

use serde_json::Value;

/// Secrets, signed URLs and passcodes.
///
/// # Source
/// The list of members that `_raw` goes without; zoom-api notes on volatile and secret fields,
/// checked 2026-11-24.
pub const SECRET_MEMBERS: [&str; 13] = [
    "default_password_for_scheduled_meetings",
    "download_access_token",
    "download_url",
    "dynamic_host_key",
    "encrypted_password",
    "h323_password",
    "host_key",
    "password",
    "play_url",
    "pmi_password",
    "pstn_password",
    "recording_play_passcode",
    "start_url",
];

/// Removes secret members, whatever their values, from `value` and all that it holds.
pub fn strip_secrets(value: &mut Value) {
    retain_members(value, |name| !SECRET_MEMBERS.contains(&name));
}

/// Removes the members whose names do not pass, from `value` and all that it holds.
pub(crate) fn retain_members(value: &mut Value, passes: impl Fn(&str) -> bool) {
    // A stack of its own, so that no depth of a value can exhaust the thread's.
    let mut open = vec![value];
    while let Some(value) = open.pop() {
        match value {
            Value::Object(members) => {
                members.retain(|name, _| passes(name));
                open.extend(members.values_mut());
            }
            Value::Array(values) => open.extend(values),
            _ => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::json;

    use super::*;

    fn holds_secret(value: &Value) -> bool {
        match value {
            Value::Object(members) => members
                .iter()
                .any(|(name, v)| SECRET_MEMBERS.contains(&name.as_str()) || holds_secret(v)),
            Value::Array(values) => values.iter().any(holds_secret),
            _ => false,
        }
    }

    fn open_leaves(value: &Value) -> usize {
        match value {
            Value::Object(members) => members
                .iter()
                .filter(|(name, _)| !SECRET_MEMBERS.contains(&name.as_str()))
                .map(|(_, v)| open_leaves(v))
                .sum(),
            Value::Array(values) => values.iter().map(open_leaves).sum(),
            _ => 1,
        }
    }

    fn trees() -> impl Strategy<Value = Value> {
        let name = prop_oneof![
            "[a-z_]{1,8}",
            proptest::sample::select(SECRET_MEMBERS.to_vec()).prop_map(str::to_owned),
        ];
        let leaf = prop_oneof![
            Just(Value::Null),
            any::<i64>().prop_map(Value::from),
            "[a-z]{0,6}".prop_map(Value::from)
        ];
        leaf.prop_recursive(5, 48, 5, move |inner| {
            prop_oneof![
                proptest::collection::vec(inner.clone(), 0..5).prop_map(Value::Array),
                proptest::collection::btree_map(name.clone(), inner, 0..5)
                    .prop_map(|m| Value::Object(m.into_iter().collect())),
            ]
        })
    }

    proptest! {
        #[test]
        fn no_secret_is_left_at_any_depth_and_nothing_else_is_lost(tree in trees()) {
            let kept = open_leaves(&tree);
            let mut stripped = tree;
            strip_secrets(&mut stripped);
            prop_assert!(!holds_secret(&stripped));
            prop_assert_eq!(open_leaves(&stripped), kept);
        }
    }

    #[test]
    fn the_names_are_sorted_so_that_the_search_finds_them() {
        assert!(SECRET_MEMBERS.is_sorted());
    }

    #[test]
    fn a_secret_goes_with_all_that_it_holds() {
        let mut record = json!({
            "id": 1, "password": {"deep": [1, 2]},
            "recording_files": [{"id": "f", "download_url": "u", "play_url": null}],
        });
        strip_secrets(&mut record);
        assert_eq!(record, json!({"id": 1, "recording_files": [{"id": "f"}]}));
    }
}
