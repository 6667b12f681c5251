//! Listings: pages, and the tokens between them.
//!
//! A page token holds the place to go on from and when it was issued, sealed together with the
//! query; nothing is remembered. It lives 15 minutes and is good for the same query only, as
//! often as one likes.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::{Value, json};

use super::refusal::Refusal;
use super::route::Ask;
use crate::draw::{Draw, Purpose, hash, hash_text};
use crate::faults::{Fault, FaultDraws};

const TOKEN_LIFE_S: i64 = 15 * 60;

/// The place of a row in a listing.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Cursor {
    /// How many rows come before it.
    pub(crate) ordinal: u64,
    /// The account's recordings only: whose row it is, and which of his in this listing.
    pub(crate) user: u64,
    pub(crate) index: u64,
    /// Rows of the whole listing, as far as is known.
    pub(crate) total: u64,
}

/// What is asked of a page.
#[derive(Clone, Copy, Debug)]
pub(crate) struct PageAsk {
    pub(crate) from: Cursor,
    pub(crate) size: usize,
    pub(crate) is_first: bool,
}

/// A page before it is written down.
#[derive(Debug)]
pub(crate) struct Page {
    pub(crate) rows: Vec<Value>,
    pub(crate) next: Option<Cursor>,
    pub(crate) size: usize,
    pub(crate) total: u64,
}

/// Reads `page_size` and `next_page_token`. More than the maximum is cut down to it.
pub(crate) fn page_ask(
    seed: u64,
    ask: &Ask,
    size_max: usize,
    now_s: i64,
) -> Result<PageAsk, Refusal> {
    let size = match ask.text("page_size") {
        None => 30,
        Some(size) => size.parse().map_err(|_| Refusal::Validation("page_size"))?,
    };
    let size = size.clamp(1, size_max);
    let Some(token) = ask.text("next_page_token") else {
        return Ok(PageAsk { from: Cursor::default(), size, is_first: true });
    };
    let from = open(seed, ask, token, now_s).ok_or(Refusal::PageToken)?;
    Ok(PageAsk { from, size, is_first: false })
}

/// Cuts a page from `found`: the rows from the asked place on, one more than fit if there are.
///
/// Guarantee, whatever moves: over all pages every row is there at least once.
pub(crate) fn cut(
    found: Vec<(Cursor, Value)>,
    asked: PageAsk,
    total: u64,
    moving: Option<(&FaultDraws<'_>, &mut Vec<Fault>)>,
) -> Page {
    let mut fits = asked.size;
    let has_more = |fits: usize| found.len() > fits;
    let mut repeat = 0;
    let mut disorder = None;
    if let Some((faults, fired)) = moving {
        if fits > 1 && found.len() > 1 && faults.fires(Fault::DuplicateRows) {
            fits -= 1;
            disorder = Some((Fault::DuplicateRows, faults.draw(Fault::DuplicateRows)));
            fired.push(Fault::DuplicateRows);
        }
        if faults.fires(Fault::MovingLists) && found.len() > 1 {
            let mut draw = faults.draw(Fault::MovingLists);
            draw.next();
            if has_more(fits) {
                repeat = draw.below(fits as u64 / 2) as usize;
            }
            disorder = disorder.or(Some((Fault::MovingLists, draw)));
            fired.push(Fault::MovingLists);
        }
    }
    let next = has_more(fits).then(|| Cursor { total, ..found[fits - repeat].0 });
    let mut rows: Vec<Value> = found.into_iter().take(fits).map(|(_, row)| row).collect();
    match disorder {
        Some((Fault::DuplicateRows, mut draw)) => {
            draw.next();
            let twice = draw.below(rows.len() as u64) as usize;
            rows.push(rows[twice].clone());
        }
        Some((_, mut draw)) => shuffle(&mut rows, &mut draw),
        None => {}
    }
    Page { rows, next, size: asked.size, total }
}

/// The body of a page.
pub(crate) fn write(seed: u64, ask: &Ask, page: &Page, key: &str, now_s: i64) -> Value {
    let token = page.next.map(|next| seal(seed, ask, next, now_s)).unwrap_or_default();
    let pages = page.total.div_ceil(page.size as u64);
    json!({
        "next_page_token": token,
        "page_count": pages,
        "page_size": page.size,
        "total_records": page.total,
        key: page.rows,
    })
}

/// The rows of a short list from the asked place on, each with its place.
pub(crate) fn places<T>(rows: Vec<T>, asked: PageAsk) -> (Vec<(Cursor, T)>, u64) {
    let total = rows.len() as u64;
    let numbered = rows
        .into_iter()
        .enumerate()
        .map(|(ordinal, row)| (Cursor { ordinal: ordinal as u64, ..Cursor::default() }, row));
    let found = numbered.skip(asked.from.ordinal as usize).take(asked.size + 1).collect();
    (found, total)
}

fn shuffle(rows: &mut [Value], draw: &mut Draw) {
    for last in (1..rows.len()).rev() {
        rows.swap(last, draw.below(last as u64 + 1) as usize);
    }
}

fn seal(seed: u64, ask: &Ask, cursor: Cursor, now_s: i64) -> String {
    let words = [cursor.ordinal, cursor.user, cursor.index, cursor.total, now_s as u64];
    let mac = mac(seed, ask, &words);
    let bytes: Vec<u8> = words.iter().chain([&mac]).flat_map(|word| word.to_be_bytes()).collect();
    URL_SAFE_NO_PAD.encode(bytes)
}

fn open(seed: u64, ask: &Ask, token: &str, now_s: i64) -> Option<Cursor> {
    let bytes = URL_SAFE_NO_PAD.decode(token).ok().filter(|bytes| bytes.len() == 48)?;
    let word = |at: usize| {
        let eight = bytes[at * 8..at * 8 + 8].try_into().expect("a slice of eight bytes");
        u64::from_be_bytes(eight)
    };
    let words = [word(0), word(1), word(2), word(3), word(4)];
    let is_ours = word(5) == mac(seed, ask, &words);
    let is_fresh = now_s < words[4] as i64 + TOKEN_LIFE_S;
    let [ordinal, user, index, total, _] = words;
    (is_ours && is_fresh).then_some(Cursor { ordinal, user, index, total })
}

fn mac(seed: u64, ask: &Ask, words: &[u64; 5]) -> u64 {
    let query = hash_text(seed, &ask.listing());
    words.iter().fold(query, |mac, word| hash(seed, Purpose::Mac, [mac, *word, 1]))
}
