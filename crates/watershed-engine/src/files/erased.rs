//! Files of somebody who was erased while a worker that knew nothing of it brought them in.

use serde_json::Map;
use watershed_lake::FileName;
use watershed_zoom::files::{DownloadTarget, Recording};

use super::Files;
use crate::active::ActiveRun;
use crate::people;
use crate::task::Tools;

/// Takes away what was just placed, where it is of one who was erased meanwhile, or may name him.
/// Its rows are refused by the sink in any case, and the task is asked anew.
pub(super) async fn taken_back(
    run: &ActiveRun,
    targets: &[DownloadTarget],
    recording: &Recording,
    tools: &Tools,
) {
    let Files::Kept(store) = &tools.files else { return };
    // A sink that does not answer now takes no rows either: the task comes here again.
    let Ok(known) = tools.sink.left_out(run.connection().clone()).await else { return };
    if people::erased(&known) <= run.erased() {
        return;
    }
    let record = recording.record().unwrap_or_default();
    let agreed = run.link.connection.agreed.as_ref();
    let his = agreed.is_none_or(|agreed| {
        people::people(agreed, &known, |_| true).owns("recordings", &record, &Map::new())
    });
    for target in targets.iter().filter(|target| his || target.kind.is_text()) {
        let (connection, extension) = (run.connection().as_str(), target.kind.extension());
        let name = FileName::new(connection, "recording_files", &target.key, extension);
        if let Err(error) = store.remove(&name).await {
            tracing::warn!(%error, "a file of somebody who was erased could not be taken away");
        }
    }
}
