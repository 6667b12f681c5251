//! `watershed rehearse`: days of a run in seconds, against an account that never was.

use std::collections::BTreeMap;
use std::fmt;
use std::fs::File;
use std::io::Write;
use std::sync::Arc;

use anyhow::{Context, Result};
use jiff::Timestamp;
use watershed_engine::{Content, Sampling, exit};
use watershed_model::Millis;
use watershed_rehearsal::{Rehearsed, as_busy};
use watershed_sink::SqliteSink;
use watershed_workflow::{Compiled, LOOKBACK_DAYS};
use watershed_zoom::limits::{Overrides, Tier, limits};
use watershed_zoom_sim::Spec;

use super::dispatch::{Call, asynchronous};
use super::run::{asked, request};
use crate::cli::{Rehearse, What};
use crate::connect;
use crate::fault::Fault;
use crate::progress::Remarks;
use crate::rehearsal::{self, Told};
use crate::site::Site;
use crate::workflows::{self, Found};

/// Of a working day, where nothing is said or sampled.
const MEETINGS: f64 = 0.5;
/// The part of the limit, where nothing is said.
const SHARE: f64 = 0.9;
/// Calls that a sample makes at most, besides the lists of the whole account. It is to tell how
/// many instances there are, not what they cost: 100 calls end among the lists of meetings, with
/// 200 the instances of an account of 400 people were told within 4 %.
const SAMPLE_MAX: u64 = 250;
/// Tasks at once.
const CONCURRENCY: u16 = 64;
/// Rehearsals beside the first: each has a colour.
const COMPARED_MAX: usize = 7;
/// The largest account that is rehearsed. Of one ten times smaller it is hours.
const USERS_MAX: u64 = 1_000_000;
/// The most meetings of a person on a working day.
const MEETINGS_MAX: f64 = 50.0;
/// The slowest answer: a call takes no longer than a minute.
const LATENCY_MAX_MS: u64 = 60_000;
/// The most processes.
const WORKERS_MAX: u16 = 64;

/// Rehearses, once for each comparison more, and tells.
pub(crate) fn rehearse(args: Rehearse, call: Call) -> Result<u8> {
    let found = workflows::find(&args.what.workflow)?;
    let compiled = workflows::compiled(&found, &call.out)?;
    let plain = Setting::of(&args, &call)?;
    if args.compare.len() > COMPARED_MAX {
        return Err(Fault::usage(format!("--compare: at most {COMPARED_MAX} stand side by side"))
            .hint("rehearse the others by themselves")
            .into());
    }
    // All that may be wrong is found before the first one begins.
    let mut all = vec![("as asked".to_owned(), plain.rehearsed(&found, &compiled)?)];
    for (name, value) in &args.compare {
        let changed = plain.clone().with(name, value)?.rehearsed(&found, &compiled);
        let changed = changed.with_context(|| format!("--compare {name}={value}"))?;
        all.push((format!("{name}={value}"), changed));
    }
    let page = args
        .html
        .as_ref()
        .map(|path| File::create(path).with_context(|| format!("write {}", path.display())));
    let page = page.transpose()?;
    let out = call.out;
    let mut told = Vec::with_capacity(all.len());
    for (label, rehearsed) in all {
        let mut remarks = Remarks::new(out);
        let begun = Millis::from(rehearsed.account.now);
        let rehearsal = watershed_rehearsal::rehearse(&rehearsed, &mut |view, now| {
            remarks.show(|| format!("{label}: {}", rehearsal::progress(view, now - begun)));
        })?;
        drop(remarks);
        told.push(Told { label, rehearsal });
    }
    if out.json {
        out.object(&serde_json::json!({ "rehearsals": told }))?;
    } else {
        out.text(&rehearsal::text(&told))?;
    }
    if let (Some(mut page), Some(path)) = (page, &args.html) {
        page.write_all(rehearsal::page(&told).as_bytes())
            .with_context(|| format!("write {}", path.display()))?;
        out.remark(format!("charts are in {}", path.display()));
    }
    Ok(exit::COMPLETE)
}

/// What a rehearsal is made from; each may be changed for a comparison.
#[derive(Clone)]
struct Setting {
    inputs: BTreeMap<String, String>,
    users: u64,
    tier: String,
    share: f64,
    overrides: Overrides,
    content: Content,
    meetings_per_user: f64,
    latency: u64,
    workers: u16,
    seed: u64,
    now: Timestamp,
}

