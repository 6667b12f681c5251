//! Who is left out of a run, as far as this process knows.
//!
//! Where the customer chose people, nobody beneath the list of users is asked about before all of
//! that list is read: then it is known who is left out, and others' records can be read without
//! him. Until then the list brings no branches; they are made of its stored rows.

use std::collections::BTreeSet;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, PoisonError, RwLock};

use serde_json::{Map, Value};
use watershed_model::{
    Catalogue, ConnectionName, Coverage, CoverageState, Kind, LeftOut, LeftOutWhy, Millis,
    Operation, Page, Plan, Source, Step, StepId, Subject,
};
use watershed_sink::{Ask, Error, FailureFilter, Sink};
use watershed_zoom::people::{Agreed, Mark, People, Person};

use crate::active::ActiveRun;
use crate::connection::Connection;
use crate::covered;
use crate::task;

/// The list that tells who there is.
const LIST: &str = "zoom.list_users";
/// What asks about one of them.
pub(crate) const OF_USER: &str = "zoom.get_user";
/// Why somebody is not asked about.
pub(crate) const LEFT_OUT: &str = "users: left out";
/// Why somebody is not asked about any more.
pub(crate) const ERASED: &str = "users: erased";
/// What lists recordings of all users at once.
pub(crate) const OF_ALL: &str = "zoom.list_account_recordings";

/// Who is left out of a run.
pub(crate) struct RunPeople {
    agreed: Arc<Agreed>,
    people: RwLock<People>,
    /// Marks of erased people that were known when it was loaded. What was made before more were
    /// learned does not know them.
    erased: u64,
    /// Whether its lists of users are read, and all whom they leave out are known here.
    whole: AtomicBool,
    /// Whether a list of users keeps its branches until then. An estimate only asks some.
    withholds: bool,
}

/// How much a run's lists of users tell.
pub(crate) enum Told {
    /// All of them are read.
    All,
    /// They are being read.
    NotYet,
    /// One of them cannot be read, and why.
    Never(String),
}

impl RunPeople {
    /// Those whom the sink remembers.
    pub(crate) async fn load(
        agreed: Arc<Agreed>,
        run: &ActiveRun,
        withholds: bool,
        sink: &dyn Sink,
    ) -> Result<RunPeople, Error> {
        let known = sink.left_out(run.connection().clone()).await?;
        let people = people(&agreed, &known, |_| true);
        let withholds = withholds && agreed.chooses();
        let whole = AtomicBool::new(!withholds);
        let erased = people.erased();
        Ok(RunPeople { agreed, people: RwLock::new(people), erased, whole, withholds })
    }

    /// Marks of erased people that all that is made here knows.
    pub(crate) fn erased(&self) -> u64 {
        self.erased
    }

    /// Whether a record of a dataset is of somebody who is left out.
    pub(crate) fn owns(&self, dataset: &str, record: &Value) -> bool {
        self.read().owns(dataset, record, &Map::new())
    }

    /// Whether the operation brings no branches before all who are left out are known.
    pub(crate) fn withholds(&self, operation: &Operation) -> bool {
        self.withholds && operation.id == LIST
    }

    /// Whether anybody may be left out.
    pub(crate) fn any(&self) -> bool {
        self.read().any()
    }

    /// Whether a call with these parameters would ask about somebody who is left out.
    pub(crate) fn asks_about(&self, with: &Map<String, Value>) -> bool {
        self.read().asks_about(with).is_some()
    }

    /// The subject of a call that is not made, without who is named there.
    pub(crate) fn subject(&self, with: &Map<String, Value>, subject: &Subject) -> Subject {
        let people = self.read();
        let Ok(Value::Object(mut members)) = serde_json::from_str(subject.as_str()) else {
            return subject.clone();
        };
        for value in members.values_mut() {
            if let Value::String(text) = value
                && people.asks_about(with) == Some(text)
            {
                *text = self.agreed.pseudonym(text);
            }
        }
        Subject::of(&members)
    }

