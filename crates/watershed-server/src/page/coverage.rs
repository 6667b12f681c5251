//! The page of coverage: operations by month; one of them by bands of subjects, into which one can
//! look until a band is one subject; and what is known of that.

use std::collections::{BTreeMap, BTreeSet};

use askama::Template;
use axum::Extension;
use axum::extract::{Path, Query, State};
use axum::http::HeaderMap;
use axum::response::Response;
use serde::Deserialize;
use watershed_model::{ConnectionName, CoverageState, OperationId, Subject, number};
use watershed_sink::{Ask, BandCount, CoverageFilter, MonthCount};

use super::heat::{Cell, Counts, cells, through};
use super::runs::encoded;
use super::{Frame, html, shown};
use crate::access::Visitor;
use crate::control::Refusal;
use crate::problem::Problem;
use crate::shape;
use crate::state::Server;

/// Months that are shown, the latest ones.
const MONTHS_MAX: usize = 36;
/// Windows of a subject that are shown.
const WINDOWS_MAX: u32 = 1_000;
/// Kinds of what is missing that are told.
const REASONS_MAX: usize = 30;

#[derive(Template)]
#[template(path = "coverage.html")]
struct CoveragePage {
    frame: Frame,
    of: Option<String>,
    about: String,
    trail: Vec<(String, String)>,
    connections: Vec<(String, String, bool)>,
    counting: bool,
    months: Vec<String>,
    first_head: &'static str,
    has_through: bool,
    rows: Vec<Row>,
    fine: bool,
    reasons: Vec<Reason>,
    download: Option<String>,
}

struct Row {
    name: String,
    sub: String,
    href: String,
    through: String,
    cells: Vec<Cell>,
}

struct Reason {
    state: &'static str,
    why: String,
    operation: String,
    count: String,
}

#[derive(Template)]
#[template(path = "coverage_subject.html")]
struct SubjectPage {
    frame: Frame,
    name: String,
    operation: String,
    connection: String,
    trail: Vec<(String, String)>,
    rows: Vec<shape::Coverage>,
}

/// Which subjects.
#[derive(Debug, Deserialize)]
pub(crate) struct Between {
    from: Option<String>,
    to: Option<String>,
}

/// `GET /coverage`: of the connection whose name comes first.
pub(crate) async fn coverage(
    State(server): State<Server>,
    Extension(visitor): Extension<Visitor>,
    headers: HeaderMap,
) -> Response {
    let first = match connections(&server).await {
        Ok(all) => all.into_iter().next(),
        Err(refusal) => return Problem::from(refusal).to(&headers),
    };
    let name = first.unwrap_or_else(|| ConnectionName::from("default"));
    shown_or_not(overview(&server, &visitor, name).await, &headers)
}

/// `GET /coverage/{connection}`.
pub(crate) async fn coverage_of(
    State(server): State<Server>,
    Path(connection): Path<String>,
    Extension(visitor): Extension<Visitor>,
    headers: HeaderMap,
) -> Response {
    shown_or_not(overview(&server, &visitor, ConnectionName(connection)).await, &headers)
}

/// `GET /coverage/{connection}/{operation}`: by bands of subjects.
pub(crate) async fn coverage_bands(
    State(server): State<Server>,
    Path((connection, operation)): Path<(String, String)>,
    Query(between): Query<Between>,
    Extension(visitor): Extension<Visitor>,
    headers: HeaderMap,
) -> Response {
    let (of, operation) = (ConnectionName(connection), OperationId(operation));
    let made = match (between.from, between.to) {
        (Some(from), Some(to)) if from == to => {
            let subject = Subject(from);
            return match one_subject(&server, &visitor, of, operation, subject).await {
                Ok(page) => html(&page),
                Err(refusal) => Problem::from(refusal).to(&headers),
            };
        }
        (Some(from), Some(to)) => bands(&server, &visitor, of, operation, Some((from, to))).await,
        _ => bands(&server, &visitor, of, operation, None).await,
    };
    shown_or_not(made, &headers)
}

