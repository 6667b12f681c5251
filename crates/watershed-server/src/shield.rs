//! Erased people are kept out of what webhooks bring, before any of it is written.
//!
//! The sink refuses events of who knows of fewer erased people than it remembers: then they are
//! learned anew.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use watershed_model::{ConnectionName, InboxEvent, LeftOutWhy};
use watershed_sink::{Error, Sink};
use watershed_zoom::people::{Agreed, Mark, People};

/// Whom nothing is kept of.
pub(crate) struct Shield {
    agreed: BTreeMap<ConnectionName, Arc<Agreed>>,
    sink: Arc<dyn Sink>,
    people: BTreeMap<ConnectionName, People>,
}

impl Shield {
    /// Knows nobody yet. Of a connection that is not in `agreed` nobody can be erased.
    pub(crate) fn new(
        agreed: BTreeMap<ConnectionName, Arc<Agreed>>,
        sink: Arc<dyn Sink>,
    ) -> Shield {
        Shield { agreed, sink, people: BTreeMap::new() }
    }

    /// Learns who was erased by now.
    ///
    /// # Errors
    /// The sink's.
    pub(crate) async fn learn(&mut self) -> Result<(), Error> {
        for (connection, agreed) in &self.agreed {
            let known = self.sink.left_out(connection.clone()).await?;
            let erased = known.iter().filter(|left_out| left_out.why == LeftOutWhy::Erased);
            let erased = erased.map(|left_out| Mark(left_out.mark)).collect();
            let people = People::new(Arc::clone(agreed), erased, BTreeSet::new());
            self.people.insert(connection.clone(), people);
        }
        Ok(())
    }

    /// Marks of erased people that are known here.
    pub(crate) fn known(&self) -> BTreeMap<ConnectionName, u64> {
        self.people.iter().map(|(name, people)| (name.clone(), people.erased())).collect()
    }

    /// The event without erased people; `None`: it is about one of them.
    pub(crate) fn without(&self, event: &InboxEvent) -> Option<InboxEvent> {
        let mut event = event.clone();
        let kept = match self.people.get(&event.connection) {
            Some(people) => people.event(&event.event, &mut event.body),
            None => true,
        };
        kept.then_some(event)
    }
}
