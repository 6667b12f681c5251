//! What one transaction decides of ticks.

use watershed_model::{Act, ActOutcome, Audit, Millis, RunRow, ScheduleKey, Tick, Via};

/// Ticks of one workflow and connection, decided together: all of it is durable, or none of it.
#[derive(Debug, Clone, PartialEq)]
pub struct Decision {
    /// The schedule that is decided up to the last of them.
    pub key: ScheduleKey,
    /// In their order. One that is decided already stays as it is.
    pub ticks: Vec<Tick>,
    /// Whether they are queued, and freed by this: one that no longer is stays as it is.
    pub queued: bool,
    /// The run that the last of them starts. One of that id that is there already stays.
    pub run: Option<RunRow>,
}

impl Decision {
    /// What the audit log is to say of the run that is started.
    pub fn audit(&self, run: &RunRow) -> Audit {
        Audit {
            at: self.ticks.last().map_or(Millis(0), |tick| tick.at),
            who: "schedule".to_owned(),
            via: Via::Schedule,
            act: Act::Submit,
            connection: Some(run.connection.clone()),
            run: Some(run.id.clone()),
            outcome: ActOutcome::Asked,
        }
    }
}
