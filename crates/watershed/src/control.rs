//! What the dashboard and its API need of the whole program: acts on runs, plans, configuration.

use anyhow::anyhow;
use watershed_engine::{Clock, Scheduled, SystemClock, exit, report_of_row, report_of_view};
use watershed_ledger::RunView;
use watershed_model::{
    ConnectionName, DeadLetter, Limit, Plan, RunId, RunReport, RunRow, StepReport,
};
use watershed_server::shape::{Connection, ConnectionLimit, Erased, Schedule};
use watershed_server::{Control, Diagnosis, Doing, Kind, Refusal, Rows};
use watershed_sink::CoverageCount;
use watershed_workflow::{compile, live_graph};

use crate::commands::{cancelled, lifted, over, paused, told};
use crate::connect::limits_of;
use crate::diagnosis::{diagnose, findings};
use crate::erasing::Erasing;
use crate::explain::explain;
use crate::settings::{Account, Settings, Vars};
use crate::site::Site;

/// All of it.
pub(crate) struct Desk {
    /// The stores, opened to say something to them.
    pub site: Site,
    /// What is configured.
    pub settings: Settings,
    /// The environment.
    pub vars: Vars,
    /// What is scheduled, and the plans of it.
    pub scheduled: Vec<Scheduled>,
}

impl Desk {
    async fn row(&self, run: &RunId) -> anyhow::Result<RunRow> {
        self.site.run_row(Some(run.as_str()), |_| true, "").await
    }
}

impl Control for Desk {
    fn report(&self, view: &RunView, rows: &Rows, coverage: &[CoverageCount]) -> RunReport {
        report_of_view(view, rows.clone(), coverage, self.site.now())
    }

    fn remembered(&self, row: RunRow, rows: &Rows) -> RunReport {
        report_of_row(row, rows.clone())
    }

    fn plan(&self, row: &RunRow) -> Option<Plan> {
        let compiled = compile(&row.workflow, &row.source, &watershed_zoom::catalogue()).ok()?;
        (compiled.hash == row.plan).then_some(compiled.plan)
    }

    fn picture(&self, plan: &Plan, steps: &[StepReport]) -> String {
        live_graph(plan, steps)
    }

    fn pause(&self, run: RunId) -> Doing<'_, ()> {
        Box::pin(async move {
            let row = self.row(&run).await.map_err(refusal)?;
            paused(&self.site, &row).await.map_err(refusal)
        })
    }

    fn resume(&self, run: RunId) -> Doing<'_, ()> {
        Box::pin(async move {
            let row = self.row(&run).await.map_err(refusal)?;
            if over(&self.site, &row).await.map_err(refusal)? {
                return Err(Refusal::new(Kind::Conflict, format!("run {run} has ended")));
            }
            lifted(&self.site, &row).await.map_err(refusal)
        })
    }

    fn cancel(&self, run: RunId) -> Doing<'_, ()> {
        Box::pin(async move {
            let row = self.row(&run).await.map_err(refusal)?;
            cancelled(&self.site, &row).await.map(drop).map_err(refusal)
        })
    }

    fn retry(&self, run: RunId, letters: Vec<DeadLetter>) -> Doing<'_, u64> {
        Box::pin(async move {
            let put_back = self.site.engine.put_back(&run, letters).await;
            put_back.map_err(|error| refusal(error.into()))
        })
    }

    fn connections(&self) -> Vec<Connection> {
        let all = self.settings.connections.iter();
        all.map(|(name, account)| connection(name, account, &self.vars)).collect()
    }

    fn schedules(&self) -> Doing<'_, Vec<Schedule>> {
        Box::pin(
            async move { Ok(told(&self.settings, &self.scheduled, Some(&*self.site.sink)).await?) },
        )
    }

    fn diagnose(&self, connection: String) -> Doing<'_, Diagnosis> {
        Box::pin(async move {
            let Some(account) = self.settings.connections.get(&connection) else {
                return Err(refusal(anyhow!("there is no connection {connection}")));
            };
            let found = diagnose(&connection, account, &self.settings, &self.vars, false).await;
            let found = found.map_err(refusal)?;
            let json = serde_json::to_value(&found).map_err(|error| refusal(error.into()))?;
            Ok(Diagnosis { complete: found.complete, findings: findings(&found), json })
        })
    }

    fn erase(&self, connection: ConnectionName, user: String) -> Doing<'_, Erased> {
        Box::pin(async move {
            let erasing = Erasing::of(connection, &self.settings, &self.vars).await;
            erasing.map_err(refusal)?.erase(&user).await.map_err(refusal)
        })
    }
}

fn connection(name: &str, account: &Account, vars: &Vars) -> Connection {
    let what = format!("connections.{name}.account_id");
    let limit = |limit: &Limit| ConnectionLimit {
        category: limit.categories.to_string(),
        period: limit.period.name(),
        calls: limit.calls,
    };
    Connection {
        connection: name.to_owned(),
        account_id: account.account_id.read_plain(&what, vars).ok(),
        tier: account.tier.clone(),
        tier_known: account.tier_known,
        share: account.share.at(SystemClock.now()),
        content: account.content.clone(),
        limits: limits_of(account, SystemClock.now()).0.iter().map(limit).collect(),
        webhooks: account.webhook_secret.is_some(),
        redacted: account.redact.keys().cloned().collect(),
    }
}

/// What an error means to whoever asked over HTTP.
fn refusal(error: anyhow::Error) -> Refusal {
    let fault = explain(&error);
    let ledger = error.downcast_ref::<watershed_ledger::Error>();
    let sink = error.downcast_ref::<watershed_sink::Error>();
    let engine = error.downcast_ref::<watershed_engine::Error>();
    let away = ledger.is_some_and(watershed_ledger::Error::waits)
        || sink.is_some_and(watershed_sink::Error::waits)
        || engine.is_some_and(watershed_engine::Error::waits);
    let kind = match (engine, fault.code()) {
        _ if away => Kind::Away,
        (Some(watershed_engine::Error::Nobody(_)), _) => Kind::Unknown,
        (Some(watershed_engine::Error::NamedByRun(_)), _) | (_, exit::USAGE) => Kind::Conflict,
        // It is over, or was never here: nothing is wrong with this server.
        _ if error.downcast_ref::<crate::fault::Fault>().is_some() => Kind::Conflict,
        _ => Kind::Failed,
    };
    Refusal { kind, message: fault.to_string(), hint: fault.way_out().map(str::to_owned) }
}
