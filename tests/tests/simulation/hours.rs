//! A share that hangs on the time of the day: who is there when the hour comes keeps to it.

use std::sync::Arc;

use watershed_engine::{Clock, Connection, Content, LimitsAt, Request, stop};
use watershed_model::{Category, CategorySet, Limit, Limits, Millis, Period, RunId, Trigger};
use watershed_rehearsal::{VirtualClock, connection, in_virtual_time};
use watershed_workflow::{Compiled, resolve_inputs};
use watershed_zoom_sim::{Account, Spec};

use crate::calm::{Calm, settings, shipped};

const MINUTE: i64 = 60_000;
/// Light calls a second before the hour, and from then on.
const BEFORE: f64 = 2.0;
const AFTER: f64 = 10.0;

#[test]
fn when_the_hour_comes_the_other_share_counts() {
    let begins = Millis::from(Spec::default().now);
    let hour = begins + 2 * MINUTE;
    let clock = VirtualClock::new(begins, 5);
    in_virtual_time(&clock, async {
        let account = Arc::new(Account::new(Spec { users: 80, seed: 5, ..Spec::default() }));
        let limits = move |now: Millis| {
            let calls = if now < hour { BEFORE } else { AFTER };
            Limits(vec![Limit::new(CategorySet::of(&[Category::Light]), Period::Second, calls)])
        };
        let none = Limits(Vec::new());
        let of = Connection {
            limits: LimitsAt::new(limits),
            ..connection("acme".into(), &account, none, Content::Metadata)
        };
        let Calm { engine, .. } = Calm::new(&clock, 5, &account, of).await;
        let (source, Compiled { plan, hash, .. }) = shipped("zoom-backfill");
        let given = [("details".to_owned(), "full".to_owned())].into();
        let inputs = resolve_inputs(&plan, &given, begins.date()).expect("its inputs");
        let id = RunId::from("hours");
        let request = Request {
            connection: "acme".into(),
            source,
            plan,
            hash,
            inputs,
            run: Some(id.clone()),
            fresh: id.clone(),
            trigger: Trigger::Manual,
        };
        engine.submit(request).await.expect("it begins");
        let light = || -> f64 {
            let stats = account.stats();
            let of = [
                "get_past_meeting",
                "get_user",
                "get_meeting",
                "get_invitation",
                "get_recording",
                "get_recording_settings",
            ];
            let calls = of.iter().filter_map(|name| stats.calls.get(*name));
            calls.flat_map(|by| by.values()).sum::<u64>() as f64
        };
        let (_handle, never) = stop();
        let counted = async {
            let mut counts = Vec::new();
            for minutes in [1, 2, 3] {
                clock.sleep_until(begins + minutes * MINUTE).await;
                counts.push(light());
            }
            counts
        };
        let counts = tokio::select! {
            biased;
            counts = counted => counts,
            ended = engine.work(Some(&id), settings(), never) => panic!("too little: {ended:?}"),
        };
        let (second, third) = (counts[1] - counts[0], counts[2] - counts[1]);
        assert!((0.95..=1.0).contains(&(second / (BEFORE * 60.0))), "{counts:?}");
        assert!((0.9..=1.0).contains(&(third / (AFTER * 60.0))), "{counts:?}");
    });
}
