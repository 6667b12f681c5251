//! People: the users of the account, by index.
//!
//! Users come in blocks of 20 slots (turned by the seed), and each slot has its part to play, so
//! that every kind of user and meeting exists for every seed with 20 users or more.

use super::World;
use super::names::{DEPARTMENTS, FIRST, LAST, ODD, TIMEZONES};
use crate::draw::{Draw, Purpose};

const SLOTS: u64 = 20;
const DOMAIN: &str = "acme-sim.example";

/// One status a call: Zoom lists users so.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Status {
    Active,
    Inactive,
    /// Invited, has not answered: no id.
    Pending,
}

impl Status {
    pub(crate) const ALL: [Status; 3] = [Status::Active, Status::Inactive, Status::Pending];

    pub(crate) fn name(self) -> &'static str {
        match self {
            Status::Active => "active",
            Status::Inactive => "inactive",
            Status::Pending => "pending",
        }
    }
}

/// The part a user plays.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Profile {
    Pending,
    Inactive,
    /// Has no meetings.
    Quiet,
    /// May not host: lists of his meetings answer 400 with 3161.
    Barred,
    /// Hosts; his first meeting is what the slot is there to show.
    Host(Showcase),
}

/// What a host's first meeting shows, for certain; all of it happens elsewhere by chance too.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Showcase {
    Series,
    HeldTwice,
    NeverHeld,
    Instant,
    OpenSeries,
    Big,
    LeadingSlash,
    DoubleSlash,
    Twins,
    OnePerson,
    Webinars,
    Upload,
    IdlessFiles,
    Yesterday,
    OddText,
    Nothing,
}

/// A user of the account.
#[derive(Clone, Debug)]
pub(crate) struct Person {
    pub(crate) user: u64,
    pub(crate) status: Status,
    pub(crate) first: String,
    pub(crate) last: String,
    pub(crate) display: String,
    pub(crate) email: String,
    pub(crate) dept: &'static str,
    pub(crate) timezone: &'static str,
    pub(crate) draw: Draw,
}

impl World {
    pub(crate) fn profile(&self, user: u64) -> Profile {
        match self.slot(user) {
            0 => Profile::Pending,
            1 => Profile::Inactive,
            2 => Profile::Quiet,
            3 => Profile::Barred,
            slot => Profile::Host(SHOWCASES[(slot - 4) as usize]),
        }
    }

    pub(crate) fn status(&self, user: u64) -> Status {
        match self.profile(user) {
            Profile::Pending => Status::Pending,
            Profile::Inactive => Status::Inactive,
            Profile::Quiet | Profile::Barred | Profile::Host(_) => Status::Active,
        }
    }

    pub(crate) fn person(&self, user: u64) -> Person {
        let mut draw = Draw::of(self.seed, Purpose::Person, [user, 0, 0]);
        let (first, last) = (draw.pick(&FIRST), draw.pick(&LAST));
        let odd = self.profile(user) == Profile::Host(Showcase::OddText) || draw.chance(0.03);
        let display = if odd { draw.pick(&ODD).to_owned() } else { format!("{first} {last}") };
        Person {
            user,
            status: self.status(user),
            first: first.to_owned(),
            last: last.to_owned(),
            display,
            email: format!("{}.{user}@{DOMAIN}", ascii(last)),
            dept: draw.pick(&DEPARTMENTS),
            timezone: draw.pick(&TIMEZONES),
            draw,
        }
    }

    /// The user of an id or e-mail address.
    pub(crate) fn find_user(&self, id_or_email: &str) -> Option<u64> {
        let user = match id_or_email.split_once('@') {
            Some((name, _)) => name.rsplit_once('.')?.1.parse().ok()?,
            None => self.ids.open_user(id_or_email)?,
        };
        let exists = user < self.users
            && self.has_user(user)
            && (!id_or_email.contains('@')
                || self.person(user).email.eq_ignore_ascii_case(id_or_email));
        exists.then_some(user)
    }

    pub(crate) fn count_of_status(&self, status: Status) -> u64 {
        if self.any_user_gone() {
            return self.users_of_status(status, 0).count() as u64;
        }
        self.before(status, self.users)
    }

    /// The users of a status from the `skip`th on. Where nobody is gone, it finds the first
    /// without visiting the rest.
    pub(crate) fn users_of_status(
        &self,
        status: Status,
        skip: u64,
    ) -> impl Iterator<Item = u64> + '_ {
        let (mut low, mut high) = (0, self.users);
        let mut pass_over = 0;
        if self.any_user_gone() {
            (high, pass_over) = (0, skip);
        }
        while low < high {
            let middle = low + (high - low) / 2;
            if self.before(status, middle + 1) > skip {
                high = middle;
            } else {
                low = middle + 1;
            }
        }
        (low..self.users)
            .filter(move |user| self.status(*user) == status && self.has_user(*user))
            .skip(usize::try_from(pass_over).unwrap_or(usize::MAX))
    }

    /// How many users before this one have the status.
    fn before(&self, status: Status, user: u64) -> u64 {
        match status {
            Status::Pending => self.in_slot_before(0, user),
            Status::Inactive => self.in_slot_before(1, user),
            Status::Active => user - self.in_slot_before(0, user) - self.in_slot_before(1, user),
        }
    }

    fn slot(&self, user: u64) -> u64 {
        (user + self.seed % SLOTS) % SLOTS
    }

    fn in_slot_before(&self, slot: u64, user: u64) -> u64 {
        let first = (slot + SLOTS - self.seed % SLOTS) % SLOTS;
        (user + SLOTS - 1).saturating_sub(first) / SLOTS
    }
}

const SHOWCASES: [Showcase; 16] = [
    Showcase::Series,
    Showcase::HeldTwice,
    Showcase::NeverHeld,
    Showcase::Instant,
    Showcase::OpenSeries,
    Showcase::Big,
    Showcase::LeadingSlash,
    Showcase::DoubleSlash,
    Showcase::Twins,
    Showcase::OnePerson,
    Showcase::Webinars,
    Showcase::Upload,
    Showcase::IdlessFiles,
    Showcase::Yesterday,
    Showcase::OddText,
    Showcase::Nothing,
];

fn ascii(name: &str) -> String {
    name.chars().filter(char::is_ascii_alphabetic).collect::<String>().to_ascii_lowercase()
}
