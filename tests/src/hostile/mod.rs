//! A hostile account: a server of our own before a simulated one. It passes all calls on, and
//! answers those of one kind in one way that no good account would.
//!
//! Raw sockets, so that it can break what an HTTP library would not let it. The behaviours stand
//! in a table ([`behaviours`]), by what they break: sockets and framing, bodies, pages, statuses,
//! records, files, tokens.

use std::fmt;
use std::io;

mod bodies;
mod downloads;
mod framing;
mod leads;
mod pages;
mod records;
mod server;
mod sockets;
mod statuses;
mod tokens;
mod wire;

pub use leads::Lead;
pub use server::Hostile;
use wire::Wire;

/// A kind of operation, by the one that stands for it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Kind {
    /// A list without pages: past instances.
    List,
    /// A list in pages: meetings.
    Pages,
    /// A record: a past meeting.
    Record,
    /// A report: participants.
    Report,
    /// A recording, read again for its files.
    Recording,
    /// A file.
    File,
    /// A token.
    Token,
}

use Kind::{File, List, Pages, Record, Recording, Report, Token};

impl Kind {
    /// All of them.
    pub const ALL: [Kind; 7] = [List, Pages, Record, Report, Recording, File, Token];

    /// For people.
    pub fn name(self) -> &'static str {
        match self {
            List => "list",
            Pages => "pages",
            Record => "record",
            Report => "report",
            Recording => "recording",
            File => "file",
            Token => "token",
        }
    }

    /// The operation that stands for it.
    pub fn operation(self) -> Option<&'static str> {
        match self {
            List => Some("zoom.list_past_instances"),
            Pages => Some("zoom.list_meetings"),
            Record => Some("zoom.get_past_meeting"),
            Report => Some("zoom.report_participants"),
            // A recording is read again for its files.
            Recording | File => Some("zoom.download_recording_file"),
            Token => None,
        }
    }

    /// Datasets that come of its answers, or of what they lead to.
    pub fn feeds(self) -> &'static [&'static str] {
        match self {
            List => &["past_instances", "past_meetings", "report_participants"],
            Pages => &[
                "meetings",
                "meeting_details",
                "meeting_invitations",
                "past_instances",
                "past_meetings",
                "report_participants",
            ],
            Record => &["past_meetings", "report_participants"],
            Report => &["report_participants"],
            Recording | File => &["transcripts", "transcript_cues"],
            Token => &[],
        }
    }

    /// The kind of a call; `None` where it is another operation's.
    fn of(path: &str) -> Option<Kind> {
        let path = path.split('?').next().unwrap_or_default();
        if path == "/oauth/token" {
            return Some(Token);
        }
        if path.starts_with("/rec/") {
            return Some(File);
        }
        let segments: Vec<&str> = path.strip_prefix("/v2/")?.split('/').collect();
        match segments[..] {
            ["past_meetings", _, "instances"] => Some(List),
            ["users", _, "meetings"] => Some(Pages),
            ["past_meetings", _] => Some(Record),
            ["report", "meetings", _, "participants"] => Some(Report),
            ["meetings", _, "recordings"] => Some(Recording),
            _ => None,
        }
    }
}

/// Everything that is asked.
const ALL: &[Kind] = &Kind::ALL;
/// What is answered by JSON.
const JSON: &[Kind] = &[List, Pages, Record, Report, Recording, Token];
/// What is asked of the API.
const API: &[Kind] = &[List, Pages, Record, Report, Recording];
/// Lists of records.
const LISTS: &[Kind] = &[List, Pages, Report];
/// Files alone.
const FILE: &[Kind] = &[File];
/// Tokens alone.
const TOKEN: &[Kind] = &[Token];

/// Which calls of the kind it strikes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Strikes {
    /// Each.
    Always,
    /// So many; then the account is as good as any.
    First(u64),
}

/// What is left when the run has ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Leaves {
    /// The whole account: the behaviour is seen through, or passes.
    Whole,
    /// What was answered, taken for data, as far as it can be.
    Taken,
    /// Less, and something that says what, and why.
    Less,
    /// The whole, or less with a reason.
    Either,
    /// Less with a reason; and what it says is said of the account, so that the rest may wait too.
    Waits,
}

/// One way in which an account can be hostile.
#[derive(Clone, Copy)]
pub struct Behaviour {
    /// What it does, in words.
    pub name: &'static str,
    /// What it can be done to.
    pub on: &'static [Kind],
    /// What must be left.
    pub leaves: Leaves,
    /// Whether it takes a call's whole time, or more.
    pub slow: bool,
    strikes: Strikes,
    act: fn(&mut Wire<'_>) -> io::Result<()>,
}

impl fmt::Debug for Behaviour {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.name)
    }
}

impl Behaviour {
    const fn new(
        name: &'static str,
        on: &'static [Kind],
        leaves: Leaves,
        act: fn(&mut Wire<'_>) -> io::Result<()>,
    ) -> Behaviour {
        Behaviour { name, on, leaves, slow: false, strikes: Strikes::Always, act }
    }

    /// The same, but for the first calls alone.
    const fn first(self, calls: u64) -> Behaviour {
        Behaviour { strikes: Strikes::First(calls), ..self }
    }

    const fn slow(self) -> Behaviour {
        Behaviour { slow: true, ..self }
    }

    /// No behaviour at all: what the server changes nothing by.
    pub const NONE: Behaviour = Behaviour::new("none", ALL, Leaves::Whole, pass);
}

fn pass(wire: &mut Wire<'_>) -> io::Result<()> {
    wire.pass()
}

/// The table.
pub fn behaviours() -> Vec<Behaviour> {
    let families: [&[Behaviour]; 8] = [
        sockets::BEHAVIOURS,
        framing::BEHAVIOURS,
        bodies::BEHAVIOURS,
        pages::BEHAVIOURS,
        statuses::BEHAVIOURS,
        records::BEHAVIOURS,
        downloads::BEHAVIOURS,
        tokens::BEHAVIOURS,
    ];
    families.concat()
}