    /// Takes out of a page who is left out; those whom it showed to be.
    pub(crate) fn page(&self, operation: &Operation, page: &mut Page) -> Vec<Person> {
        if operation.id == LIST {
            return self.people.write().unwrap_or_else(PoisonError::into_inner).listed(page);
        }
        self.read().page(operation, page);
        Vec::new()
    }

    /// What is remembered of those whom a page showed to be left out.
    pub(crate) fn left_out(people: &[Person], run: &ActiveRun, at: Millis) -> Vec<LeftOut> {
        let of = |&Mark(mark): &Mark| LeftOut {
            connection: run.connection().clone(),
            mark,
            why: LeftOutWhy::Excluded,
            run: run.id.clone(),
            at,
        };
        people.iter().flat_map(|person| &person.marks).map(of).collect()
    }

    /// That nobody asks about them.
    pub(crate) fn coverage(people: &[Person], run: &ActiveRun, at: Millis) -> Vec<Coverage> {
        let of = |person: &Person| Coverage {
            connection: run.connection().clone(),
            operation: OF_USER.into(),
            subject: Subject::of(&Map::from_iter([(
                "user_id".to_owned(),
                Value::from(person.pseudonym.as_str()),
            )])),
            from: None,
            to: None,
            state: CoverageState::Excluded,
            reason: Some(LEFT_OUT.to_owned()),
            rows: 0,
            retry_at: None,
            run: run.id.clone(),
            at,
        };
        people.iter().map(of).collect()
    }

    /// Learns who is left out, once all lists of users of the run are read.
    pub(crate) async fn learn(&self, run: &ActiveRun, sink: &dyn Sink) -> Result<Told, Error> {
        if self.whole.load(Ordering::Acquire) {
            return Ok(Told::All);
        }
        let lists = lists(run);
        let asked = if lists.is_empty() { Vec::new() } else { sink.covered(lists).await? };
        for coverage in &asked {
            match coverage.as_ref().filter(|coverage| coverage.run == run.id) {
                Some(Coverage { state: CoverageState::Complete, .. }) => {}
                Some(Coverage { state: CoverageState::Unavailable, reason, .. }) => {
                    return Ok(Told::Never(reason.clone().unwrap_or_default()));
                }
                // A letter that was put back lies there no more, and the list is open again.
                Some(failed @ Coverage { state: CoverageState::Failed, .. })
                    if has_letter(run, &failed.subject, sink).await? =>
                {
                    return Ok(Told::Never(failed.reason.clone().unwrap_or_default()));
                }
                _ => return Ok(Told::NotYet),
            }
        }
        let known = sink.left_out(run.connection().clone()).await?;
        // Whom only an older run left out is agreed to by now; without a list he is not.
        let this_run = |left_out: &LeftOut| asked.is_empty() || left_out.run == run.id;
        *self.people.write().unwrap_or_else(PoisonError::into_inner) =
            people(&self.agreed, &known, this_run);
        self.whole.store(true, Ordering::Release);
        Ok(Told::All)
    }

    fn read(&self) -> std::sync::RwLockReadGuard<'_, People> {
        self.people.read().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Takes out of a page that belongs to no run who is left out.
pub(crate) async fn shown(
    agreed: &Arc<Agreed>,
    connection: &ConnectionName,
    operation: &Operation,
    page: &mut Page,
    sink: &dyn Sink,
) -> Result<(), Error> {
    let known = sink.left_out(connection.clone()).await?;
    let mut people = people(agreed, &known, |_| true);
    if operation.id == LIST {
        people.listed(page);
    } else {
        people.page(operation, page);
    }
    Ok(())
}

/// The first step that asks about users and hangs beneath no list of users.
pub(crate) fn outside<'p>(plan: &'p Plan, catalogue: &Catalogue) -> Option<&'p str> {
    let asks = |step: &Step| {
        let operation = catalogue.operation(step.operation.as_str());
        operation.is_some_and(|operation| {
            operation.params.iter().any(|p| p.name == "user_id" && p.required)
        })
    };
    let steps = plan.steps.iter().filter(|step| asks(step));
    let mut steps = steps.into_iter().filter(|step| !beneath_users(plan, step, catalogue));
    steps.next().map(|step| step.name.as_str())
}

