//! Instances: the times a meeting was really held, each with a UUID of its own.

use super::SETTLING_S;
use super::World;
use super::meetings::Meeting;
use super::people::Showcase;
use crate::ids::InstanceAt;
use crate::time::day_of;

/// A held and ended instance.
#[derive(Clone, Debug)]
pub(crate) struct Instance {
    pub(crate) at: InstanceAt,
    pub(crate) uuid: String,
    pub(crate) start_s: i64,
    pub(crate) end_s: i64,
}

impl Instance {
    pub(crate) fn duration_min(&self) -> i64 {
        (self.end_s - self.start_s) / 60
    }

    pub(crate) fn start_day(&self) -> i64 {
        day_of(self.start_s)
    }
}

impl World {
    /// What was held of the meeting so far.
    pub(crate) fn instances(&self, meeting: &Meeting) -> Vec<Instance> {
        let ended = meeting.held_s.iter().take_while(|held| held.1 + SETTLING_S <= self.now_s);
        ended
            .enumerate()
            .map(|(instance, &(start_s, end_s))| {
                let at = InstanceAt { of: meeting.at, instance: instance as u64 };
                Instance { at, uuid: self.uuid(meeting, at.instance), start_s, end_s }
            })
            .collect()
    }

    /// The held instance of a UUID.
    pub(crate) fn find_instance(&self, uuid: &str) -> Option<(Meeting, Instance)> {
        let at = self.ids.open_instance(uuid)?;
        let (meeting, instance) = self.instance(at)?;
        (instance.uuid == uuid).then_some((meeting, instance))
    }

    pub(crate) fn instance(&self, at: InstanceAt) -> Option<(Meeting, Instance)> {
        let known = self.has_user(at.of.user)
            && at.of.user < self.users
            && at.of.meeting < self.meeting_count(at.of.user);
        if !known {
            return None;
        }
        let meeting = self.meeting(at.of);
        let instance = self.instances(&meeting).into_iter().nth(at.instance as usize)?;
        Some((meeting, instance))
    }

    /// The instance for which everything but recordings is refused under the fault `html_403`:
    /// that of the first user whose part is the twins. None in accounts that have no such user.
    pub(crate) fn forbidden(&self) -> Option<InstanceAt> {
        let shows = |user: &u64| self.profile(*user) == super::Profile::Host(Showcase::Twins);
        let user = (0..self.users.min(20)).find(shows)?;
        let of = crate::ids::MeetingAt { user, meeting: 0 };
        self.instance(InstanceAt { of, instance: 0 }).map(|(_, instance)| instance.at)
    }
}
