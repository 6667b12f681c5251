//! People who are left out: those that the customer did not agree to, and those who were erased.
//!
//! Their own records, meetings and recordings are neither rows nor items; where others' records
//! name them, a pseudonym stands in their place. Who they are is remembered by keyed marks alone.
//! Guarantee: of a page that went through [`People::page`], no row and no item holds the id, the
//! address or the name of anybody whose mark is known.

mod choice;
mod mark;
mod text;

use std::collections::BTreeSet;
use std::fmt;
use std::sync::Arc;

use serde_json::{Map, Value};
use watershed_model::{FieldType, Operation, Page, Record, Row};

pub use choice::{Choice, SelectorError};
pub use mark::Mark;

use crate::catalogue;
use crate::pseudonym::Pseudonyms;
use mark::Marks;

/// Text of a stay that tells nothing of a person.
const IMPERSONAL: [&str; 2] = ["status", "user_id"];
/// Text of a stay for which there is a pseudonym. What else it has is left out.
const PERSONAL: [&str; 3] = ["id", "name", "user_email"];

/// What of a user's record tells who he is.
const OWN: [&str; 5] = ["id", "email", "first_name", "last_name", "display_name"];
/// By what an event says who a participant is.
const GUEST: [&str; 3] = ["id", "participant_user_id", "email"];
/// What of a participant who is left out remains in an event.
const GUEST_KEPT: [&str; 4] = ["user_id", "join_time", "leave_time", "date_time"];

/// Who is agreed to on a connection, and what marks are made with.
#[derive(Clone)]
pub struct Agreed {
    choice: Choice,
    marks: Marks,
    pseudonyms: Pseudonyms,
}

impl fmt::Debug for Agreed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Agreed({:?})", self.choice)
    }
}

impl Agreed {
    /// By a choice, under the connection's key; `None` where that is empty.
    pub fn new(choice: Choice, key: &[u8]) -> Option<Agreed> {
        let pseudonyms = Pseudonyms::new(key)?;
        Some(Agreed { choice, marks: Marks::new(&pseudonyms), pseudonyms })
    }

    /// Whether somebody is left out by choice.
    pub fn chooses(&self) -> bool {
        !self.choice.is_everyone()
    }

    /// All marks of a user, by his record.
    pub fn marks(&self, user: &Value) -> Vec<Mark> {
        self.marks.of_user(user)
    }

    /// The mark of who is named by an id or an address.
    pub fn mark(&self, id_or_address: &str) -> Mark {
        match id_or_address.contains('@') {
            true => self.marks.mail(id_or_address),
            false => self.marks.id(id_or_address),
        }
    }

    /// The mark of a name.
    pub fn mark_of_name(&self, name: &str) -> Option<Mark> {
        self.marks.name(name)
    }

    /// The mark that is nobody's but the key's own: it stands beside those of erased people, so
    /// that another key is noticed.
    pub fn mark_of_key(&self) -> Mark {
        self.marks.of_key()
    }

    /// The pseudonym of who is named so.
    pub fn pseudonym(&self, named: &str) -> String {
        self.pseudonyms.of(named)
    }
}

/// Somebody whom a list of users shows not to be agreed to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Person {
    /// By which he is known.
    pub marks: Vec<Mark>,
    /// What stands in the place of his id; of his address, where he has none.
    pub pseudonym: String,
}

/// People who are left out, as far as they are known.
#[derive(Debug, Clone)]
pub struct People {
    agreed: Arc<Agreed>,
    erased: BTreeSet<Mark>,
    excluded: BTreeSet<Mark>,
}

impl People {
    /// Those of these marks, and whoever a list of users shows not to be agreed to.
    pub fn new(agreed: Arc<Agreed>, erased: BTreeSet<Mark>, excluded: BTreeSet<Mark>) -> People {
        People { agreed, erased, excluded }
    }

    /// Whether anybody may be left out. What stands as text in a file is left out then, too.
    pub fn any(&self) -> bool {
        self.agreed.chooses() || !self.nobody_known()
    }

