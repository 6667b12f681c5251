//! Ids: places in the account, sealed so that they look like Zoom's ids and can be opened.
//!
//! Every id is a keyed permutation of the place it names (user, meeting, instance, file), so an
//! id leads back to its origin without an index, however many users there are. Never asks
//! whether the place exists: the world does.

use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use xxhash_rust::xxh3::xxh3_64_with_seed;

/// A meeting: whose it is, and which of his.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(crate) struct MeetingAt {
    pub(crate) user: u64,
    pub(crate) meeting: u64,
}

/// A held instance of a meeting.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(crate) struct InstanceAt {
    pub(crate) of: MeetingAt,
    pub(crate) instance: u64,
}

/// A recorded file of an instance.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(crate) struct FileAt {
    pub(crate) of: InstanceAt,
    pub(crate) file: u64,
}

/// What a UUID must look like, for those who encode it in a path.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum UuidShape {
    /// As it comes.
    Any,
    /// Begins with `/`.
    LeadingSlash,
    /// Contains `//`.
    DoubleSlash,
}

#[derive(Clone, Copy)]
#[repr(u64)]
enum Kind {
    User = 0x5A,
    Instance = 0x69,
    File = 0xC3,
    /// Group ids, role ids, subscription ids: they lead nowhere.
    Other = 0xF0,
}

/// Meetings a user may have: 12 bits of the meeting number.
pub(crate) const MEETINGS_MAX: u64 = 1 << 12;
/// Users an account may have: 24 bits of the meeting number.
pub(crate) const USERS_MAX: u64 = 1 << 24;

const MAGIC: u64 = 0x1CE;
const NUMBER_BASE: i64 = 100_000_000;
const PMI_BASE: i64 = 2_000_000_000;
const HALF_BITS: u32 = 18;

/// The key of all seals of one account.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Ids {
    seed: u64,
}

impl Ids {
    pub(crate) fn new(seed: u64) -> Ids {
        Ids { seed }
    }

    /// 22 characters of base64url, as Zoom's user ids.
    pub(crate) fn user(&self, user: u64) -> String {
        URL_SAFE_NO_PAD.encode(self.seal(Kind::User, user, 0))
    }

    pub(crate) fn open_user(&self, id: &str) -> Option<u64> {
        let (user, low) = self.open(Kind::User, &URL_SAFE_NO_PAD.decode(id).ok()?)?;
        (low == 0).then_some(user)
    }

    /// A number of 9 to 11 digits.
    pub(crate) fn meeting(&self, at: MeetingAt) -> i64 {
        NUMBER_BASE + self.permute(at.user * MEETINGS_MAX + at.meeting, true) as i64
    }

    pub(crate) fn open_meeting(&self, number: i64) -> Option<MeetingAt> {
        let sealed = u64::try_from(number.checked_sub(NUMBER_BASE)?).ok()?;
        if sealed >= 1 << (2 * HALF_BITS) {
            return None;
        }
        let plain = self.permute(sealed, false);
        Some(MeetingAt { user: plain / MEETINGS_MAX, meeting: plain % MEETINGS_MAX })
    }

    /// A personal meeting id of 10 digits; it leads nowhere.
    pub(crate) fn pmi(&self, user: u64) -> i64 {
        let spread = self.permute(user, true) as i64;
        PMI_BASE + spread % 7_999_999_999
    }

    /// Base64 of 16 bytes, in the wanted shape.
    pub(crate) fn instance(&self, at: InstanceAt, shape: UuidShape) -> String {
        // One in 64 begins with a slash, one in some 200 has a double one: the salt is found soon.
        (0..1 << 16)
            .map(|salt| STANDARD.encode(self.seal_instance(at, salt)))
            .find(|uuid| match shape {
                UuidShape::Any => true,
                UuidShape::LeadingSlash => uuid.starts_with('/'),
                UuidShape::DoubleSlash => uuid.contains("//"),
            })
            .expect("65,536 salts hold every shape")
    }

    /// Where the UUID points; that it is the one in use is for the caller to compare.
    pub(crate) fn open_instance(&self, uuid: &str) -> Option<InstanceAt> {
        let (user, low) = self.open(Kind::Instance, &STANDARD.decode(uuid).ok()?)?;
        Some(Self::instance_from(user, low))
    }

    /// A UUID in hexadecimal, as Zoom's recording files have.
    pub(crate) fn file(&self, at: FileAt) -> String {
        let b = self.seal(Kind::File, at.of.of.user, Self::low(at.of, at.file));
        let hex: String = b.iter().map(|byte| format!("{byte:02x}")).collect();
        format!("{}-{}-{}-{}-{}", &hex[..8], &hex[8..12], &hex[12..16], &hex[16..20], &hex[20..])
    }

    /// The opaque last part of a download address.
    pub(crate) fn download(&self, at: FileAt) -> String {
        URL_SAFE_NO_PAD.encode(self.seal(Kind::File, at.of.of.user, Self::low(at.of, at.file)))
    }