fn shown_or_not(made: Result<CoveragePage, Refusal>, headers: &HeaderMap) -> Response {
    match made {
        Ok(page) => html(&page),
        Err(refusal) => Problem::from(refusal).to(headers),
    }
}

/// Those that are configured, and those that have data.
async fn connections(server: &Server) -> Result<BTreeSet<ConnectionName>, Refusal> {
    let configured =
        server.control.connections().into_iter().map(|of| ConnectionName(of.connection));
    let mut all: BTreeSet<ConnectionName> = configured.collect();
    all.extend(server.stores.sink.accounts().await?.into_keys());
    Ok(all)
}

async fn overview(
    server: &Server,
    visitor: &Visitor,
    of: ConnectionName,
) -> Result<CoveragePage, Refusal> {
    let all = connections(server).await?;
    let (known, reasons) = tokio::join!(server.facts.months(&of), reasons(server, &of));
    let counting = known.is_none();
    let counts = known.unwrap_or_default();
    let months = months(counts.iter().filter_map(|count| count.month.as_deref()));
    let mut by_operation: BTreeMap<&OperationId, Vec<&MonthCount>> = BTreeMap::new();
    for count in counts.iter() {
        by_operation.entry(&count.operation).or_default().push(count);
    }
    let catalogue = watershed_zoom::catalogue();
    let mut rows: Vec<(usize, Row)> = Vec::new();
    for (operation, counts) in by_operation {
        let found = catalogue.operation(operation.as_str());
        let place = catalogue.operations.iter().position(|o| o.id == operation.as_str());
        let mut at = Counts::new();
        for count in counts {
            at.add(count.month.as_deref(), count.state, count.count);
        }
        let row = Row {
            name: found.map_or(operation.as_str(), |o| o.dataset.name).to_owned(),
            sub: operation.to_string(),
            href: format!("/coverage/{}/{}", encoded(of.as_str()), encoded(operation.as_str())),
            through: through(&at, &months),
            cells: cells(&at, &months),
        };
        rows.push((place.unwrap_or(usize::MAX), row));
    }
    rows.sort_by_key(|(place, _)| *place);
    let link = |name: &ConnectionName| {
        (name.to_string(), format!("/coverage/{}", encoded(name.as_str())), *name == of)
    };
    Ok(CoveragePage {
        frame: Frame::new("Coverage", "Coverage", visitor),
        about: "For each dataset and month: what is complete, what waits, what is not to be had. \
                A dataset leads to its users."
            .to_owned(),
        trail: Vec::new(),
        connections: all.iter().map(link).collect(),
        counting,
        months: months.iter().map(|month| (*month).to_owned()).collect(),
        first_head: "Dataset",
        has_through: true,
        rows: rows.into_iter().map(|(_, row)| row).collect(),
        fine: false,
        reasons,
        download: Some(format!("/coverage-lines?connection={}", encoded(of.as_str()))),
        of: Some(of.to_string()),
    })
}

/// The months from the first to the last, the latest ones of them.
fn months<'a>(of: impl Iterator<Item = &'a str>) -> Vec<&'a str> {
    let all: BTreeSet<&str> = of.collect();
    let skip = all.len().saturating_sub(MONTHS_MAX);
    all.into_iter().skip(skip).collect()
}

async fn reasons(server: &Server, of: &ConnectionName) -> Vec<Reason> {
    let Some(counts) = server.facts.reasons(of).await else { return Vec::new() };
    let missing = |state| {
        matches!(state, CoverageState::Waiting | CoverageState::Unavailable | CoverageState::Failed)
    };
    let mut found: Vec<_> = counts.iter().filter(|count| missing(count.state)).collect();
    found.sort_by_key(|count| std::cmp::Reverse(count.count));
    let told = found.into_iter().take(REASONS_MAX).map(|count| Reason {
        state: count.state.name(),
        why: count.reason.as_deref().map(shown).unwrap_or_default(),
        operation: count.operation.to_string(),
        count: number(count.count),
    });
    told.collect()
}