    fn nobody_known(&self) -> bool {
        self.erased.is_empty() && self.excluded.is_empty()
    }

    /// Marks of erased people.
    pub fn erased(&self) -> u64 {
        self.erased.len() as u64
    }

    /// The parameter by which a call would ask about somebody who is left out.
    pub fn asks_about<'w>(&self, with: &'w Map<String, Value>) -> Option<&'w str> {
        with.values().filter_map(Value::as_str).find(|text| self.is(text))
    }

    /// Takes out of a page of a list of users who is not agreed to, or was erased. Returns the
    /// former: they are left out from now on.
    pub fn listed(&mut self, page: &mut Page) -> Vec<Person> {
        let Agreed { choice, marks, pseudonyms } = &*self.agreed;
        let strangers = page.rows.iter().map(|row| &row.record).filter(|user| !choice.agrees(user));
        let found: Vec<Person> = strangers
            .map(|user| {
                let said = |member| user.get(member)?.as_str().filter(|text| !text.is_empty());
                let named = said("id").or_else(|| said("email")).unwrap_or_default();
                Person { marks: marks.of_user(user), pseudonym: pseudonyms.of(named) }
            })
            .collect();
        // Who shares a name with somebody is not left out for that.
        let is_erased = |user: &Value| {
            let said = ["id", "email"].into_iter().filter_map(|member| user.get(member)?.as_str());
            said.filter(|text| !text.is_empty())
                .any(|text| self.erased.contains(&self.agreed.mark(text)))
        };
        let stays = |user: &Value| choice.agrees(user) && !is_erased(user);
        let all = page.rows.len();
        page.rows.retain(|row| stays(&row.record));
        page.records -= (all - page.rows.len()) as u64;
        self.excluded.extend(found.iter().flat_map(|person| &person.marks));
        found
    }

    /// Takes out of a page of any other operation who is left out.
    pub fn page(&self, op: &Operation, page: &mut Page) {
        if self.nobody_known() {
            return;
        }
        // Files of a recording do not say whose they are.
        let of_him = |row: &&Row| self.owns(row.dataset.name, &row.record, &row.asked);
        let recordings = page.rows.iter().filter(|row| row.dataset.name == "recordings");
        let his: BTreeSet<String> = recordings.filter(of_him).map(|row| row.key.clone()).collect();
        let listed = |page: &Page| page.rows.iter().filter(|row| row.dataset == op.dataset).count();
        let all = listed(page);
        page.rows.retain(|row| {
            let of = row.asked.get("instance_uuid").and_then(Value::as_str);
            of.is_none_or(|uuid| !his.contains(uuid))
        });
        self.rows(&mut page.rows);
        page.records -= (all - listed(page)) as u64;
    }

    /// Takes out of these rows who is left out.
    pub fn rows(&self, rows: &mut Vec<Row>) {
        rows.retain(|row| !self.owns(row.dataset.name, &row.record, &row.asked));
        rows.iter_mut().for_each(|row| self.record(row.dataset.name, &mut row.record));
    }

    /// Whether a record is of somebody who is left out: it is he, or he is its host.
    pub fn owns(&self, dataset: &str, record: &Value, asked: &Map<String, Value>) -> bool {
        let members: &[&str] = match dataset {
            "users" | "user_details" => &["id", "email"],
            "past_participants" | "report_participants" | "transcripts" | "transcript_cues" => &[],
            // Of these the address is the host's.
            "past_meetings" | "report_meetings" => &["host_id", "host_email", "user_email"],
            _ => &["host_id", "host_email", "user_id"],
        };
        let said = members.iter().filter_map(|member| record.get(*member));
        said.chain(asked.get("user_id")).filter_map(Value::as_str).any(|text| self.is(text))
    }

    /// Puts pseudonyms in the place of those who are left out. A user who is in the list is none of
    /// them, whatever his name.
    pub fn record(&self, dataset: &str, record: &mut Value) {
        if let ("users" | "user_details", Value::Object(user)) = (dataset, &mut *record) {
            let others = user.iter_mut().filter(|(member, _)| !OWN.contains(&member.as_str()));
            others.for_each(|(_, value)| self.texts(value));
            return;
        }
        if let ("past_participants" | "report_participants", Value::Object(stay)) =
            (dataset, &mut *record)
            && self.is_stay_of_one(stay)
        {
            let shape = catalogue().dataset(dataset).map(|dataset| dataset.record);
            self.stay(shape, stay);
        }
        self.texts(record);
    }

    /// The text without those who are left out; `None`: it names nobody of them.
    pub fn text(&self, text: &str) -> Option<String> {
        let named = text::named(&self.agreed.marks, |mark| self.knows(mark), text);
        let mut rest = text;
        let mut told = String::new();
        for place in named.iter().rev() {
            let (before, from) = rest.split_at(place.start);
            let pseudonym = self.agreed.pseudonym(&from[..place.len()]);
            told.insert_str(0, &from[place.len()..]);
            told.insert_str(0, &pseudonym);
            rest = before;
        }
        told.insert_str(0, rest);
        (!named.is_empty()).then_some(told)
    }

    /// Takes out of what an event sent who is left out. `false`: it is about one of them, and
    /// nothing of it may be kept.
    pub fn event(&self, name: &str, body: &mut Value) -> bool {
        let dataset = if name.starts_with("user.") { "users" } else { "events" };
        let object = body.get("payload").and_then(|payload| payload.get("object"));
        if object.is_some_and(|object| self.owns(dataset, object, &Map::new())) {
            return false;
        }
        let guest = body.pointer_mut("/payload/object/participant").and_then(Value::as_object_mut);
        if let Some(stay) = guest
            && GUEST.iter().filter_map(|m| stay.get(*m)?.as_str()).any(|text| self.is(text))
        {
            stay.retain(|member, _| GUEST_KEPT.contains(&member.as_str()));
        }
        if !self.nobody_known() {
            self.texts(body);
        }
        true
    }

    fn is(&self, id_or_address: &str) -> bool {
        !id_or_address.is_empty() && self.knows(self.agreed.mark(id_or_address))
    }

    fn knows(&self, mark: Mark) -> bool {
        self.erased.contains(&mark) || self.excluded.contains(&mark)
    }

    fn is_stay_of_one(&self, stay: &Map<String, Value>) -> bool {
        let text = |member| stay.get(member).and_then(Value::as_str).unwrap_or_default();
        let (id, address) = (text("id"), text("user_email"));
        // Who says who he is is nobody else, whatever his name.
        let named = || self.agreed.marks.name(text("name")).filter(|_| (id, address) == ("", ""));
        let named = || named().is_some_and(|name| self.knows(name));
        self.is(id) || self.is(address) || named()
    }

    fn stay(&self, shape: Option<&Record>, stay: &mut Map<String, Value>) {
        stay.retain(|member, value| {
            if PERSONAL.contains(&member.as_str()) {
                if let Value::String(text) = value
                    && !text.is_empty()
                {
                    *text = self.agreed.pseudonym(text);
                }
                return !(value.is_object() || value.is_array());
            }
            let field = shape.and_then(|shape| shape.field(member));
            IMPERSONAL.contains(&member.as_str())
                || field.is_some_and(|field| {
                    use FieldType::{Bool, Date, Double, Int, Time};
                    matches!(field.ty, Bool | Date | Double | Int | Time)
                })
        });
    }

    fn texts(&self, value: &mut Value) {
        match value {
            Value::String(text) => {
                if let Some(told) = self.text(text) {
                    *text = told;
                }
            }
            Value::Array(values) => values.iter_mut().for_each(|value| self.texts(value)),
            Value::Object(members) => members.values_mut().for_each(|value| self.texts(value)),
            _ => {}
        }
    }
}

#[cfg(test)]
mod tests;
