//! Stored rows that no list has brought: what may be gone. No call: the sink is asked.

use watershed_model::{Dataset, Kind, Lifetime, Operation, Paging, Param};

use super::macros::params;

const SOURCE: &str = "the dataset itself, and what coverage says of the lists that bring its rows";

const fn missing(
    id: &'static str,
    summary: &'static str,
    dataset: &'static Dataset,
    params: &'static [Param],
) -> Operation {
    Operation {
        id,
        summary,
        kind: Kind::Missing,
        path: "",
        scopes: &[],
        classic_scopes: &[],
        category: None,
        params,
        paging: Paging::None,
        rows_in: None,
        record: dataset.record,
        dataset,
        lifetime: Lifetime::Living,
        start_field: None,
        version: 1,
        source: SOURCE,
    }
}

pub(super) static MISSING_USERS: Operation = missing(
    "watershed.missing_users",
    "Stored users that none of the three complete lists of this run has.",
    &super::users::USERS,
    &[],
);

pub(super) static MISSING_MEETINGS: Operation = missing(
    "watershed.missing_meetings",
    "Stored meetings that the complete lists of this run do not have, and that cannot have lapsed.",
    &super::meetings::MEETINGS,
    params![
        from => "from": Date, Window, required;
        to => "to": Date, Window, required;
    ],
);

pub(super) static MISSING_RECORDINGS: Operation = missing(
    "watershed.missing_recordings",
    "Stored recordings that the complete lists of this run do not have.",
    &super::recordings::RECORDINGS,
    params![
        from => "from": Date, Window, required;
        to => "to": Date, Window, required;
        not_in_trash => "": Bool, Hint, optional;
    ],
);
