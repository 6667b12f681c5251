//! The configuration file: TOML into a layer, unknown keys refused with line and suggestion.

use std::path::Path;

use serde_json::{Map, Number, Value};
use toml::Spanned;
use toml::de::{DeTable, DeValue};

use super::keys::{self, Known};
use super::layer::{KeyPath, Layer, Origin};
use crate::fault::Fault;

/// Reads the text of the file at `path`. `origin` makes a value's origin from its line.
pub(crate) fn read(
    path: &Path,
    text: &str,
    origin: &dyn Fn(usize) -> Origin,
) -> Result<Layer, Fault> {
    let table = DeTable::parse(text).map_err(|error| {
        let line = error.span().map_or(1, |span| line_of(text, span.start));
        Fault::usage(format!("{}:{line}: not TOML: {}", path.display(), error.message()))
            .hint("text stands in quotes, tables in [brackets]; see `watershed schema config`")
    })?;
    let mut reader = Reader { path, text, origin, layer: Layer::default() };
    reader.table(&mut Vec::new(), table.get_ref())?;
    Ok(reader.layer)
}

struct Reader<'a> {
    path: &'a Path,
    text: &'a str,
    origin: &'a dyn Fn(usize) -> Origin,
    layer: Layer,
}

impl Reader<'_> {
    fn table(&mut self, above: &mut KeyPath, table: &DeTable<'_>) -> Result<(), Fault> {
        for (name, value) in table.iter() {
            let line = line_of(self.text, name.span().start);
            above.push(name.get_ref().to_string());
            self.entry(above, line, value)?;
            above.pop();
        }
        Ok(())
    }

    fn entry(
        &mut self,
        path: &mut KeyPath,
        line: usize,
        value: &Spanned<DeValue<'_>>,
    ) -> Result<(), Fault> {
        let place = format!("{}:{line}", self.path.display());
        match (keys::known(path), value.get_ref()) {
            (Known::Key(_), value) => {
                self.layer.set(path.clone(), json(value), (self.origin)(line));
            }
            (Known::Section, DeValue::Table(table)) => {
                if let [section, name] = path.as_slice()
                    && section == "connections"
                {
                    let origin = (self.origin)(line);
                    self.layer.connections.entry(name.clone()).or_insert(origin);
                }
                self.table(path, table)?;
            }
            (Known::Section, _) => return Err(not_a_table(&place, path)),
            (Known::Not, _) => return Err(unknown(&place, path)),
        }
        Ok(())
    }
}

/// A key that no version knows.
pub(crate) fn unknown(place: &str, path: &[String]) -> Fault {
    let (last, above) = path.split_last().expect("a path has a part");
    let fault = Fault::usage(format!("{place}: unknown key `{}`", path.join(".")));
    match keys::nearest(path) {
        Some(name) => fault.hint(format!("did you mean `{name}` instead of `{last}`?")),
        None if above.is_empty() => {
            fault.hint(format!("the sections are {}", keys::names_under(above).join(", ")))
        }
        None => fault.hint(format!(
            "the keys of `{}` are {}",
            above.join("."),
            keys::names_under(above).join(", ")
        )),
    }
}

fn not_a_table(place: &str, path: &[String]) -> Fault {
    let name = path.join(".");
    Fault::usage(format!("{place}: `{name}` is a table, not a single value")).hint(format!(
        "write [{name}] with keys beneath it: {}",
        keys::names_under(path).join(", ")
    ))
}

fn json(value: &DeValue<'_>) -> Value {
    match value {
        DeValue::String(text) => Value::from(text.as_ref()),
        DeValue::Integer(number) => i64::from_str_radix(number.as_str(), number.radix())
            .map_or_else(|_| Value::from(number.as_str()), Value::from),
        DeValue::Float(number) => number
            .as_str()
            .parse::<f64>()
            .ok()
            .and_then(Number::from_f64)
            .map_or_else(|| Value::from(number.as_str()), Value::Number),
        DeValue::Boolean(flag) => Value::from(*flag),
        DeValue::Datetime(instant) => Value::from(instant.to_string()),
        DeValue::Array(items) => items.iter().map(|item| json(item.get_ref())).collect(),
        DeValue::Table(table) => Value::Object(Map::from_iter(
            table.iter().map(|(name, value)| (name.get_ref().to_string(), json(value.get_ref()))),
        )),
    }
}

fn line_of(text: &str, at: usize) -> usize {
    text.as_bytes()[..at.min(text.len())].iter().filter(|b| **b == b'\n').count() + 1
}
