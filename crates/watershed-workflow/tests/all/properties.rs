//! What holds for any text and any record.

use std::sync::LazyLock;
use std::time::{Duration, Instant};

use crate::common::{Children, Scenario, catalogue};
use proptest::prelude::*;
use serde_json::{Value, json};
use watershed_model::Kin;
use watershed_workflow::compile;

const FILES: [&str; 6] = [
    include_str!("../../../../workflows/zoom-backfill.yaml"),
    include_str!("../odd/four-levels.yaml"),
    include_str!("../odd/join-in-a-branch.yaml"),
    include_str!("../odd/shared-ancestor.yaml"),
    include_str!("../odd/join-over-nothing.yaml"),
    include_str!("../odd/windows-within-users.yaml"),
];

/// Text that is put into a good file: what breaks things most.
fn shard() -> impl Strategy<Value = String> {
    prop_oneof![
        "[ -~\n]{0,12}",
        "\\PC{0,4}",
        prop::sample::select(vec![
            "${{",
            "}}",
            "'",
            "\"",
            "\\",
            "\n  ",
            "\n",
            ": ",
            "- ",
            "&a ",
            "*a",
            "[",
            "]",
            "{",
            "}",
            "|",
            ">-\n",
            "#",
            "needs: users",
            "for_each: users",
            "as: user",
            "null",
            "é",
            "\u{0}",
            "once: ",
            "when: ",
            "windows: ",
            "&&",
            "user.",
            "in",
            "!",
            "%",
            "<<: *a",
            "🦀",
            "\t",
        ])
        .prop_map(str::to_owned),
    ]
}

/// A good file with a piece cut out and something put in its place, up to three times.
fn mutant() -> impl Strategy<Value = String> {
    let cut = (any::<prop::sample::Index>(), 0usize..20, shard());
    (0..FILES.len(), prop::collection::vec(cut, 1..4)).prop_map(|(file, cuts)| {
        let mut chars: Vec<char> = FILES[file].chars().collect();
        for (at, length, shard) in cuts {
            let at = at.index(chars.len() + 1);
            let end = (at + length).min(chars.len());
            chars.splice(at..end, shard.chars());
        }
        chars.into_iter().collect()
    })
}

fn checked(text: &str) {
    let said = match compile("any.yaml", text, &catalogue()) {
        Ok(compiled) => compiled.warnings,
        Err(wrong) => {
            assert!(wrong.has_errors());
            wrong
        }
    };
    // Rendering walks every span.
    assert!(said.0.is_empty() || said.to_string().contains("any.yaml"));
}

fn record() -> impl Strategy<Value = Value> {
    let scalar = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        any::<f64>().prop_map(Value::from),
        "\\PC{0,8}".prop_map(Value::from),
        Just(json!("2026-11-03T10:00:00Z")),
        Just(json!("5")),
    ];
    let names = prop::sample::select(vec![
        "id",
        "uuid",
        "status",
        "type",
        "start_time",
        "email",
        "created_at",
        "file_type",
        "recording_files",
        "other",
    ]);
    let files = prop::collection::vec(
        prop::collection::btree_map(names.clone(), scalar.clone(), 0..4).prop_map(|m| json!(m)),
        0..3,
    );
    (prop::collection::btree_map(names, scalar, 0..9), files).prop_map(|(mut fields, files)| {
        fields.insert("recording_files", Value::Array(files));
        json!(fields)
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(300))]

    #[test]
    fn no_text_makes_the_compiler_panic(text in "\\PC{0,200}") {
        checked(&text);
    }

    #[test]
    fn no_change_of_a_good_file_makes_the_compiler_panic(text in mutant()) {
        checked(&text);
    }
}

#[test]
fn the_same_file_gives_the_same_plan() {
    for file in FILES {
        let hash = || compile("a.yaml", file, &catalogue()).expect("it is good").hash;
        assert_eq!(hash(), hash());
    }
}

/// One program serves all threads.
static BACKFILL: LazyLock<Scenario> = LazyLock::new(|| Scenario::of(FILES[0], &[]));

