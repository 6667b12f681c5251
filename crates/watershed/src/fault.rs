//! What an operator is told when a command cannot go on: the thing, the place, the way out.

use std::fmt;

use watershed_engine::exit;

/// A message, what to do about it, and the exit code that goes with it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Fault {
    message: String,
    hint: Option<String>,
    exit: u8,
}

impl Fault {
    /// Wrong usage or configuration: nothing was started.
    pub(crate) fn usage(message: impl Into<String>) -> Fault {
        Fault { message: message.into(), hint: None, exit: exit::USAGE }
    }

    /// Everything else.
    pub(crate) fn failed(message: impl Into<String>) -> Fault {
        Fault { message: message.into(), hint: None, exit: exit::FAILED }
    }

    /// What to do about it.
    #[must_use]
    pub(crate) fn hint(self, hint: impl Into<String>) -> Fault {
        Fault { hint: Some(hint.into()), ..self }
    }

    /// With another exit code.
    #[must_use]
    pub(crate) fn exit(self, exit: u8) -> Fault {
        Fault { exit, ..self }
    }

    /// The exit code.
    pub(crate) fn code(&self) -> u8 {
        self.exit
    }

    /// What is to be done.
    pub(crate) fn way_out(&self) -> Option<&str> {
        self.hint.as_deref()
    }
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

impl std::error::Error for Fault {}
