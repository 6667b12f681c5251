//! A diagnosis as a list: what was looked at, how it is, what to do.

use watershed_server::{Finding, Standing};

use super::{Checked, Diagnosis};
use crate::output::name;

/// All that was looked at, scopes included.
pub(crate) fn findings(found: &Diagnosis) -> Vec<Finding> {
    let mut all = looked_at(found);
    let tier = &found.tier;
    let standing = if tier.costs.is_empty() { Standing::Good } else { Standing::Bad };
    let means = match tier.costs.as_slice() {
        [] => tier.means.clone(),
        costs => format!("{}; not on this plan: {}", tier.means, costs.join(", ")),
    };
    all.push(finding("tier", standing, &format!("{}: {means}", tier.tier), None));
    if found.token.ok {
        all.extend(scopes(found));
    }
    all
}

/// What is told in a line each: token, stores, clock, role, settings, webhooks.
pub(crate) fn looked_at(found: &Diagnosis) -> Vec<Finding> {
    let mut all = vec![checked("token", &found.token), checked("state", &found.ledger.answers)];
    for of_ledger in &found.ledger.findings {
        let standing = if of_ledger.grave { Standing::Bad } else { Standing::Note };
        all.push(finding("", standing, &of_ledger.found, Some(&of_ledger.hint)));
    }
    all.extend(found.ledger.walk.as_ref().map(|walk| checked("", walk)));
    all.push(checked("data", &found.sink));
    if let Some(clock) = &found.clock {
        all.push(noted("clock", clock.ok, &clock.found, clock.hint.as_deref()));
    }
    all.extend(found.role.as_ref().map(|role| checked("role", role)));
    if let Some(on) = &found.recording {
        all.push(noted("records", on.ok, &on.found, on.hint.as_deref()));
    }
    let hooks = &found.webhooks;
    let set = hooks.ok && hooks.hint.is_none();
    all.push(noted("webhooks", set, &hooks.found, hooks.hint.as_deref()));
    all
}

fn scopes(found: &Diagnosis) -> Vec<Finding> {
    let missing = found.scopes.iter().filter(|scope| scope.granted != Some(true));
    let mut all: Vec<Finding> = missing
        .map(|scope| {
            let (standing, costs) = match scope.costs.as_slice() {
                [] => (Standing::Note, format!("nothing of the backfill; {}", scope.brings)),
                steps => (Standing::Bad, format!("the steps {}", steps.join(", "))),
            };
            let found = format!("{} is missing: it costs {costs}", scope.scope);
            let hint = "add it in the Zoom App Marketplace: it comes with the next token";
            finding("scope", standing, &found, Some(hint))
        })
        .collect();
    let granted = found.scopes.len() - all.len();
    let told = format!("{granted} of {} are granted", found.scopes.len());
    all.insert(0, finding("scopes", Standing::Good, &told, None));
    all.extend(found.excess.iter().map(|scope| {
        let told = format!("{} allows writing, which is never needed", name(scope));
        finding("scope", Standing::Note, &told, None)
    }));
    all
}

fn checked(about: &str, checked: &Checked) -> Finding {
    let standing = if checked.ok { Standing::Good } else { Standing::Bad };
    finding(about, standing, &checked.found, checked.hint.as_deref())
}

/// What deserves a word but leaves nothing out.
fn noted(about: &str, ok: bool, found: &str, hint: Option<&str>) -> Finding {
    let standing = if ok { Standing::Good } else { Standing::Note };
    finding(about, standing, found, hint)
}

fn finding(about: &str, standing: Standing, found: &str, hint: Option<&str>) -> Finding {
    Finding {
        about: about.to_owned(),
        standing,
        found: found.to_owned(),
        hint: hint.map(str::to_owned),
    }
}
