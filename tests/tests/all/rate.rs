//! The whole budget, never more: while work waits, the account refuses no call for its rate, and
//! sees nearly all of the share used. Judged by what the account itself counts.

mod workers;

use std::time::{Duration, Instant};

use rustix::process::Signal;
use serde_json::Value;
use watershed_tests::{Account, Home, Running, Settings, Size, Spec, Stats};

use crate::ground::{account, home, measured};

/// Operations of each category, by Zoom's published labels.
const LIGHT: &[&str] = &[
    "zoom.get_user",
    "zoom.get_meeting",
    "zoom.get_invitation",
    "zoom.get_past_meeting",
    "zoom.get_recording",
    "zoom.get_recording_settings",
];
const MEDIUM: &[&str] = &[
    "zoom.get_user_settings",
    "zoom.list_users",
    "zoom.list_meetings",
    "zoom.list_past_instances",
    "zoom.list_account_recordings",
];
const HEAVY: &[&str] = &["zoom.report_participants"];
/// What a connection takes of a limit that says nothing of it.
const SHARE: f64 = 0.9;
/// Steps of the backfill, those of which there is more to ask than an account allows: of its light
/// calls, too, however few instances a meeting has. None has pages that take a processor long: the
/// account has but two as well, and what waits for one of them arrives late.
const MUCH: &str = r#"
name: much
inputs:
  from: { type: date, default: -180d }
  to: { type: date, default: today }
steps:
  users:
    for_each: [active, inactive]
    as: status
    use: zoom.list_users
    with: { status: "${{ status }}" }
  meetings:
    for_each: users
    as: user
    once: user.id
    use: zoom.list_meetings
    with:
      user_id: "${{ user.id }}"
      type: previous_meetings
      from: "${{ inputs.from }}"
      to: "${{ inputs.to }}"
  instances:
    for_each: meetings
    as: meeting
    once: meeting.id
    use: zoom.list_past_instances
    with: { meeting_id: "${{ meeting.id }}" }
  held:
    for_each: instances
    as: instance
    when: date(instance.start_time) >= inputs.from && date(instance.start_time) <= inputs.to
    once: instance.uuid
    order: newest_first
    use: zoom.get_past_meeting
    with: { uuid: "${{ instance.uuid }}" }
  participants:
    for_each: held
    as: past
    when: past.participants_count == null || past.participants_count >= 2
    once: past.uuid
    use: zoom.report_participants
    with: { uuid: "${{ past.uuid }}" }
  details:
    for_each: meetings
    as: meeting
    once: meeting.id
    use: zoom.get_meeting
    with: { meeting_id: "${{ meeting.id }}" }
"#;

/// A file of that workflow.
fn much(home: &Home) -> &'static str {
    home.write("much.yaml", MUCH);
    "much.yaml"
}

/// So long the run may take until work of every category waits: reports wait until so much is
/// known of the lists that the day is seen to do for all.
const BEGIN_MAX: Duration = Duration::from_secs(120);

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
    let mut run = home.start(&["run", much(&home)]);
    let shares = allowed(tier).map(|limit| limit * SHARE.min(left));
    let used = used(&account, &mut run, shares, during);
    run.signal(Signal::TERM);
    run.wait(Duration::from_secs(60)).expect("it drains").expect(4);
    let stats = account.stats().expect("stats");
    let refused = stats.refused_for_rate();
    assert!(
        refused <= refused_most(Size::asked(), left),
        "{named}: {refused} refused: {:#}",
        stats.0
    );
    for (category, limit) in ["light", "medium", "heavy"].into_iter().zip(allowed(tier)) {
        let peak = stats.peak_per_second(category);
        assert!(peak as f64 <= limit, "{named}: {peak} {category} calls in a second");
    }
    (used.into_iter().fold(f64::MAX, f64::min), stats.calls())
}

