//! Downloads: the bytes of recorded files, by header token only.

use super::refusal::Refusal;
use super::token;
use crate::account::Account;
use crate::draw::{Purpose, hash_text};
use crate::exchange::{Answer, Call};
use crate::operation::Operation;
use crate::records;
use crate::world::{Recording, RecordingFile, World, file_bytes};

/// Part of the addresses that answer with a redirect first, in 100.
const REDIRECTED_OF_100: u64 = 30;

/// Answers a download address.
pub(super) fn download(
    account: &Account,
    call: &Call,
    sealed: &str,
    redirected: bool,
    now_s: i64,
) -> Answer {
    let world = account.world();
    let Some((recording, file)) = find(&world, sealed) else {
        return Answer::of(404, "text/html", "<html><body>Not found</body></html>");
    };
    let own_token = records::download_token(&world, &recording.instance.uuid);
    let has_own_token = token::bearer(call) == Some(own_token.as_str());
    if !has_own_token {
        if let Err(refusal) = token::check(account, call, now_s) {
            return refusal.answer();
        }
        if !account.grants(Operation::Download) {
            return Refusal::TokenInvalid.answer();
        }
    }
    let draw = hash_text(world.seed ^ Purpose::File as u64, sealed);
    if !redirected && draw % 100 < REDIRECTED_OF_100 {
        let location = format!("{}/rec/file/{}{sealed}", world.base, records::SECRET_MARK);
        return Answer { status: 302, ..Answer::default() }.with("location", location);
    }
    let bytes = file_bytes(&world, &recording, &file);
    let etag = format!("\"{draw:016x}\"");
    Answer { is_file: true, ..ranged(call, bytes, &etag) }
        .with("content-type", file.kind.content_type())
        .with("etag", etag)
        .with("accept-ranges", "bytes")
}

fn find(world: &World, sealed: &str) -> Option<(Recording, RecordingFile)> {
    let at = world.ids.open_download(sealed)?;
    let (meeting, instance) = world.instance(at.of)?;
    let recording = world.recording(&meeting, &instance)?;
    let file = recording.files.iter().find(|file| file.at == at && !file.processing)?.clone();
    Some((recording, file))
}

/// The whole, or the end of it from a byte on.
fn ranged(call: &Call, bytes: Vec<u8>, etag: &str) -> Answer {
    let total = bytes.len();
    let is_same = call.header("if-range").is_none_or(|known| known == etag);
    let from = call.header("range").filter(|_| is_same).and_then(|range| {
        let (from, to) = range.strip_prefix("bytes=")?.split_once('-')?;
        let last = if to.is_empty() { total.saturating_sub(1) } else { to.parse().ok()? };
        Some((from.parse::<usize>().ok()?, last.min(total.saturating_sub(1))))
    });
    match from {
        None => Answer { status: 200, body: bytes.into(), ..Answer::default() },
        Some((from, last)) if from <= last => {
            let body = bytes[from..=last].to_vec().into();
            let range = format!("bytes {from}-{last}/{total}");
            Answer { status: 206, body, ..Answer::default() }.with("content-range", range)
        }
        Some(_) => Answer { status: 416, ..Answer::default() }
            .with("content-range", format!("bytes */{total}")),
    }
}
