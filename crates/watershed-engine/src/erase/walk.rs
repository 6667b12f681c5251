//! The way through all that is stored.
//!
//! First what belongs to whoever is erased is found out, from rows that stay until the end: then a
//! walk that was broken off finds it again. Others' rows get pseudonyms page by page; files go;
//! in one transaction at last all else.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Map, Value};
use watershed_lake::FileName;
use watershed_model::{
    ConnectionName, Coverage, CoverageState, DeadLetter, Millis, RunId, Subject,
};
use watershed_sink::{Ask, Batch, CoverageFilter, Erasure, StoredRow};
use watershed_zoom::files::FileKind;
use watershed_zoom::people::People;

use super::belongs::Belongings;
use super::{AT_ONCE, Erased, each_row};
use crate::engine::Engine;
use crate::error::Error;
use crate::people::{ERASED, OF_USER};

/// Bytes of a text in a file that are looked at: a day of speech is some 2 MiB.
const TEXT_MAX: usize = 16 * 1024 * 1024;
/// The dataset that files are of.
const FILES: &str = "recording_files";
/// What brings them in.
const DOWNLOAD: &str = "zoom.download_recording_file";
/// Why a file that was there is not any more.
const NAMED: &str = "users: a text named somebody who was erased";

/// The way.
pub(super) struct Walk<'e> {
    pub(super) engine: &'e Engine,
    pub(super) connection: ConnectionName,
    pub(super) people: People,
    /// Marks of erased people that are known here.
    pub(super) known: BTreeMap<ConnectionName, u64>,
    /// What stands in the place of whoever is erased.
    pub(super) pseudonym: String,
    /// The id of the erasure.
    pub(super) run: RunId,
    pub(super) now: Millis,
    pub(super) erased: Erased,
}

