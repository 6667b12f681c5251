//! Signing in: a one-time link or a token becomes a session, which a cookie stands for.
//!
//! Guarantees: links and sessions are kept as hashes; a link works once, for a quarter of an hour;
//! whoever guesses is stopped after some tries. Sessions end with the process.

use std::collections::{HashMap, VecDeque};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use sha2::{Digest, Sha256};
use tokio::time::Instant;

use crate::access::{Access, Role, Visitor};

/// The cookie that stands for a session.
pub(crate) const COOKIE: &str = "watershed_session";
/// A link is good for so long.
const LINK_TIME: Duration = Duration::from_secs(15 * 60);
/// A session ends after half a day, whatever is done in it.
pub(crate) const SESSION_TIME: Duration = Duration::from_secs(12 * 3_600);
/// Sessions at once. Beyond that the oldest goes.
const SESSIONS_MAX: usize = 1_000;
/// Wrong tries in [`TRIES_TIME`]; then nobody signs in for a while. With 128 bits to guess it is
/// not what keeps anybody out: it keeps the log short.
const TRIES_MAX: usize = 10;
const TRIES_TIME: Duration = Duration::from_secs(60);

type Hash = [u8; 32];

/// Why somebody is not let in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum NotIn {
    /// Neither a token nor a link that still works.
    Wrong,
    /// Too many wrong tries came before.
    TooMany,
}

/// Who is signed in, and who may still be.
#[derive(Default)]
pub(crate) struct Sessions(Mutex<Inner>);

#[derive(Default)]
struct Inner {
    link: Option<(Hash, Instant)>,
    sessions: HashMap<Hash, (Visitor, Instant)>,
    tries: VecDeque<Instant>,
}

impl Sessions {
    /// A code for a link, where the one before works no more; `None` where it still does.
    pub(crate) fn new_link(&self) -> Option<String> {
        let mut inner = self.inner();
        if inner.link.is_some_and(|(_, until)| Instant::now() < until) {
            return None;
        }
        let code = secret();
        inner.link = Some((hash(&code), Instant::now() + LINK_TIME));
        Some(code)
    }

    /// Lets somebody in who shows a token or the link's code: what his cookie is to hold.
    pub(crate) fn enter(&self, given: &str, access: &Access) -> Result<(String, Visitor), NotIn> {
        let now = Instant::now();
        let mut inner = self.inner();
        inner.tries.retain(|at| *at + TRIES_TIME > now);
        if inner.tries.len() >= TRIES_MAX {
            return Err(NotIn::TooMany);
        }
        let by_link = inner.link.is_some_and(|(link, until)| link == hash(given) && now < until);
        let visitor = if by_link {
            inner.link = None;
            // Whoever reads what this process prints may do all that it may.
            Some(Visitor { who: "link".to_owned(), role: Role::Erase })
        } else {
            access.by_token(given)
        };
        let Some(visitor) = visitor else {
            inner.tries.push_back(now);
            return Err(NotIn::Wrong);
        };
        inner.sessions.retain(|_, (_, until)| now < *until);
        if inner.sessions.len() >= SESSIONS_MAX {
            let oldest = inner.sessions.iter().min_by_key(|(_, (_, until))| *until);
            if let Some(oldest) = oldest.map(|(id, _)| *id) {
                inner.sessions.remove(&oldest);
            }
        }
        let id = secret();
        inner.sessions.insert(hash(&id), (visitor.clone(), now + SESSION_TIME));
        Ok((id, visitor))
    }

    /// Who that is, by his cookie.
    pub(crate) fn visitor(&self, id: &str) -> Option<Visitor> {
        let inner = self.inner();
        let (visitor, until) = inner.sessions.get(&hash(id))?;
        (Instant::now() < *until).then(|| visitor.clone())
    }

    /// Ends a session.
    pub(crate) fn leave(&self, id: &str) {
        self.inner().sessions.remove(&hash(id));
    }

    fn inner(&self) -> MutexGuard<'_, Inner> {
        // Nothing in here can be left half done.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// 256 bits that nobody knows, in hex.
fn secret() -> String {
    hex(&rand::random::<[u8; 32]>())
}

/// In hex.
pub(crate) fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// What is kept of a secret. It has 256 bits: nobody finds it again by trying.
fn hash(text: &str) -> Hash {
    Sha256::digest(text).into()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn a_link_works_once_and_for_a_quarter_of_an_hour() {
        let (sessions, access) = (Sessions::default(), Access::default());
        let code = sessions.new_link().expect("the first");
        assert_eq!(sessions.new_link(), None, "it still works");
        let (cookie, visitor) = sessions.enter(&code, &access).expect("in");
        assert_eq!(visitor.role, Role::Erase);
        assert_eq!(sessions.visitor(&cookie), Some(visitor));
        assert_eq!(sessions.enter(&code, &access).unwrap_err(), NotIn::Wrong, "it was used");

        let late = sessions.new_link().expect("another");
        tokio::time::advance(LINK_TIME).await;
        assert_eq!(sessions.enter(&late, &access).unwrap_err(), NotIn::Wrong, "it is too old");
    }

    #[tokio::test(start_paused = true)]
    async fn a_session_ends_when_it_is_left_and_after_half_a_day() {
        let (sessions, access) = (Sessions::default(), Access::default());
        let enter =
            || sessions.enter(&sessions.new_link().expect("a link"), &access).expect("in").0;
        let (one, other) = (enter(), enter());
        sessions.leave(&one);
        assert_eq!(sessions.visitor(&one), None);
        assert!(sessions.visitor(&other).is_some());
        tokio::time::advance(SESSION_TIME).await;
        assert_eq!(sessions.visitor(&other), None);
    }

    #[tokio::test(start_paused = true)]
    async fn whoever_guesses_is_stopped_for_a_minute() {
        let (sessions, access) = (Sessions::default(), Access::default());
        let code = sessions.new_link().expect("a link");
        for _ in 0..TRIES_MAX {
            assert_eq!(sessions.enter("guess", &access).unwrap_err(), NotIn::Wrong);
        }
        assert_eq!(sessions.enter(&code, &access).unwrap_err(), NotIn::TooMany);
        tokio::time::advance(TRIES_TIME).await;
        sessions.enter(&code, &access).expect("in again");
    }
}
