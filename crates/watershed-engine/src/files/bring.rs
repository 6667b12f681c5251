//! One file: from its signed URL into the file store, going on where it broke off.

use futures_util::StreamExt as _;
use secrecy::SecretString;
use tokio::sync::OwnedSemaphorePermit;
use url::Url;
use watershed_lake::{Error, FileName, FileStore, Incoming};
use watershed_model::{Operation, RetryCause, Verdict};
use watershed_zoom::files::{self as zoom_files, DownloadTarget, FileKind};
use watershed_zoom::{Answer, hosts};

use crate::phase::{self, Phase};
use crate::stop::Stopping;
use crate::task::{Tools, unanswered};
use crate::transport::{Call, Opened, Rest, TransportError};

/// Bytes of a file that are taken where nothing tells how many it has, and of a text in any case:
/// a day of speech is some 2 MiB.
pub(super) const TEXT_MAX: usize = 16 * 1024 * 1024;
/// Hops that a download may be sent on.
const HOPS_MAX: usize = 5;
/// How often one attempt goes on after a break, while each brings something.
const BREAKS_MAX: u32 = 8;
/// A file has a minute, and a second for each of these; one that trickles must not hold its slot.
const BYTES_PER_SECOND_MIN: u64 = 64 * 1024;
/// What its first bytes are looked at for.
const HEAD: usize = 64;

/// What a file is fetched with.
pub(super) struct Source<'a> {
    pub(super) operation: &'static Operation,
    pub(super) bearer: &'a SecretString,
    pub(super) configured: &'a [Url],
    pub(super) tools: &'a Tools,
}

/// A file that did not come whole.
struct Broken {
    verdict: Verdict,
    /// Going on at once may help: it has begun anew, or more of it has come.
    moved: bool,
}

impl From<Verdict> for Broken {
    fn from(verdict: Verdict) -> Broken {
        Broken { verdict, moved: false }
    }
}

/// Brings a file in. It is whole then, and not yet in its place.
///
/// Whether a text has as many bytes as its record tells, nobody promises: one that has others is
/// fetched twice, and taken where both times the same came.
pub(super) async fn bring(
    store: &dyn FileStore,
    name: &FileName,
    target: &DownloadTarget,
    source: &Source<'_>,
) -> Result<Box<dyn Incoming>, Verdict> {
    let mut incoming = store.begin(name).await.map_err(|error| failed(&error))?;
    let mut before = None;
    loop {
        let content_type = whole(&mut *incoming, target, source).await?;
        let head = incoming.head(HEAD).await.map_err(|error| failed(&error))?;
        let size = incoming.size();
        let is_whole = match target.kind {
            FileKind::Json => {
                let _room = room(size, source.tools).await;
                let text = incoming.head(TEXT_MAX).await.map_err(|error| failed(&error))?;
                zoom_files::is_json(&text)
            }
            _ => true,
        };
        let told = target.size.filter(|told| *told != size);
        let wrong = target.kind.wrong(&content_type, &head).or_else(|| {
            if !is_whole {
                return Some(again("the file is not JSON to its end".to_owned()));
            }
            let told = told.filter(|_| target.kind.has_exact_size())?;
            Some(again(format!("the file has {size} bytes, its record says {told}")))
        });
        if let Some(verdict) = wrong {
            incoming.discard().await.map_err(|error| failed(&error))?;
            return Err(verdict);
        }
        if told.is_none() || before == Some(size) {
            return Ok(incoming);
        }
        before = Some(size);
        incoming.restart(None).await.map_err(|error| failed(&error))?;
    }
}

/// Room for a text of so many bytes, before it is read into memory.
pub(super) async fn room(bytes: u64, tools: &Tools) -> Option<OwnedSemaphorePermit> {
    let bytes = usize::try_from(bytes).unwrap_or(TEXT_MAX).min(TEXT_MAX);
    tools.room.take(bytes, &*tools.clock).await
}

/// Fetches what has not come yet, again after each break. The content type, where the server told
/// one.
async fn whole(
    incoming: &mut dyn Incoming,
    target: &DownloadTarget,
    source: &Source<'_>,
) -> Result<String, Verdict> {
    let mut breaks = 0;
    loop {
        match part(incoming, target, source).await {
            Ok(content_type) => return Ok(content_type),
            Err(Broken { moved: true, .. })
                if breaks < BREAKS_MAX && source.tools.stop.state() == Stopping::No =>
            {
                breaks += 1;
            }
            Err(Broken { verdict, .. }) => return Err(verdict),
        }
    }
}