    pub(crate) fn open_download(&self, sealed: &str) -> Option<FileAt> {
        let (user, low) = self.open(Kind::File, &URL_SAFE_NO_PAD.decode(sealed).ok()?)?;
        Some(FileAt { of: Self::instance_from(user, low), file: low & 0xFFFF })
    }

    /// An id of Zoom's 22 characters that leads nowhere.
    pub(crate) fn other(&self, kind: u64, number: u64) -> String {
        URL_SAFE_NO_PAD.encode(self.seal(Kind::Other, number, kind))
    }

    fn seal_instance(&self, at: InstanceAt, salt: u64) -> [u8; 16] {
        self.seal(Kind::Instance, at.of.user, Self::low(at, salt))
    }

    fn low(at: InstanceAt, rest: u64) -> u64 {
        at.of.meeting << 48 | at.instance << 32 | rest
    }

    fn instance_from(user: u64, low: u64) -> InstanceAt {
        let of = MeetingAt { user, meeting: low >> 48 };
        InstanceAt { of, instance: (low >> 32) & 0xFFFF }
    }

    /// A Feistel network of four rounds over 128 bits.
    fn seal(&self, kind: Kind, high: u64, low: u64) -> [u8; 16] {
        let (mut left, mut right) = ((kind as u64) << 56 | MAGIC << 40 | high, low);
        for round in 0..4 {
            (left, right) = (right, left ^ self.round(round, right));
        }
        let mut bytes = [0; 16];
        bytes[..8].copy_from_slice(&left.to_be_bytes());
        bytes[8..].copy_from_slice(&right.to_be_bytes());
        bytes
    }

    fn open(&self, kind: Kind, bytes: &[u8]) -> Option<(u64, u64)> {
        let bytes: [u8; 16] = bytes.try_into().ok()?;
        let (left, right) = bytes.split_at(8);
        let mut left = u64::from_be_bytes(left.try_into().ok()?);
        let mut right = u64::from_be_bytes(right.try_into().ok()?);
        for round in (0..4).rev() {
            (left, right) = (right ^ self.round(round, left), left);
        }
        let marks = (kind as u64) << 16 | MAGIC;
        (left >> 40 == marks).then_some((left & ((1 << 40) - 1), right))
    }

    fn permute(&self, number: u64, forward: bool) -> u64 {
        let mask = (1 << HALF_BITS) - 1;
        let (mut left, mut right) = (number >> HALF_BITS, number & mask);
        for step in 0..4 {
            let round = if forward { step } else { 3 - step };
            (left, right) = if forward {
                (right, left ^ (self.round(16 + round, right) & mask))
            } else {
                (right ^ (self.round(16 + round, left) & mask), left)
            };
        }
        left << HALF_BITS | right
    }

    fn round(&self, round: u64, half: u64) -> u64 {
        xxh3_64_with_seed(&half.to_le_bytes(), self.seed ^ (round + 1).wrapping_mul(0x9E37_79B9))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn place(user: u64, meeting: u64, instance: u64) -> InstanceAt {
        InstanceAt { of: MeetingAt { user, meeting }, instance }
    }

    #[test]
    fn every_id_opens_to_the_place_it_was_made_of() {
        let ids = Ids::new(7);
        for n in 0..2_000_u64 {
            let at = place(n * 53 % 100_000, n % 40, n % 6);
            assert_eq!(ids.open_user(&ids.user(at.of.user)), Some(at.of.user));
            assert_eq!(ids.open_meeting(ids.meeting(at.of)), Some(at.of));
            assert_eq!(ids.open_instance(&ids.instance(at, UuidShape::Any)), Some(at));
            let file = FileAt { of: at, file: n % 9 };
            assert_eq!(ids.open_download(&ids.download(file)), Some(file));
        }
    }

    #[test]
    fn ids_have_the_shape_of_zooms() {
        let ids = Ids::new(3);
        assert_eq!(ids.user(12).len(), 22);
        for n in 0..500 {
            let digits = ids.meeting(MeetingAt { user: n, meeting: 1 }).to_string().len();
            assert!((9..=11).contains(&digits), "{digits} digits");
            assert_eq!(ids.pmi(n).to_string().len(), 10);
        }
        assert!(ids.instance(place(1, 2, 3), UuidShape::Any).ends_with("=="));
        assert!(ids.instance(place(1, 2, 3), UuidShape::LeadingSlash).starts_with('/'));
        assert!(ids.instance(place(1, 2, 3), UuidShape::DoubleSlash).contains("//"));
    }

    #[test]
    fn an_id_of_another_account_or_kind_opens_to_nothing() {
        let (ours, theirs) = (Ids::new(1), Ids::new(2));
        assert_eq!(theirs.open_user(&ours.user(5)), None);
        assert_eq!(ours.open_user("not an id"), None);
        let file = FileAt { of: place(1, 1, 0), file: 0 };
        assert_eq!(ours.open_user(&ours.download(file)), None);
    }
}
