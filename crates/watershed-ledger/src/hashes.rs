//! Hashes, each with a small value, in little more bytes than they have.
//!
//! Millions of them stand in a ledger in memory and in a rehearsal. An ordered map of the
//! standard library takes half as much again for each, a hash map up to twice as much. Here they
//! stand in order in a few long arrays, beside which the last changes are gathered until they are
//! many enough to write an array anew. Pure.

use std::array;
use std::collections::HashMap;

/// The first bits of a hash say in which part it is.
const PART_BITS: u32 = 4;
const PARTS: usize = 1 << PART_BITS;
/// The next ones, in which section of that. The others are its tail.
const SECTION_BITS: u32 = 12;
const SECTIONS: usize = 1 << SECTION_BITS;
const REST_BITS: u32 = u64::BITS - PART_BITS;
const TAIL_BITS: u32 = REST_BITS - SECTION_BITS;
const TAIL_BYTES: usize = 6;
/// Changes of a part that are gathered at least.
const CHANGES_MIN: usize = 256;
/// An array that is this many times as long as its changes are many is written anew: each change
/// then moves as many others, and all of them take that part of its room.
const TIMES: usize = 64;

/// A map from hashes. Made for hashes that are spread evenly; of others it is as right, and slow.
#[derive(Debug, Clone)]
pub struct Hashes<V = ()> {
    parts: [Part<V>; PARTS],
    len: usize,
}

#[derive(Debug, Clone)]
struct Part<V> {
    /// The tails in the order of their hashes. As bytes they take no room beside a small value.
    sorted: Vec<([u8; TAIL_BYTES], V)>,
    /// Where the next section begins in it, of each; none while nothing stands in it.
    ends: Vec<u32>,
    /// What is there otherwise than it stands above, or no longer.
    changes: HashMap<u64, Option<V>>,
}

impl<V> Default for Hashes<V> {
    fn default() -> Hashes<V> {
        let part = |_| Part { sorted: Vec::new(), ends: Vec::new(), changes: HashMap::new() };
        Hashes { parts: array::from_fn(part), len: 0 }
    }
}

impl<V: Copy> Hashes<V> {
    /// How many there are.
    pub fn len(&self) -> usize {
        self.len
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.len == 0
    }

    /// The value of a hash.
    pub fn get(&self, hash: u64) -> Option<V> {
        let (part, rest) = part(hash);
        self.parts[part].get(rest)
    }

    /// Puts a hash in, with its value; gives the value that it had.
    pub fn insert(&mut self, hash: u64, value: V) -> Option<V> {
        let (part, rest) = part(hash);
        let before = self.parts[part].change(rest, Some(value));
        self.len += usize::from(before.is_none());
        before
    }

    /// Takes a hash out; gives the value that it had.
    pub fn remove(&mut self, hash: u64) -> Option<V> {
        let (part, rest) = part(hash);
        let before = self.parts[part].change(rest, None);
        self.len -= usize::from(before.is_some());
        before
    }

    /// All of them, the lowest first.
    pub fn iter(&self) -> impl Iterator<Item = (u64, V)> + '_ {
        let parts = (0_u64..).zip(&self.parts);
        parts.flat_map(|(n, part)| {
            part.all().map(move |(rest, value)| ((n << REST_BITS) | rest, value))
        })
    }
}

/// The part of a hash, and the rest of it.
fn part(hash: u64) -> (usize, u64) {
    ((hash >> REST_BITS) as usize, hash & ((1 << REST_BITS) - 1))
}

/// The section of such a rest, and the tail.
fn section(rest: u64) -> (usize, u64) {
    ((rest >> TAIL_BITS) as usize, rest & ((1 << TAIL_BITS) - 1))
}

fn number([a, b, c, d, e, f]: [u8; TAIL_BYTES]) -> u64 {
    u64::from_be_bytes([0, 0, a, b, c, d, e, f])
}

impl<V: Copy> Part<V> {
    fn get(&self, rest: u64) -> Option<V> {
        self.changes.get(&rest).copied().unwrap_or_else(|| self.stands(rest))
    }

