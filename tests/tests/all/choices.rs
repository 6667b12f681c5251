//! The customer's three choices together: what may be taken, whom it may be about, and what of a
//! record may be stored. However they are combined and whatever workflow runs, each is kept.

use watershed_tests::{Account, Home, Settings, Size, Spec, seeds};

use crate::ground::{NO_LIMITS, account, home, measured};
use crate::people::{KEY, User, busy, count, files_beneath, kept, times};

/// What may be taken.
const CONTENTS: [&str; 3] = ["metadata", "recordings", "transcripts"];
/// What of a record is stored under a pseudonym, or not at all.
const RULES: &str = r#"
[connections.default.redact]
"report_participants.user_email" = "hmac"
"report_participants.name" = "hmac"
"meeting_details.settings" = "drop"
"#;

/// One combination.
#[derive(Debug, Clone, Copy)]
struct Choice {
    content: &'static str,
    leaves_out: bool,
    redacts: bool,
}

impl Choice {
    fn all() -> Vec<Choice> {
        let of = |content| {
            [(false, false), (true, false), (false, true), (true, true)]
                .map(|(leaves_out, redacts)| Choice { content, leaves_out, redacts })
        };
        CONTENTS.into_iter().flat_map(of).collect()
    }

    fn home(self, account: &Account, out: &User) -> Home {
        let settings = Settings {
            limits: Some(Settings::FREE),
            content: Some(self.content),
            ..Settings::default()
        };
        let mut home = home(account, &settings);
        let mut text = std::fs::read_to_string(home.path().join("watershed.toml")).expect("it is");
        if self.leaves_out || self.redacts {
            text.push_str(KEY);
            text.push('\n');
            home.set("REDACT", Some("a key of the customer"));
        }
        if self.leaves_out {
            text.push_str(&format!("users = {{ exclude = [\"{}\"] }}\n", out.email));
        }
        if self.redacts {
            text.push_str(RULES);
        }
        home.write("watershed.toml", &text);
        home
    }
}

/// Rows of that dataset; none where nothing of it ever came.
fn rows(home: &Home, dataset: &str) -> usize {
    let there = format!("SELECT count(*) FROM sqlite_master WHERE name = '{dataset}'");
    if count(home, &there) == 0 {
        return 0;
    }
    count(home, &format!("SELECT count(*) FROM {dataset}"))
}

fn keeps(choice: Choice, account: &Account, out: &User) {
    let before = account.stats().expect("stats");
    let home = choice.home(account, out);
    let mut said = Vec::new();
    for workflow in ["zoom-backfill", "zoom-reconcile"] {
        let ended = home.run(&["run", workflow, "-vv", "--input", "details=full"]).expect(0);
        said.extend(ended.stdout.into_bytes());
        said.extend(ended.stderr.into_bytes());
    }
    let bytes = [kept(&home), said].concat();
    let after = account.stats().expect("stats");

    let downloads =
        after.calls_of("download_recording_file") - before.calls_of("download_recording_file");
    assert_eq!(downloads > 0, choice.content != "metadata", "{choice:?}: {downloads}");
    let cues = rows(&home, "transcript_cues");
    assert_eq!(cues > 0, choice.content == "transcripts", "{choice:?}: {cues}");
    // What is said in a file cannot be redacted, and may name who is left out.
    let bars_texts = choice.leaves_out || choice.redacts;
    let texts = texts_of(&home);
    assert_eq!(texts > 0, choice.content == "transcripts" && !bars_texts, "{choice:?}: {texts}");

    for mark in out.marks() {
        let found = times(&bytes, mark) > 0;
        assert!(!(found && choice.leaves_out), "{choice:?}: {mark} is kept");
        assert!(found || choice.leaves_out, "{choice:?}: {mark} was to be seen");
    }
    let emails = "SELECT count(*) FROM report_participants WHERE user_email LIKE '%@%'
        OR _raw LIKE '%@%'";
    assert_eq!(count(&home, emails) == 0, choice.redacts, "{choice:?}");
    let invited = times(&bytes, "@elsewhere.example");
    assert_eq!(invited == 0, choice.redacts, "{choice:?}: {invited} invitees");
}

/// Transcripts and captions among the files.
fn texts_of(home: &Home) -> usize {
    let files = files_beneath(vec![home.files()]);
    files.iter().filter(|path| path.extension().is_some_and(|kind| kind == "vtt")).count()
}

#[test]
fn however_consent_exclusion_and_redaction_are_combined_each_is_kept() {
    let size = Size::asked();
    let seed = seeds(1)[0];
    let account = account(Spec {
        users: 16,
        seed: 74,
        limits: Some(NO_LIMITS.to_owned()),
        ..Spec::default()
    });
    let out = busy(&account.truth().expect("the truth"), 1).remove(0);
    let all = Choice::all();
    let many = size.of(4, all.len());
    for at in 0..many {
        keeps(all[(seed as usize * many + at) % all.len()], &account, &out);
    }
    measured(
        "consent × exclusion × redaction",
        &format!("{many} of {} combinations, a backfill and a reconcile each", all.len()),
        "0 downloads where only metadata was agreed to; 0 bytes of who is left out; 0 of what is \
         redacted",
        "0; 0; 0",
    );
}
