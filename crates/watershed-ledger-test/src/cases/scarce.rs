//! What waits for the sake of what is scarce: newer months first, and hold-back.

use watershed_ledger::{Leased, Letter, Outcome};
use watershed_model::{Category, Kin, Millis, Period, Trigger};

use super::scenario::{
    START, Scenario, brings, done, item_names, letter, month_task, of, page, records, submit, task,
};
use super::suite::declare;
use crate::sketch::{From, Line};

declare! {
    an_older_month_waits_while_a_newer_one_may_come,
    an_older_month_waits_also_where_it_is_tried_again,
    a_month_waits_for_no_other_item_of_itself,
    nothing_waits_where_todays_calls_do_for_all,
    a_call_that_is_under_way_is_not_counted_twice,
    nothing_waits_in_the_rest_of_the_day,
    a_listing_under_way_goes_on_whatever_is_newer,
    an_event_waits_for_nothing,
    what_two_days_calls_wait_for_is_held_back,
    what_is_newer_is_not_held_back,
    what_has_no_month_is_not_held_back,
    hold_back_reaches_over_several_steps,
    what_feeds_another_step_too_is_not_held_back,
    other_paths_go_on_and_the_view_says_so,
}

const HEAVY: &[Category] = &[Category::Heavy];
const NEW: u16 = 24_303;
const OLD: u16 = 24_301;

fn each(step: usize) -> Line {
    Line::new(From::Each(vec![(step, false)]))
}

/// Meetings, what was held of them, and the report of each: the last ones are scarce.
const MEETINGS: u16 = 0;
const HELD: u16 = 1;
const REPORTS: u16 = 2;

fn zoom() -> Vec<Line> {
    vec![
        Line::new(From::Literals(1)).category(Category::Light),
        each(0).category(Category::Light).newest_first(),
        each(1).category(Category::Heavy).newest_first(),
    ]
}

/// So many reports a day.
fn begin(s: &mut Scenario, reports: f64, kin: Vec<Kin>) {
    s.limits(&[(Period::Day, HEAVY, reports)]);
    s.run("run", zoom(), kin, vec![]);
}

fn named(leased: &[Leased], item: &str) -> Leased {
    let found = leased.iter().find(|l| l.item == item);
    found.unwrap_or_else(|| panic!("{item} is not leased: {leased:?}")).clone()
}

fn held(items: &[(&str, u16)]) -> Outcome {
    brings(items.iter().map(|(item, month)| month_task(HELD, item, *month)).collect())
}

fn reports(items: &[(&str, u16)]) -> Outcome {
    brings(items.iter().map(|(item, month)| month_task(REPORTS, item, *month)).collect())
}

/// One meeting's old report waits; another meeting, `other`, is worked on by `v`.
fn old_report_and_another_meeting(s: &mut Scenario) -> Leased {
    begin(s, 2.0, vec![task(MEETINGS, "one"), task(MEETINGS, "other")]);
    let one = s.lease("w", 1).remove(0);
    s.close("w", &one, held(&[("old", OLD)]));
    let old = s.lease("w", 1).remove(0);
    s.close("w", &old, reports(&[("old report", OLD)]));
    s.lease("v", 1).remove(0)
}

fn an_older_month_waits_while_a_newer_one_may_come(s: &mut Scenario) {
    let other = old_report_and_another_meeting(s);
    assert_eq!(other.item, "other");
    let answer = s.exchange("w", &["zoom"], 9, Vec::new());
    assert_eq!(item_names(&answer.leased), [""; 0]);
    let soon = answer.ask_again_at.expect("something is open");
    assert!(soon - s.now <= 1_000, "a settle may change it");
    let waits = s.view("run").waits;
    assert!(waits[0].why.contains("newer months are still being looked for"), "{waits:?}");
    assert_eq!((waits.len(), waits[0].count), (1, 1));
    s.close("v", &other, held(&[("new", NEW)]));
    let new = s.lease_one("w");
    s.close("w", &new, reports(&[("new report", NEW)]));
    assert_eq!(item_names(&s.lease("w", 9)), ["new report", "old report"]);
}

