//! Coverage from far above: counted by month, and by bands of subjects that one can look into.

use watershed_model::{ConnectionName, CoverageState, OperationId};

use crate::Pending;

/// Coverage of an operation in a month.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MonthCount {
    /// The operation.
    pub operation: OperationId,
    /// `yyyy-mm`, of the first day of the window; `None` where the operation has no windows.
    pub month: Option<String>,
    /// How much is known.
    pub state: CoverageState,
    /// Subjects and windows of this kind.
    pub count: u64,
    /// Rows that they brought.
    pub rows: u64,
}

/// Which subjects, and how many bands they are put into.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Bands {
    /// The connection.
    pub connection: ConnectionName,
    /// The operation.
    pub operation: OperationId,
    /// The first and the last subject, both inclusive; `None`: all.
    pub between: Option<(String, String)>,
    /// Bands of equally many subjects; as many as there are subjects, where those are fewer.
    pub bands: u32,
}

/// Coverage of a band of subjects in a month.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BandCount {
    /// The first subject of the band, and the last.
    pub between: (String, String),
    /// Subjects in the band.
    pub subjects: u64,
    /// `yyyy-mm`, as in [`MonthCount::month`].
    pub month: Option<String>,
    /// How much is known.
    pub state: CoverageState,
    /// Subjects and windows of this kind.
    pub count: u64,
}

/// Coverage counted where it lies. Both read all that they count: in a large dataset seconds.
///
/// # Errors
/// Every method fails with [`crate::Error`], as those of [`crate::Sink`] do.
pub trait CoverageMap: Send + Sync {
    /// All of a connection, by operation, month and state, in this order.
    fn months(&self, of: ConnectionName) -> Pending<'_, Vec<MonthCount>>;

    /// One operation, by band of subjects, month and state, in this order.
    fn bands(&self, of: Bands) -> Pending<'_, Vec<BandCount>>;
}
