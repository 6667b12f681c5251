//! The whole budget, never more: while work waits, the account refuses no call for its rate, and
//! sees nearly all of the share used. Judged by what the account itself counts.

use std::time::{Duration, Instant};

use rustix::process::Signal;
use watershed_tests::{Account, Running, Settings, Size, Spec, Stats};

use crate::ground::{account, home, measured};

/// Operations of each category, by Zoom's published labels.
const LIGHT: &[&str] = &["zoom.get_past_meeting", "zoom.get_recording"];
const MEDIUM: &[&str] = &[
    "zoom.list_users",
    "zoom.list_meetings",
    "zoom.list_past_instances",
    "zoom.list_account_recordings",
];
const HEAVY: &[&str] = &["zoom.report_participants"];
/// What a connection takes of a limit that says nothing of it.
const SHARE: f64 = 0.9;
/// So long the run may take until work of every category waits.
const BEGIN_MAX: Duration = Duration::from_secs(60);

/// Calls a second of light, medium and heavy that an account of that tier allows.
fn allowed(tier: &str) -> [f64; 3] {
    if tier == "pro" { [30.0, 20.0, 10.0] } else { [80.0, 60.0, 40.0] }
}

fn calls_of(stats: &Stats, operations: &[&str]) -> u64 {
    operations.iter().map(|operation| stats.calls_of(operation)).sum()
}

/// How much of `share` of each limit a run uses while work waits, over that time.
fn used(account: &Account, run: &mut Running, shares: [f64; 3], during: Duration) -> [f64; 3] {
    let all_begun = |stats: &Stats| calls_of(stats, HEAVY) > 2 * shares[2] as u64;
    run.until("heavy calls", BEGIN_MAX, |_| all_begun(&account.stats().expect("stats")))
        .expect("it begins");
    let (before, at) = (account.stats().expect("stats"), Instant::now());
    std::thread::sleep(during);
    let (after, seconds) = (account.stats().expect("stats"), at.elapsed().as_secs_f64());
    let mut used = [0.0; 3];
    for (at, operations) in [LIGHT, MEDIUM, HEAVY].into_iter().enumerate() {
        let calls = calls_of(&after, operations) - calls_of(&before, operations);
        used[at] = calls as f64 / (shares[at] * seconds);
    }
    used
}

/// Runs beside that account for a while; the worst use of a share, and the calls made.
fn campaign(tier: &'static str, limits: &str, left: f64, during: Duration) -> (f64, u64) {
    let named = format!("tier {tier}, {limits}");
    let spec = Spec { users: 1_500, tier, limits: Some(limits.to_owned()), ..Spec::default() };
    let account = account(spec);
    let home = home(&account, &Settings { concurrency: 64, ..Settings::default() });
    let mut run = home.start(&["run", "zoom-backfill", "--input", "content=metadata"]);
    let shares = allowed(tier).map(|limit| limit * SHARE.min(left));
    let used = used(&account, &mut run, shares, during);
    run.signal(Signal::TERM);
    run.wait(Duration::from_secs(60)).expect("it drains").expect(4);
    let stats = account.stats().expect("stats");
    let refused = stats.refused_for_rate();
    assert!(refused <= refused_most(Size::asked()), "{named}: {refused} refused: {:#}", stats.0);
    for (category, limit) in ["light", "medium", "heavy"].into_iter().zip(allowed(tier)) {
        let peak = stats.peak_per_second(category);
        assert!(peak as f64 <= limit, "{named}: {peak} {category} calls in a second");
    }
    (used.into_iter().fold(f64::MAX, f64::min), stats.calls())
}

/// Calls refused at most. A sample runs beside other tests: calls that start in time may be held
/// up on their way, and arrive in a crowd.
fn refused_most(size: Size) -> u64 {
    size.of(2, 0)
}

/// Of a share, what is used at least while work waits. A sample is short, and the machine may
/// have other things to do.
fn least_used(size: Size) -> f64 {
    size.of(0.5, 0.97)
}

fn rates(other_app: bool, campaign_name: &str) {
    let size = Size::asked();
    let during = Duration::from_secs(size.of(8, 60));
    let left = if other_app { 0.6 } else { 1.0 };
    let tiers = size.of(&["pro"][..], &["pro", "business"][..]);
    let (mut calls, mut worst) = (0, f64::MAX);
    for tier in tiers {
        for shape in &["sliding", "fixed", "bucket"][..size.of(1, 3)] {
            let other = if other_app { ",other_app=0.4" } else { "" };
            let (used, made) = campaign(tier, &format!("shape={shape}{other}"), left, during);
            assert!(used >= least_used(size), "tier {tier}, {shape}: {used:.3} of the share");
            calls += made;
            worst = worst.min(used);
        }
    }
    measured(
        campaign_name,
        &format!("{} tiers, {} shapes, {} s each", tiers.len(), size.of(1, 3), during.as_secs()),
        &format!("0 of {calls} calls refused; at least {:.1} % used", worst * 100.0),
        "0; 97 %",
    );
}

#[test]
fn while_work_waits_the_share_is_used_and_no_call_refused() {
    rates(false, "429s of our own making, and the share used while work waits");
}

#[test]
fn beside_another_app_what_it_leaves_is_used_and_no_call_refused() {
    rates(true, "the same beside another app that takes 40 %");
}
