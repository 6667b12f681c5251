//! One pair: the account, its hostile server, one run and what it leaves.

use std::collections::BTreeMap;
use std::sync::Mutex;
use std::time::{Duration, Instant};

use rustix::process::Signal;
use watershed_tests::{
    Account, Behaviour, Ended, HeldFile, Home, Hostile, Kind, Leaves, Settings, Spec, Truth, root,
};

use super::judge::{Came, judge};
use crate::ground::{NO_LIMITS, account, free_home};

/// What has not ended by then would not end.
const RUN_MAX: Duration = Duration::from_secs(300);
/// A run whose calls are struck and no others for so long is at nothing else any more.
const QUIET: Duration = Duration::from_secs(12);
/// The same where a call takes its whole time, or a token is asked for again and again.
const QUIET_SLOW: Duration = Duration::from_secs(80);
/// A run that is asked to stop does.
const STOP_MAX: Duration = Duration::from_secs(40);

/// The account that all pairs are played on, and what it holds.
pub(super) struct Ground {
    account: Mutex<Account>,
    pub(super) truth: Truth,
    pub(super) files: BTreeMap<String, HeldFile>,
    /// What coverage says where nothing is hostile, and how often.
    pub(super) reasons: BTreeMap<String, usize>,
}

/// A run that has ended.
pub(super) struct Played<'a> {
    pub(super) home: &'a Home,
    pub(super) ended: Ended,
    /// It was still at it, and was asked to stop.
    pub(super) stopped: bool,
    /// What `status`, `failures` and `coverage` say of it to people, and `status` in JSON.
    pub(super) shown: Vec<Ended>,
    pub(super) peak: u64,
    pub(super) struck: u64,
}

impl Ground {
    /// An account, and a run through a server that does nothing: so that all that differs later is
    /// of the behaviour.
    pub(super) fn new(seed: u64) -> Ground {
        let account = account(Spec {
            users: 2,
            seed,
            limits: Some(NO_LIMITS.to_owned()),
            media: Some((8, 0)),
            meetings: Some(0.5),
            ..Spec::default()
        });
        let truth = account.truth().expect("the account tells");
        let files = account.files().expect("the account tells");
        let mut ground =
            Ground { account: Mutex::new(account), truth, files, reasons: BTreeMap::new() };
        for kind in Kind::ALL {
            let of = play(Behaviour::NONE, kind, &ground);
            assert!(of.wrong.is_empty(), "the server itself is in the way: {:#?}", of.wrong);
            for (reason, count) in of.reasons {
                let most = ground.reasons.entry(reason).or_default();
                *most = count.max(*most);
            }
        }
        ground
    }
}

/// One run against an account that behaves so.
pub(super) fn play(behaviour: Behaviour, kind: Kind, ground: &Ground) -> Came {
    let (hostile, home) = {
        let account = ground.account.lock().expect("no player broke");
        let hostile = Hostile::before(&account, kind, behaviour).expect("a server");
        let home = hostile_home(&hostile, &account, if behaviour.slow { 64 } else { 16 });
        (hostile, home)
    };
    let began = Instant::now();
    let mut run = home.start(&["run", "hostile.yaml", "--run-id", "one"]);
    let quiet = if behaviour.slow || kind == Kind::Token { QUIET_SLOW } else { QUIET };
    let (mut peak, mut stopped) = (0, false);
    while !run.ends_within(Duration::from_millis(20)) {
        peak = peak.max(run.peak_memory());
        let may_stay = matches!(behaviour.leaves, Leaves::Less | Leaves::Waits);
        let at_nothing_else = may_stay && hostile.idle() > quiet;
        if at_nothing_else && began.elapsed() > quiet {
            stopped = true;
            break;
        }
        if began.elapsed() > RUN_MAX {
            return Came::endless(behaviour, kind, peak, &run.stderr());
        }
    }
    if stopped {
        run.signal(Signal::TERM);
    }
    let ended = match run.wait(STOP_MAX) {
        Ok(ended) => ended,
        Err(error) => return Came::endless(behaviour, kind, peak, &error.to_string()),
    };
    let shown =
        [&["status", "one"][..], &["failures"], &["coverage"], &["status", "one", "--json"]];
    let shown = shown.map(|words| home.run(words)).into();
    let struck = hostile.struck();
    let played = Played { home: &home, ended, stopped, shown, peak, struck };
    judge(behaviour, kind, ground, &played)
}

/// A folder whose account is the hostile one, and a copy of the backfill that waits less before it
/// tries again, and goes on whatever fails.
pub(crate) fn hostile_home(hostile: &Hostile, account: &Account, concurrency: u16) -> Home {
    let home = free_home(account);
    let base = hostile.base();
    home.write(
        "watershed.toml",
        &format!(
            "[worker]\nconcurrency = {concurrency}\n\n[connections.default]\n\
             account_id = {{ env = \"ZOOM_ACCOUNT_ID\" }}\n\
             client_id = {{ env = \"ZOOM_CLIENT_ID\" }}\n\
             client_secret = {{ env = \"ZOOM_CLIENT_SECRET\" }}\n\
             api_url = \"{base}/v2\"\ntoken_url = \"{base}/oauth/token\"\n\
             tier = \"business\"\nlimits = {{ {} }}\n",
            Settings::FREE
        ),
    );
    let shipped = std::fs::read_to_string(root().join("workflows/zoom-backfill.yaml"));
    let copy = [
        (
            "retry: { attempts: 8, backoff: 1s..5m, jitter: full }",
            "retry: { attempts: 3, backoff: 10ms..50ms }",
        ),
        ("tolerate: 1%", "tolerate: 100%"),
    ]
    .iter()
    .fold(shipped.expect("it is there"), |text, (from, to)| {
        assert!(text.contains(from), "the shipped workflow says {from}");
        text.replace(from, to)
    });
    home.write("hostile.yaml", &copy);
    home
}
