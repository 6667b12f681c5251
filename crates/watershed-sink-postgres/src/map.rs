//! Coverage from far above, counted in the database.

use tokio_postgres::types::ToSql;
use watershed_model::{ConnectionName, OperationId};
use watershed_sink::{BandCount, Bands, CoverageMap, MonthCount, Pending};

use crate::pool::client;
use crate::read::all;
use crate::sink::PostgresSink;
use crate::state::{counted, named, text, text_or_none};
use crate::text::kept;

const COVERAGE_MONTHS: &str = include_str!("../sql/coverage_months.sql");
const COVERAGE_BANDS: &str = include_str!("../sql/coverage_bands.sql");

impl CoverageMap for PostgresSink {
    fn months(&self, of: ConnectionName) -> Pending<'_, Vec<MonthCount>> {
        self.reading(async move {
            let client = client(self.pool()).await?;
            all(&client, COVERAGE_MONTHS, &[&kept(of.as_str())], |row| {
                Ok(MonthCount {
                    operation: OperationId(text(row, "operation")?),
                    month: text_or_none(row, "month")?,
                    state: named(text(row, "state")?)?,
                    count: counted(row.try_get("count")?)?,
                    rows: counted(row.try_get("rows")?)?,
                })
            })
            .await
        })
    }

    fn bands(&self, of: Bands) -> Pending<'_, Vec<BandCount>> {
        self.reading(async move {
            let client = client(self.pool()).await?;
            let between = of.between.as_ref();
            let bands = i32::try_from(of.bands).unwrap_or(i32::MAX);
            let params: [&(dyn ToSql + Sync); 5] = [
                &kept(of.connection.as_str()),
                &kept(of.operation.as_str()),
                &between.map(|(first, _)| kept(first)),
                &between.map(|(_, last)| kept(last)),
                &bands,
            ];
            all(&client, COVERAGE_BANDS, &params, |row| {
                Ok(BandCount {
                    between: (text(row, "first")?, text(row, "last")?),
                    subjects: counted(row.try_get("subjects")?)?,
                    month: text_or_none(row, "month")?,
                    state: named(text(row, "state")?)?,
                    count: counted(row.try_get("count")?)?,
                })
            })
            .await
        })
    }
}
