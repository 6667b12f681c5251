//! Operations, records and datasets: the shapes in which a catalogue is written.
//!
//! The rows themselves are constants of `watershed-zoom`; the compiler checks expressions
//! against them, the sink makes its tables from them.

use crate::Category;

/// The type of a documented field. Any field may be absent or null.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FieldType {
    /// Text.
    Text,
    /// A whole number of up to 64 bits.
    Int,
    /// A number.
    Double,
    /// True or false.
    Bool,
    /// An instant, RFC 3339.
    Time,
    /// A day, `yyyy-mm-dd`.
    Date,
    /// An object of a documented shape.
    Object(&'static Record),
    /// A list of objects of a documented shape.
    List(&'static Record),
    /// A list of text.
    TextList,
    /// A list of whole numbers.
    IntList,
    /// Any JSON.
    Json,
}

/// A documented field.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Field {
    /// Its name, as sent: also the column's.
    pub name: &'static str,
    /// Its type.
    pub ty: FieldType,
    /// A secret: never stored, has no column, not in reach of expressions.
    pub secret: bool,
}

/// A documented object.
#[derive(Debug, PartialEq, Eq)]
pub struct Record {
    /// What it is called in messages.
    pub name: &'static str,
    /// Its fields.
    pub fields: &'static [Field],
}

impl Record {
    /// The field of that name, secret ones left out.
    pub fn field(&self, name: &str) -> Option<&'static Field> {
        self.fields.iter().find(|f| f.name == name && !f.secret)
    }
}

/// The rows of one kind.
#[derive(Debug, PartialEq, Eq)]
pub struct Dataset {
    /// The table's name.
    pub name: &'static str,
    /// The record whose fields are its columns.
    pub record: &'static Record,
    /// Further columns: what the record was asked for.
    pub asked: &'static [Field],
}

/// Where a parameter goes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ParamPlace {
    /// Into the path, percent-encoded.
    Path,
    /// Into the path as a meeting UUID, by its own encoding rule.
    PathUuid,
    /// Into the query; part of the coverage subject.
    Choose,
    /// Into the query as a bound of the window; never part of the subject.
    Window,
    /// Into the query; changes the shape, never what is covered.
    Query,
    /// Not sent: a record that the operation works on (a recording file).
    Record(&'static Record),
    /// Not sent, not covered: what is known already and helps to read the answer (when a
    /// meeting ended, so that "not found" can be told from "not yet").
    Hint,
}

/// The type of a parameter.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ParamType {
    /// Text.
    Text,
    /// A whole number.
    Int,
    /// A day.
    Date,
    /// True or false.
    Bool,
    /// One of these.
    OneOf(&'static [&'static str]),
    /// A record, passed whole; only the fields that the operation declares are passed.
    Record,
}

/// A parameter that a step may give under `with`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Param {
    /// Its name in a workflow file.
    pub name: &'static str,
    /// Its name on the wire (path template or query).
    pub wire: &'static str,
    /// Its type.
    pub ty: ParamType,
    /// Where it goes.
    pub place: ParamPlace,
    /// Whether a step must give it.
    pub required: bool,
}

/// How an operation pages.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Paging {
    /// One answer is all.
    None,
    /// `page_size` and `next_page_token`; the size that is asked for.
    Token {
        /// Rows a page.
        page_size: u16,
    },
}

/// How long coverage of an operation counts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Lifetime {
    /// For ever: a past instance, final attendance, a whole file.
    Settled,
    /// Within the run that made it: lists, settings, details.
    Living,
}

/// How an operation is carried out.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// By a call.
    Call,
    /// By bringing in a file, whose URL its record tells.
    File,
    /// Without a call: the stored rows of its dataset that no list of this run has brought.
    Missing,
    /// Without a call: what coverage says is not there yet, and may be asked for again.
    Waiting,
    /// Without a call: what webhooks brought, as it comes, until the day is over.
    Events,
}

impl Kind {
    /// Whether nothing is asked of Zoom.
    pub fn is_no_call(self) -> bool {
        matches!(self, Kind::Missing | Kind::Waiting | Kind::Events)
    }
}

/// One row of the catalogue.
#[derive(Debug, PartialEq, Eq)]
pub struct Operation {
    /// Its id in a workflow file, such as `zoom.list_users`.
    pub id: &'static str,
    /// What it brings, in a line.
    pub summary: &'static str,
    /// How it is carried out.
    pub kind: Kind,
    /// Path template below the base URL, such as `/users/{userId}/meetings`. Empty for what is
    /// no call.
    pub path: &'static str,
    /// Granular scopes, each an alternative; the first is the one to ask an admin for.
    pub scopes: &'static [&'static str],
    /// Classic scopes, each an alternative.
    pub classic_scopes: &'static [&'static str],
    /// Zoom's rate label of the call that a task makes; `None` where no limit counts it.
    pub category: Option<Category>,
    /// What a step may give.
    pub params: &'static [Param],
    /// How it pages.
    pub paging: Paging,
    /// Member of the answer that holds the rows; `None` where the answer is the record.
    pub rows_in: Option<&'static str>,
    /// The record that steps beneath see.
    pub record: &'static Record,
    /// The dataset of that record.
    pub dataset: &'static Dataset,
    /// How long its coverage counts.
    pub lifetime: Lifetime,
    /// Field of the record that tells when it happened: what `newest_first` sorts by.
    pub start_field: Option<&'static str>,
    /// The version of this row's meaning; part of the plan's hash.
    pub version: u16,
    /// Where the facts come from, and when they were checked.
    pub source: &'static str,
}

impl Operation {
    /// The parameter of that name.
    pub fn param(&self, name: &str) -> Option<&'static Param> {
        self.params.iter().find(|p| p.name == name)
    }
}

/// All operations and datasets that a program knows.
#[derive(Debug, Clone, Copy)]
pub struct Catalogue {
    /// The operations.
    pub operations: &'static [&'static Operation],
    /// The datasets, in the order in which tables are made.
    pub datasets: &'static [&'static Dataset],
}

impl Catalogue {
    /// The operation of that id.
    pub fn operation(&self, id: &str) -> Option<&'static Operation> {
        self.operations.iter().copied().find(|o| o.id == id)
    }

    /// The dataset of that name.
    pub fn dataset(&self, name: &str) -> Option<&'static Dataset> {
        self.datasets.iter().copied().find(|d| d.name == name)
    }
}
