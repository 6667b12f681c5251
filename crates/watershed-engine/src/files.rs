//! Files of recordings: the recording is read again for its signed URL, which is never kept.
//! `party` says which of them start together; `bring` has the way of one file into the file store.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};

use secrecy::ExposeSecret;
use serde_json::{Map, Value};
use tokio::sync::OnceCell;
use url::Url;
use watershed_lake::{FileName, FileStore, MemoryFiles};
use watershed_model::{Catalogue, Heard, Kind, Millis, Operation, Page, RetryCause, Verdict};
use watershed_zoom::Answer;
use watershed_zoom::files::{self as zoom_files, DownloadTarget, FileKind, Recording};

use crate::active::ActiveRun;
use crate::connection::Content;
use crate::echo;
use crate::people::RunPeople;
use crate::stop::Stopping;
use crate::task::{Ask, Asked, Spent, Tools, unanswered};
use crate::token::Held;
use crate::transport::{Answered, Call};

mod bring;
mod erased;
mod party;

pub(crate) use party::together;

use bring::{Source, TEXT_MAX, bring, failed, room};

/// Recordings remembered at once.
const KEPT_MAX: usize = 256;
/// URLs are made per answer; they are used while they are young.
const KEPT_MS: i64 = 120_000;

/// Where files go.
pub(crate) enum Files {
    /// Into a store.
    Kept(Arc<dyn FileStore>),
    /// Nowhere: an estimate only asks how large they are.
    Weighed(Mutex<Weight>),
}

/// How many files have been weighed, and their bytes.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Weight {
    pub(crate) files: u64,
    pub(crate) bytes: u64,
}

impl Files {
    /// What has been weighed so far.
    pub(crate) fn weight(&self) -> Weight {
        match self {
            Files::Kept(_) => Weight::default(),
            Files::Weighed(weight) => *weight.lock().unwrap_or_else(PoisonError::into_inner),
        }
    }

    fn weigh(&self, target: &DownloadTarget) {
        if let Files::Weighed(weight) = self {
            let mut weight = weight.lock().unwrap_or_else(PoisonError::into_inner);
            weight.files += 1;
            weight.bytes += target.size.unwrap_or(0);
        }
    }
}

/// Recordings read again, so that all files of one cost one call.
#[derive(Default)]
pub(crate) struct Recordings {
    kept: Mutex<BTreeMap<String, Kept>>,
}

struct Kept {
    at: i64,
    answer: Arc<OnceCell<Recording>>,
    /// Whether it has been read, or is being read.
    begun: bool,
    /// The slot of the last reading: one permit, one call.
    used: Option<Millis>,
    /// What the last reading came to, if it failed.
    failed: Option<Verdict>,
}

impl Kept {
    /// Whether its signed addresses still serve.
    fn is_young(&self, now: i64) -> bool {
        now - self.at < KEPT_MS
    }

    /// Whether it was read in that slot or a later one. A later one that is still to come was
    /// used before the clock was set back, and tells nothing of what is tried since.
    fn is_used(&self, slot: Millis, now: Millis) -> bool {
        self.used.is_some_and(|used| used == slot || slot < used && used <= now)
    }

    /// It is read anew, by the next one with a slot for it.
    fn reset(&mut self, failed: Option<Verdict>) {
        (self.answer, self.begun, self.failed) = (Arc::default(), false, failed);
    }
}

impl Recordings {
    fn of(&self, key: String, now: i64) -> Arc<OnceCell<Recording>> {
        let mut kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(known) = kept.get(&key).filter(|known| known.is_young(now)) {
            return known.answer.clone();
        }
        kept.retain(|_, known| known.is_young(now));
        if kept.len() >= KEPT_MAX
            && let Some(oldest) = kept.iter().min_by_key(|(_, k)| k.at).map(|(key, _)| key.clone())
        {
            kept.remove(&oldest);
        }
        let new = Kept { at: now, answer: Arc::default(), begun: false, used: None, failed: None };
        kept.entry(key).or_insert(new).answer.clone()
    }

