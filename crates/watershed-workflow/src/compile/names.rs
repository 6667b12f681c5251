//! Names: their form, and that each means one thing.

use crate::code;
use crate::diagnostic::Findings;
use crate::source::At;
use crate::spec::WorkflowSpec;

/// Names with a meaning of their own in expressions.
pub(super) const RESERVED: [&str; 5] = ["inputs", "connection", "window", "failures", "granted"];

/// Words that expressions keep for themselves.
const WORDS: [&str; 21] = [
    "as",
    "break",
    "const",
    "continue",
    "else",
    "false",
    "for",
    "function",
    "if",
    "import",
    "in",
    "let",
    "loop",
    "namespace",
    "null",
    "package",
    "return",
    "true",
    "var",
    "void",
    "while",
];

/// Characters of a name.
const NAME_CHARS_MAX: usize = 64;

/// Checks every name of the file.
pub(super) fn check(spec: &WorkflowSpec, findings: &mut Findings) {
    let name = &spec.name;
    let kebab = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-';
    if !formed(&name.value, kebab) {
        let message = format!("`{}` is no name of a workflow", name.value);
        let help = "small letters, digits and hyphens, a letter first";
        findings.error(code::NAME, &name.span, message, Some(help.to_owned()));
    }
    for (name, _) in &spec.inputs {
        plain(name, "an input", findings);
    }
    for (name, step) in &spec.steps {
        plain(name, "a step", findings);
        if let Some(item) = &step.item {
            plain(item, "an item", findings);
        }
    }
}

fn plain(name: &At<String>, of: &str, findings: &mut Findings) {
    let snake = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '_';
    let word = name.value.as_str();
    if RESERVED.contains(&word) || WORDS.contains(&word) {
        let message = format!("`{word}` has a meaning of its own: it cannot name {of}");
        findings.error(code::NAME, &name.span, message, None);
    } else if !formed(word, snake) {
        let message = format!("`{word}` cannot name {of}");
        let help = "small letters, digits and underscores, a letter first";
        findings.error(code::NAME, &name.span, message, Some(help.to_owned()));
    }
}

fn formed(name: &str, allowed: impl Fn(char) -> bool) -> bool {
    name.starts_with(|c: char| c.is_ascii_lowercase())
        && name.chars().all(allowed)
        && name.len() <= NAME_CHARS_MAX
}
