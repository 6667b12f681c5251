//! What is wrong with a workflow file: code, place, message and a suggestion.
//!
//! Rendered in the look of rustc: file, line and column, the place underlined, and help.

use std::fmt;
use std::ops::Range;
use std::sync::Arc;

use annotate_snippets::{AnnotationKind, Level, Renderer, Snippet};

use crate::source::SourceFile;

/// Errors that are kept of one file; a file with more of them is told so.
const KEPT_MAX: usize = 100;

/// Lines shown around the place that is underlined.
const LINES_AROUND: usize = 1;

/// How bad it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Severity {
    /// The workflow does not compile.
    Error,
    /// It compiles, but probably means something else.
    Warning,
}

/// One thing that is wrong, and where.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Diagnostic {
    /// Which kind of mistake: one of [`CODES`](crate::CODES).
    pub code: &'static str,
    /// Error or warning.
    pub severity: Severity,
    /// What is wrong.
    pub message: String,
    /// Line, from 1.
    pub line: usize,
    /// Column in characters, from 1.
    pub column: usize,
    /// The bytes of the file that are underlined.
    pub span: Range<usize>,
    /// What to do about it.
    pub suggestion: Option<String>,
    /// The file.
    pub file: Arc<SourceFile>,
}

/// All that is wrong with a file, in the order of the file.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Diagnostics(pub Vec<Diagnostic>);

impl Diagnostics {
    /// Whether one of them is an error.
    pub fn has_errors(&self) -> bool {
        self.0.iter().any(|d| d.severity == Severity::Error)
    }

    /// All of them as text for a terminal, with colours or without.
    pub fn render(&self, color: bool) -> String {
        let rendered: Vec<String> = self.0.iter().map(|d| d.render(color)).collect();
        rendered.join("\n\n")
    }
}

impl fmt::Display for Diagnostics {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.render(false))
    }
}

impl std::error::Error for Diagnostics {}

impl Diagnostic {
    /// This one as text for a terminal.
    pub fn render(&self, color: bool) -> String {
        let renderer = if color { Renderer::styled() } else { Renderer::plain() };
        let level = match self.severity {
            Severity::Error => Level::ERROR,
            Severity::Warning => Level::WARNING,
        };
        // Only the lines around the place: a file may have a megabyte.
        let text = &self.file.text;
        let mut start = self.span.start;
        for _ in 0..=LINES_AROUND {
            start = text[..start].rfind('\n').unwrap_or(0);
        }
        let start = if start == 0 { 0 } else { start + 1 };
        let mut end = self.span.end;
        for _ in 0..=LINES_AROUND {
            end = text[end..].find('\n').map_or(text.len(), |at| end + at + 1);
        }
        let (first_line, _) = self.file.position(start);
        let span = self.span.start - start..self.span.end - start;
        let message = clean(&self.message);
        let snippet = Snippet::source(&text[start..end])
            .line_start(first_line)
            .path(self.file.name.as_str())
            .annotation(AnnotationKind::Primary.span(span));
        let mut group = level.primary_title(message).id(self.code).element(snippet);
        if let Some(suggestion) = &self.suggestion {
            group = group.element(Level::HELP.message(clean(suggestion)));
        }
        renderer.render(&[group])
    }
}

/// Names come from a file that may be hostile to a terminal.
fn clean(text: &str) -> String {
    watershed_model::printable(text, 2_000)
}

/// Collects what is wrong with one file.
pub(crate) struct Findings {
    pub(crate) file: Arc<SourceFile>,
    found: Vec<Diagnostic>,
}

impl Findings {
    pub(crate) fn new(file: Arc<SourceFile>) -> Self {
        Findings { file, found: Vec::new() }
    }

    pub(crate) fn error(
        &mut self,
        code: &'static str,
        span: &Range<usize>,
        message: impl Into<String>,
        suggestion: Option<String>,
    ) {
        self.add(Severity::Error, code, span, message.into(), suggestion);
    }

    pub(crate) fn warning(
        &mut self,
        code: &'static str,
        span: &Range<usize>,
        message: impl Into<String>,
        suggestion: Option<String>,
    ) {
        self.add(Severity::Warning, code, span, message.into(), suggestion);
    }

    fn add(
        &mut self,
        severity: Severity,
        code: &'static str,
        span: &Range<usize>,
        message: String,
        suggestion: Option<String>,
    ) {
        if self.is_full() {
            return;
        }
        let span = self.file.clamp(span);
        let (line, column) = self.file.position(span.start);
        let file = self.file.clone();
        let found = Diagnostic { code, severity, message, line, column, span, suggestion, file };
        if !self.found.contains(&found) {
            self.found.push(found);
        }
    }

    /// Whether what is found from here on is no longer kept.
    pub(crate) fn is_full(&self) -> bool {
        self.found.len() >= KEPT_MAX
    }

    pub(crate) fn has_errors(&self) -> bool {
        self.found.iter().any(|d| d.severity == Severity::Error)
    }

    /// All of them, in the order of the file.
    pub(crate) fn take(mut self) -> Diagnostics {
        self.found.sort_by_key(|d| (d.span.start, d.span.end));
        Diagnostics(self.found)
    }
}
