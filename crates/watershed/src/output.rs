//! Where words go: results to stdout, everything else to stderr.

use std::io::{self, IsTerminal, Write};

use serde::Serialize;
use watershed_model::printable;
pub(crate) use watershed_model::{number, span};

use crate::cli::{Globals, When};
use crate::env_names;
use crate::progress;
use crate::settings::Vars;

/// The longest name shown in a line.
const NAME_MAX: usize = 200;

/// How this process speaks.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Output {
    /// Results as JSON.
    pub json: bool,
    /// No remarks.
    pub quiet: bool,
    /// Colour on stdout.
    pub colour: bool,
    /// Colour on stderr.
    pub colour_err: bool,
    /// Whether stderr is a terminal.
    pub live: bool,
}

impl Output {
    /// As the command line says.
    pub(crate) fn new(globals: &Globals, vars: &Vars) -> Output {
        let plain = vars.get(env_names::NO_COLOR).is_some_and(|v| !v.is_empty())
            || vars.get("TERM").is_some_and(|v| v == "dumb");
        let colour = |terminal: bool| match globals.color {
            When::Always => true,
            When::Never => false,
            When::Auto => terminal && !plain,
        };
        let live = io::stderr().is_terminal();
        Output {
            json: globals.json,
            quiet: globals.quiet,
            colour: colour(io::stdout().is_terminal()),
            colour_err: colour(live),
            live: live && !plain_terminal(vars),
        }
    }

    /// A line of the result.
    ///
    /// # Errors
    /// Where stdout is closed or full.
    pub(crate) fn line(&self, text: impl AsRef<str>) -> io::Result<()> {
        self.text(&format!("{}\n", text.as_ref()))
    }

    /// A part of the result as it stands.
    ///
    /// # Errors
    /// Where stdout is closed or full.
    pub(crate) fn text(&self, text: &str) -> io::Result<()> {
        progress::beside(|| {
            let mut stdout = io::stdout().lock();
            stdout.write_all(text.as_bytes())?;
            stdout.flush()
        })
    }

    /// A JSON object as a line of the result.
    ///
    /// # Errors
    /// Where stdout is closed or full.
    pub(crate) fn object(&self, value: &impl Serialize) -> io::Result<()> {
        self.line(serde_json::to_string(value).map_err(io::Error::other)?)
    }

    /// A remark, unless they are not wanted.
    pub(crate) fn remark(&self, text: impl AsRef<str>) {
        if !self.quiet {
            self.say(text);
        }
    }

    /// A word that is always said.
    pub(crate) fn say(&self, text: impl AsRef<str>) {
        progress::beside(|| {
            // Nobody is left to tell of a stderr that is closed.
            let _ = writeln!(io::stderr().lock(), "{}", text.as_ref());
        });
    }

    /// A warning.
    pub(crate) fn warning(&self, text: impl AsRef<str>) {
        let head = paint("warning", "33;1", self.colour_err);
        self.say(format!("{head}: {}", text.as_ref()));
    }
}

fn plain_terminal(vars: &Vars) -> bool {
    vars.get("TERM").is_some_and(|v| v == "dumb")
}

/// `text` in a colour, where colour is used.
pub(crate) fn paint(text: &str, code: &str, colour: bool) -> String {
    if colour { format!("\u{1b}[{code}m{text}\u{1b}[0m") } else { text.to_owned() }
}

/// A name that came from outside, made safe to show.
pub(crate) fn name(text: &str) -> String {
    printable(text, NAME_MAX)
}

/// A table without lines: columns two blanks apart, numbers to the right.
pub(crate) fn table(head: &[&str], rows: &[Vec<String>]) -> String {
    use comfy_table::{CellAlignment, Table};
    let mut table = Table::new();
    table.load_style(comfy_table::presets::NOTHING);
    table.set_header(head.iter().map(|h| (*h).to_owned()).collect::<Vec<_>>());
    for row in rows {
        table.add_row(row.clone());
    }
    for (i, column) in table.column_iter_mut().enumerate() {
        column.set_padding((0, 2));
        let numeric = |cell: &String| {
            !cell.is_empty() && cell.chars().all(|c| c.is_ascii_digit() || c == ',')
        };
        if !rows.is_empty() && rows.iter().all(|row| row.get(i).is_some_and(numeric)) {
            column.set_cell_alignment(CellAlignment::Right);
        }
    }
    table.lines().map(|line| format!("{}\n", line.trim_end())).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_table_has_its_numbers_to_the_right() {
        let rows = [vec!["users".into(), "40".into()], vec!["meetings".into(), "1,200".into()]];
        let shown = "dataset    rows
users        40
meetings  1,200
";
        assert_eq!(table(&["dataset", "rows"], &rows), shown);
    }

    #[test]
    fn names_from_outside_cannot_steer_the_terminal() {
        assert!(!name("a\u{1b}[2Jb\r\nc").contains(['\u{1b}', '\r', '\n']));
    }
}
