//! Draws: numbers that depend on (seed, what for, where) and on nothing else.
//!
//! Guarantee: the same seed, purpose and place give the same stream on every machine. Never
//! reads a clock or a source of randomness, so that no answer needs memory of an earlier one.

use xxhash_rust::xxh3::xxh3_64_with_seed;

/// What a stream of draws is for; two purposes never share a stream.
#[derive(Clone, Copy, Debug)]
#[repr(u64)]
pub(crate) enum Purpose {
    Account = 1,
    Person,
    MeetingCount,
    Meeting,
    Stays,
    Recording,
    File,
    Cues,
    Settings,
    Fault,
    Mac,
    Habits,
    Secret,
}

/// A stream of draws (splitmix64 from a hashed start).
#[derive(Clone, Debug)]
pub(crate) struct Draw(u64);

impl Draw {
    pub(crate) fn of(seed: u64, purpose: Purpose, place: [u64; 3]) -> Draw {
        Draw(hash(seed, purpose, place))
    }

    pub(crate) fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        z ^ (z >> 31)
    }

    /// A number in `0..count`; 0 for a count of 0.
    pub(crate) fn below(&mut self, count: u64) -> u64 {
        // The high half of the product: no division, and a bias far below what shows.
        ((u128::from(self.next()) * u128::from(count)) >> 64) as u64
    }

    /// A number in `low..=high`.
    pub(crate) fn between(&mut self, low: i64, high: i64) -> i64 {
        low + self.below((high - low).max(0) as u64 + 1) as i64
    }

    /// True with the given probability (0 to 1).
    pub(crate) fn chance(&mut self, probability: f64) -> bool {
        self.unit() < probability
    }

    /// A number in `[0, 1)`.
    pub(crate) fn unit(&mut self) -> f64 {
        (self.next() >> 11) as f64 / (1_u64 << 53) as f64
    }

    pub(crate) fn pick<T: Copy>(&mut self, of: &[T]) -> T {
        of[self.below(of.len() as u64) as usize]
    }

    pub(crate) fn hex(&mut self, digits: usize) -> String {
        self.letters_of("0123456789abcdef", digits)
    }

    pub(crate) fn word(&mut self, letters: usize) -> String {
        self.letters_of("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789", letters)
    }

    fn letters_of(&mut self, alphabet: &str, length: usize) -> String {
        (0..length).map(|_| char::from(self.pick(alphabet.as_bytes()))).collect()
    }
}

/// One number for (seed, purpose, place).
pub(crate) fn hash(seed: u64, purpose: Purpose, place: [u64; 3]) -> u64 {
    let mut bytes = [0_u8; 32];
    bytes[..8].copy_from_slice(&(purpose as u64).to_le_bytes());
    for (chunk, number) in bytes[8..].chunks_exact_mut(8).zip(place) {
        chunk.copy_from_slice(&number.to_le_bytes());
    }
    xxh3_64_with_seed(&bytes, seed)
}

/// One number for a text, under the seed.
pub(crate) fn hash_text(seed: u64, text: &str) -> u64 {
    xxh3_64_with_seed(text.as_bytes(), seed)
}
