//! PostgreSQL killed, and workers killed that write into it.

use std::time::Instant;

use watershed_test_servers::PostgresServer;
use watershed_tests::InFlight;

use super::field::{Field, Harm, Struck};

#[test]
fn postgresql_killed_repeats_nothing() {
    let harm = Harm {
        name: "PostgreSQL killed, and workers that write into it",
        runs: 4,
        strikes: [2, 6],
        redis: &[],
        by_proxy: false,
        lease: None,
        bound: "nothing; of a killed worker what its trace says was in flight",
    };
    harm.prepared(Field::keep_rows_in_postgres, |field, number| {
        if number % 3 == 2 { worker_killed(field) } else { killed(field) }
    });
}

/// What it did not take is kept until it does.
fn killed(field: &mut Field) -> Struck {
    server(field).kill();
    let calls = field.fleet.until_still();
    server(field).restart();
    let recovered = field.recovered(Instant::now(), calls);
    Struck { faults: 1, again_max: 0, recovered }
}

fn worker_killed(field: &mut Field) -> Struck {
    let killed = field.take_worker().kill().expect("it is gone");
    field.fleet.start();
    let in_flight = InFlight::read(&killed.stderr).expect("its trace can be read");
    Struck { faults: 1, again_max: 2 * in_flight.all(), recovered: None }
}

fn server(field: &mut Field) -> &mut PostgresServer {
    field.postgres.as_mut().expect("rows are in PostgreSQL")
}
