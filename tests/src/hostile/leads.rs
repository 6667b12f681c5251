//! Ways to lead a call to somebody else.

use std::io;

use super::wire::Wire;
use super::{ALL, Behaviour, Leaves};

/// How calls are led away. `{own}` in a lead is the hostile server's own `HOST:PORT`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Lead {
    /// The files of a recording are said to be there.
    Address,
    /// The call is answered by this head: a status, and header lines.
    Head,
}

impl Lead {
    /// The behaviour that leads so.
    pub fn behaviour(self) -> Behaviour {
        match self {
            Lead::Address => {
                Behaviour::new("led by the address of a file", ALL, Leaves::Less, |wire| {
                    let shared = wire.shared;
                    wire.changed(|body| {
                        let files = body["recording_files"].as_array_mut();
                        for file in files.into_iter().flatten() {
                            file["download_url"] = shared.lead().into();
                        }
                    })
                })
            }
            Lead::Head => Behaviour::new("led by an answer", ALL, Leaves::Less, answer),
        }
    }
}

fn answer(wire: &mut Wire<'_>) -> io::Result<()> {
    let head = wire.shared.lead();
    wire.raw(format!("HTTP/1.1 {head}\r\nset-cookie: a=b; path=/\r\ncontent-length: 0\r\n\r\n"))
}