/// A meeting's old report is leased, and nothing else is open; the dead letter of another
/// meeting, `other`, can be put back.
fn old_report_leased_and_a_letter(s: &mut Scenario) -> (Leased, Letter) {
    begin(s, 3.0, vec![task(MEETINGS, "one"), task(MEETINGS, "other")]);
    let both = s.lease("w", 2);
    s.close("w", &both[1], Outcome::Failed);
    s.close("w", &both[0], held(&[("old", OLD)]));
    let old = s.lease_one("w");
    s.close("w", &old, reports(&[("old report", OLD)]));
    (s.lease_one("w"), letter(&both[1]))
}

fn an_older_month_waits_also_where_it_is_tried_again(s: &mut Scenario) {
    let (report, other) = old_report_leased_and_a_letter(s);
    s.retry("run", vec![other]);
    let at = s.now + 1_000;
    s.close("w", &report, Outcome::Retry { at, counts: true });
    s.after(1_000);
    let other = s.lease_one("w");
    assert_eq!(other.item, "other");
    s.close("w", &other, held(&[("older", OLD - 1)]));
    let names = s.lease("w", 9);
    assert_eq!(item_names(&names), ["old report", "older"], "nothing newer may come any more");
}

fn a_month_waits_for_no_other_item_of_itself(s: &mut Scenario) {
    begin(s, 1.0, vec![task(MEETINGS, "one")]);
    let one = s.lease_one("w");
    s.close("w", &one, held(&[("a", NEW), ("b", NEW), ("c", OLD)]));
    let a = named(&s.lease("v", 3), "a");
    s.close("v", &a, reports(&[("a report", NEW)]));
    // Two are under way, of this month and an older one.
    assert_eq!(item_names(&s.lease("w", 9)), ["a report"]);
}

/// Twenty meetings with one report each, but for the last one's, which is not known yet.
fn nearly_all_known(s: &mut Scenario, calls: f64) -> (Leased, Leased) {
    let meetings = (0..22).map(|n| task(MEETINGS, &format!("meeting{n}"))).collect();
    begin(s, calls, meetings);
    let meetings = s.lease("w", 22);
    for (n, meeting) in meetings[..21].iter().enumerate() {
        s.close("w", meeting, held(&[(&format!("held{n}"), OLD)]));
    }
    let held = s.lease("w", 21);
    assert_eq!(held.len(), 21);
    for (n, held) in held[..20].iter().enumerate() {
        s.close("w", held, reports(&[(&format!("report{n}"), OLD)]));
    }
    (meetings[21].clone(), held[20].clone())
}

fn nothing_waits_where_todays_calls_do_for_all(s: &mut Scenario) {
    // Twenty are known, and two more are expected: the meeting's, and that of what was held.
    nearly_all_known(s, 22.0);
    assert_eq!(s.lease("w", 1).len(), 1);
    s.limits(&[(Period::Day, HEAVY, 21.0)]);
    assert_eq!(s.lease("w", 1).len(), 0, "of 22 calls, 20 are left");
}

fn a_call_that_is_under_way_is_not_counted_twice(s: &mut Scenario) {
    nearly_all_known(s, 22.0);
    let leased: usize = (0..20).map(|_| s.lease("w", 1).len()).sum();
    assert_eq!(leased, 20, "each took its call of the day with it");
}

fn nothing_waits_in_the_rest_of_the_day(s: &mut Scenario) {
    let other = old_report_and_another_meeting(s);
    // Its lease runs out; then the meeting is delayed until tomorrow.
    let tomorrow = s.now + Millis::DAY;
    s.close("v", &other, Outcome::Retry { at: tomorrow, counts: true });
    let rest = s.now.next_day() + -600_000;
    let answer = s.exchange("w", &["zoom"], 9, Vec::new());
    assert_eq!((answer.leased.len(), answer.ask_again_at), (0, Some(rest)));
    s.now = rest + -1;
    assert_eq!(s.lease("w", 9).len(), 0);
    s.now = rest;
    assert_eq!(item_names(&s.lease("w", 9)), ["old report"]);
}

fn a_listing_under_way_goes_on_whatever_is_newer(s: &mut Scenario) {
    let (report, other) = old_report_leased_and_a_letter(s);
    s.retry("run", vec![other]);
    let now = s.now;
    s.close("w", &report, page(records(Vec::new()), 1, now));
    assert_eq!(item_names(&s.lease("w", 9)), ["old report", "other"]);
}

