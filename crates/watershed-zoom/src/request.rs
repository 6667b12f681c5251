//! What is asked: path and query of one call, and the coverage subject it belongs to.

use std::collections::BTreeMap;

use jiff::civil::Date;
use serde_json::{Map, Value};
use url::form_urlencoded::Serializer;
use watershed_model::{Operation, Paging, Param, ParamPlace, ParamType, Subject, Window};

use crate::answer::page_token;
use crate::{files, uuid};

/// One call, ready to be appended to the API's base.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Request {
    /// Path and query below the base URL, encoded. Empty for a download, whose URL is found
    /// by reading the recording again.
    pub path_and_query: String,
    /// What coverage calls it.
    pub subject: Subject,
    /// The days it asks for, where it asks for any.
    pub window: Option<Window>,
}

/// Why no call can be made of these parameters. None of them is repaired by asking again.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum RequestError {
    /// The operation has no such parameter.
    #[error("{operation}: no parameter {parameter} (given {value})")]
    Unknown {
        /// The operation.
        operation: &'static str,
        /// The name given.
        parameter: String,
        /// The value given.
        value: String,
    },
    /// A parameter that must be given is absent or null.
    #[error("{operation}: parameter {parameter} is missing (given {value})")]
    Missing {
        /// The operation.
        operation: &'static str,
        /// The parameter.
        parameter: &'static str,
        /// `nothing` or `null`.
        value: &'static str,
    },
    /// A value that the parameter does not take.
    #[error("{operation}: parameter {parameter} is {value}, but must be {allowed}")]
    Value {
        /// The operation.
        operation: &'static str,
        /// The parameter.
        parameter: &'static str,
        /// The value given.
        value: String,
        /// What it takes.
        allowed: String,
    },
    /// The last day lies before the first, or one of the two is missing.
    #[error("{operation}: parameter {parameter} is {value}, which makes no window: {why}")]
    Window {
        /// The operation.
        operation: &'static str,
        /// The parameter.
        parameter: &'static str,
        /// The value given.
        value: String,
        /// What is wrong with it.
        why: &'static str,
    },
}

/// Builds the call of `op` with these parameters; `page_token` is what [`crate::read`] gave
/// as the next page.
///
/// # Errors
/// Where a parameter is unknown, missing, of another type or out of range. The error names
/// operation, parameter and value.
pub fn request(
    op: &Operation,
    with: &Map<String, Value>,
    page_token: Option<&str>,
) -> Result<Request, RequestError> {
    if let Some((name, value)) = with.iter().find(|(name, _)| op.param(name).is_none()) {
        return Err(RequestError::Unknown {
            operation: op.id,
            parameter: name.clone(),
            value: shown(value),
        });
    }
    let mut parts = Parts { path: op.path.to_owned(), ..Parts::default() };
    for param in op.params {
        match with.get(param.name) {
            Some(value) if !value.is_null() => parts.take(op, param, value)?,
            given if param.required => {
                let value = if given.is_some() { "null" } else { "nothing" };
                return Err(RequestError::Missing {
                    operation: op.id,
                    parameter: param.name,
                    value,
                });
            }
            _ => {}
        }
    }
    Ok(Request {
        window: parts.window(op)?,
        subject: Subject::of(&parts.subject.iter().map(|(k, v)| (k.clone(), v.clone())).collect()),
        path_and_query: parts.path_and_query(op, page_token),
    })
}

