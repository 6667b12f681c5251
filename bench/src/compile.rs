//! What compiling the shipped workflow costs.

use std::time::Instant;

use anyhow::{Result, anyhow};

use crate::Figure;

const ROUNDS: u32 = 50;

pub(crate) fn shipped() -> Result<Figure> {
    let text = include_str!("../../workflows/zoom-backfill.yaml");
    let catalogue = watershed_zoom::catalogue();
    let begun = Instant::now();
    for _ in 0..ROUNDS {
        watershed_workflow::compile("zoom-backfill.yaml", text, &catalogue)
            .map_err(|wrong| anyhow!("{}", wrong.render(false)))?;
    }
    let ms = begun.elapsed().as_secs_f64() * 1e3 / f64::from(ROUNDS);
    Ok(Figure { value: ms, unit: "ms a file" })
}
