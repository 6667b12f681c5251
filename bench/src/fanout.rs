//! A listing, all that hangs beneath it, and a join after the last of it: adding is counted, since
//! children come while others are worked on. Beside BullMQ's flow of the same shape, and its no-op
//! jobs, that nothing hangs together of.

use std::time::Instant;

use anyhow::{Result, ensure};
use watershed_ledger::Command;
use watershed_test_servers::RedisServer;

use crate::figure::{Better, Figure};
use crate::peer::BULLMQ;
use crate::queue::bullmq_noop;
use crate::server::{Worker, together};
use crate::tree::{Shape, Tree};
use crate::turns::{Rival, beside};

/// A figure's name, the shape, how many items, and the words for BullMQ's flow.
const FIGURES: [(&str, Shape, u64, [&str; 3]); 5] = [
    ("fanout_join", Shape::Wide, 10_000, ["wide", "10000", "200"]),
    ("fanout_join_100k", Shape::Wide, 100_000, ["wide", "100000", "200"]),
    ("fanout_join_zoom", Shape::Zoom, 10_000, ["zoom", "10000", "200"]),
    ("fanout_join_zoom_100k", Shape::Zoom, 100_000, ["zoom", "100000", "200"]),
    ("fanout_join_users_100k", Shape::ZoomJoined, 100_000, ["zoom", "100000", "200"]),
];

pub(crate) fn figures() -> Result<Vec<Figure>> {
    let mut figures = Vec::new();
    for (name, shape, items, words) in FIGURES {
        eprintln!("  {name}");
        let words = words.map(str::to_owned).to_vec();
        let flow =
            Rival { peer: BULLMQ, program: "flow.cjs", words, figure: "per_second", told: "flow" };
        let rivals = [flow, bullmq_noop()];
        let unit = "items/s with adding, two workers";
        let figure = beside(name, unit, Better::Higher, &rivals, || watershed(shape, items))?;
        figures.push(Figure { of: "fanout_join", ..figure });
    }
    Ok(figures)
}

fn watershed(shape: Shape, items: u64) -> Result<f64> {
    let server = RedisServer::start(&[]);
    let tree = Tree::of(shape, items);
    let worker = Worker::new(&server, "submits")?;
    worker.say(Command::Submit(Box::new(tree.submit())))?;
    let begun = Instant::now();
    let done = together(&server, 2, u64::MAX, |leased| tree.outcome(leased))?;
    let seconds = begun.elapsed().as_secs_f64();
    ensure!(done > items * 9 / 10, "{done} items were settled, about {items} were to be");
    Ok(done as f64 / seconds)
}
