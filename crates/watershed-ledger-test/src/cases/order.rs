//! The order of leases.

use watershed_ledger::{Command, Outcome};

use super::scenario::{Scenario, brings, item_names, month_task, page, records, submit, task};
use super::suite::declare;
use crate::sketch::{From, Line};
use watershed_model::Trigger;

declare! {
    deeper_steps_go_first,
    events_go_before_everything,
    schedules_go_last,
    the_newest_month_goes_first_where_a_step_says_so,
    months_do_not_matter_where_a_step_does_not_say_so,
    a_listing_under_way_goes_before_new_ones,
    an_old_page_token_goes_first_of_all,
    the_oldest_page_token_goes_first,
    a_task_to_be_tried_again_keeps_its_place,
}

fn each(step: usize) -> Line {
    Line::new(From::Each(vec![(step, false)]))
}

fn deeper_steps_go_first(s: &mut Scenario) {
    let lines = vec![Line::new(From::Literals(2)), each(0), each(1)];
    s.run("run", lines, vec![task(0, "first"), task(0, "second")], vec![]);
    let first = s.lease("w", 1).remove(0);
    s.close("w", &first, brings(vec![task(1, "child"), task(1, "other child")]));
    let child = s.lease("w", 1).remove(0);
    assert_eq!(child.step.0, 1);
    s.close("w", &child, brings(vec![task(2, "grandchild")]));
    let names: Vec<u16> = (0..3).map(|_| s.lease("w", 1).remove(0).step.0).collect();
    assert_eq!(names, [2, 1, 0]);
}

fn runs(s: &mut Scenario, triggers: &[(&str, Trigger)]) {
    for (name, trigger) in triggers {
        let lines = vec![Line::new(From::Run)];
        let submit = submit(name, "zoom", *trigger, lines, vec![task(0, name)], vec![]);
        s.say(Command::Submit(Box::new(submit)));
        s.after(1);
    }
}

fn events_go_before_everything(s: &mut Scenario) {
    let triggers = [("b", Trigger::Manual), ("c", Trigger::Schedule), ("a", Trigger::Event)];
    runs(s, &triggers);
    assert_eq!(s.lease("w", 1)[0].item, "a");
}

fn schedules_go_last(s: &mut Scenario) {
    let triggers = [("c", Trigger::Schedule), ("b", Trigger::Manual)];
    runs(s, &triggers);
    assert_eq!(s.finish("w"), ["b", "c"]);
}

fn the_newest_month_goes_first_where_a_step_says_so(s: &mut Scenario) {
    let months = [24_300, 24_302, 0, 24_301, 24_302];
    let kin = months.iter().map(|m| month_task(0, &m.to_string(), *m)).collect();
    s.run("run", vec![Line::new(From::Literals(5)).newest_first()], kin, vec![]);
    let names: Vec<String> = (0..5).map(|_| s.lease("w", 1).remove(0).item).collect();
    assert_eq!(names, ["24302", "24302", "24301", "24300", "0"]);
}

fn months_do_not_matter_where_a_step_does_not_say_so(s: &mut Scenario) {
    let kin = vec![month_task(0, "old", 24_300), month_task(0, "new", 24_302)];
    s.run("run", vec![Line::new(From::Literals(2))], kin, vec![]);
    assert_eq!(s.lease("w", 1)[0].item, "old");
}

fn a_listing_under_way_goes_before_new_ones(s: &mut Scenario) {
    s.run(
        "run",
        vec![Line::new(From::Literals(3)), each(0)],
        vec![task(0, "a"), task(0, "b"), task(0, "c")],
        vec![],
    );
    let a = s.lease("w", 1).remove(0);
    let now = s.now;
    s.close("w", &a, page(records(vec![]), 1, now));
    assert_eq!(s.lease("w", 1)[0].item, "a");
}

fn an_old_page_token_goes_first_of_all(s: &mut Scenario) {
    let lines = vec![Line::new(From::Literals(2)), each(0)];
    s.run("run", lines, vec![task(0, "a"), task(0, "b")], vec![]);
    let a = s.lease("w", 1).remove(0);
    let now = s.now;
    let children = vec![(1, vec![task(1, "child1"), task(1, "child2")])];
    s.close("w", &a, page(records(children), 1, now));
    // Deeper first, as long as the token is young.
    assert_eq!(s.lease("w", 1)[0].step.0, 1);
    s.after(5 * 60_000 + 1);
    assert_eq!(s.lease("w", 1)[0].item, "a");
}

fn the_oldest_page_token_goes_first(s: &mut Scenario) {
    let lines = vec![Line::new(From::Literals(2)), each(0)];
    s.run("run", lines, vec![task(0, "a"), task(0, "b")], vec![]);
    let both = s.lease("w", 2);
    let now = s.now;
    s.close("w", &both[0], page(Vec::new(), 1, now + -1_000));
    s.close("w", &both[1], page(Vec::new(), 1, now + -2_000));
    s.after(6 * 60_000);
    let names: Vec<String> = (0..2).map(|_| s.lease("w", 1).remove(0).item).collect();
    assert_eq!(names, [both[1].item.clone(), both[0].item.clone()]);
}

fn a_task_to_be_tried_again_keeps_its_place(s: &mut Scenario) {
    let lines = vec![Line::new(From::Run), each(0), each(1)];
    s.run("run", lines, vec![task(0, "root")], vec![]);
    let root = s.lease_one("w");
    s.close("w", &root, brings(vec![task(1, "a"), task(1, "b")]));
    let a = s.lease("w", 1).remove(0);
    s.close("w", &a, brings(vec![task(2, "deep")]));
    let deep = s.lease("w", 1).remove(0);
    let at = s.now + 10_000;
    s.close("w", &deep, Outcome::Retry { at, counts: true });
    s.after(10_000);
    assert_eq!(item_names(&s.lease("w", 1)), ["deep"]);
}
