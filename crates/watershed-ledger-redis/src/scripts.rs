//! The scripts: the shared parts and a verb each, joined when this is compiled.

use std::sync::LazyLock;

use redis::Script;
use watershed_model::PLAN_FORMAT;

/// The version of the records on Redis. It changes when what an older program wrote would be
/// read wrongly.
pub(crate) const STATE_VERSION: u32 = 1;

const SHARED: &str = concat!(
    include_str!("../lua/_base.lua"),
    include_str!("../lua/_store.lua"),
    include_str!("../lua/_ground.lua"),
    include_str!("../lua/_budget.lua"),
    include_str!("../lua/_order.lua"),
    include_str!("../lua/_scarce.lua"),
    include_str!("../lua/_fold.lua"),
    include_str!("../lua/_brought.lua"),
    include_str!("../lua/_spawn.lua"),
    include_str!("../lua/_lease.lua"),
    include_str!("../lua/_runs.lua"),
    include_str!("../lua/_settle.lua"),
    include_str!("../lua/_take.lua"),
    include_str!("../lua/_open.lua"),
);

macro_rules! scripts {
    ($($name:ident),*) => {
        /// The script of each verb.
        pub(crate) struct Scripts {
            $(pub(crate) $name: Script,)*
        }

        pub(crate) static SCRIPTS: LazyLock<Scripts> = LazyLock::new(|| {
            let version = |verb: &str| {
                let constants =
                    format!("local PLAN_FORMAT, STATE_VERSION = {PLAN_FORMAT}, {STATE_VERSION}\n");
                Script::new(&format!("{constants}{SHARED}{verb}"))
            };
            Scripts {
                $($name: version(include_str!(concat!("../lua/", stringify!($name), ".lua"))),)*
            }
        });
    };
}

scripts!(submit, exchange, extend, takeover, turn, retry, limits, look, runs);

/// Where accounts, lanes and runs are found: KEYS accounts, lanes, runs; ARGV an account, a lane
/// or '', a run or ''. Gives the account its number, and tells it.
pub(crate) static REGISTER: LazyLock<Script> =
    LazyLock::new(|| Script::new(include_str!("../lua/register.lua")));
