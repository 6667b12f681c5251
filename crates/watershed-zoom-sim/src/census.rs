//! Census: how many of each odd thing the account holds.

use std::collections::{BTreeMap, BTreeSet};

use serde::Serialize;

use crate::account::Account;
use crate::world::{Instance, Meeting, MeetingKind, Profile, Source, Status, Stay, World};

macro_rules! census {
    ($($(#[$doc:meta])* $name:ident,)*) => {
        /// Counts of everything that a client may stumble over. Each is above 0 for every seed in
        /// an account of 20 users or more.
        #[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
        pub struct Census { $($(#[$doc])* pub $name: u64),* }

        impl Census {
            /// Names and counts.
            pub fn counts(&self) -> BTreeMap<&'static str, u64> {
                BTreeMap::from([$((stringify!($name), self.$name)),*])
            }
        }
    };
}

census! {
    /// Active users.
    users_active,
    /// Inactive users; they keep their history.
    users_inactive,
    /// Pending users: no id.
    users_pending,
    /// Active users without meetings.
    users_without_meetings,
    /// Active users who may not host: their lists answer 3161.
    users_barred,
    /// Recurring meetings with a fixed time (type 8).
    series,
    /// Of these, listed several times.
    series_listed_repeatedly,
    /// Recurring meetings without a fixed time (type 3).
    open_series,
    /// Instant meetings that only recordings show (type 1).
    instant_recorded,
    /// Scheduled meetings that were held twice.
    held_twice,
    /// Past scheduled meetings that were never held.
    never_held,
    /// Meetings whose id has lapsed: listed, but their details are gone.
    ids_lapsed,
    /// People who came back, under a new `user_id`.
    rejoins,
    /// Guests with neither id nor e-mail address.
    guests_without_id,
    /// Pairs of people with one display name in one instance.
    name_twins,
    /// Stays that differ from another in `leave_time` only.
    leave_twins,
    /// Stays in the waiting room.
    waiting_room_stays,
    /// Instances with one participant.
    one_person_meetings,
    /// Reports of more than 300 rows.
    big_reports,
    /// Recorded webinars (types 5, 6, 9).
    webinars,
    /// Uploaded recordings (type 99).
    uploads,
    /// Captions without id, status and size.
    captions_without_id,
    /// Timelines without id, status and size.
    timelines_without_id,
    /// Transcripts that are still to come.
    transcripts_awaited,
    /// Transcripts that are there.
    transcripts,
    /// Files that are still in `processing`.
    files_processing,
    /// Held instances whose UUID begins with `/`.
    uuids_leading_slash,
    /// Held instances whose UUID contains `//`.
    uuids_double_slash,
    /// Topics with characters that need care.
    odd_topics,
}

impl Account {
    /// Counts what the account holds. Visits every user.
    pub fn census(&self) -> Census {
        let world = self.world();
        let mut census = Census::default();
        for user in 0..world.users {
            census.count_user(&world, user);
        }
        census
    }

    /// How many meetings the first users have held so far, listed or not.
    pub fn held_by_the_first(&self, users: u64) -> u64 {
        let world = self.world();
        let users = 0..users.min(world.users);
        let meetings = users.flat_map(|user| world.meetings(user));
        let meetings = meetings.filter(|meeting| meeting.kind.is_meeting());
        meetings.map(|meeting| world.instances(&meeting).len() as u64).sum()
    }
}

impl Census {
    fn count_user(&mut self, world: &World, user: u64) {
        match world.status(user) {
            Status::Active => self.users_active += 1,
            Status::Inactive => self.users_inactive += 1,
            Status::Pending => self.users_pending += 1,
        }
        match world.profile(user) {
            Profile::Quiet => self.users_without_meetings += 1,
            Profile::Barred => self.users_barred += 1,
            Profile::Pending | Profile::Inactive | Profile::Host(_) => {}
        }
        for meeting in world.meetings(user) {
            let instances = world.instances(&meeting);
            self.count_meeting(world, &meeting, instances.len());
            for instance in &instances {
                self.count_instance(world, &meeting, instance);
            }
        }
    }

    fn count_meeting(&mut self, world: &World, meeting: &Meeting, held: usize) {
        let rows = meeting.previous_rows(world, i64::MIN, i64::MAX);
        match meeting.kind {
            MeetingKind::Series => {
                self.series += 1;
                self.series_listed_repeatedly += u64::from(rows > 1);
            }
            MeetingKind::OpenSeries => self.open_series += 1,
            MeetingKind::Scheduled => {
                self.held_twice += u64::from(held > 1);
                self.never_held += u64::from(rows > 0 && meeting.held_s.is_empty());
            }
            MeetingKind::Instant | MeetingKind::Webinar(_) | MeetingKind::Upload => {}
        }
        self.ids_lapsed += u64::from(rows > 0 && !meeting.is_alive(world.now_s));
        let is_odd = |c: char| "<'\u{1b}\u{202e}|🚀\u{301}ا".contains(c);
        self.odd_topics += u64::from(meeting.topic.contains(is_odd));
    }

    fn count_instance(&mut self, world: &World, meeting: &Meeting, instance: &Instance) {
        self.uuids_leading_slash += u64::from(instance.uuid.starts_with('/'));
        self.uuids_double_slash += u64::from(instance.uuid.contains("//"));
        if meeting.kind.is_meeting() {
            let stays = world.stays(meeting, instance);
            let people = world.participants_count(meeting, instance);
            self.one_person_meetings += u64::from(people == 1);
            self.count_stays(&stays);
        }
        let Some(recording) = world.recording(meeting, instance) else { return };
        match meeting.kind {
            MeetingKind::Instant => self.instant_recorded += 1,
            MeetingKind::Webinar(_) => self.webinars += 1,
            MeetingKind::Upload => self.uploads += 1,
            MeetingKind::Scheduled | MeetingKind::Series | MeetingKind::OpenSeries => {}
        }
        self.transcripts_awaited += recording.awaited as u64;
        for file in recording.shown(Source::AccountList) {
            self.files_processing += u64::from(file.processing);
            match file.kind.file_type() {
                "CC" => self.captions_without_id += 1,
                "TIMELINE" => self.timelines_without_id += 1,
                "TRANSCRIPT" => self.transcripts += 1,
                _ => {}
            }
        }
    }

    fn count_stays(&mut self, stays: &[Stay]) {
        self.big_reports += u64::from(stays.len() > 300);
        let (mut seats, mut people) = (BTreeSet::new(), BTreeSet::new());
        let mut names: BTreeMap<&str, BTreeSet<u64>> = BTreeMap::new();
        for stay in stays {
            self.waiting_room_stays += u64::from(stay.waiting);
            let is_guest = stay.user.is_none() && stay.email.is_empty();
            self.guests_without_id += u64::from(is_guest);
            names.entry(&stay.name).or_default().insert(stay.who);
            if !seats.insert((stay.seat, stay.join_s, stay.waiting, &stay.room)) {
                self.leave_twins += 1;
            } else if !stay.waiting && !people.insert(stay.who) {
                self.rejoins += 1;
            }
        }
        self.name_twins += names.values().map(|who| who.len() as u64 - 1).sum::<u64>();
    }
}
