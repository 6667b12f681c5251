//! The shell: workers, transport, token, submit, shutdown.
//!
//! Puts pure parts to work: a compiled plan (`watershed-workflow`), a ledger's rules
//! (`watershed-ledger`), Zoom's operations (`watershed-zoom`) and a sink
//! (`watershed-sink`). Knows no adapter: ledger, sink and network come as trait objects.
//! Time and chance come through [`Clock`] alone; apalis is known to `runtime` alone.
//! Begin with `task` (a task's hops in order), then `dispatch` (who settles, who leases).

mod active;
mod clock;
mod conclude;
mod connection;
mod covered;
mod days;
mod delay;
mod dispatch;
mod echo;
mod engine;
mod entry;
mod erase;
mod error;
mod estimate;
mod events;
pub mod exit;
mod files;
mod http;
mod late;
mod letter;
mod metric;
mod missing;
mod offset;
mod pace;
mod people;
mod phase;
mod probe;
mod public;
mod reach;
mod report;
mod room;
mod runtime;
mod scheduler;
mod spawned;
mod stop;
mod submit;
mod task;
mod token;
mod transport;

pub use clock::{Clock, SystemClock};
pub use connection::{Connection, Content, Credentials, LimitsAt, ReadCredentials};
pub use delay::delay_ms;
pub use dispatch::{Ending, LOOK_MS, WorkerSettings};
pub use engine::{Engine, Parts, Standing};
pub use erase::Erased;
pub use error::Error;
pub use estimate::{
    CategoryEstimate, Estimate, LeftOut, LimitTime, Sampled, SampledFor, Sampling, StepEstimate,
    limit_times,
};
pub use events::Events;
pub use http::HttpTransport;
pub use report::{eta, report_of_row, report_of_view};
pub use scheduler::{Acted, Scheduled};
pub use stop::{Stop, StopHandle, Stopping, stop};
pub use submit::{Request, Submitted};
pub use token::NoToken;
pub use transport::{Answered, Answering, Call, Opened, Opening, Rest, Transport, TransportError};
