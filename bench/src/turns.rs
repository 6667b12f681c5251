//! Watershed and queues on Redis in turn, each on a new server, so that a slow minute of the
//! machine meets them all; the median of each counts.

use anyhow::{Context, Result};

use crate::figure::{Better, Figure, median};
use crate::peer::Peer;

const ROUNDS: usize = 3;

/// A peer at work: the program, with what words, and the figure that it tells of it.
pub(crate) struct Rival {
    pub(crate) peer: Peer,
    pub(crate) program: &'static str,
    pub(crate) words: Vec<String>,
    pub(crate) figure: &'static str,
    /// What it does, where that is not the same as we do.
    pub(crate) told: &'static str,
}

/// One figure of Watershed beside those of the rivals.
pub(crate) fn beside(
    name: &'static str,
    unit: &'static str,
    better: Better,
    rivals: &[Rival],
    mut ours: impl FnMut() -> Result<f64>,
) -> Result<Figure> {
    let ready: Vec<_> = rivals.iter().map(|rival| rival.peer.ready()).collect();
    let mut values = Vec::new();
    let mut theirs = vec![Vec::new(); rivals.len()];
    for _ in 0..ROUNDS {
        let value = ours()?;
        eprintln!("  watershed: {value:.1} {unit}");
        values.push(value);
        for ((rival, ready), values) in rivals.iter().zip(&ready).zip(&mut theirs) {
            if let Ok(ready) = ready {
                values.push(ready.on_redis(rival.program, &rival.words, rival.figure)?);
            }
        }
    }
    let mut peers = Vec::new();
    for ((rival, ready), values) in rivals.iter().zip(ready).zip(theirs) {
        peers.push(match ready {
            Ok(ready) => {
                let shown = format!("{} {}", ready.shown, rival.told);
                (shown.trim_end().to_owned(), Ok(median(values).context("a round")?))
            }
            Err(why) => (rival.peer.name.to_owned(), Err(why)),
        });
    }
    let value = median(values).context("a round")?;
    Ok(Figure { name, value, unit, better, peers, of: name })
}
