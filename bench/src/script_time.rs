//! How long one script holds Redis, by Redis's own count (`INFO latencystats` of EVALSHA), with a
//! million items open: while two workers work off some of them, where each of 64 settles of a call
//! brings 500 children, and where as many leases ran out as an exchange takes back.

use std::time::Duration;

use anyhow::{Context, Result, ensure};
use watershed_ledger::{Command, Leased, Submit};
use watershed_model::{Brood, StepId};
use watershed_test_servers::RedisServer;

use crate::figure::Figure;
use crate::flat::{child, plan, run, step};
use crate::server::{BATCH, LEASE_MS, Worker, closed, together, told};
use crate::tree::{instance, key};

const LISTS: StepId = StepId(0);
const ITEMS: StepId = StepId(1);

const OPEN: u64 = 1_000_000;
/// Children of a list.
const CHILDREN: u64 = 500;
/// Tasks that each of two workers works off.
const WORKED_OFF: u64 = 160_000;
/// Exchanges that meet leases which ran out, and how long those leases are: all are given before
/// the first runs out.
const RUN_OUT: u16 = 200;
const SHORT_MS: i64 = 3_000;

pub(crate) fn figures() -> Result<Vec<Figure>> {
    let server = RedisServer::start(&["--latency-tracking-info-percentiles", "50", "99.9", "100"]);
    let mut worker = Worker::new(&server, "fills")?;
    let lists = OPEN / CHILDREN;
    worker.say(Command::Submit(Box::new(submit(lists))))?;
    let mut held: Vec<Leased> = Vec::new();
    while (held.len() as u64) < lists {
        held.extend(worker.exchange(BATCH, LEASE_MS)?.leased);
    }
    // Half of them one at a time; the other half, 64 a call, is what is measured.
    let (single, many) = held.split_at(held.len() / 2);
    for list in single {
        worker.settle(list, closed(children(list)));
        worker.exchange(0, LEASE_MS)?;
    }
    forget(&server)?;
    for lists in many.chunks(BATCH.into()) {
        for list in lists {
            worker.settle(list, closed(children(list)));
        }
        worker.exchange(0, LEASE_MS)?;
    }
    let wide = times(&server)?;

    forget(&server)?;
    together(&server, 2, WORKED_OFF, |_| closed(Vec::new()))?;
    let worked_off = times(&server)?;

    for _ in 0..RUN_OUT {
        let leased = worker.exchange(BATCH, SHORT_MS)?.leased.len();
        ensure!(leased == usize::from(BATCH), "{leased} tasks were leased");
    }
    std::thread::sleep(Duration::from_millis(SHORT_MS.unsigned_abs()));
    forget(&server)?;
    for _ in 0..RUN_OUT {
        worker.exchange(0, LEASE_MS)?;
    }
    let run_out = times(&server)?;

    let figure = |name, ms| Figure {
        of: "script_time_p999",
        ..Figure::alone(name, ms, "ms a script, 1,000,000 open")
    };
    Ok(vec![
        figure("script_time_p50", worked_off[0]),
        figure("script_time_p999", worked_off[1]),
        figure("script_time_max", worked_off[2]),
        figure("script_time_wide_p50", wide[0]),
        figure("script_time_wide_p999", wide[1]),
        figure("script_time_wide_max", wide[2]),
        figure("script_time_run_out_p50", run_out[0]),
        figure("script_time_run_out_p999", run_out[1]),
        figure("script_time_run_out_max", run_out[2]),
    ])
}

fn submit(lists: u64) -> Submit {
    let plan = plan(vec![step("lists", 0, 0), step("items", 0, 1)], Vec::new(), &[None]);
    run(plan, (0..lists).map(|list| child(LISTS, format!("[{list}]"))).collect(), Vec::new())
}

fn children(list: &Leased) -> Vec<Brood> {
    let first = list.item.trim_matches(['[', ']']).parse().unwrap_or(0) * CHILDREN;
    let brood = |n| Brood { key: key(n), kin: vec![child(ITEMS, instance(n))] };
    (first..first + CHILDREN).map(brood).collect()
}

/// Redis counts anew.
fn forget(server: &RedisServer) -> Result<()> {
    server.ask(&["CONFIG", "RESETSTAT"]).context("Redis does not count anew")?;
    Ok(())
}

/// Median, p99.9 and the longest, in milliseconds.
fn times(server: &RedisServer) -> Result<[f64; 3]> {
    let line = told(server, "latencystats", "latency_percentiles_usec_evalsha")?;
    let of = |name: &str| -> Result<f64> {
        let us = line.split(',').find_map(|part| part.strip_prefix(name)?.strip_prefix('='));
        Ok(us.with_context(|| format!("{name} in {line}"))?.parse::<f64>()? / 1e3)
    };
    Ok([of("p50")?, of("p99.9")?, of("p100")?])
}