impl Walk<'_> {
    /// Goes all of it.
    pub(super) async fn through(mut self) -> Result<Erased, Error> {
        let his = self.belongings().await?;
        let mut last = Erasure::default();
        let mut texts = BTreeSet::new();
        for dataset in self.engine.catalogue.datasets {
            let rows = self.rows(dataset.name, &his, &mut texts).await?;
            let rows = rows.into_iter().map(|row| (dataset.name.to_owned(), row));
            last.rows.extend(rows);
        }
        last.listings = self.listings(&his).await?;
        self.coverage(&his, &texts, &mut last).await?;
        let letters = self.letters(&his, &mut last).await?;
        self.events(&his, &mut last).await?;
        last.coverage.push(self.left_out());
        self.engine.sink.erase(last).await?;
        if !letters.is_empty() {
            let erased = self.known.clone();
            let batch = Batch { failures: letters, erased, ..Batch::default() };
            self.engine.sink.write(batch.into()).await?;
        }
        Ok(self.erased)
    }

    /// Ids of his meetings, instances and files, from wherever one leads to another.
    async fn belongings(&self) -> Result<Belongings, Error> {
        let mut his = Belongings::default();
        loop {
            let before = his.known();
            for dataset in self.engine.catalogue.datasets {
                let (sink, of) = (&*self.engine.sink, &self.connection);
                let take = |row: StoredRow| {
                    his.take(&self.people, dataset.name, &row);
                };
                each_row(sink, of, dataset.name, take).await?;
            }
            if his.known() == before {
                return Ok(his);
            }
        }
    }

    /// Gives others' rows their pseudonyms, and takes files away. The rows that are to go.
    async fn rows(
        &mut self,
        dataset: &str,
        his: &Belongings,
        texts: &mut BTreeSet<String>,
    ) -> Result<Vec<StoredRow>, Error> {
        let (mut gone, mut changed, mut files) = (Vec::new(), Vec::new(), Vec::new());
        let people = &self.people;
        each_row(&*self.engine.sink, &self.connection, dataset, |row| {
            let goes = his.has(people, dataset, &row);
            if dataset == FILES {
                let kind = row.record.get("file_type").and_then(Value::as_str).unwrap_or_default();
                let kind = FileKind::of(kind);
                if goes || kind.is_text() {
                    files.push((goes, kind, row.at.key.clone()));
                }
            }
            if goes {
                gone.push(StoredRow { record: Value::Null, asked: Map::new(), ..row });
            } else if let Some(row) = told(people, dataset, row) {
                changed.push((dataset.to_owned(), row));
            }
        })
        .await?;
        for (goes, kind, key) in files {
            let name = FileName::new(self.connection.as_str(), FILES, &key, kind.extension());
            if !goes && !self.names_him(&name).await? {
                continue;
            }
            if self.engine.files.remove(&name).await? {
                self.erased.files += 1;
            }
            texts.insert(key);
        }
        count(&mut self.erased.rows, dataset, gone.len());
        count(&mut self.erased.changed, dataset, changed.len());
        for some in changed.chunks(AT_ONCE as usize) {
            let erasure = Erasure { changed: some.to_vec(), ..Erasure::default() };
            self.engine.sink.erase(erasure).await?;
        }
        Ok(gone)
    }

    async fn names_him(&self, name: &FileName) -> Result<bool, Error> {
        let text = self.engine.files.head(name, TEXT_MAX).await?;
        Ok(text.is_some_and(|text| self.people.text(&String::from_utf8_lossy(&text)).is_some()))
    }

    /// Listings that keep a record of his, or one that names him: nothing is known of them any
    /// more, and they are read anew when they are needed.
    async fn listings(&self, his: &Belongings) -> Result<Vec<i64>, Error> {
        let mut listings = BTreeSet::new();
        let mut after = None;
        loop {
            let page = self.engine.sink.members(after, AT_ONCE).await?;
            after = page.last().map(|member| member.at.clone());
            let full = page.len() == AT_ONCE as usize;
            for member in page {
                let Some(mut record) = member.record else { continue };
                let before = record.clone();
                self.people.record("", &mut record);
                if record != before || his.within(&record) {
                    listings.insert(member.at.listing);
                }
            }
            if !full {
                return Ok(listings.into_iter().collect());
            }
        }
    }

    async fn coverage(
        &mut self,
        his: &Belongings,
        texts: &BTreeSet<String>,
        last: &mut Erasure,
    ) -> Result<(), Error> {
        let of = Some(self.connection.clone());
        let mut after = None;
        loop {
            let filter = CoverageFilter { connection: of.clone(), ..CoverageFilter::default() };
            let page = self.engine.sink.coverage(filter, after, AT_ONCE).await?;
            after = page.last().map(Ask::of);
            let full = page.len() == AT_ONCE as usize;
            for coverage in page {
                let ask = Ask::of(&coverage);
                match self.known_of(his, texts, &coverage) {
                    Known::AsItWas => continue,
                    Known::Nothing => {}
                    Known::Told(told) => last.coverage.push(*told),
                }
                last.asks.push(ask);
                self.erased.coverage += 1;
            }
            if !full {
                return Ok(());
            }
        }
    }

    fn known_of(&self, his: &Belongings, texts: &BTreeSet<String>, coverage: &Coverage) -> Known {
        let subject: Map<String, Value> =
            serde_json::from_str(coverage.subject.as_str()).unwrap_or_default();
        let as_text = self.people.text(coverage.subject.as_str());
        if his.names(&subject) || self.people.asks_about(&subject).is_some() || as_text.is_some() {
            return Known::Nothing;
        }
        let mut values = subject.values().filter_map(Value::as_str);
        if coverage.operation.as_str() == DOWNLOAD && values.any(|key| texts.contains(key)) {
            let (state, reason) = (CoverageState::Excluded, Some(NAMED.to_owned()));
            let told = Coverage { state, reason, rows: 0, retry_at: None, ..coverage.clone() };
            return Known::Told(Box::new(told));
        }
        match coverage.reason.as_deref().and_then(|reason| self.people.text(reason)) {
            Some(reason) => {
                Known::Told(Box::new(Coverage { reason: Some(reason), ..coverage.clone() }))
            }
            None => Known::AsItWas,
        }
    }

    /// Dead letters of others that are to be kept with other words.
    async fn letters(
        &mut self,
        his: &Belongings,
        last: &mut Erasure,
    ) -> Result<Vec<DeadLetter>, Error> {
        let mut told = Vec::new();
        let mut after = None;
        loop {
            let page = self.engine.sink.letters(after, AT_ONCE).await?;
            after = page.last().map(|letter| letter.id.clone());
            let full = page.len() == AT_ONCE as usize;
            for letter in page.into_iter().filter(|letter| letter.connection == self.connection) {
                let said = self.people.text(&letter.message);
                if self.is_about(his, &letter) {
                    last.letters.push(letter.id);
                } else if let Some(message) = said {
                    told.push(DeadLetter { message, ..letter });
                } else {
                    continue;
                }
                self.erased.letters += 1;
            }
            if !full {
                return Ok(told);
            }
        }
    }

    /// Whether a letter cannot be put back without him.
    fn is_about(&self, his: &Belongings, letter: &DeadLetter) -> bool {
        let read = |text: &str| serde_json::from_str(text).unwrap_or(Value::from(text));
        let joins = letter.scopes.iter().flat_map(|scope| &scope.joins);
        let items = joins.flat_map(|(_, items)| items).chain([&letter.item]);
        let subject = letter.subject.as_ref().map(Subject::as_str);
        let texts = items.map(String::as_str).chain(subject).chain([letter.branch.as_str()]);
        texts.into_iter().any(|text| {
            let mut value = read(text);
            let before = value.clone();
            self.people.record("", &mut value);
            value != before || his.within(&before)
        })
    }

    async fn events(&mut self, his: &Belongings, last: &mut Erasure) -> Result<(), Error> {
        let Some(inbox) = self.engine.events.as_ref().map(|events| events.inbox.clone()) else {
            return Ok(());
        };
        let mut done = Vec::new();
        let mut after = None;
        loop {
            let page = inbox.waiting(self.connection.clone(), after, AT_ONCE).await?;
            after = page.last().map(|waiting| waiting.place);
            let full = page.len() == AT_ONCE as usize;
            for event in page.into_iter().map(|waiting| waiting.event) {
                let mut body = event.body.clone();
                let of_his = his.within(&event.body);
                if of_his || !self.people.event(&event.event, &mut body) {
                    done.push(event.key);
                } else if body != event.body {
                    last.events.push((self.connection.clone(), event.key, body));
                } else {
                    continue;
                }
                self.erased.events += 1;
            }
            if !full {
                break;
            }
        }
        inbox.done(self.connection.clone(), done, self.now).await?;
        Ok(())
    }

    /// That nobody asks about him.
    fn left_out(&self) -> Coverage {
        let user = ("user_id".to_owned(), Value::from(self.pseudonym.as_str()));
        Coverage {
            connection: self.connection.clone(),
            operation: OF_USER.into(),
            subject: Subject::of(&Map::from_iter([user])),
            from: None,
            to: None,
            state: CoverageState::Excluded,
            reason: Some(ERASED.to_owned()),
            rows: 0,
            retry_at: None,
            run: self.run.clone(),
            at: self.now,
        }
    }
}

/// What is to be known of a question.
enum Known {
    AsItWas,
    Nothing,
    Told(Box<Coverage>),
}

/// Somebody else's row without those who are left out; `None`: it names nobody of them.
fn told(people: &People, dataset: &str, row: StoredRow) -> Option<StoredRow> {
    let mut told = row.clone();
    people.record(dataset, &mut told.record);
    if told.listing.as_deref().is_some_and(|listing| people.text(listing).is_some()) {
        told.listing = None;
    }
    (told != row).then_some(told)
}

fn count(of: &mut BTreeMap<String, u64>, dataset: &str, rows: usize) {
    if rows > 0 {
        *of.entry(dataset.to_owned()).or_default() += rows as u64;
    }
}
