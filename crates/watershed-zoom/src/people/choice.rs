//! Whom the customer agreed to, by what the list of users tells of each.

use serde_json::Value;

/// Users by one thing that they have in common.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Selector {
    /// `group:ID`.
    Group(String),
    /// `dept:NAME`.
    Department(String),
    /// An address.
    Mail(String),
}

/// What is none of these.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0:?} names no users: write group:ID, dept:NAME or an address")]
pub struct SelectorError(pub String);

/// Who is included, and who of them is not. By default everybody is.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Choice {
    include: Vec<Selector>,
    exclude: Vec<Selector>,
}

impl Choice {
    /// Made of `users.include` and `users.exclude`; without the first, everybody is included.
    ///
    /// # Errors
    /// The first that names no users.
    pub fn new(include: &[String], exclude: &[String]) -> Result<Choice, SelectorError> {
        let all = |texts: &[String]| -> Result<Vec<Selector>, SelectorError> {
            texts.iter().map(|text| selector(text)).collect()
        };
        Ok(Choice { include: all(include)?, exclude: all(exclude)? })
    }

    /// Whether nobody is left out.
    pub fn is_everyone(&self) -> bool {
        self.include.is_empty() && self.exclude.is_empty()
    }

    /// Whether a user is among those agreed to, by his record in the list of users.
    pub fn agrees(&self, user: &Value) -> bool {
        let any = |of: &[Selector]| of.iter().any(|selector| selector.meets(user));
        (self.include.is_empty() || any(&self.include)) && !any(&self.exclude)
    }
}

fn selector(text: &str) -> Result<Selector, SelectorError> {
    let text = text.trim();
    let named = |prefix: &str| text.strip_prefix(prefix).map(str::trim).filter(|t| !t.is_empty());
    if let Some(id) = named("group:") {
        Ok(Selector::Group(id.to_owned()))
    } else if let Some(name) = named("dept:") {
        Ok(Selector::Department(name.to_lowercase()))
    } else if text.contains('@') && !text.contains(char::is_whitespace) {
        Ok(Selector::Mail(text.to_lowercase()))
    } else {
        Err(SelectorError(text.to_owned()))
    }
}

impl Selector {
    fn meets(&self, user: &Value) -> bool {
        let says = |member: &str, wanted: &str| {
            let said = user.get(member).and_then(Value::as_str).unwrap_or_default();
            said.trim().to_lowercase() == *wanted
        };
        match self {
            Selector::Group(id) => {
                let groups = user.get("group_ids").and_then(Value::as_array);
                groups.into_iter().flatten().any(|group| group == id.as_str())
            }
            Selector::Department(name) => says("dept", name),
            Selector::Mail(address) => says("email", address),
        }
    }
}