proptest! {
    #![proptest_config(ProptestConfig::with_cases(200))]

    #[test]
    fn any_record_expands_always_alike_or_is_refused_always_alike(record in record()) {
        let scenario = &*BACKFILL;
        let items = [
            ("users", json!({ "status": "active" })),
            ("meetings", json!({ "user": { "id": "u" } })),
            ("recordings_user", json!({
                "user": { "id": "u" }, "window": { "from": "2026-11-01", "to": "2026-11-24" },
            })),
            ("held", json!({ "instance": { "uuid": "U", "start_time": null } })),
        ];
        for (step, item) in &items {
            let item = scenario.item(step, item);
            let id = scenario.step(step);
            let first = scenario.program.expand(&scenario.run, id, &item, &record);
            prop_assert_eq!(&first, &scenario.program.expand(&scenario.run, id, &item, &record));
            for kin in first.iter().flat_map(Children::children) {
                let Kin::Task(child) = kin else { panic!("the backfill has no joins") };
                let carries = &scenario.program.plan().step(child.step).carries;
                match serde_json::from_str(&child.item).expect("it is JSON") {
                    Value::Array(held) => prop_assert_eq!(held.len(), carries.len()),
                    // What cannot be worked on says why.
                    why => prop_assert!(why.is_string(), "{}", why),
                }
                let again = scenario.program.parameters(
                    &scenario.run, child.step, &child.item, &[].into());
                prop_assert_eq!(&again, &scenario.program.parameters(
                    &scenario.run, child.step, &child.item, &[].into()));
            }
        }
    }

    #[test]
    fn no_item_makes_a_program_panic(item in "\\PC{0,40}") {
        let scenario = &*BACKFILL;
        for (id, _) in scenario.program.plan().steps() {
            let run = &scenario.run;
            let _ = scenario.program.parameters(run, id, &item, &[].into());
            let _ = scenario.program.expand(run, id, &item, &json!({ "id": 1 }));
            let _ = scenario.program.expand_unavailable(run, id, &item);
            let _ = scenario.program.branch(id, &item);
        }
    }
}

#[test]
fn bombs_are_refused_before_they_go_off() {
    let step = |body: &str| format!("name: bomb\nsteps:\n  a:\n    use: zoom.list_users\n{body}");
    let many = |n: usize, entry: &dyn Fn(usize) -> String| (0..n).map(entry).collect::<String>();
    let bombs = [
        "x".repeat(1024 * 1024 + 1),
        "[".repeat(100_000),
        "- ".repeat(100_000),
        "? ".repeat(100_000),
        format!("a: {}", "&a ".repeat(50_000)),
        many(100_000, &|n| format!("k{n}: 1\n")),
        format!("a: &a {}\nb: [{}]\n", "x".repeat(10_000), "*a,".repeat(101)),
        step(&format!("    when: '{}1'\n", "(".repeat(4_000))),
        step(&format!("    with: {{ status: \"{}\" }}\n", "${{ 1 }}".repeat(50_000))),
        step(&format!("    when: {}\n", "a".repeat(900_000))),
        step(&format!("    with:\n{}", many(50_000, &|n| format!("      p{n}: 1\n")))),
        step(&format!("    for_each: [{}]\n", "aa,".repeat(10_001))),
        format!(
            "name: bomb\nsteps:\n{}",
            many(501, &|n| {
                format!("  s{n}: {{ use: zoom.list_users, with: {{ status: active }} }}\n")
            })
        ),
        format!(
            "name: bomb\nsteps:\n{}",
            many(500, &|n| {
                format!("  s{n}: {{ use: zoom.list_users, for_each: s{} }}\n", (n + 1) % 500)
            })
        ),
        format!(
            "name: bomb\ninputs:\n{}steps: {{}}\n",
            many(101, &|n| { format!("  i{n}: {{ type: text }}\n") })
        ),
    ];
    for bomb in &bombs {
        let begun = Instant::now();
        let shown: String = bomb.chars().take(60).collect();
        compile("bomb.yaml", bomb, &catalogue()).expect_err(&shown);
        // A build without optimisation on a busy machine; the aim is 100 ms in a release.
        assert!(begun.elapsed() < Duration::from_secs(4), "{:?}: {shown}", begun.elapsed());
    }
}
