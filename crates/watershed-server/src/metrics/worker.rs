//! What a worker counts in this process, as Prometheus reads it.

use std::sync::Arc;

use metrics_exporter_prometheus::PrometheusHandle;

use super::{By, recorder};

/// What a worker of this process counts.
#[derive(Clone)]
pub struct WorkerMetrics(Arc<PrometheusHandle>);

impl WorkerMetrics {
    /// Begins to record it: once in a process. `None` where somebody else records already.
    pub fn record() -> Option<WorkerMetrics> {
        let recorder = recorder(By::Worker);
        let handle = recorder.handle();
        metrics::set_global_recorder(recorder).ok()?;
        Some(WorkerMetrics(Arc::new(handle)))
    }

    /// All of it as text.
    pub(crate) fn render(&self) -> String {
        self.0.render()
    }

    /// Keeps what was recorded from piling up between two readings.
    pub(crate) fn upkeep(&self) {
        self.0.run_upkeep();
    }
}