/// One call, for what has not come yet. The content type, where the server told one.
async fn part(
    incoming: &mut dyn Incoming,
    target: &DownloadTarget,
    source: &Source<'_>,
) -> Result<String, Broken> {
    let exact = target.size.filter(|_| target.kind.has_exact_size());
    let from = incoming.size();
    if exact == Some(from) && from > 0 {
        return Ok(String::new());
    }
    let version = incoming.version().map(str::to_owned);
    let rest = (from > 0).then_some(Rest { from, version });
    let opened = follow(target, rest, source).await.map_err(|error| unanswered(&error))?;
    let content_type = opened.header("content-type").unwrap_or_default().to_owned();
    let total = match opened.status {
        200 => {
            // Nothing of a page for people is taken, however long it is.
            if zoom_files::is_page(&content_type)
                && let Some(verdict) = target.kind.wrong(&content_type, &[])
            {
                return Err(verdict.into());
            }
            let version = opened.header("etag").map(str::to_owned);
            incoming.restart(version).await.map_err(|error| failed(&error))?;
            opened.header("content-length").and_then(|text| text.parse().ok())
        }
        206 => match opened.header("content-range").and_then(ranged) {
            Some((first, total)) if first == from => total,
            _ => return Err(anew(incoming, "the server sent another part of the file").await),
        },
        416 => {
            match opened.header("content-range").and_then(|text| text.strip_prefix("bytes */")) {
                Some(total) if total.parse() == Ok(from) => return Ok(content_type),
                _ => {
                    return Err(
                        anew(incoming, "the file is shorter than what has come of it").await
                    );
                }
            }
        }
        status => {
            let answer = Answer { status, headers: &opened.headers, body: &[] };
            let now = source.tools.clock.now();
            return Err(zoom_files::refused(source.operation, &answer, now).into());
        }
    };
    let most = if target.kind.is_text() { TEXT_MAX as u64 } else { u64::MAX };
    let whole = exact.or(total).map(|whole| whole.min(most));
    taken(opened, incoming, whole, source)
        .await
        .map_err(|broken| Broken { moved: broken.moved && incoming.size() > from, ..broken })?;
    phase::tell(Phase::Answered);
    match total {
        Some(total) if total != incoming.size() => Err(Broken {
            verdict: again(format!("{} of {total} bytes have come", incoming.size())),
            moved: incoming.size() > from,
        }),
        _ => Ok(content_type),
    }
}

/// Takes a body to its end. One that is late is not gone on with at once: it holds its slot.
async fn taken(
    mut opened: Opened,
    incoming: &mut dyn Incoming,
    whole: Option<u64>,
    source: &Source<'_>,
) -> Result<(), Broken> {
    let clock = &source.tools.clock;
    let most = whole.unwrap_or(TEXT_MAX as u64);
    let missing = most.saturating_sub(incoming.size());
    let seconds = 60 + i64::try_from(missing / BYTES_PER_SECOND_MIN).unwrap_or(i64::MAX / 2_000);
    let late = clock.sleep_until(clock.now() + seconds * 1_000);
    tokio::pin!(late);
    loop {
        let bytes = tokio::select! {
            biased;
            next = opened.body.next() => match next {
                Some(Ok(bytes)) => bytes,
                Some(Err(error)) => {
                    return Err(Broken { verdict: unanswered(&error), moved: true });
                }
                None => return Ok(()),
            },
            () = &mut late => {
                return Err(again(format!("the file did not come in {seconds} s")).into());
            }
        };
        if incoming.size() + bytes.len() as u64 > most {
            return Err(again(format!("the file is longer than {most} bytes")).into());
        }
        incoming.append(bytes).await.map_err(|error| failed(&error))?;
    }
}

async fn anew(incoming: &mut dyn Incoming, why: &str) -> Broken {
    match incoming.restart(None).await {
        Ok(()) => Broken { verdict: again(why.to_owned()), moved: true },
        Err(error) => failed(&error).into(),
    }
}

fn again(message: String) -> Verdict {
    Verdict::Retry { cause: RetryCause::BadBody, message }
}

/// The first byte and the length of the whole, of `bytes 7-9/10`.
fn ranged(text: &str) -> Option<(u64, Option<u64>)> {
    let (range, total) = text.strip_prefix("bytes ")?.split_once('/')?;
    let (first, _) = range.split_once('-')?;
    Some((first.parse().ok()?, total.parse().ok()))
}

/// What it means that the file store fails.
pub(super) fn failed(error: &Error) -> Verdict {
    let message = error.to_string();
    match error {
        Error::Busy => Verdict::Retry { cause: RetryCause::Busy, message },
        Error::Unreachable { .. } => Verdict::Retry { cause: RetryCause::ServerError, message },
        Error::Full { .. } | Error::Unusable { .. } => Verdict::Fatal { message },
    }
}

/// Follows redirects by hand. The token goes to Zoom's hosts (and the configured one) only;
/// once a hop has left them it is never sent again.
async fn follow(
    target: &DownloadTarget,
    rest: Option<Rest>,
    source: &Source<'_>,
) -> Result<Opened, TransportError> {
    let mut url = Url::parse(&target.url)
        .map_err(|_| misled("-", "the recording names a download URL that is none"))?;
    let mut trusted = true;
    for _ in 0..=HOPS_MAX {
        let host = url.host_str().unwrap_or("-").to_owned();
        if !hosts::may_be_fetched(&url, source.configured) {
            return Err(misled(&host, "a file may not be fetched from there"));
        }
        trusted &= hosts::may_carry_token(&url, source.configured);
        let get = Call::Get {
            url: url.clone(),
            bearer: trusted.then(|| source.bearer.clone()),
            body_max: TEXT_MAX,
            rest: rest.clone(),
        };
        phase::tell(Phase::Sent);
        let opened = source.tools.transport.open(get).await?;
        if !matches!(opened.status, 301 | 302 | 303 | 307 | 308) {
            return Ok(opened);
        }
        match opened.header("location").and_then(|to| url.join(to).ok()) {
            Some(next) => url = next,
            None => return Err(misled(&host, "a redirect leads nowhere")),
        }
    }
    Err(misled(url.host_str().unwrap_or("-"), "more than 5 redirects"))
}

fn misled(host: &str, why: &str) -> TransportError {
    TransportError::Body { host: host.to_owned(), why: why.to_owned() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_range_is_read_as_servers_tell_it() {
        assert_eq!(ranged("bytes 7-9/10"), Some((7, Some(10))));
        assert_eq!(ranged("bytes 7-9/*"), Some((7, None)));
        assert_eq!(ranged("bytes */10"), None);
        assert_eq!(ranged("items 7-9/10"), None);
    }
}