fn an_event_waits_for_nothing(s: &mut Scenario) {
    s.limits(&[(Period::Day, HEAVY, 2.0)]);
    let kin = vec![task(MEETINGS, "meeting"), month_task(REPORTS, "report", OLD)];
    let submit = submit("run", "zoom", Trigger::Event, zoom(), kin, vec![]);
    s.say(watershed_ledger::Command::Submit(Box::new(submit)));
    assert_eq!(item_names(&s.lease("w", 9)), ["report", "meeting"]);
}

/// Two days' calls wait, of the new month; today's are spent. Other items are still to come.
fn enough(s: &mut Scenario, lines: Vec<Line>, more: Vec<Kin>) {
    s.limits(&[(Period::Day, HEAVY, 2.0)]);
    let mut kin: Vec<Kin> = (0..6).map(|n| month_task(2, &format!("{n}"), NEW)).collect();
    kin.extend(more);
    s.run("run", lines, kin, vec![]);
}

/// Everything but reports that can be leased, and settled at once.
fn others(s: &mut Scenario) -> Vec<String> {
    let leased = s.lease("w", 50);
    let reports: Vec<&Leased> = leased.iter().filter(|l| l.step.0 == REPORTS).collect();
    let settles = reports.iter().map(|l| of(l, done())).collect();
    s.exchange("w", &["zoom"], 0, settles);
    leased.iter().filter(|l| l.step.0 != REPORTS).map(|l| l.item.clone()).collect()
}

fn what_two_days_calls_wait_for_is_held_back(s: &mut Scenario) {
    let more = vec![month_task(HELD, "new", NEW), month_task(HELD, "old", OLD)];
    enough(s, zoom(), more);
    // Six are open: four and today's two, which the first exchange takes.
    assert_eq!(others(s), [""; 0]);
    assert_eq!(others(s), [""; 0]);
    s.after(Millis::DAY);
    assert_eq!(others(s), [""; 0], "four wait, and two of them are asked for now");
    assert_eq!(others(s), ["new", "old"], "two wait");
}

fn what_is_newer_is_not_held_back(s: &mut Scenario) {
    let more = vec![month_task(HELD, "newer", NEW + 1), month_task(HELD, "old", OLD)];
    enough(s, zoom(), more);
    assert_eq!(others(s), ["newer"]);
}

fn what_has_no_month_is_not_held_back(s: &mut Scenario) {
    enough(s, zoom(), vec![task(HELD, "undated"), month_task(HELD, "old", OLD)]);
    assert_eq!(others(s), ["undated"]);
}

fn hold_back_reaches_over_several_steps(s: &mut Scenario) {
    let lines = vec![
        Line::new(From::Literals(1)).category(Category::Light).newest_first(),
        each(0).category(Category::Light).newest_first(),
        each(1).category(Category::Heavy).newest_first(),
    ];
    let more = vec![month_task(0, "first", NEW), month_task(1, "second", NEW)];
    enough(s, lines, more);
    assert_eq!(others(s), [""; 0]);
}

fn what_feeds_another_step_too_is_not_held_back(s: &mut Scenario) {
    let mut lines = zoom();
    lines.push(each(1).category(Category::Medium));
    let more = vec![month_task(HELD, "old", OLD), task(3, "another")];
    enough(s, lines, more);
    assert_eq!(others(s), ["another", "old"]);
}

fn other_paths_go_on_and_the_view_says_so(s: &mut Scenario) {
    let mut lines = zoom();
    lines.push(Line::new(From::Run).category(Category::Light));
    let more = vec![month_task(HELD, "old", OLD), task(3, "other path")];
    enough(s, lines, more);
    assert_eq!(others(s), ["other path"]);
    let waits = s.view("run").waits;
    let held = waits.iter().find(|w| w.why.starts_with("step1")).expect("it says so");
    assert_eq!(held.why, "step1, while two days of the heavy budget wait for step2");
    assert_eq!((held.count, held.until.clone()), (1, None));
    let binds = waits.iter().find(|w| w.why.contains("heavy budget of this day"));
    assert_eq!(binds.expect("the day is spent").until, Some(START.next_day().to_string()));
}