/// Whether each item of the step comes from a list of users, or from rows or coverage that are
/// stored: those came from one once.
fn beneath_users(plan: &Plan, step: &Step, catalogue: &Catalogue) -> bool {
    let operation = catalogue.operation(step.operation.as_str());
    if operation.is_some_and(|o| o.id == LIST || matches!(o.kind, Kind::Missing | Kind::Waiting)) {
        return true;
    }
    let beneath = |step: StepId| beneath_users(plan, plan.step(step), catalogue);
    match &step.source {
        Source::Items(feeds) => feeds.iter().all(|feed| beneath(feed.step)),
        Source::Join(steps) => steps.iter().all(|step| beneath(*step)),
        Source::Run | Source::Literals(_) => false,
    }
}

/// Marks of erased people among those who are left out.
pub(crate) fn erased(known: &[LeftOut]) -> u64 {
    known.iter().filter(|left_out| left_out.why == LeftOutWhy::Erased).count() as u64
}

/// Refuses a key under which nobody knows who was erased.
pub(crate) async fn same_key(
    connection: &Connection,
    sink: &dyn Sink,
) -> Result<(), crate::error::Error> {
    let known = sink.left_out(connection.name.clone()).await?;
    let key = connection.agreed.as_ref().map(|agreed| agreed.mark_of_key());
    let is_key =
        |left_out: &LeftOut| left_out.why == LeftOutWhy::Erased && Some(Mark(left_out.mark)) == key;
    match erased(&known) == 0 || known.iter().any(is_key) {
        true => Ok(()),
        false => Err(crate::error::Error::OtherKey(connection.name.clone())),
    }
}

/// Those who are left out, as the sink remembers them.
pub(crate) fn people(
    agreed: &Arc<Agreed>,
    known: &[LeftOut],
    seen: impl Fn(&LeftOut) -> bool,
) -> People {
    let marks = |why| -> BTreeSet<Mark> {
        let of = known.iter().filter(|left_out| left_out.why == why);
        let of = of.filter(|left_out| why == LeftOutWhy::Erased || seen(left_out));
        of.map(|left_out| Mark(left_out.mark)).collect()
    };
    People::new(agreed.clone(), marks(LeftOutWhy::Erased), marks(LeftOutWhy::Excluded))
}

/// Whether a dead letter of the run's list lies in the sink.
async fn has_letter(run: &ActiveRun, subject: &Subject, sink: &dyn Sink) -> Result<bool, Error> {
    for step in run.program.plan().steps.iter().filter(|step| step.operation.as_str() == LIST) {
        let (id, step) = (run.id.clone(), step.name.clone());
        let filter = FailureFilter { run: Some(id), step: Some(step), ..FailureFilter::default() };
        let letters = sink.failures(filter).await?;
        if letters.iter().any(|letter| letter.subject.as_ref() == Some(subject)) {
            return Ok(true);
        }
    }
    Ok(false)
}

/// The lists of users that the run begins with.
fn lists(run: &ActiveRun) -> Vec<Ask> {
    let Ok(mut seeds) = run.seeds() else { return Vec::new() };
    let (mut children, mut lists) = (Vec::new(), Vec::new());
    covered::children(&mut seeds.children, &mut children);
    for child in children {
        let operation = run.operation(child.step);
        if operation.id == LIST
            && let Some((_, request)) = task::first_request(run, child)
        {
            lists.push(covered::coverage_ask(run, operation, &request));
        }
    }
    lists
}
