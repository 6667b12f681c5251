//! Stays: who was in an instance, from when to when; a rejoin is a stay of its own.

use super::World;
use super::instances::Instance;
use super::meetings::Meeting;
use super::names::{FIRST, LAST, ODD, ROOMS};
use super::people::{Showcase, Status};
use crate::draw::{Draw, Purpose};

/// One stay of one person.
#[derive(Clone, Debug)]
pub(crate) struct Stay {
    /// The id within the meeting, new at each rejoin.
    pub(crate) seat: u64,
    /// The user of the account, for those who signed in.
    pub(crate) user: Option<u64>,
    /// Which of the people it is: people, not stays, count as participants.
    pub(crate) who: u64,
    pub(crate) name: String,
    pub(crate) email: String,
    pub(crate) join_s: i64,
    pub(crate) leave_s: i64,
    pub(crate) waiting: bool,
    pub(crate) room: String,
    pub(crate) registrant: String,
    pub(crate) customer_key: String,
    pub(crate) failover: bool,
}

struct Someone {
    user: Option<u64>,
    name: String,
    email: String,
    registrant: String,
}

impl World {
    /// How many different people were there.
    pub(crate) fn participants_count(&self, meeting: &Meeting, instance: &Instance) -> u64 {
        self.headcount(meeting, &mut self.stays_draw(instance))
    }

    /// The minutes of all stays together.
    pub(crate) fn total_minutes(&self, meeting: &Meeting, instance: &Instance) -> i64 {
        let stays = self.stays(meeting, instance);
        stays.iter().map(|stay| stay.leave_s - stay.join_s).sum::<i64>() / 60
    }

    /// All stays, in order of joining.
    pub(crate) fn stays(&self, meeting: &Meeting, instance: &Instance) -> Vec<Stay> {
        let mut draw = self.stays_draw(instance);
        let people = self.headcount(meeting, &mut draw);
        let twins = meeting.showcase == Some(Showcase::Twins);
        let big = meeting.showcase == Some(Showcase::Big);
        let rotation = draw.next();
        let mut stays = Vec::new();
        for who in 0..people {
            let mut someone = self.someone(meeting, who, rotation, &mut draw);
            if who >= 2 && (twins || draw.chance(0.06)) {
                someone = anonymous(ROOMS[0]);
            }
            let again = twins && who < 2 || big || draw.chance(0.18);
            self.stay_of(instance, who, &someone, again, &mut draw, &mut stays);
        }
        if people > 1 && (twins || draw.chance(0.02)) {
            // The same seat twice, from the same instant on: only the leaving tells them apart.
            let mut twin: Stay = stays[stays.len() - 1].clone();
            twin.leave_s = (twin.leave_s + 7).min(instance.end_s + 7);
            stays.push(twin);
        }
        stays.sort_by_key(|stay| stay.join_s);
        stays
    }

    fn stays_draw(&self, instance: &Instance) -> Draw {
        let place = [instance.at.of.user, instance.at.of.meeting, instance.at.instance];
        Draw::of(self.seed, Purpose::Stays, place)
    }

    fn headcount(&self, meeting: &Meeting, draw: &mut Draw) -> u64 {
        let by_chance = if draw.chance(0.14) { 1 } else { draw.between(2, 7) as u64 };
        match meeting.showcase {
            Some(Showcase::OnePerson) => 1,
            Some(Showcase::Big) => 160 + by_chance * 3,
            Some(Showcase::Twins) => 5,
            Some(_) => by_chance.max(2),
            None => by_chance,
        }
    }

    fn someone(&self, meeting: &Meeting, who: u64, rotation: u64, draw: &mut Draw) -> Someone {
        let others = self.users.saturating_sub(1).max(1);
        let colleague =
            (meeting.at.user + 1 + (rotation % others + who - who.min(1)) % others) % self.users;
        let user = if who == 0 { meeting.at.user } else { colleague };
        let invites = who < others && draw.chance(0.55);
        if who == 0 || (invites && self.status(user) != Status::Pending) {
            let person = self.person(user);
            return Someone {
                user: Some(user),
                name: person.display,
                email: person.email,
                registrant: String::new(),
            };
        }
        let name = if draw.chance(0.1) {
            draw.pick(&ODD).to_owned()
        } else {
            format!("{} {}", draw.pick(&FIRST), draw.pick(&LAST))
        };
        match draw.below(10) {
            0 => anonymous(&format!("+49 30 ****{:02}", draw.below(100))),
            1 => Someone {
                user: None,
                email: format!("guest{}@elsewhere.example", draw.below(10_000)),
                registrant: draw.word(22),
                name,
            },
            2 | 3 => anonymous(draw.pick(&ROOMS)),
            _ => anonymous(&name),
        }
    }

    fn stay_of(
        &self,
        instance: &Instance,
        who: u64,
        someone: &Someone,
        again: bool,
        draw: &mut Draw,
        stays: &mut Vec<Stay>,
    ) {
        let length_s = instance.end_s - instance.start_s;
        let mut join_s = instance.start_s + draw.between(0, length_s / 8) * i64::from(who > 0);
        let mut stay = |join_s, leave_s, waiting, draw: &mut Draw| {
            let seat = 16_778_240 + 1_024 * stays.len() as u64;
            stays.push(Stay {
                seat,
                user: someone.user,
                who,
                name: someone.name.clone(),
                email: someone.email.clone(),
                join_s,
                leave_s,
                waiting,
                room: if draw.chance(0.04) { draw.word(24) } else { String::new() },
                registrant: someone.registrant.clone(),
                customer_key: if draw.chance(0.03) { draw.word(12) } else { String::new() },
                failover: draw.chance(0.01),
            });
        };
        if who > 0 && draw.chance(0.08) {
            let waits_s = draw.between(5, 120);
            stay(join_s, join_s + waits_s, true, draw);
            join_s += waits_s;
        }
        let rest_s = (instance.end_s - join_s).max(2);
        let first_leave_s = if again { join_s + rest_s / 2 } else { instance.end_s };
        stay(join_s, first_leave_s - draw.between(0, rest_s / 10), false, draw);
        if again {
            let back_s = first_leave_s + draw.between(1, rest_s / 10 + 1);
            stay(back_s.min(instance.end_s - 1), instance.end_s, false, draw);
        }
    }
}

fn anonymous(name: &str) -> Someone {
    Someone { user: None, name: name.to_owned(), email: String::new(), registrant: String::new() }
}
