//! YAML as a tree of nodes that know where they stand. Bounded before anything is built.

use std::fmt;
use std::ops::Range;

use serde::de::{self, Deserialize, Deserializer, MapAccess, SeqAccess, Visitor};
use serde_saphyr::{Error, Location, Spanned};

use crate::code;
use crate::diagnostic::Findings;
use crate::source::At;

/// Bytes of a file. The shipped workflows have some 5 KiB.
pub(crate) const FILE_BYTES_MAX: usize = 1024 * 1024;
/// Maps and lists inside each other.
const DEPTH_MAX: usize = 32;
/// Aliases in a file.
const ALIASES_MAX: usize = 100;
/// Nodes of a file, those that aliases repeat included: 100 aliases of a large anchor would
/// otherwise still make a bomb.
const NODES_MAX: usize = 15_000;

/// A node and the bytes of the file it stands in.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Node {
    pub(crate) kind: Kind,
    pub(crate) span: Range<usize>,
}

/// What a node is.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Kind {
    Null,
    Bool(bool),
    Int(i64),
    Double(f64),
    Text(String),
    List(Vec<Node>),
    Map(Vec<(At<String>, Node)>),
}

impl Kind {
    /// What to call it in a message.
    pub(crate) fn name(&self) -> &'static str {
        match self {
            Kind::Null => "nothing",
            Kind::Bool(_) => "true or false",
            Kind::Int(_) => "a whole number",
            Kind::Double(_) => "a number",
            Kind::Text(_) => "text",
            Kind::List(_) => "a list",
            Kind::Map(_) => "a map",
        }
    }
}

/// Reads a file; `None` where it is not YAML, or beyond the bounds: the findings say why.
pub(crate) fn read(findings: &mut Findings) -> Option<Node> {
    let file = findings.file.clone();
    if file.text.len() > FILE_BYTES_MAX {
        let message = format!(
            "the file has {} bytes; a workflow file has at most {FILE_BYTES_MAX}",
            file.text.len()
        );
        findings.error(code::TOO_LARGE, &(0..0), message, None);
        return None;
    }
    let options = serde_saphyr::options! {
        with_snippet: false,
        strict_booleans: true,
        budget: serde_saphyr::budget! {
            max_depth: DEPTH_MAX,
            max_aliases: ALIASES_MAX,
            max_nodes: NODES_MAX,
            max_events: 4 * NODES_MAX,
            max_documents: 2,
            enforce_alias_anchor_ratio: false,
        },
        alias_limits: serde_saphyr::options::AliasLimits::default(),
    };
    match serde_saphyr::from_str_with_options::<Node>(&file.text, options) {
        Ok(node) if count(&node) > NODES_MAX => {
            let message = format!("the file has more than {NODES_MAX} values, aliases followed");
            findings.error(code::TOO_LARGE, &(0..0), message, None);
            None
        }
        Ok(node) => Some(node),
        Err(error) => {
            refuse(findings, &error);
            None
        }
    }
}

fn count(node: &Node) -> usize {
    match &node.kind {
        Kind::List(items) => 1 + items.iter().map(count).sum::<usize>(),
        Kind::Map(entries) => 1 + entries.iter().map(|(_, value)| count(value)).sum::<usize>(),
        _ => 1,
    }
}

fn refuse(findings: &mut Findings, error: &Error) {
    let place = error.location().unwrap_or(Location::UNKNOWN);
    let start = match place.span().byte_offset() {
        Some(offset) if place != Location::UNKNOWN => offset as usize,
        _ => findings.file.offset(place.line() as usize, place.column() as usize),
    };
    let end = findings.file.text[findings.file.clamp(&(start..start)).start..]
        .chars()
        .next()
        .map_or(start, |c| start + c.len_utf8());
    let mut span = start..end;
    let (code, message, suggestion) = match cause(error) {
        Error::DuplicateMappingKey { key, .. } => {
            let key = key.as_deref().unwrap_or("key");
            span.end = start + key.len();
            (code::DUPLICATE_KEY, format!("`{key}` stands here a second time"), None)
        }
        Error::MultipleDocuments { .. } => {
            let message = "a second document begins here; a workflow file holds one";
            (code::YAML, message.to_owned(), None)
        }
        Error::Budget { .. }
        | Error::AliasReplayLimitExceeded { .. }
        | Error::AliasReplayStackDepthExceeded { .. }
        | Error::AliasReplayCounterOverflow { .. } => {
            let bounds = format!(
                "a workflow file nests at most {DEPTH_MAX} deep, has at most {ALIASES_MAX} \
                 aliases and at most {NODES_MAX} values"
            );
            (code::TOO_LARGE, "the file is beyond what is read".to_owned(), Some(bounds))
        }
        other => {
            let text = other.to_string();
            let text = text.split(" at line ").next().unwrap_or_default();
            (code::YAML, format!("this is not YAML: {text}"), None)
        }
    };
    findings.error(code, &span, message, suggestion);
}

