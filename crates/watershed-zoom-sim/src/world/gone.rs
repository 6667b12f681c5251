//! What is gone from the account, in its trash, or edited: what of a world is told to it.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use super::World;
use crate::ids::{InstanceAt, MeetingAt};

/// What is gone or edited.
#[derive(Clone, Debug, Default)]
pub(crate) struct Gone {
    users: BTreeSet<u64>,
    meetings: BTreeSet<MeetingAt>,
    recordings: BTreeMap<InstanceAt, Bin>,
    /// How often a user's record was edited.
    edits: BTreeMap<u64, u32>,
}

/// Where a recording went.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Bin {
    /// From the trash it comes back.
    Trash,
    /// For good.
    Deleted,
}

/// A change of what an account holds: what it names is there no more, or again, or is another.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Change {
    /// The user of this id leaves, and takes along all that is his.
    DeleteUser(String),
    /// The user of this id gets another employee number.
    EditUser(String),
    /// The meeting of this number is deleted; with it goes what its lists tell.
    DeleteMeeting(i64),
    /// The recording of this instance goes to the trash.
    TrashRecording(String),
    /// And comes back from there.
    RecoverRecording(String),
    /// The recording of this instance is deleted for good.
    DeleteRecording(String),
}

impl Change {
    /// Reads `delete user ID`, `edit user ID`, `delete meeting NUMBER`, `trash recording UUID`,
    /// `recover recording UUID`, `delete recording UUID`.
    pub fn parse(text: &str) -> Option<Change> {
        let mut words = text.split_whitespace();
        let (act, what, name) = (words.next()?, words.next()?, words.next()?.to_owned());
        match (act, what, words.next()) {
            ("delete", "user", None) => Some(Change::DeleteUser(name)),
            ("edit", "user", None) => Some(Change::EditUser(name)),
            ("delete", "meeting", None) => name.parse().ok().map(Change::DeleteMeeting),
            ("trash", "recording", None) => Some(Change::TrashRecording(name)),
            ("recover", "recording", None) => Some(Change::RecoverRecording(name)),
            ("delete", "recording", None) => Some(Change::DeleteRecording(name)),
            _ => None,
        }
    }
}

impl World {
    /// Whether there was what the change names.
    pub(crate) fn change(&mut self, change: &Change) -> bool {
        let place = match change {
            Change::DeleteUser(id) => {
                let user = self.ids.open_user(id).filter(|user| *user < self.users);
                return user.is_some_and(|user| Arc::make_mut(&mut self.gone).users.insert(user));
            }
            Change::EditUser(id) => {
                let user = self.ids.open_user(id).filter(|user| *user < self.users);
                let Some(user) = user.filter(|user| self.has_user(*user)) else { return false };
                *Arc::make_mut(&mut self.gone).edits.entry(user).or_default() += 1;
                return true;
            }
            Change::DeleteMeeting(number) => {
                let meeting = self.find_meeting(*number);
                return meeting.is_some_and(|meeting| {
                    Arc::make_mut(&mut self.gone).meetings.insert(meeting.at)
                });
            }
            Change::TrashRecording(uuid)
            | Change::RecoverRecording(uuid)
            | Change::DeleteRecording(uuid) => {
                self.find_instance(uuid).filter(|(m, i)| self.recorded(m, i).is_some())
            }
        };
        let Some((_, instance)) = place else { return false };
        let bin = self.bin(instance.at);
        let recordings = &mut Arc::make_mut(&mut self.gone).recordings;
        match (change, bin) {
            (Change::TrashRecording(_), None) => {
                recordings.insert(instance.at, Bin::Trash);
            }
            (Change::RecoverRecording(_), Some(Bin::Trash)) => {
                recordings.remove(&instance.at);
            }
            (Change::DeleteRecording(_), None | Some(Bin::Trash)) => {
                recordings.insert(instance.at, Bin::Deleted);
            }
            _ => return false,
        }
        true
    }

    pub(crate) fn has_user(&self, user: u64) -> bool {
        !self.gone.users.contains(&user)
    }

    /// How often the user's record was edited.
    pub(crate) fn edits(&self, user: u64) -> u32 {
        self.gone.edits.get(&user).copied().unwrap_or_default()
    }

    pub(crate) fn any_user_gone(&self) -> bool {
        !self.gone.users.is_empty()
    }

    pub(crate) fn has_meeting(&self, at: MeetingAt) -> bool {
        self.has_user(at.user) && !self.gone.meetings.contains(&at)
    }

    pub(crate) fn bin(&self, at: InstanceAt) -> Option<Bin> {
        self.gone.recordings.get(&at).copied()
    }
}
