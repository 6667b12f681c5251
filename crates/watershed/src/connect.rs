//! From a configured account to the engine's connection.

use std::sync::Arc;

use secrecy::ExposeSecret as _;
use watershed_engine::{Connection, Content, Credentials, LimitsAt};
use watershed_model::{AccountId, ConnectionName, Limits, Millis, Period};
use watershed_zoom::limits::{Overrides, Tier, limits};
use watershed_zoom::people::{Agreed, Choice};

use crate::fault::Fault;
use crate::redact;
use crate::settings::{Account, Vars};

/// Makes the connection; its credentials are read once, so that what is missing is told now.
pub(crate) fn connection(name: &str, account: &Account, vars: &Vars) -> Result<Connection, Fault> {
    let first = credentials(name, account, vars)?;
    let rules = redact::rules(name, account, vars)?;
    let agreed = agreed(name, account, vars)?;
    let (again, by, vars) = (account.clone(), name.to_owned(), vars.clone());
    Ok(Connection {
        name: ConnectionName::from(name),
        account: first.account_id,
        credentials: Arc::new(move || {
            credentials(&by, &again, &vars).map_err(|fault| fault.to_string())
        }),
        api_url: account.api_url.clone(),
        token_url: account.token_url.clone(),
        limits: LimitsAt::new({
            let account = account.clone();
            move |now| limits_of(&account, now)
        }),
        content: content(account),
        delete_ceiling: account.delete_ceiling,
        agreed,
        redact: rules,
    })
}

/// Whom the customer agreed to.
pub(crate) fn agreed(
    name: &str,
    account: &Account,
    vars: &Vars,
) -> Result<Option<Arc<Agreed>>, Fault> {
    let what = |key: &str| format!("connections.{name}.{key}");
    let choice = Choice::new(&account.users.include, &account.users.exclude)
        .map_err(|error| Fault::usage(format!("{}: {error}", what("users"))))?;
    let key = account.redact_key.as_ref().map(|key| key.read(&what("redact_key"), vars));
    let Some(key) = key.transpose()?.filter(|key| !key.expose_secret().is_empty()) else {
        return match account.users.chosen() {
            false => Ok(None),
            true => Err(Fault::usage(format!("{}: it needs redact_key", what("users"))).hint(
                "people who are left out are remembered by keyed marks, and appear elsewhere by \
                 pseudonyms: give the connection a redact_key, and keep it",
            )),
        };
    };
    Ok(Agreed::new(choice, key.expose_secret().as_bytes()).map(Arc::new))
}

/// The limits that the connection may use at that time, with what of a day is kept for events.
pub(crate) fn limits_of(account: &Account, now: Millis) -> Limits {
    // The settings know the same names; the lowest tier is within every other's limits.
    let tier = account.tier.parse().unwrap_or(Tier::Free);
    let Limits(mut limits) = limits(tier, &overrides(account), account.share.at(now));
    for limit in limits.iter_mut().filter(|limit| limit.period == Period::Day) {
        limit.reserve = limit.calls * account.reserve_events;
    }
    Limits(limits)
}

/// What the customer was told of the account's limits, in place of the plan's.
pub(crate) fn overrides(account: &Account) -> Overrides {
    Overrides {
        light_per_second: account.limits.light_per_second,
        medium_per_second: account.limits.medium_per_second,
        heavy_per_second: account.limits.heavy_per_second,
        heavy_per_day: account.limits.heavy_per_day,
    }
}

/// What is said where nobody named the plan.
pub(crate) fn tier_guess(name: &str, account: &Account) -> Option<String> {
    (!account.tier_known).then(|| {
        format!(
            "connection {name}: the Zoom plan is not named, so the limits of {:?} are kept to, \
             the lowest; set ZOOM_TIER or connections.{name}.tier",
            account.tier
        )
    })
}

fn content(account: &Account) -> Content {
    match account.content.as_str() {
        "metadata" => Content::Metadata,
        "recordings" => Content::Recordings,
        _ => Content::Transcripts,
    }
}

fn credentials(name: &str, account: &Account, vars: &Vars) -> Result<Credentials, Fault> {
    let what = |key: &str| format!("connections.{name}.{key}");
    Ok(Credentials {
        account_id: AccountId(account.account_id.read_plain(&what("account_id"), vars)?),
        client_id: account.client_id.read(&what("client_id"), vars)?,
        client_secret: account.client_secret.read(&what("client_secret"), vars)?,
    })
}