/// Calls refused at most: none. Beside another app a sample bears some, the full count none.
fn refused_most(size: Size, left: f64) -> u64 {
    if left < 1.0 { size.of(10, 0) } else { 0 }
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

/// A call starts at its slot or up to so many seconds later.
const START_WITHIN_S: f64 = 0.1;

/// Most calls that may arrive in a stretch of a second: those whose slots are in it, and those
/// of so many seconds before it that came late.
fn most_arrivals(share: f64, limit: u32, late_s: f64) -> u64 {
    (share * f64::from(limit) * (1.0 + late_s)).floor() as u64 + 1
}

#[test]
fn the_account_refuses_no_call_for_its_rate() {
    // The usual share leaves just the room that late starts need. Beside half of the limit,
    // it is seen whether the share is kept at all.
    let shapes = [("fixed", None), ("sliding", Some(0.5)), ("bucket", None)];
    let size = Size::asked();
    let mut calls = 0;
    for tier in ["pro", "business"] {
        for (shape, share) in &shapes[..size.of(2, 3)] {
            let limits = Some(format!("shape={shape}"));
            let users = size.of(8, 40);
            let account = account(Spec { users, tier, limits, ..Spec::default() });
            let settings = Settings { concurrency: 64, share: *share, ..Settings::default() };
            let home = home(&account, &settings);
            home.run(&["run", "zoom-backfill"]).expect(0);
            let stats = account.stats().expect("stats");
            assert_eq!(stats.refused_for_rate(), 0, "tier {tier}, {shape}: {:#}", stats.0);
            let limits = if tier == "pro" { [30, 20, 10] } else { [80, 60, 40] };
            for (category, limit) in ["light", "medium", "heavy"].into_iter().zip(limits) {
                let peak = stats.peak_per_second(category);
                let most = most_arrivals(share.unwrap_or(SHARE), limit, START_WITHIN_S);
                assert!(peak > 0, "tier {tier}: no {category} call");
                assert!(peak <= most, "tier {tier}, {shape}: {peak} {category}, {most} may be");
            }
            // Lists of meetings and instances come first, and there are many: they wait for
            // the budget, so it is used.
            let (share, peak) = (share.unwrap_or(SHARE), stats.peak_per_second("medium"));
            let least = share * f64::from(limits[1]) / 2.0;
            assert!(peak as f64 >= least, "tier {tier}, {shape}: {peak} medium, {least} at least");
            calls += stats.calls();
        }
    }
    let size = format!("tiers pro and business, {} shapes of limit", size.of(2, 3));
    measured("429s of our own making, whole runs", &size, &format!("0 of {calls} calls"), "0");
}

#[test]
fn while_work_waits_the_share_is_used_and_no_call_refused() {
    rates(false, "429s of our own making, and the share used while work waits");
}

#[test]
fn beside_another_app_what_it_leaves_is_used_and_no_call_refused() {
    rates(true, "the same beside another app that takes 40 %");
}

/// An account with a small day, and what a connection may use of it.
const DAY: &str = "heavy_per_day = 40";
const DAY_SHARE: u64 = 36;

fn small_day() -> Account {
    let limits = Some("heavy_per_day=40".to_owned());
    account(Spec { users: 20, limits, ..Spec::default() })
}

/// Waits until the day's heavy calls are spent and nothing else is open but what is held back
/// for their sake; the status then.
fn day_spent(account: &Account, home: &Home, run: &str, process: &mut Running) -> Value {
    let mut status = Value::Null;
    let spent = |status: &Value| {
        let steps = status["steps"].as_array().expect("steps");
        let scarce = |step: &Value| step["step"] == "participants" || step["step"] == "held";
        let mut others = steps.iter().filter(|step| !scarce(step));
        others.all(|step| step["done"] == step["known"])
            && (nothing_open(status, "held") || waits(status).contains(&HELD_BACK))
            && limit_of_day(status).is_some_and(|day| day["used"].as_u64() >= Some(DAY_SHARE))
    };
    process
        .until("the day is spent", Duration::from_secs(120), |_| {
            let told = home.run(&["status", run, "--json"]);
            let reports = account.stats().expect("stats").calls_of("zoom.report_participants");
            // It may not be submitted yet.
            told.code == Some(0) && reports >= DAY_SHARE && {
                status = told.json();
                spent(&status)
            }
        })
        .expect("all but the heavy calls is done");
    status
}

/// What is said of `held` while it is held back.
const HELD_BACK: &str = "held, while two days of the heavy budget wait for participants";

/// Why anything waits.
fn waits(status: &Value) -> Vec<&str> {
    let waits = status["waits"].as_array().expect("waits");
    waits.iter().filter_map(|wait| wait["why"].as_str()).collect()
}

fn nothing_open(status: &Value, name: &str) -> bool {
    let steps = status["steps"].as_array().expect("steps");
    steps.iter().any(|step| step["step"] == name && step["done"] == step["known"])
}

/// `None` before anything has asked the budget.
fn limit_of_day(status: &Value) -> Option<&Value> {
    let budget = status["budget"].as_array().expect("budget");
    budget.iter().find(|b| b["period"] == "day")
}

#[test]
fn a_day_is_spent_to_its_last_call_while_all_else_goes_on() {
    let account = small_day();
    let home = home(&account, &Settings { limits: Some(DAY), ..Settings::default() });
    let mut run = home.start(&["run", "zoom-backfill", "--run-id", "first"]);
    let status = day_spent(&account, &home, "first", &mut run);
    let stats = account.stats().expect("stats");
    assert_eq!(stats.calls_of("zoom.report_participants"), DAY_SHARE, "{:#}", stats.0);
    assert_eq!(stats.refused_for_rate(), 0, "{:#}", stats.0);
    let day = limit_of_day(&status).expect("a limit of the day");
    assert_eq!((day["used"].as_u64(), day["binds"].as_bool()), (Some(DAY_SHARE), Some(true)));
    let reset = day["free_at"].as_str().expect("when it resets");
    assert!(reset.ends_with("T00:00:00Z") || reset.ends_with("T00:00:00.000Z"), "{reset}");
    let named = |wait: &Value| wait["why"] == "the heavy+resource_intensive budget of this day";
    let waits = status["waits"].as_array().expect("waits");
    assert!(waits.iter().any(|wait| named(wait) && wait["until"] == reset), "{waits:?}");
    let told = home.run(&["status", "first"]).expect(0).stdout;
    assert!(told.contains("budget of this day, ") && told.contains(" to go"), "{told}");
    run.signal(Signal::TERM);
    run.wait(Duration::from_secs(60)).expect("it drains").expect(4);
}

#[test]
fn two_connections_of_one_account_spend_one_day() {
    let account = small_day();
    let settings = Settings { limits: Some(DAY), ..Settings::default() };
    let home = home(&account, &settings);
    let one = std::fs::read_to_string(home.path().join("watershed.toml")).expect("it is there");
    let (head, connection) = one.split_once("[connections.default]").expect("a connection");
    let both = format!("{head}[connections.a]{connection}\n[connections.b]{connection}");
    home.write("watershed.toml", &both);
    let mut first = home.start(&["run", "zoom-backfill", "--connection", "a"]);
    let some = |stats: Stats| stats.calls_of("zoom.report_participants") >= 5;
    first
        .until("heavy calls", BEGIN_MAX, |_| some(account.stats().expect("stats")))
        .expect("it begins");
    first.signal(Signal::TERM);
    first.wait(Duration::from_secs(60)).expect("it drains").expect(4);
    let words = ["run", "zoom-backfill", "--connection", "b", "--run-id", "second"];
    let mut second = home.start(&words);
    day_spent(&account, &home, "second", &mut second);
    let stats = account.stats().expect("stats");
    assert_eq!(stats.calls_of("zoom.report_participants"), DAY_SHARE, "{:#}", stats.0);
    assert_eq!(stats.refused_for_rate(), 0, "{:#}", stats.0);
    second.signal(Signal::TERM);
    second.wait(Duration::from_secs(60)).expect("it drains").expect(4);
}
