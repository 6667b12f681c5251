//! Plans in the shape of the shipped backfill, built by hand, and items as its steps carry them.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use watershed_ledger_test::{plain_plan, plain_step};
use watershed_model::{
    Category, Child, Feed, Kin, Millis, Order, Plan, Source, Step, StepId, hash64,
};

/// The steps of [`zoom`].
pub(crate) const INSTANCES: StepId = StepId(0);
pub(crate) const HELD: StepId = StepId(1);
pub(crate) const PARTICIPANTS: StepId = StepId(2);

/// Past instances of a meeting, each asked whether it is worth a report, and the reports.
pub(crate) fn zoom() -> Plan {
    let mut participants = step("report_participants", 4, Some(Category::Heavy), Some(HELD));
    participants.order = Order::NewestFirst;
    plain_plan(vec![
        step("list_past_instances", 3, Some(Category::Medium), None),
        step("get_past_meeting", 1, Some(Category::Light), Some(INSTANCES)),
        participants,
    ])
}

/// One step beneath another, so many in all, each deeper than the one before.
pub(crate) fn generations(steps: u16) -> Plan {
    let above = |at: u16| at.checked_sub(1).map(StepId);
    plain_plan((0..steps).map(|at| step("list_past_instances", at, None, above(at))).collect())
}

fn step(operation: &str, depth: u16, category: Option<Category>, above: Option<StepId>) -> Step {
    let source = match above {
        Some(step) => Source::Items(vec![Feed { step, field: None }]),
        None => Source::Run,
    };
    let name = format!("{operation}_{depth}");
    let operation = format!("zoom.{operation}").into();
    Step { operation, ..plain_step(&name, depth, category, source) }
}

/// Ids, instants and counts as Zoom gives them, the same ones for the same seed.
pub(crate) struct Account {
    drawn: u64,
}

/// The month of an instant and the instant.
struct Moment {
    month: u16,
    text: String,
}

impl Account {
    pub(crate) fn of(seed: u64) -> Account {
        Account { drawn: seed }
    }

    pub(crate) fn below(&mut self, bound: u64) -> u64 {
        self.drawn = hash64(&[&self.drawn.to_le_bytes()]);
        self.drawn % bound
    }

    fn uuid(&mut self) -> String {
        let half = |account: &mut Account| account.below(u64::MAX).to_le_bytes();
        STANDARD.encode([half(self), half(self)].concat())
    }

    /// An instant of the last six months before March 2026.
    fn moment(&mut self) -> Moment {
        let at = Millis((1_756_684_800 + self.below(181 * 86_400).cast_signed()) * 1_000);
        let date = at.date();
        let month = i32::from(date.year()) * 12 + i32::from(date.month()) - 1;
        Moment {
            month: u16::try_from(month).expect("a month of our time"),
            text: at.timestamp().to_string(),
        }
    }

    /// A meeting whose instances are asked for: `meeting.id`.
    pub(crate) fn meeting(&mut self) -> Kin {
        let id = 80_000_000_000 + self.below(10_000_000_000);
        child(INSTANCES, format!("[{id}]"), &id.to_string(), 0)
    }

    /// An instance of which is asked whether it was held: `instance.start_time`,
    /// `instance.uuid`.
    pub(crate) fn instance(&mut self) -> Kin {
        let (uuid, started) = (self.uuid(), self.moment().text);
        child(HELD, format!("[\"{started}\",\"{uuid}\"]"), &uuid, 0)
    }

    /// A meeting that was held: `past.end_time`, `past.participants_count`, `past.uuid`.
    pub(crate) fn held(&mut self) -> Kin {
        let (uuid, ended) = (self.uuid(), self.moment());
        let present = 2 + self.below(40);
        let item = format!("[\"{}\",{present},\"{uuid}\"]", ended.text);
        child(PARTICIPANTS, item, &uuid, ended.month)
    }

    /// An item of some step, by an id alone.
    pub(crate) fn any(&mut self, step: StepId) -> Kin {
        let uuid = self.uuid();
        child(step, format!("[\"{uuid}\"]"), &format!("{} {uuid}", step.0), 0)
    }
}

fn child(step: StepId, item: String, once: &str, bucket: u16) -> Kin {
    let once = Some(hash64(&[once.as_bytes()]));
    Kin::Task(Child { step, item, once, bucket, together: false })
}
