//! Coverage from far above, counted in the file.

use rusqlite::named_params;
use watershed_model::{ConnectionName, OperationId};

use super::read::all;
use super::sink::SqliteSink;
use super::state::{counted, named};
use crate::{BandCount, Bands, CoverageMap, MonthCount, Pending};

const COVERAGE_MONTHS: &str = include_str!("../../sql/coverage_months.sql");
const COVERAGE_BANDS: &str = include_str!("../../sql/coverage_bands.sql");

impl CoverageMap for SqliteSink {
    fn months(&self, of: ConnectionName) -> Pending<'_, Vec<MonthCount>> {
        self.on_counter(move |reader| {
            let params = named_params! { ":connection": of.as_str() };
            all(reader, COVERAGE_MONTHS, params, |row| {
                Ok(MonthCount {
                    operation: OperationId(row.get("operation")?),
                    month: row.get("month")?,
                    state: named(row.get("state")?)?,
                    count: counted(row.get("count")?)?,
                    rows: counted(row.get("rows")?)?,
                })
            })
        })
    }

    fn bands(&self, of: Bands) -> Pending<'_, Vec<BandCount>> {
        self.on_counter(move |reader| {
            let between = of.between.as_ref();
            let params = named_params! {
                ":connection": of.connection.as_str(),
                ":operation": of.operation.as_str(),
                ":first": between.map(|(first, _)| first),
                ":last": between.map(|(_, last)| last),
                ":bands": of.bands,
            };
            all(reader, COVERAGE_BANDS, params, |row| {
                Ok(BandCount {
                    between: (row.get("first")?, row.get("last")?),
                    subjects: counted(row.get("subjects")?)?,
                    month: row.get("month")?,
                    state: named(row.get("state")?)?,
                    count: counted(row.get("count")?)?,
                })
            })
        })
    }
}
