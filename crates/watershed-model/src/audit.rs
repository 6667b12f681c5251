//! Who did what when, as it is put down. Never of what it was done.

use crate::{ConnectionName, Millis, RunId};

/// What somebody did.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Act {
    /// Ran a workflow, or went on with it.
    Run,
    /// Submitted a workflow.
    Submit,
    /// Lifted a pause.
    Resume,
    /// Paused a run.
    Pause,
    /// Ended a run for good.
    Cancel,
    /// Put dead letters back.
    Retry,
    /// Erased a person.
    Erase,
    /// Copied another sink into this one.
    Copy,
    /// Signed in.
    SignIn,
}

impl Act {
    /// Its name.
    pub fn name(self) -> &'static str {
        match self {
            Act::Run => "run",
            Act::Submit => "submit",
            Act::Resume => "resume",
            Act::Pause => "pause",
            Act::Cancel => "cancel",
            Act::Retry => "retry",
            Act::Erase => "erase",
            Act::Copy => "copy",
            Act::SignIn => "sign_in",
        }
    }
}

/// By what way it came.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Via {
    /// The command line.
    Command,
    /// Dashboard or API.
    Http,
    /// A schedule.
    Schedule,
}

impl Via {
    /// Its name.
    pub fn name(self) -> &'static str {
        match self {
            Via::Command => "command",
            Via::Http => "http",
            Via::Schedule => "schedule",
        }
    }
}

/// What became of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum ActOutcome {
    /// It was asked for: put down before it is done.
    Asked,
    /// It failed, or was refused.
    Failed,
}

impl ActOutcome {
    /// Its name.
    pub fn name(self) -> &'static str {
        match self {
            ActOutcome::Asked => "asked",
            ActOutcome::Failed => "failed",
        }
    }
}

/// Something that somebody did.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Audit {
    /// When.
    pub at: Millis,
    /// Who: a user of the system, the name of a token, `schedule`.
    pub who: String,
    /// By what way.
    pub via: Via,
    /// What.
    pub act: Act,
    /// To what connection.
    pub connection: Option<ConnectionName>,
    /// To what run.
    pub run: Option<RunId>,
    /// What became of it.
    pub outcome: ActOutcome,
}