    /// Begins to read the recording in that slot, if that may be. Who waited for another's reading
    /// that failed is late; and files that start together have one slot, and that is used.
    fn begin(&self, key: &str, cell: &Arc<OnceCell<Recording>>, slot: Millis, now: Millis) -> bool {
        let mut kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner);
        let may = kept
            .get_mut(key)
            .filter(|kept| Arc::ptr_eq(&kept.answer, cell) && !kept.is_used(slot, now));
        may.map(|kept| {
            (kept.at, kept.begun, kept.used, kept.failed) = (now.0, true, Some(slot), None);
        })
        .is_some()
    }

    fn failed(&self, key: &str, cell: &Arc<OnceCell<Recording>>, verdict: Verdict) {
        let mut kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(kept) = kept.get_mut(key).filter(|kept| Arc::ptr_eq(&kept.answer, cell)) {
            kept.reset(Some(verdict));
        }
    }

    /// What a reading in that slot or a later one came to, if it is to be tried again: it was a try
    /// of each that waited for it. Files that read it one after the other, each for as long as a
    /// call may take, would keep all others from their slots.
    fn tried(&self, key: &str, slot: Millis, now: Millis) -> Option<Verdict> {
        let kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner);
        let verdict = kept.get(key).filter(|kept| kept.is_used(slot, now))?.failed.as_ref()?;
        matches!(verdict, Verdict::Retry { .. }).then(|| verdict.clone())
    }

    /// Whether a file's recording has been read here, or is being read: it needs no call, and no
    /// slot.
    pub(crate) fn has(&self, run: &ActiveRun, ask: &Ask, now: Millis) -> bool {
        let Ok(file) = zoom_files::FileRef::of(&ask.with) else { return false };
        let kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner);
        kept.get(&key(run, &file.instance_uuid)).is_some_and(|k| k.begun && k.is_young(now.0))
    }

    /// Its addresses serve no more.
    fn forget(&self, key: &str) {
        let mut kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(kept) = kept.get_mut(key) {
            kept.reset(None);
        }
    }
}

fn key(run: &ActiveRun, instance_uuid: &str) -> String {
    format!("{}|{instance_uuid}", run.connection())
}

/// What keeps a download out.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Bar {
    /// The customer has not agreed to it.
    Consent(Content),
    /// What it says in text would have to be redacted, and cannot be. Of a transcript there are
    /// rows.
    Redact,
    /// It may name people who are left out.
    Names,
    /// It asks about somebody who is left out.
    LeftOut,
}

/// What keeps this call out, if anything does.
pub(crate) fn bar(
    operation: &Operation,
    with: &Map<String, Value>,
    run: &ActiveRun,
) -> Option<Bar> {
    let connection = &run.link.connection;
    if run.people.as_ref().is_some_and(|people| people.asks_about(with)) {
        return Some(Bar::LeftOut);
    }
    if operation.kind != Kind::File {
        return None;
    }
    let file_type = with.get("file").and_then(|f| f.get("file_type")).and_then(Value::as_str);
    let file_type = file_type.unwrap_or_default();
    let needed = match file_type {
        "TRANSCRIPT" | "CC" => Content::Transcripts,
        _ => Content::Recordings,
    };
    let is_media = FileKind::of(file_type).has_exact_size();
    if connection.content < needed {
        Some(Bar::Consent(connection.content))
    } else if is_media || file_type == "TRANSCRIPT" {
        None
    } else if connection.redact.any() {
        Some(Bar::Redact)
    } else if names_people(run) {
        Some(Bar::Names)
    } else {
        None
    }
}

/// Whether a text may name somebody who is left out.
fn names_people(run: &ActiveRun) -> bool {
    run.people.as_ref().is_some_and(RunPeople::any)
}

/// Reads the recording again, brings the file in, reads it. `None` where the reading could not
/// start in its slot.
pub(crate) async fn download(
    run: &ActiveRun,
    operation: &'static Operation,
    ask: &Ask,
    token: &Held,
    tools: &Tools,
    slot: (Millis, Millis),
) -> Option<Asked> {
    let mut spent = Spent::default();
    let targets = targets(run, ask, token, tools, slot, &mut spent).await;
    if spent.calls > 0 {
        // The recording tells whether the account answers; where the file is, another may.
        let unanswered =
            matches!(targets, Err(Some(Verdict::Retry { cause: RetryCause::Transport, .. })));
        let (reach, now) = (&run.link.reach, tools.clock.now());
        if unanswered {
            reach.unanswered(operation.id, now);
        } else {
            reach.answered(operation.id, now);
        }
    }
    let verdict = match targets {
        Ok((targets, key, recording)) => {
            let configured: Vec<Url> = run.link.connection.api_url.iter().cloned().collect();
            let source =
                Source { operation, bearer: &token.bearer, configured: &configured, tools };
            let verdict = match all(run, ask, &targets, &source, &mut spent).await {
                Ok(verdict) | Err(verdict) => verdict,
            };
            if matches!(verdict, Verdict::Data(_)) {
                erased::taken_back(run, &targets, &recording, tools).await;
            }
            let aged = !matches!(
                verdict,
                Verdict::Data(_) | Verdict::Retry { cause: RetryCause::Busy, .. }
            );
            if aged {
                // The URL may have aged: the next attempt reads the recording again.
                tools.recordings.forget(&key);
            }
            verdict
        }
        Err(verdict) => verdict?,
    };
    Some(Asked { verdict, spent })
}