impl Setting {
    fn of(args: &Rehearse, call: &Call) -> Result<Setting> {
        let mut setting = Setting {
            inputs: args.what.inputs.iter().cloned().collect(),
            users: args.users.unwrap_or(1),
            tier: args.tier.clone().unwrap_or_default(),
            share: args.share.unwrap_or(SHARE),
            overrides: Overrides::default(),
            content: Content::Transcripts,
            meetings_per_user: args.meetings_per_user.unwrap_or(MEETINGS),
            latency: args.latency,
            workers: args.workers,
            seed: args.seed,
            now: Timestamp::now(),
        };
        if args.what.connection.is_some() || args.sample {
            let (by, account) = call.settings.connection(args.what.connection.as_deref())?;
            let connection = connect::connection(by, account, &call.vars)?;
            setting.content = connection.content;
            setting.overrides = connect::overrides(account);
            if args.share.is_none() {
                setting.share = account.share.at(setting.now.into());
                if account.share.changes() {
                    call.out.remark(format!(
                        "the share changes by the hour: {} of now is rehearsed for all of them",
                        setting.share
                    ));
                }
            }
            if args.tier.is_none() {
                setting.tier.clone_from(&account.tier);
            }
        }
        if args.sample {
            let (users, meetings) = sampled(&args.what, call)?;
            setting.users = args.users.unwrap_or(users);
            setting.meetings_per_user = args.meetings_per_user.unwrap_or(meetings);
            call.out.remark(format!(
                "sampled: {users} people, each {meetings:.2} meetings on a working day"
            ));
        }
        Ok(setting)
    }

    /// The same with one thing changed.
    fn with(mut self, name: &str, value: &str) -> Result<Setting, Fault> {
        let wrong = || {
            Fault::usage(format!("--compare {name}={value}: that is no value for it"))
                .hint("numbers are written plainly, such as share=0.5 or workers=4")
        };
        match name {
            "tier" => value.clone_into(&mut self.tier),
            "share" => self.share = value.parse().map_err(|_| wrong())?,
            "users" => self.users = value.parse().map_err(|_| wrong())?,
            "meetings-per-user" => self.meetings_per_user = value.parse().map_err(|_| wrong())?,
            "latency" => self.latency = value.parse().map_err(|_| wrong())?,
            "workers" => self.workers = value.parse().map_err(|_| wrong())?,
            // Whether the workflow has it, the workflow says.
            input => {
                self.inputs.insert(input.to_owned(), value.to_owned());
            }
        }
        Ok(self)
    }

    /// Figures that an account and a machine can have.
    fn in_bounds(&self) -> Result<(), String> {
        let told = |name: &str, given: &dyn fmt::Display, most: &dyn fmt::Display| {
            Err(format!("{name} {given}: it is at most {most}, and above 0"))
        };
        let meetings = self.meetings_per_user;
        if !(1..=USERS_MAX).contains(&self.users) {
            return told("users", &self.users, &USERS_MAX);
        }
        if !(meetings > 0.0 && meetings <= MEETINGS_MAX) {
            return told("meetings-per-user", &meetings, &MEETINGS_MAX);
        }
        if !(1..=WORKERS_MAX).contains(&self.workers) {
            return told("workers", &self.workers, &WORKERS_MAX);
        }
        if self.latency > LATENCY_MAX_MS {
            return Err(format!("latency {}: it is at most {LATENCY_MAX_MS} ms", self.latency));
        }
        Ok(())
    }

    fn rehearsed(&self, found: &Found, compiled: &Compiled) -> Result<Rehearsed> {
        let usage =
            |why: String| Fault::usage(why).hint("`watershed rehearse --help` has examples");
        if !(self.share > 0.0 && self.share <= 1.0) {
            return Err(usage(format!("share {}: it is above 0 and at most 1", self.share)).into());
        }
        self.in_bounds().map_err(usage)?;
        let tier: Tier = self.tier.parse().map_err(|e| usage(format!("tier: {e}")))?;
        let inputs = self.inputs.clone().into_iter().collect();
        let request =
            request("rehearsal", found.clone(), compiled.clone(), inputs, None, LOOKBACK_DAYS)?;
        let mut account = Spec {
            users: self.users,
            seed: self.seed,
            tier: tier.name().parse()?,
            latency_ms: self.latency,
            now: self.now,
            ..Spec::default()
        };
        // Limits that differ from the plan's are the account's own.
        account.limits = rehearsal::limit_spec(&self.overrides);
        Ok(Rehearsed {
            account: as_busy(&account, self.meetings_per_user),
            source: request.source,
            plan: request.plan,
            hash: request.hash,
            inputs: request.inputs,
            limits: limits(tier, &self.overrides, self.share),
            content: self.content,
            workers: self.workers,
            concurrency: CONCURRENCY,
        })
    }
}

/// How many people and meetings the connection has, from a small estimate.
fn sampled(what: &What, call: &Call) -> Result<(u64, f64)> {
    let what = What {
        workflow: what.workflow.clone(),
        connection: what.connection.clone(),
        inputs: what.inputs.clone(),
    };
    let (request, connection) = asked(what, None, call)?;
    let told = asynchronous(async {
        let site = Site::to_estimate(&call.settings, vec![connection]).await?;
        let scratch = Arc::new(SqliteSink::in_memory(watershed_zoom::catalogue()).await?);
        let how = Sampling { calls_max: Some(SAMPLE_MAX), part: 1.0, scratch };
        Ok(site.engine.estimate(request, how).await?)
    })?;
    let rows = |operation: &str| {
        told.steps.iter().filter(|step| step.operation == operation).map(|step| step.rows).sum()
    };
    let (users, held): (u64, u64) = (rows("zoom.list_users"), rows("zoom.list_past_instances"));
    let working_days = f64::from(Spec::default().days) * 5.0 / 7.0;
    Ok((users.max(1), held as f64 / users.max(1) as f64 / working_days))
}
