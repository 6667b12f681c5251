//! The file stays the size of the frontier: bytes are counted, for they are the same each time.

use watershed_ledger::Command;
use watershed_model::{Category, CategorySet, Limit, Limits, Period, StepId};

use crate::desk::{Desk, Pages};
use crate::plans::{Account, HELD, INSTANCES, PARTICIPANTS, generations, zoom};

/// What a pending item may take of the file, its key and all indexes included.
const BYTES_AN_ITEM_MAX: f64 = 60.0;
/// What waits when it is measured.
const WAITING: u64 = 100_000;

/// No call of this category starts.
fn nothing_of(desk: &Desk, category: Category) {
    let categories = CategorySet::of(&[category]);
    let limit = Limit::new(categories, Period::Day, 0.0);
    let command = Command::SetLimits {
        account: "acme".into(),
        limits: Limits(vec![limit]),
        days: Vec::new(),
        recount: None,
    };
    desk.says(&command);
}

/// Meetings with one to five instances each, until so many items wait.
fn fills(desk: &mut Desk, account: &mut Account, last: StepId, waiting: u64) {
    // Three instances a meeting on average; more meetings than it takes.
    let meetings = (0..waiting / 2).map(|_| account.meeting()).collect();
    desk.begins(zoom(), meetings);
    let mut made = 0;
    desk.works(
        |leased| match leased.step {
            INSTANCES if made < waiting => {
                let instances = 1 + account.below(5);
                made += instances;
                (0..instances).map(|_| account.instance()).collect()
            }
            HELD if last > HELD => vec![account.held()],
            _ => Vec::new(),
        },
        |_| false,
    );
}

fn bytes_an_item(desk: &Desk) -> f64 {
    let Pages { used, size, .. } = desk.pages();
    let bytes = (used * size) as f64 / desk.open() as f64;
    println!("{bytes:.1} bytes an item, {} items", desk.open());
    bytes
}

#[test]
fn an_instance_that_waits_to_be_asked_for_takes_at_most_60_bytes() {
    let mut desk = Desk::new();
    nothing_of(&desk, Category::Light);
    fills(&mut desk, &mut Account::of(1), HELD, WAITING);
    assert!(desk.open() >= WAITING, "{} items wait", desk.open());
    let bytes = bytes_an_item(&desk);
    assert!(bytes <= BYTES_AN_ITEM_MAX, "{bytes} bytes an item");
}

#[test]
fn a_meeting_whose_report_waits_for_its_budget_takes_at_most_60_bytes() {
    let mut desk = Desk::new();
    nothing_of(&desk, Category::Heavy);
    // Each of six months has chunks of its own.
    fills(&mut desk, &mut Account::of(2), PARTICIPANTS, WAITING / 2);
    assert!(desk.open() >= WAITING / 2, "{} items wait", desk.open());
    let bytes = bytes_an_item(&desk);
    assert!(bytes <= BYTES_AN_ITEM_MAX, "{bytes} bytes an item");
}

#[test]
fn what_is_finished_takes_nothing() {
    const GENERATIONS: u16 = 12;
    const ITEMS: u64 = 20_000;
    let mut desk = Desk::new();
    let mut account = Account::of(3);
    let first = (0..100).map(|_| account.any(StepId(0))).collect();
    desk.begins(generations(GENERATIONS), first);
    let mut made = 100;
    let mut early = 0;
    desk.works(
        |leased| {
            let next = StepId(leased.step.0 + 1);
            // Two children on average, so that a branch dies out late or not at all.
            let children = if next.0 < GENERATIONS { account.below(5) } else { 0 };
            let children = children.min(ITEMS.saturating_sub(made));
            made += children;
            (0..children).map(|_| account.any(next)).collect()
        },
        |desk| {
            let closed: u64 = desk.view().steps.iter().map(|step| step.done).sum();
            if closed <= ITEMS / 5 {
                early = early.max(desk.pages().all);
            }
            false
        },
    );
    assert_eq!((made, desk.open()), (ITEMS, 0));
    let late = desk.pages().all;
    println!("{early} pages after a fifth, {late} at the end");
    assert!(late <= early, "{early} pages after a fifth of the run, {late} at its end");
}

#[test]
fn a_frontier_that_has_shrunk_leaves_a_small_file() {
    const MANY: u64 = 20_000;
    let mut desk = Desk::new();
    let mut account = Account::of(4);
    desk.begins(generations(1), (0..MANY).map(|_| account.any(StepId(0))).collect());
    let full = desk.pages();
    desk.works(|_| Vec::new(), |_| false);
    let drained = desk.pages();
    println!("{full:?}, then {drained:?}");
    assert_eq!(desk.open(), 0);
    assert!(drained.all < full.all / 2, "{} of {} pages are left", drained.all, full.all);
}

#[test]
fn workers_that_are_long_gone_take_nothing() {
    let mut desk = Desk::new();
    desk.begins(generations(1), vec![Account::of(5).any(StepId(0))]);
    let held = desk.exchanges(Vec::new()).leased;
    for number in 1..=200 {
        desk.passes_to(number);
        desk.exchanges(Vec::new());
    }
    let known = desk.workers();
    assert!(known.len() <= 66, "{} workers are known", known.len());
    assert!(known.contains(&"desk 0".to_owned()), "one that holds a lease is kept");
    assert!(known.contains(&"desk 200".to_owned()));
    assert_eq!(held.len(), 1);
}