/// Brings in all files of a task. What is there already, whole, is not asked for again, but where
/// it is to be read as well.
async fn all(
    run: &ActiveRun,
    ask: &Ask,
    targets: &[DownloadTarget],
    source: &Source<'_>,
    spent: &mut Spent,
) -> Result<Verdict, Verdict> {
    let file = zoom_files::FileRef::of(&ask.with)?;
    // What is only weighed is kept as long as it takes to read it.
    let nowhere = MemoryFiles::default();
    let store: &dyn FileStore = match &source.tools.files {
        Files::Kept(store) => &**store,
        Files::Weighed(_) => &nowhere,
    };
    // What is stored and not read gives no rows.
    let mut verdict = Verdict::Data(Page::default());
    for target in targets {
        let extension = target.kind.extension();
        let name =
            FileName::new(run.connection().as_str(), "recording_files", &target.key, extension);
        source.tools.files.weigh(target);
        if !file.has_cues() {
            if matches!(source.tools.files, Files::Weighed(_)) {
                continue;
            }
            let known = store.size(&name).await.map_err(|error| failed(&error))?;
            let exact = target.size.filter(|_| target.kind.has_exact_size());
            if known.is_some_and(|known| exact.is_none_or(|exact| exact == known)) {
                continue;
            }
        }
        let mut incoming = bring(store, &name, target, source).await?;
        if file.has_cues() {
            spent.room = None;
            spent.room = room(incoming.size(), source.tools).await;
            let text = incoming.head(TEXT_MAX).await.map_err(|error| failed(&error))?;
            verdict = zoom_files::read_transcript(&ask.with, &target.key, &text);
            if !matches!(verdict, Verdict::Data(_)) {
                incoming.discard().await.map_err(|error| failed(&error))?;
                return Ok(verdict);
            }
            if run.link.connection.redact.any() || names_people(run) {
                incoming.discard().await.map_err(|error| failed(&error))?;
                continue;
            }
        }
        incoming.place().await.map_err(|error| failed(&error))?;
    }
    Ok(verdict)
}

async fn targets(
    run: &ActiveRun,
    ask: &Ask,
    token: &Held,
    tools: &Tools,
    (start_from, start_until): (Millis, Millis),
    spent: &mut Spent,
) -> Result<(Vec<DownloadTarget>, String, Recording), Option<Verdict>> {
    let file = zoom_files::FileRef::of(&ask.with).map_err(Some)?;
    let key = key(run, &file.instance_uuid);
    let cell = tools.recordings.of(key.clone(), tools.clock.now().0);
    let recording = cell
        .get_or_try_init(|| async {
            let now = tools.clock.now();
            if let Some(verdict) = tools.recordings.tried(&key, start_from, now) {
                return Err(Some(verdict));
            }
            // Nothing is read anew while a stop is asked for.
            let passed = now > start_until || tools.stop.state() != Stopping::No;
            if passed || !tools.recordings.begin(&key, &cell, start_from, now) {
                return Err(None);
            }
            spent.calls += 1;
            let read = read_again(&file.instance_uuid, token, tools, &mut spent.heard).await;
            if let Err(verdict) = &read {
                tools.recordings.failed(&key, &cell, verdict.clone());
            }
            match read {
                Err(Verdict::Empty) => Err(Some(file.missing(tools.clock.now()))),
                read => read.map_err(Some),
            }
        })
        .await?;
    match recording.files(&file, tools.clock.now()) {
        Ok(targets) => Ok((targets, key, recording.clone())),
        Err(verdict) => {
            tools.recordings.forget(&key);
            Err(Some(verdict))
        }
    }
}

