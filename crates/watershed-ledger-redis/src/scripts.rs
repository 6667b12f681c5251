//! The scripts: the shared parts and a verb each, joined when this is compiled.

use std::sync::LazyLock;

use redis::Script;
use watershed_model::PLAN_FORMAT;

/// The version of the records on Redis. It changes when what an older program wrote would be
/// read wrongly.
const STATE_VERSION: u32 = 3;

/// The version that this program speaks. Only what is built for tests can be another one.
fn version() -> u32 {
    let off = cfg!(debug_assertions).then(|| std::env::var("WATERSHED_TEST_LEDGER_OFF").ok());
    let off = off.flatten().and_then(|off| off.parse().ok()).unwrap_or(0);
    STATE_VERSION.saturating_add_signed(off)
}

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

/// Redis 7 or later lets such a script write where no memory is left.
const TIGHT: &str = "#!lua flags=allow-oom\n";

/// A verb's script.
pub(crate) struct Verb {
    pub(crate) plain: Script,
    /// The same for where Redis has no memory left, and that verb must go on.
    pub(crate) tight: Option<Script>,
}

fn source(tight: bool, verb: &str) -> Script {
    let flags = if tight { TIGHT } else { "" };
    Script::new(&format!(
        "{flags}local PLAN_FORMAT, STATE_VERSION, TIGHT = {PLAN_FORMAT}, {}, {tight}\n\
         {SHARED}{verb}",
        version()
    ))
}

macro_rules! scripts {
    ($($name:ident $goes_on:literal),*) => {
        /// The script of each verb.
        pub(crate) struct Scripts {
            $(pub(crate) $name: Verb,)*
        }

        pub(crate) static SCRIPTS: LazyLock<Scripts> = LazyLock::new(|| Scripts {
            $($name: {
                let verb = include_str!(concat!("../lua/", stringify!($name), ".lua"));
                Verb {
                    plain: source(false, verb),
                    tight: $goes_on.then(|| source(true, verb)),
                }
            },)*
        });
    };
}

// Whether it goes on without memory: what makes the state smaller, or keeps it.
scripts!(
    submit false,
    exchange true,
    extend true,
    takeover true,
    turn true,
    retry false,
    limits true,
    look false,
    runs false,
    workers false
);

/// Where accounts, lanes and runs are found: KEYS accounts, lanes, runs; ARGV an account, a lane
/// or '', a run or ''. Gives the account its number, and tells it.
pub(crate) static REGISTER: LazyLock<Script> =
    LazyLock::new(|| Script::new(include_str!("../lua/register.lua")));