async fn bands(
    server: &Server,
    visitor: &Visitor,
    of: ConnectionName,
    operation: OperationId,
    between: Option<(String, String)>,
) -> Result<CoveragePage, Refusal> {
    let known = server.facts.bands(&of, &operation, between.clone()).await;
    let counting = known.is_none();
    let counts = known.unwrap_or_default();
    let months = months(counts.iter().filter_map(|count| count.month.as_deref()));
    let here = format!("/coverage/{}/{}", encoded(of.as_str()), encoded(operation.as_str()));
    let mut by_band: BTreeMap<&(String, String), Vec<&BandCount>> = BTreeMap::new();
    for count in counts.iter() {
        by_band.entry(&count.between).or_default().push(count);
    }
    let rows = by_band.into_iter().map(|(band, counts)| {
        let mut at = Counts::new();
        for count in &counts {
            at.add(count.month.as_deref(), count.state, count.count);
        }
        let subjects = counts[0].subjects;
        let name = subject_name(&band.0);
        Row {
            name: if subjects == 1 { name } else { format!("{name} …") },
            sub: if subjects == 1 { String::new() } else { number(subjects) },
            href: format!("{here}?from={}&to={}", encoded(&band.0), encoded(&band.1)),
            through: String::new(),
            cells: cells(&at, &months),
        }
    });
    let rows: Vec<Row> = rows.collect();
    let subjects: u64 = {
        let mut seen = BTreeSet::new();
        counts.iter().filter(|c| seen.insert(&c.between)).map(|c| c.subjects).sum()
    };
    let mut trail = vec![(of.to_string(), format!("/coverage/{}", encoded(of.as_str())))];
    trail.push((operation.to_string(), here));
    Ok(CoveragePage {
        frame: Frame::new(format!("{operation} of {of}"), "Coverage", visitor),
        about: format!("{} subjects by month; each row leads further in.", number(subjects)),
        of: Some(operation.to_string()),
        trail,
        connections: Vec::new(),
        counting,
        months: months.iter().map(|month| (*month).to_owned()).collect(),
        first_head: "Subjects",
        has_through: false,
        rows,
        fine: true,
        reasons: Vec::new(),
        download: Some(format!(
            "/coverage-lines?connection={}&operation={}",
            encoded(of.as_str()),
            encoded(operation.as_str())
        )),
    })
}

async fn one_subject(
    server: &Server,
    visitor: &Visitor,
    of: ConnectionName,
    operation: OperationId,
    subject: Subject,
) -> Result<SubjectPage, Refusal> {
    let filter = CoverageFilter {
        connection: Some(of.clone()),
        operation: Some(operation.clone()),
        ..CoverageFilter::default()
    };
    // A place just before the subject: its windows follow.
    let mut before = subject.0.clone();
    before.pop();
    let after = Ask {
        connection: of.clone(),
        operation: operation.clone(),
        subject: Subject(before),
        from: None,
    };
    let rows = server.stores.sink.coverage(filter, Some(after), WINDOWS_MAX).await?;
    let rows = rows.iter().filter(|row| row.subject == subject).map(shape::Coverage::of).collect();
    let name = subject_name(subject.as_str());
    let here = format!("/coverage/{}/{}", encoded(of.as_str()), encoded(operation.as_str()));
    Ok(SubjectPage {
        frame: Frame::new(format!("{name} of {of}"), "Coverage", visitor),
        name,
        trail: vec![
            (of.to_string(), format!("/coverage/{}", encoded(of.as_str()))),
            (operation.to_string(), here),
        ],
        operation: operation.to_string(),
        connection: of.to_string(),
        rows,
    })
}

/// What a subject names, without its braces: `u-12`, or `u-12 · scheduled`.
fn subject_name(text: &str) -> String {
    let members: Option<serde_json::Map<String, serde_json::Value>> =
        serde_json::from_str(text).ok();
    let Some(members) = members.filter(|members| !members.is_empty()) else {
        return "the account".to_owned();
    };
    let value = |value: &serde_json::Value| value.as_str().map_or(value.to_string(), str::to_owned);
    let all: Vec<String> = members.values().map(value).collect();
    shown(&all.join(" · "))
}