/// The answer of `get_recording`, or what else it meant.
async fn read_again(
    uuid: &str,
    token: &Held,
    tools: &Tools,
    heard: &mut Option<Heard>,
) -> Result<Recording, Verdict> {
    let catalogue: Catalogue = watershed_zoom::catalogue();
    let operation = catalogue
        .operation("zoom.get_recording")
        .expect("the catalogue has the operation that downloads rest on");
    let with = Map::from_iter([("uuid".to_owned(), Value::from(uuid))]);
    let request = watershed_zoom::request(operation, &with, None)
        .map_err(|error| Verdict::Dead { http: 0, code: None, message: error.to_string() })?;
    let text = format!("{}{}", token.base.as_str().trim_end_matches('/'), request.path_and_query);
    let url = Url::parse(&text).map_err(|error| Verdict::Dead {
        http: 0,
        code: None,
        message: format!("no URL can be made of this request: {error}"),
    })?;
    let get = Call::Get {
        url,
        bearer: Some(token.bearer.clone()),
        body_max: crate::task::PAGE_BODY_MAX,
        rest: None,
    };
    let Answered { status, headers, body } = tools.send(get).await.map_err(|e| unanswered(&e))?;
    let body = echo::without(status, body, &[token.bearer.expose_secret()]);
    let answer = Answer { status, headers: &headers, body: &body };
    *heard = watershed_zoom::heard(&answer);
    match watershed_zoom::read(operation, &with, &answer, tools.clock.now()) {
        Verdict::Data(_) | Verdict::Waiting { .. } => Ok(Recording::new(body)),
        other => Err(other),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_reading_that_failed_was_a_try_of_all_that_waited_for_it_and_of_nobody_later() {
        let recordings = Recordings::default();
        let cell = recordings.of("r".to_owned(), 0);
        assert!(recordings.begin("r", &cell, Millis(10), Millis(20)));
        assert_eq!(recordings.tried("r", Millis(10), Millis(20)), None, "it is still being read");
        let silence =
            Verdict::Retry { cause: RetryCause::Transport, message: "nobody there".to_owned() };
        recordings.failed("r", &cell, silence.clone());
        assert_eq!(recordings.tried("r", Millis(10), Millis(20)), Some(silence.clone()));
        assert_eq!(recordings.tried("r", Millis(9), Millis(20)), Some(silence));
        assert_eq!(recordings.tried("r", Millis(11), Millis(20)), None);
        let cell = recordings.of("r".to_owned(), 20);
        assert!(!recordings.begin("r", &cell, Millis(10), Millis(20)), "that slot is used");
        assert!(recordings.begin("r", &cell, Millis(11), Millis(20)));
    }

    #[test]
    fn a_reading_from_before_the_clock_was_set_back_is_no_try_of_what_comes_after() {
        let recordings = Recordings::default();
        let silence =
            Verdict::Retry { cause: RetryCause::Transport, message: "nobody there".to_owned() };
        let cell = recordings.of("r".to_owned(), 0);
        assert!(recordings.begin("r", &cell, Millis(1_000), Millis(1_000)));
        recordings.failed("r", &cell, silence.clone());
        let cell = recordings.of("r".to_owned(), 20);
        assert_eq!(recordings.tried("r", Millis(10), Millis(20)), None);
        assert_eq!(recordings.tried("r", Millis(1_000), Millis(20)), Some(silence));
        assert!(!recordings.begin("r", &cell, Millis(1_000), Millis(20)), "that slot is used");
        assert!(recordings.begin("r", &cell, Millis(10), Millis(20)));
    }

    #[test]
    fn who_waited_for_what_is_not_to_be_tried_again_is_late_as_before() {
        let recordings = Recordings::default();
        let cell = recordings.of("r".to_owned(), 0);
        assert!(recordings.begin("r", &cell, Millis(10), Millis(20)));
        recordings.failed("r", &cell, Verdict::Empty);
        assert_eq!(recordings.tried("r", Millis(10), Millis(20)), None);
    }

    #[test]
    fn one_permit_is_one_reading_though_its_addresses_serve_no_more() {
        let recordings = Recordings::default();
        let cell = recordings.of("r".to_owned(), 0);
        assert!(recordings.begin("r", &cell, Millis(10), Millis(20)));
        recordings.forget("r");
        let cell = recordings.of("r".to_owned(), 20);
        assert!(!recordings.begin("r", &cell, Millis(10), Millis(20)), "that slot is used");
        assert_eq!(recordings.tried("r", Millis(10), Millis(20)), None, "nothing failed");
        assert!(recordings.begin("r", &cell, Millis(11), Millis(20)));
    }
}
