//! A command and its answer in a line or two, for whoever reads a divergence.

use std::fmt::Write;

use watershed_ledger::{Command, Error, Exchanged, Outcome, Reply};
use watershed_model::{Brood, ConnectionName, Kin, Millis};

/// Tells what was said and answered.
pub(crate) fn tell(command: &Command, now: Millis, answer: &Result<Reply, Error>) -> String {
    let mut text = format!("[{now}] ");
    match command {
        Command::Submit(submit) => {
            let kin = of_kin(&submit.kin);
            let _ = write!(text, "submit {} {kin} joins {:?}", submit.run, submit.joins);
        }
        Command::Exchange(exchange) => {
            let lanes: Vec<&str> = exchange.want.lanes.iter().map(ConnectionName::as_str).collect();
            let _ = write!(
                text,
                "{} exchange {} wants {} of {lanes:?}",
                exchange.worker, exchange.sequence, exchange.want.tasks
            );
            for settle in &exchange.settles {
                let (lease, index) = (settle.fence.lease.0, settle.fence.index);
                let _ =
                    write!(text, "\n    settles {lease}.{index} {}", of_outcome(&settle.outcome));
            }
        }
        Command::Retry { run, letters } => {
            let _ = write!(text, "retry {run}:");
            for letter in letters {
                let _ = write!(text, " step{} {}", letter.step.0, letter.item);
            }
        }
        other => {
            let _ = write!(text, "{other:?}");
        }
    }
    match answer {
        Ok(Reply::Exchanged(exchanged)) => of_exchanged(exchanged, &mut text),
        other => {
            let _ = write!(text, "\n    => {other:?}");
        }
    }
    text
}

fn of_exchanged(answer: &Exchanged, text: &mut String) {
    if !answer.settled.is_empty() {
        let _ = write!(text, "\n    => {:?}", answer.settled);
    }
    for leased in &answer.leased {
        let _ = write!(
            text,
            "\n    => leased {}.{} {} step{} {} from {}{}",
            leased.fence.lease.0,
            leased.fence.index,
            leased.run,
            leased.step.0,
            cut(&leased.item),
            leased.start_from,
            if leased.poisoned { " poisoned" } else { "" },
        );
    }
    let _ = write!(text, "\n    => ask again {:?}", answer.ask_again_at.map(|at| at.to_string()));
    if !answer.ended.is_empty() {
        let _ = write!(text, ", ended {:?}", answer.ended);
    }
}

fn of_outcome(outcome: &Outcome) -> String {
    match outcome {
        Outcome::More { broods, checkpoint } => {
            format!("more, page {} {}", checkpoint.pages, of_broods(broods))
        }
        Outcome::Closed { broods, end } => format!("{end:?} {}", of_broods(broods)),
        Outcome::Retry { at, .. } => format!("retry at {at}"),
        Outcome::NotYet { at } => format!("not yet, again at {at}"),
        other => format!("{other:?}"),
    }
}

fn of_broods(broods: &[Brood]) -> String {
    broods.iter().take(8).map(|b| of_kin(&b.kin)).collect::<Vec<_>>().join(" ")
}

fn of_kin(kin: &[Kin]) -> String {
    let told: Vec<String> = kin
        .iter()
        .take(8)
        .map(|one| match one {
            Kin::Task(child) => {
                let once = child.once.map_or(String::new(), |o| format!(" once {:x}", o >> 48));
                format!("step{} {}{once}", child.step.0, cut(&child.item))
            }
            Kin::Scope { level, key, joins, kin } => {
                let joins: usize = joins.iter().map(|(_, items)| items.len()).sum();
                format!("scope{level} {:x} {joins} joins {}", key >> 48, of_kin(kin))
            }
        })
        .collect();
    format!("{{{}}}", told.join(", "))
}

fn cut(item: &str) -> &str {
    item.split('#').next().unwrap_or(item)
}
