//! Layers of settings, and how they are laid over each other. Each value knows its origin.

use std::collections::BTreeMap;
use std::fmt;
use std::path::PathBuf;

use serde_json::Value;

/// The parts of a setting's path: `["store", "url"]`.
pub(crate) type KeyPath = Vec<String>;

/// Where a value comes from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Origin {
    /// The defaults, which are `config/watershed.toml`.
    Default,
    /// A line of the configuration file.
    File(PathBuf, usize),
    /// A variable of the environment.
    Env(String),
    /// The command line.
    Flag(&'static str),
}

impl fmt::Display for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Origin::Default => write!(f, "the defaults"),
            Origin::File(path, line) => write!(f, "{}:{line}", path.display()),
            Origin::Env(name) => write!(f, "{name} in the environment"),
            Origin::Flag(flag) => write!(f, "`{flag}`"),
        }
    }
}

/// Values by path.
#[derive(Debug, Clone, Default, PartialEq)]
pub(crate) struct Layer {
    /// Each setting's value.
    pub values: BTreeMap<KeyPath, (Value, Origin)>,
    /// Connections that are named, with or without settings of their own.
    pub connections: BTreeMap<String, Origin>,
}

impl Layer {
    /// Sets a value.
    pub(crate) fn set(&mut self, path: KeyPath, value: Value, origin: Origin) {
        if let [section, name, ..] = path.as_slice()
            && section == "connections"
        {
            self.connections.entry(name.clone()).or_insert_with(|| origin.clone());
        }
        self.values.insert(path, (value, origin));
    }

    /// Sets a value by its dotted path.
    pub(crate) fn put(&mut self, path: &str, value: impl Into<Value>, origin: Origin) {
        self.set(path.split('.').map(str::to_owned).collect(), value.into(), origin);
    }

    /// Lays `over` over this one.
    pub(crate) fn cover(&mut self, over: Layer) {
        self.values.extend(over.values);
        for (name, origin) in over.connections {
            self.connections.entry(name).or_insert(origin);
        }
    }

    /// The value at a path, and where it comes from.
    pub(crate) fn get(&self, path: &[&str]) -> Option<&(Value, Origin)> {
        let path: KeyPath = path.iter().map(|p| (*p).to_owned()).collect();
        self.values.get(&path)
    }
}
