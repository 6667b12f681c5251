//! Executing a run here until it ends: signals, progress, the record, the evidence.

use std::time::Duration;

use anyhow::Result;
use tokio::signal::unix::{Signal, SignalKind, signal};
use watershed_engine::{Ending, Standing, Stop, StopHandle, Stopping, exit, stop};
use watershed_model::{RunId, RunState};

use crate::evidence::{evidence, shortcomings};
use crate::notify::{Notice, notifying};
use crate::output::{Output, paint, span};
use crate::program::program;
use crate::progress::{LOOK, Progress};
use crate::site::Site;

/// How long the first event of a day waits for its run at most.
const RECEIVE: Duration = Duration::from_secs(1);

/// SIGINT and SIGTERM, from here on asking for a stop instead of ending the process.
pub(crate) struct Signals {
    stop: Stop,
}

impl Signals {
    /// Begins to listen. `grace_ms` is told with the first signal.
    ///
    /// # Errors
    /// Where the system does not let it.
    pub(crate) fn listen(out: Output, grace_ms: i64) -> Result<Signals> {
        let (handle, stop) = stop();
        let (interrupt, terminate) =
            (signal(SignalKind::interrupt())?, signal(SignalKind::terminate())?);
        tokio::spawn(hear(handle, stop.clone(), interrupt, terminate, out, grace_ms));
        Ok(Signals { stop })
    }

    /// What hears of the stop.
    pub(crate) fn stop(&self) -> Stop {
        self.stop.clone()
    }
}

async fn hear(
    handle: StopHandle,
    stop: Stop,
    mut interrupt: Signal,
    mut terminate: Signal,
    out: Output,
    grace_ms: i64,
) {
    loop {
        tokio::select! {
            _ = interrupt.recv() => {}
            _ = terminate.recv() => {}
        }
        match stop.state() {
            Stopping::No => out.say(format!(
                "stopping: no new calls; those in flight have {} to settle (again: stop at once)",
                span(grace_ms)
            )),
            Stopping::Drain | Stopping::Now => out.say("stopping at once"),
        }
        handle.ask();
    }
}

/// Executes `run` until it ends or a stop is asked for; tells how it went. The exit code.
/// `wait_ms` is how long it waits for what is not there yet.
///
/// # Errors
/// A store that fails in a way that waiting does not mend.
pub(crate) async fn execute(
    site: &Site,
    run: &RunId,
    wait_ms: Option<i64>,
    signals: &Signals,
    out: Output,
) -> Result<u8> {
    let mut progress = Progress::new(out, site.now());
    let ending = {
        let work = site.engine.work(Some(run), site.worker(wait_ms), signals.stop());
        tokio::pin!(work);
        let mut look = tokio::time::interval(LOOK);
        look.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
        let receiving = receiving(site, out);
        tokio::pin!(receiving);
        loop {
            tokio::select! {
                ending = &mut work => break ending,
                () = &mut receiving => {}
                _ = look.tick() => {
                    // A ledger that does not answer is the engine's to tell of.
                    if let Ok(Some(view)) = site.ledger.run(run).await {
                        progress.show(&view, site.now());
                    }
                }
            }
        }
    };
    progress.end();
    let ending = ending?;
    let standing = match site.engine.record(run).await {
        Err(error) if error.waits() && ending == Ending::Stopped => {
            out.say(format!("{error}\nrun {run} is stopped; `{} resume {run}` goes on", program()));
            return Ok(exit::STOPPED);
        }
        standing => standing?,
    };
    let code = code(&ending, &standing);
    let (notifier, sending) = notifying(site.settings.notify.hook.as_ref());
    match ending {
        Ending::Run(_) => notifier.tell(Notice::run_ended(&standing.report, site.now())),
        Ending::Fatal(_) => {
            notifier.tell(Notice::refused(&standing.report.connection, site.now()));
        }
        Ending::Stopped => {}
    }
    report(site, &standing, code, out)?;
    sending.end(notifier).await;
    if let Ending::Fatal(why) = &ending {
        let head = paint("error", "31;1", out.colour_err);
        out.say(format!("\n{head}: {why}"));
        out.say(format!(
            "\nhint: run {run} is paused, nothing is lost: mend the credential, check it with \
             `{0} doctor`, then `{0} resume {run}`",
            program()
        ));
    }
    Ok(code)
}

/// Begins the run of the day where events wait for one, for as long as it is polled.
pub(crate) async fn receiving(site: &Site, out: Output) {
    // A trouble that goes on is told once.
    let mut trouble = None;
    loop {
        match site.engine.receive().await {
            Ok(begun) => {
                trouble = None;
                for run in begun {
                    out.remark(format!("run {run} works on what webhooks bring today"));
                }
            }
            // Stores that do not answer are the engine's to tell of.
            Err(error) if error.waits() => {}
            Err(error) => {
                let told = Some(error.to_string());
                if trouble != told {
                    out.say(format!("events wait: {error}"));
                    trouble = told;
                }
            }
        }
        tokio::time::sleep(RECEIVE).await;
    }
}

/// Tells how a run stands at its end: evidence on stderr, with `--json` the report on stdout.
///
/// # Errors
/// Where stdout is closed.
pub(crate) fn report(site: &Site, standing: &Standing, code: u8, out: Output) -> Result<()> {
    if !out.quiet {
        out.say(evidence(standing, code, site.place(), out.colour_err));
    } else if code != exit::COMPLETE {
        // Whoever wants no remarks is told what is wrong all the same.
        out.say(shortcomings(standing, code));
    }
    if out.json {
        let mut report = standing.report.clone();
        report.exit = Some(code);
        out.object(&report)?;
    }
    Ok(())
}

fn code(ending: &Ending, standing: &Standing) -> u8 {
    match ending {
        Ending::Stopped | Ending::Fatal(_) => exit::STOPPED,
        Ending::Run(RunState::Failed) => exit::FAILED,
        Ending::Run(_) => standing.report.exit.unwrap_or(exit::STOPPED),
    }
}
