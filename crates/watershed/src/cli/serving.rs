//! Arguments of what listens, and of what sends there.

use std::net::SocketAddr;

use clap::{Args, Subcommand};

/// `serve`
#[derive(Debug, Args)]
pub(crate) struct Serve {
    /// Where to listen; port 0 takes a free one [default: `server.listen`]
    #[arg(long, value_name = "ADDR")]
    pub listen: Option<SocketAddr>,
}

/// `up`
#[derive(Debug, Args)]
pub(crate) struct Up {
    /// Where to listen; port 0 takes a free one [default: `server.listen`]
    #[arg(long, value_name = "ADDR")]
    pub listen: Option<SocketAddr>,
}

/// `webhook`
#[derive(Debug, Args)]
pub(crate) struct Webhook {
    /// What to do
    #[command(subcommand)]
    pub command: WebhookCommand,
}

/// What `webhook` does.
#[derive(Debug, Subcommand)]
pub(crate) enum WebhookCommand {
    /// Sign and send a sample event, and tell how it was answered
    #[command(after_help = "Example:
  watershed webhook send meeting.ended --to https://hooks.example.com

endpoint.url_validation sends the challenge with which Zoom makes sure of an endpoint. Exit code
1 where it was not taken.")]
    Send(Send),
}

/// `webhook send`
#[derive(Debug, Args)]
pub(crate) struct Send {
    /// The event, such as meeting.ended or recording.completed
    #[arg(value_name = "EVENT")]
    pub event: String,
    /// The server, or the whole address of the endpoint
    #[arg(long, value_name = "URL")]
    pub to: String,
    /// The connection with whose secret it is signed; may be left out where there is one
    #[arg(long, value_name = "NAME")]
    pub connection: Option<String>,
}