/// The error itself, without what says that an alias led to it.
fn cause(error: &Error) -> &Error {
    match error.without_snippet() {
        Error::AliasError { error, .. } => cause(error),
        other => other,
    }
}

fn span_of(place: &Location) -> Range<usize> {
    let start = place.span().byte_offset().unwrap_or_default() as usize;
    start..start + place.span().byte_len().unwrap_or_default() as usize
}

impl<'de> Deserialize<'de> for Node {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        // The place where an aliased value is defined: there its raw text stands.
        let spanned = Spanned::<Kind>::deserialize(deserializer)?;
        Ok(Node { span: span_of(&spanned.defined), kind: spanned.value })
    }
}

impl<'de> Deserialize<'de> for Kind {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(KindVisitor)
    }
}

struct KindVisitor;

impl<'de> Visitor<'de> for KindVisitor {
    type Value = Kind;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a value")
    }

    fn visit_unit<E>(self) -> Result<Kind, E> {
        Ok(Kind::Null)
    }

    fn visit_none<E>(self) -> Result<Kind, E> {
        Ok(Kind::Null)
    }

    fn visit_some<D: Deserializer<'de>>(self, deserializer: D) -> Result<Kind, D::Error> {
        Kind::deserialize(deserializer)
    }

    fn visit_bool<E>(self, value: bool) -> Result<Kind, E> {
        Ok(Kind::Bool(value))
    }

    fn visit_i64<E>(self, value: i64) -> Result<Kind, E> {
        Ok(Kind::Int(value))
    }

    fn visit_u64<E>(self, value: u64) -> Result<Kind, E> {
        Ok(i64::try_from(value).map_or(Kind::Double(value as f64), Kind::Int))
    }

    fn visit_i128<E>(self, value: i128) -> Result<Kind, E> {
        Ok(i64::try_from(value).map_or(Kind::Double(value as f64), Kind::Int))
    }

    fn visit_u128<E>(self, value: u128) -> Result<Kind, E> {
        Ok(i64::try_from(value).map_or(Kind::Double(value as f64), Kind::Int))
    }

    fn visit_f64<E>(self, value: f64) -> Result<Kind, E> {
        Ok(Kind::Double(value))
    }

    fn visit_str<E: de::Error>(self, value: &str) -> Result<Kind, E> {
        Ok(Kind::Text(value.to_owned()))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<Kind, A::Error> {
        let mut list = Vec::new();
        while let Some(item) = items.next_element()? {
            list.push(item);
        }
        Ok(Kind::List(list))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut entries: A) -> Result<Kind, A::Error> {
        let mut map = Vec::new();
        while let Some((key, value)) = entries.next_entry::<Spanned<String>, Node>()? {
            map.push((At::new(key.value, span_of(&key.defined)), value));
        }
        Ok(Kind::Map(map))
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use proptest::prelude::*;

    use super::*;
    use crate::source::{SourceFile, inner_offsets};

    fn value(text: String) -> (Arc<SourceFile>, Node) {
        let file = Arc::new(SourceFile { name: "a.yaml".into(), text });
        let mut findings = Findings::new(file.clone());
        let node = read(&mut findings).expect("it is YAML");
        let Kind::Map(entries) = node.kind else { panic!("it is a map") };
        let (_, value) = entries.into_iter().next_back().expect("it has an entry");
        (file, value)
    }

    /// A value in each of the styles in which YAML writes text.
    fn styles(lines: &[String]) -> Vec<String> {
        let joined = lines.join(" ");
        let block = lines.join("\n      ");
        let escaped: String = joined
            .chars()
            .map(|c| match c {
                'é' => "\\u00e9".to_owned(),
                '"' | '\\' => format!("\\{c}"),
                c => c.to_string(),
            })
            .collect();
        vec![
            format!("ö: 'x'\nv: '{}' # end\n", joined.replace('\'', "''")),
            format!("ö: 'x'\nv: \"{escaped}\"\n"),
            format!("ö: [é]\nv: >-\n      {block}\n"),
            format!("v: |\n      {block}\n\n"),
            format!("v: 'a\n  {}'\n", lines.join("\n\n  ").replace('\'', "''")),
        ]
    }

    proptest! {
        #[test]
        fn every_character_of_a_value_is_found_where_it_stands(
            lines in prop::collection::vec("[a-z\"'(é✓]{1,5}( [a-zé&'\\\\]{1,6}){0,3}", 1..4)
        ) {
            for text in styles(&lines) {
                let (file, node) = value(text.clone());
                let Kind::Text(value) = &node.kind else { panic!("it is text: {text}") };
                let raw = &file.text[node.span.clone()];
                let offsets = inner_offsets(raw, value);
                prop_assert!(offsets.is_some(), "{raw:?} is not {value:?}");
                let offsets = offsets.expect("checked");
                for (at, c) in value.char_indices().filter(|(_, c)| !c.is_whitespace()) {
                    let found = &raw[offsets[at]..];
                    prop_assert!(found.starts_with(c) || found.starts_with('\\'), "{text:?} {c}");
                }
            }
        }
    }
}
