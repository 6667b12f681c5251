//! `schedule:` — one entry, or a list of them.

use crate::code;
use crate::spec::{Named, ScheduleDecl};
use crate::yaml::{Kind, Node};

use super::Reader;

/// Entries of `schedule`.
const SCHEDULES_MAX: usize = 20;
/// Keys of an entry.
const SCHEDULE_KEYS: &[&str] = &["cron", "timezone", "missed", "overlap", "inputs", "jitter"];

impl Reader<'_> {
    pub(super) fn schedules(&mut self, node: &Node) -> Vec<ScheduleDecl> {
        match &node.kind {
            Kind::List(entries) if entries.is_empty() => {
                let message = "`schedule` without an entry: the list is empty";
                self.findings.error(code::EMPTY_LIST, &node.span, message, None);
                Vec::new()
            }
            Kind::List(entries) if entries.len() > SCHEDULES_MAX => {
                let message = format!("a workflow has at most {SCHEDULES_MAX} schedules");
                self.findings.error(code::TOO_LARGE, &node.span, message, None);
                Vec::new()
            }
            Kind::List(entries) => entries.iter().filter_map(|e| self.schedule(e)).collect(),
            _ => self.schedule(node).into_iter().collect(),
        }
    }

    fn schedule(&mut self, node: &Node) -> Option<ScheduleDecl> {
        let map = self.map(node, "a schedule", SCHEDULE_KEYS)?;
        let cron = self.needed(&map, "cron", "a schedule", &node.span);
        let cron = cron.and_then(|node| self.text(node, "`cron`"));
        let timezone = self.optional(&map, "timezone", Reader::text);
        let missed = self.optional(&map, "missed", Reader::word);
        let overlap = self.optional(&map, "overlap", Reader::word);
        let inputs: Named<_> = match map.get("inputs") {
            Some(node) => self.named(node, "`inputs`", |reader, name, value| {
                reader.scalar(value, &format!("`{}`", name.value))
            }),
            None => Vec::new(),
        };
        let jitter = self.optional(&map, "jitter", Reader::jitter);
        Some(ScheduleDecl { cron: cron?, timezone, missed, overlap, inputs, jitter })
    }
}