#[derive(Default)]
struct Parts {
    path: String,
    query: Vec<(&'static str, String)>,
    subject: BTreeMap<String, Value>,
    days: BTreeMap<&'static str, Date>,
}

impl Parts {
    fn take(&mut self, op: &Operation, param: &Param, given: &Value) -> Result<(), RequestError> {
        if let ParamPlace::Record(_) = param.place {
            return self.take_file(op, param, given);
        }
        let value = checked(op, param, given)?;
        let text = value.as_str().map_or_else(|| value.to_string(), str::to_owned);
        match param.place {
            ParamPlace::Path | ParamPlace::PathUuid => {
                if matches!(text.as_str(), "" | "." | "..") {
                    return Err(wrong(op, param, given, "a path segment of its own".to_owned()));
                }
                let segment = match param.place {
                    ParamPlace::PathUuid => uuid::encode(&text),
                    _ => uuid::segment(&text),
                };
                self.path = self.path.replace(&format!("{{{}}}", param.wire), &segment);
                self.subject.insert(param.name.to_owned(), value);
            }
            ParamPlace::Choose => {
                self.query.push((param.wire, text));
                self.subject.insert(param.name.to_owned(), value);
            }
            ParamPlace::Query => self.query.push((param.wire, text)),
            ParamPlace::Window => {
                let day = text.parse().map_err(|_| wrong(op, param, given, allowed(param)))?;
                self.query.push((param.wire, text));
                self.days.insert(param.name, day);
            }
            ParamPlace::Hint | ParamPlace::Record(_) => {}
        }
        Ok(())
    }

    fn take_file(
        &mut self,
        op: &Operation,
        param: &Param,
        given: &Value,
    ) -> Result<(), RequestError> {
        let file = files::FileRef::of_record(given).map_err(|e| wrong(op, param, given, e))?;
        self.subject.insert("file_id".to_owned(), Value::from(file.key(0)));
        self.subject.insert("instance_uuid".to_owned(), Value::from(file.instance_uuid));
        Ok(())
    }

    fn window(&self, op: &Operation) -> Result<Option<Window>, RequestError> {
        let refuse = |parameter, day: &Date, why| {
            Err(RequestError::Window { operation: op.id, parameter, value: day.to_string(), why })
        };
        match (self.days.get("from"), self.days.get("to")) {
            (None, None) => Ok(None),
            (Some(from), None) => refuse("from", from, "the other end is missing"),
            (None, Some(to)) => refuse("to", to, "the other end is missing"),
            (Some(from), Some(to)) if to < from => refuse("to", to, "it lies before `from`"),
            (Some(&from), Some(&to)) => Ok(Some(Window { from, to })),
        }
    }

    fn path_and_query(self, op: &Operation, cursor: Option<&str>) -> String {
        let mut query = Serializer::new(String::new());
        if let Paging::Token { page_size } = op.paging {
            query.append_pair("page_size", &page_size.to_string());
        }
        query.extend_pairs(self.query);
        if let Some(cursor) = cursor {
            query.append_pair("next_page_token", page_token(cursor));
        }
        match query.finish().as_str() {
            "" => self.path,
            query => format!("{}?{query}", self.path),
        }
    }
}

/// The value in the one form in which it is sent and covered.
fn checked(op: &Operation, param: &Param, given: &Value) -> Result<Value, RequestError> {
    let fits = match (param.ty, given) {
        (ParamType::Text, Value::String(_)) | (ParamType::Bool, Value::Bool(_)) => {
            Some(given.clone())
        }
        (ParamType::Text, Value::Number(n)) => Some(Value::from(n.to_string())),
        (ParamType::Int, Value::Number(n)) => n.as_i64().map(Value::from),
        (ParamType::Int, Value::String(text)) => text.trim().parse::<i64>().ok().map(Value::from),
        (ParamType::Date, Value::String(text)) => {
            text.parse::<Date>().ok().map(|day| Value::from(day.to_string()))
        }
        (ParamType::OneOf(names), Value::String(text)) => {
            names.contains(&text.as_str()).then(|| given.clone())
        }
        _ => None,
    };
    fits.ok_or_else(|| wrong(op, param, given, allowed(param)))
}

fn allowed(param: &Param) -> String {
    match param.ty {
        ParamType::Text => "text".to_owned(),
        ParamType::Int => "a whole number".to_owned(),
        ParamType::Date => "a day, yyyy-mm-dd".to_owned(),
        ParamType::Bool => "true or false".to_owned(),
        ParamType::OneOf(names) => format!("one of {}", names.join(", ")),
        ParamType::Record => "a record".to_owned(),
    }
}

fn wrong(op: &Operation, param: &Param, given: &Value, allowed: String) -> RequestError {
    RequestError::Value { operation: op.id, parameter: param.name, value: shown(given), allowed }
}

fn shown(value: &Value) -> String {
    watershed_model::printable(&value.to_string(), 100)
}

#[cfg(test)]
mod tests;
