//! Which files start together, and by whose permit.

use std::collections::BTreeMap;

use watershed_ledger::Fence;
use watershed_zoom::files::FileRef;

use super::key;
use crate::task::{Job, Todo};

/// Jobs as they start, and those that cannot: their permit is another's.
pub(crate) struct Parties {
    pub(crate) start: Vec<Vec<Job>>,
    pub(crate) unpermitted: Vec<Job>,
}

/// Files of one recording that were leased together start together, in the last of their slots, and
/// come back together: one reading serves them all, or none.
pub(crate) fn together(jobs: Vec<Job>) -> Parties {
    let claims: Vec<Claim> = jobs.iter().map(Claim::of).collect();
    let mut jobs: Vec<Option<Job>> = jobs.into_iter().map(Some).collect();
    let mut parties = Parties { start: Vec::new(), unpermitted: Vec::new() };
    for Party { members, permits } in parted(&claims) {
        let slot = |at: &usize| jobs[*at].as_ref().map(|job| (job.start_from, job.start_until));
        let slot = permits.iter().filter_map(slot).max();
        let mut party = Vec::with_capacity(members.len());
        for at in members {
            let Some(mut job) = jobs[at].take() else { continue };
            if claims[at].counted && !permits.contains(&at) {
                parties.unpermitted.push(job);
                continue;
            }
            (job.start_from, job.start_until) = slot.unwrap_or((job.start_from, job.start_until));
            party.push(job);
        }
        if !party.is_empty() {
            parties.start.push(party);
        }
    }
    parties
}

/// What a job asks of its permit.
struct Claim {
    /// The recording that it must read.
    recording: Option<String>,
    fence: Fence,
    /// Whether its permit is that of the one before it.
    bound: bool,
    /// Whether it may make a call that a limit counts.
    counted: bool,
}

impl Claim {
    fn of(job: &Job) -> Claim {
        let counted = job.leased.category.is_some() && !matches!(job.todo, Todo::End(_));
        let (fence, bound) = (job.leased.fence, job.leased.bound);
        Claim { recording: recording_of(job), fence, bound, counted }
    }
}

/// Jobs of one recording, by their places.
#[derive(Debug, PartialEq, Eq)]
struct Party {
    members: Vec<usize>,
    /// Those of them whose permits are the party's. Who counts and is not among them cannot start.
    permits: Vec<usize>,
}

/// Who starts with whom. A permit that serves several is one reading's: that of the first recording
/// among them which may ask.
fn parted(claims: &[Claim]) -> Vec<Party> {
    let mut parties: Vec<Party> = Vec::new();
    let mut of: BTreeMap<&str, usize> = BTreeMap::new();
    // Whose each permit is: the place of its party.
    let mut owners: BTreeMap<Fence, usize> = BTreeMap::new();
    let mut last: Option<Fence> = None;
    for (at, claim) in claims.iter().enumerate() {
        let before = last.filter(|last| claim.bound && last.lease == claim.fence.lease);
        let permit = *last.insert(before.unwrap_or(claim.fence));
        let party = match &claim.recording {
            Some(recording) => *of.entry(recording).or_insert(parties.len()),
            None => parties.len(),
        };
        if party == parties.len() {
            parties.push(Party { members: Vec::new(), permits: Vec::new() });
        }
        parties[party].members.push(at);
        if claim.counted && *owners.entry(permit).or_insert(party) == party {
            parties[party].permits.push(at);
        }
    }
    parties
}

/// The recording that a job must read for its file.
fn recording_of(job: &Job) -> Option<String> {
    let (Todo::Ask(ask) | Todo::Known(ask, _)) = &job.todo else { return None };
    if !job.is_file() {
        return None;
    }
    let file = FileRef::of(&ask.with).ok()?;
    Some(key(&job.run, &file.instance_uuid))
}

#[cfg(test)]
mod tests {
    use watershed_ledger::LeaseId;

    use super::*;

    /// Files, each of a recording and perhaps bound to the one before it, or not to be asked for.
    fn party_of(files: &[(&str, bool, bool)]) -> Vec<(Vec<usize>, Vec<usize>)> {
        let claim = |(index, (recording, bound, counted)): (u16, &(&str, bool, bool))| Claim {
            recording: counted.then(|| (*recording).to_owned()),
            fence: Fence { lease: LeaseId(7), nonce: 1, index },
            bound: *bound,
            counted: *counted,
        };
        let claims: Vec<Claim> = (0..).zip(files).map(claim).collect();
        parted(&claims).into_iter().map(|party| (party.members, party.permits)).collect()
    }

    #[test]
    fn a_permit_that_serves_several_is_that_of_one_recording() {
        let (own, bound, asks, ends) = (false, true, true, false);
        let files = [("a", own, asks), ("a", bound, asks), ("b", own, asks), ("b", bound, asks)];
        assert_eq!(party_of(&files), [(vec![0, 1], vec![0, 1]), (vec![2, 3], vec![2, 3])]);
        // The first of `b` was known, and its second stood behind `a`: it has no permit.
        let files = [("a", own, asks), ("b", bound, asks), ("a", bound, asks)];
        assert_eq!(party_of(&files), [(vec![0, 2], vec![0, 2]), (vec![1], vec![])]);
        // With a permit of its own elsewhere the recording starts, and what has none does not: it
        // would be counted on another's.
        let files = [("a", own, asks), ("b", bound, asks), ("b", own, asks)];
        assert_eq!(party_of(&files), [(vec![0], vec![0]), (vec![1, 2], vec![2])]);
        // Who needs no call leaves the permit to whoever is bound to it.
        let files = [("a", own, ends), ("a", bound, asks), ("a", bound, asks)];
        assert_eq!(party_of(&files), [(vec![0], vec![]), (vec![1, 2], vec![1, 2])]);
        // One recording with permits of its own starts by any of them.
        let files = [("a", own, asks), ("a", own, asks), ("b", own, asks)];
        assert_eq!(party_of(&files), [(vec![0, 1], vec![0, 1]), (vec![2], vec![2])]);
    }
}
