//! Workflow files: found by path, the shipped ones also by name.

use std::fs::File;
use std::io::Read;
use std::sync::Arc;

use watershed_engine::Events;
use watershed_sink::Inbox;
use watershed_workflow::{Compiled, compile};

use crate::fault::Fault;
use crate::output::Output;

/// The shipped one that works on what webhooks bring.
pub(crate) const EVENTS: &str = "zoom-event";
/// Files that are part of this program.
const SHIPPED: &[(&str, &str)] = &[
    ("zoom-backfill", include_str!("../../../workflows/zoom-backfill.yaml")),
    ("zoom-reconcile", include_str!("../../../workflows/zoom-reconcile.yaml")),
    (EVENTS, include_str!("../../../workflows/zoom-event.yaml")),
];
/// What the compiler takes at most; a byte more is read, for it to complain.
const FILE_MAX: u64 = 1024 * 1024;

/// A workflow file's text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Found {
    /// What it is called in messages.
    pub name: String,
    /// The text.
    pub text: String,
}

/// The file at that path, or the shipped one of that name.
pub(crate) fn find(word: &str) -> Result<Found, Fault> {
    let is_path = std::path::Path::new(word).exists();
    if !is_path && SHIPPED.iter().any(|(name, _)| *name == word) {
        return Ok(shipped(word));
    }
    let mut text = String::new();
    let read = File::open(word).and_then(|file| file.take(FILE_MAX + 1).read_to_string(&mut text));
    match read {
        Ok(_) => Ok(Found { name: word.to_owned(), text }),
        Err(error) => {
            let names: Vec<&str> = SHIPPED.iter().map(|(name, _)| *name).collect();
            let alike = |name: &&&str| strsim::jaro_winkler(name, word);
            let nearest = names.iter().max_by(|a, b| alike(a).total_cmp(&alike(b)));
            let near = nearest.filter(|name| alike(name) > 0.8);
            let hint = match near {
                Some(name) => format!("did you mean `{name}`, which is shipped?"),
                None => format!("give a file's path, or a shipped name: {}", names.join(", ")),
            };
            Err(Fault::usage(format!("read workflow {word}: {error}")).hint(hint))
        }
    }
}

/// Compiles it; what is wrong is shown in full on stderr.
pub(crate) fn compiled(found: &Found, out: &Output) -> Result<Compiled, Fault> {
    match compile(&found.name, &found.text, &watershed_zoom::catalogue()) {
        Ok(compiled) => {
            if !compiled.warnings.0.is_empty() {
                out.remark(compiled.warnings.render(out.colour_err));
            }
            Ok(compiled)
        }
        Err(wrong) => {
            out.say(wrong.render(out.colour_err));
            let n = wrong.0.len();
            let s = if n == 1 { "" } else { "s" };
            Err(Fault::usage(format!("{} has {n} mistake{s}: nothing was started", found.name))
                .hint("mend what is underlined above"))
        }
    }
}

/// The shipped file of that name. Panics on a name that is not shipped.
pub(crate) fn shipped(word: &str) -> Found {
    let (name, text) =
        SHIPPED.iter().find(|(name, _)| *name == word).expect("a name of a shipped workflow");
    Found { name: format!("{name}.yaml"), text: (*text).to_owned() }
}

/// What works on the events of that inbox.
pub(crate) fn events(inbox: Arc<dyn Inbox>) -> Events {
    let Found { name, text } = shipped(EVENTS);
    let compiled = compile(&name, &text, &watershed_zoom::catalogue());
    let Compiled { plan, hash, .. } = compiled.expect("a test compiles what is shipped");
    Events { inbox, source: text.into(), plan: plan.into(), hash }
}