    /// As it stands in the array.
    fn stands(&self, rest: u64) -> Option<V> {
        let (section, tail) = section(rest);
        let sorted = &self.sorted[self.begin(section)..self.begin(section + 1)];
        let place = sorted.binary_search_by_key(&tail, |(known, _)| number(*known)).ok()?;
        Some(sorted[place].1)
    }

    /// Where a section begins.
    fn begin(&self, section: usize) -> usize {
        let before = section.checked_sub(1).and_then(|before| self.ends.get(before));
        before.map_or(0, |end| *end as usize)
    }

    fn change(&mut self, rest: u64, value: Option<V>) -> Option<V> {
        let stands = self.stands(rest);
        let changed = if value.is_none() && stands.is_none() {
            self.changes.remove(&rest)
        } else {
            self.changes.insert(rest, value)
        };
        if self.changes.len() > CHANGES_MIN.max(self.sorted.len() / TIMES) {
            self.write_anew();
        }
        changed.unwrap_or(stands)
    }

    fn write_anew(&mut self) {
        let mut sorted = Vec::with_capacity(self.sorted.len() + self.changes.len());
        let mut ends = Vec::with_capacity(SECTIONS);
        for (rest, value) in self.all() {
            let (section, tail) = section(rest);
            let [_, _, tail @ ..] = tail.to_be_bytes();
            ends.resize(section, sorted.len() as u32);
            sorted.push((tail, value));
        }
        ends.resize(SECTIONS, sorted.len() as u32);
        (self.sorted, self.ends) = (sorted, ends);
        self.changes.clear();
    }

    /// Both in one order; of two that are the same the change counts.
    fn all(&self) -> impl Iterator<Item = (u64, V)> + '_ {
        let sorted = (0..SECTIONS).flat_map(|n| {
            let section = self.sorted[self.begin(n)..self.begin(n + 1)].iter();
            section.map(move |(tail, value)| (((n as u64) << TAIL_BITS) | number(*tail), *value))
        });
        let mut sorted = sorted.peekable();
        let mut changes: Vec<_> = self.changes.iter().map(|(rest, to)| (*rest, *to)).collect();
        changes.sort_unstable_by_key(|(rest, _)| *rest);
        let mut changes = changes.into_iter().peekable();
        std::iter::from_fn(move || {
            loop {
                let next = changes.peek().map(|(rest, _)| *rest);
                match sorted.next_if(|(rest, _)| next.is_none_or(|next| *rest <= next)) {
                    Some(stands) if Some(stands.0) != next => return Some(stands),
                    _ => {}
                }
                let (rest, to) = changes.next()?;
                if let Some(value) = to {
                    return Some((rest, value));
                }
            }
        })
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use proptest::prelude::*;

    use super::*;

    #[test]
    fn a_hash_takes_six_bytes_and_its_value_no_more_than_its_own() {
        assert_eq!(size_of::<([u8; TAIL_BYTES], ())>(), 6);
        assert_eq!(size_of::<([u8; TAIL_BYTES], [u8; 2])>(), 8);
    }

    /// Few and many in a block, and the ends of the range.
    fn hash() -> impl Strategy<Value = u64> {
        prop_oneof![
            0..2_000_u64,
            (0..2_000_u64).prop_map(|n| n << 48),
            any::<u64>(),
            Just(u64::MAX)
        ]
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(50))]

        #[test]
        fn it_does_what_an_ordered_map_does(
            acts in proptest::collection::vec((hash(), any::<Option<u16>>()), 0..3_000),
        ) {
            let (mut hashes, mut model) = (Hashes::default(), BTreeMap::new());
            for (hash, act) in acts {
                prop_assert_eq!(hashes.get(hash), model.get(&hash).copied());
                match act {
                    Some(value) => {
                        prop_assert_eq!(hashes.insert(hash, value), model.insert(hash, value));
                    }
                    None => prop_assert_eq!(hashes.remove(hash), model.remove(&hash)),
                }
                prop_assert_eq!((hashes.len(), hashes.is_empty()), (model.len(), model.is_empty()));
            }
            let all: Vec<(u64, u16)> = hashes.iter().collect();
            prop_assert_eq!(all, model.into_iter().collect::<Vec<_>>());
        }
    }
}
