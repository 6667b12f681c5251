//! Routes: what a raw target asks for.
//!
//! Reads the path undecoded. A segment is decoded once; what then still is percent-encoded was
//! encoded twice, as UUIDs that begin with `/` or contain `//` must be. Those encoded only once
//! are not found, as at Zoom.

use std::collections::BTreeMap;

use crate::operation::Operation;

/// What a target asks for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Route {
    Token,
    Stats,
    Api(Ask),
    /// A download address, first or second hop, and the sealed file.
    Download {
        sealed: String,
        redirected: bool,
    },
    /// The path of an operation whose id does not decode: 3001.
    Unreadable(Operation),
    Unknown,
}

/// An operation with what it is asked about.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Ask {
    pub(crate) operation: Operation,
    /// User id, meeting number or UUID; empty for the account's lists.
    pub(crate) subject: String,
    pub(crate) query: BTreeMap<String, String>,
}

impl Ask {
    pub(crate) fn text(&self, name: &str) -> Option<&str> {
        self.query.get(name).map(String::as_str).filter(|value| !value.is_empty())
    }

    /// The call without its page: the same for all pages of a listing.
    pub(crate) fn listing(&self) -> String {
        let mut text = format!("{} {}", self.operation.name(), self.subject);
        for (name, value) in &self.query {
            if name != "next_page_token" && name != "page_number" {
                text.push_str(&format!("&{name}={value}"));
            }
        }
        text
    }
}

pub(crate) fn route(target: &str) -> Route {
    let (path, query) = target.split_once('?').unwrap_or((target, ""));
    match path {
        "/oauth/token" => return Route::Token,
        "/__sim/stats" => return Route::Stats,
        _ => {}
    }
    for (prefix, redirected) in [("/rec/download/", false), ("/rec/file/", true)] {
        if let Some(sealed) = path.strip_prefix(prefix) {
            let sealed = sealed.trim_start_matches(crate::records::SECRET_MARK).to_owned();
            return Route::Download { sealed, redirected };
        }
    }
    let Some(path) = path.strip_prefix("/v2/") else { return Route::Unknown };
    let segments: Vec<&str> = path.split('/').collect();
    let Some((operation, raw)) = operation(&segments) else { return astray(&segments) };
    let subject = match raw {
        None => Some(String::new()),
        Some(raw) => subject(operation, raw),
    };
    match subject {
        Some(subject) => Route::Api(Ask { operation, subject, query: parse_query(query) }),
        None => Route::Unreadable(operation),
    }
}

fn operation<'a>(segments: &[&'a str]) -> Option<(Operation, Option<&'a str>)> {
    use Operation::*;
    let (operation, subject) = match *segments {
        ["users"] => (ListUsers, None),
        ["users", id] => (GetUser, Some(id)),
        ["users", id, "settings"] => (GetUserSettings, Some(id)),
        ["users", id, "meetings"] => (ListMeetings, Some(id)),
        ["users", id, "recordings"] => (ListUserRecordings, Some(id)),
        ["accounts", id, "recordings"] => (ListAccountRecordings, Some(id)),
        ["meetings", id] => (GetMeeting, Some(id)),
        ["meetings", id, "invitation"] => (GetInvitation, Some(id)),
        ["meetings", id, "recordings"] => (GetRecording, Some(id)),
        ["meetings", id, "recordings", "settings"] => (GetRecordingSettings, Some(id)),
        ["past_meetings", id] => (GetPastMeeting, Some(id)),
        ["past_meetings", id, "instances"] => (ListPastInstances, Some(id)),
        ["past_meetings", id, "participants"] => (ListPastParticipants, Some(id)),
        ["report", "meetings", id] => (ReportMeeting, Some(id)),
        ["report", "meetings", id, "participants"] => (ReportParticipants, Some(id)),
        _ => return None,
    };
    Some((operation, subject))
}

/// A path with more segments than any operation has: a UUID that was not encoded.
fn astray(segments: &[&str]) -> Route {
    match *segments {
        ["past_meetings", _, ..] => Route::Unreadable(Operation::GetPastMeeting),
        ["report", "meetings", _, ..] => Route::Unreadable(Operation::ReportMeeting),
        ["meetings", _, ..] => Route::Unreadable(Operation::GetRecording),
        _ => Route::Unknown,
    }
}

fn subject(operation: Operation, raw: &str) -> Option<String> {
    use Operation::*;
    let once = percent_decode(raw, false)?;
    let by_uuid = matches!(
        operation,
        GetPastMeeting
            | ListPastParticipants
            | ReportMeeting
            | ReportParticipants
            | GetRecording
            | GetRecordingSettings
    );
    if !by_uuid {
        return Some(once);
    }
    if once.contains('%') {
        return percent_decode(&once, false);
    }
    (!once.starts_with('/') && !once.contains("//")).then_some(once)
}

pub(crate) fn parse_query(query: &str) -> BTreeMap<String, String> {
    let pairs = query.split('&').filter(|pair| !pair.is_empty()).filter_map(|pair| {
        let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
        Some((percent_decode(name, true)?, percent_decode(value, true)?))
    });
    pairs.collect()
}

fn percent_decode(text: &str, plus_is_space: bool) -> Option<String> {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let [first, tail @ ..] = rest {
        rest = tail;
        match first {
            b'%' => {
                let digits = std::str::from_utf8(rest.get(..2)?).ok()?;
                bytes.push(u8::from_str_radix(digits, 16).ok()?);
                rest = &rest[2..];
            }
            b'+' if plus_is_space => bytes.push(b' '),
            byte => bytes.push(*byte),
        }
    }
    String::from_utf8(bytes).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn subject_of(target: &str) -> Option<String> {
        match route(target) {
            Route::Api(ask) => Some(ask.subject),
            _ => None,
        }
    }

    #[test]
    fn a_uuid_is_read_from_one_encoding_or_two() {
        let plain = Some("a+b/c==".to_owned());
        assert_eq!(subject_of("/v2/past_meetings/a%2Bb%2Fc%3D%3D"), plain);
        assert_eq!(subject_of("/v2/past_meetings/a+b%2Fc=="), plain);
        assert_eq!(subject_of("/v2/past_meetings/a%252Bb%252Fc%253D%253D"), plain);
    }

    #[test]
    fn a_leading_or_double_slash_needs_two_encodings() {
        let hard = Some("/a//b==".to_owned());
        let path = |uuid: &str| format!("/v2/report/meetings/{uuid}/participants");
        assert_eq!(subject_of(&path("%252Fa%252F%252Fb%253D%253D")), hard);
        for wrong in ["%2Fa%2F%2Fb%3D%3D", "/a//b==", "a%2F%2Fb", "a//b"] {
            assert!(matches!(route(&path(wrong)), Route::Unreadable(_)), "{wrong}");
        }
    }

    #[test]
    fn a_page_token_and_its_order_do_not_tell_listings_apart() {
        let listing = |target| match route(target) {
            Route::Api(ask) => ask.listing(),
            other => panic!("{other:?}"),
        };
        let first = listing("/v2/users?status=active&page_size=30");
        assert_eq!(first, listing("/v2/users?page_size=30&next_page_token=x&status=active"));
        assert_ne!(first, listing("/v2/users?status=pending&page_size=30"));
    }
}
