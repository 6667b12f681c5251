//! OAuth scopes: which of them open which operations, and what goes without them.

use watershed_model::Operation;

use crate::catalogue;

/// The scopes that an admin is asked to grant, and what each brings.
pub const SEED: &[(&str, &str)] = &[
    ("user:read:list_users:admin", "the list of users"),
    ("user:read:user:admin", "details of a user"),
    ("user:read:settings:admin", "settings of a user"),
    ("meeting:read:list_meetings:admin", "the scheduled meetings of a user"),
    ("meeting:read:meeting:admin", "details of a meeting, and meeting events"),
    ("meeting:read:invitation:admin", "the invitation text of a meeting"),
    ("meeting:read:list_past_instances:admin", "when a meeting was held"),
    ("meeting:read:past_meeting:admin", "how long it lasted and how many were there"),
    ("meeting:read:list_past_participants:admin", "who was there, as a fast list"),
    ("cloud_recording:read:list_user_recordings:admin", "the recordings of a user"),
    ("cloud_recording:read:list_account_recordings:admin", "the recordings of the account"),
    ("cloud_recording:read:list_recording_files:admin", "files of a recording, transcripts"),
    ("cloud_recording:read:recording_settings:admin", "who may see a recording"),
    // No call asks for it: it is the scope of the events.
    ("cloud_recording:read:recording:admin", "events of recordings"),
    ("report:read:list_meeting_participants:admin", "who was there, as the report"),
    ("report:read:meeting:admin", "the report of a meeting"),
];

/// Whether the granted scopes open `op`: one of its granular or classic ones is among them, or it
/// needs none.
pub fn granted(op: &Operation, scopes: &[String]) -> bool {
    let has = |wanted: &&str| scopes.iter().any(|scope| scope == wanted);
    op.scopes.is_empty() || op.scopes.iter().any(has) || op.classic_scopes.iter().any(has)
}

/// A scope of [`SEED`] with what it opens.
#[derive(Debug, Clone, PartialEq)]
pub struct Seed {
    /// The scope.
    pub scope: &'static str,
    /// What it brings.
    pub brings: &'static str,
    /// Operations that it opens; none for the one that only events need.
    pub operations: Vec<&'static Operation>,
    /// Whether it was granted, or a classic scope opens the same.
    pub granted: bool,
}

/// Every scope of [`SEED`], judged by what was granted.
pub fn judged(scopes: &[String]) -> Vec<Seed> {
    let judge = |&(scope, brings): &(&'static str, &'static str)| {
        let operations = opened_by(scope);
        let granted = scopes.iter().any(|s| s == scope)
            || scopes.iter().any(|s| classic_of(scope).contains(&s.as_str()));
        Seed { scope, brings, operations, granted }
    };
    SEED.iter().map(judge).collect()
}

/// The scopes of [`SEED`] that are missing, with the operations that each of them costs.
pub fn missing_for(scopes: &[String]) -> Vec<Seed> {
    judged(scopes).into_iter().filter(|seed| !seed.granted).collect()
}

/// The operations that `scope` is the one to ask for.
pub fn opened_by(scope: &str) -> Vec<&'static Operation> {
    let all = catalogue().operations;
    all.iter().copied().filter(|op| op.scopes.first() == Some(&scope)).collect()
}

/// Classic scopes, of which one opens the same as the granular `scope`.
///
/// # Source
/// Zoom API reference, the scopes of each operation, checked 2026-11-24.
fn classic_of(scope: &str) -> &'static [&'static str] {
    match scope.split(':').next() {
        Some("user") => &["user:read:admin", "user:master"],
        Some("meeting") => &["meeting:read:admin", "meeting:master"],
        Some("cloud_recording") => &["recording:read:admin", "recording:master"],
        Some("report") => &["report:read:admin", "report:master"],
        _ => &[],
    }
}

/// Whether a granted scope allows more than reading: more than is ever needed here.
pub fn writes(scope: &str) -> bool {
    let reads = scope.split(':').nth(1) == Some("read");
    let read_all = matches!(scope, "user:master" | "meeting:master" | "recording:master");
    !reads && !read_all && scope != "report:master" && scope.contains(':')
}

/// Whether a granted scope allows reading what no operation asks for.
pub fn unused(scope: &str) -> bool {
    let opens = |op: &&&Operation| op.scopes.contains(&scope) || op.classic_scopes.contains(&scope);
    let asked_for = SEED.iter().any(|(seed, _)| *seed == scope);
    !writes(scope) && !asked_for && !catalogue().operations.iter().any(|op| opens(&op))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn scopes(names: &[&str]) -> Vec<String> {
        names.iter().map(|s| (*s).to_owned()).collect()
    }

    fn op(id: &str) -> &'static Operation {
        catalogue().operation(id).expect("in the catalogue")
    }

    #[test]
    fn sixteen_scopes_open_every_operation() {
        assert_eq!(SEED.len(), 16);
        let all = scopes(&SEED.iter().map(|(scope, _)| *scope).collect::<Vec<_>>());
        for operation in catalogue().operations {
            assert!(granted(operation, &all), "{}", operation.id);
            let asked_for = operation.scopes.first();
            assert!(asked_for.is_none_or(|scope| all.contains(&(*scope).to_owned())));
        }
        assert_eq!(missing_for(&all), []);
        let idle: Vec<_> = all.iter().filter(|scope| opened_by(scope).is_empty()).collect();
        assert_eq!(idle, ["cloud_recording:read:recording:admin"], "the scope of events");
    }

    #[test]
    fn a_classic_scope_or_a_master_scope_does_as_well() {
        assert!(granted(op("zoom.list_users"), &scopes(&["user:read:admin"])));
        let master = scopes(&["cloud_recording:read:list_account_recordings:master"]);
        assert!(granted(op("zoom.list_account_recordings"), &master));
        assert!(granted(op("zoom.list_account_recordings"), &scopes(&["recording:master"])));
        assert!(!granted(op("zoom.list_users"), &scopes(&["meeting:read:admin"])));
        assert!(!granted(op("zoom.list_users"), &[]));
    }

    #[test]
    fn a_missing_scope_is_told_with_the_operations_that_it_costs() {
        let given = scopes(&["user:read:admin", "meeting:read:admin", "report:read:admin"]);
        let missing = missing_for(&given);
        let files = missing
            .iter()
            .find(|m| m.scope == "cloud_recording:read:list_recording_files:admin")
            .expect("it is missing");
        let ids: Vec<&str> = files.operations.iter().map(|op| op.id).collect();
        assert_eq!(ids, ["zoom.get_recording", "zoom.download_recording_file"]);
        assert!(missing.iter().all(|m| m.scope.starts_with("cloud_recording:")));
    }

    #[test]
    fn scopes_that_write_are_recognised() {
        for scope in
            ["meeting:write:meeting:admin", "user:delete:user:admin", "meeting:write:admin"]
        {
            assert!(writes(scope), "{scope}");
        }
        for (scope, _) in SEED {
            assert!(!writes(scope), "{scope}");
        }
        assert!(!writes("recording:master"));
        assert!(!unused("recording:master"), "it opens what is asked for");
        assert!(!writes("user:read:admin"));
    }

    #[test]
    fn scopes_that_read_what_is_never_asked_for_are_recognised() {
        assert!(unused("dashboard:read:list_meetings:admin"));
        assert!(unused("report:read:user:admin"));
        for scope in ["meeting:write:meeting:admin", "user:read:admin"] {
            assert!(!unused(scope), "{scope}");
        }
        for (scope, _) in SEED {
            assert!(!unused(scope), "{scope}");
        }
    }
}
