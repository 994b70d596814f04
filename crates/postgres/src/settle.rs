//! What becomes of claims. Each function returns the positions of those that there were.

use std::collections::HashSet;

use tokio_postgres::{Row, types::Type};
use tower_nylas::inbox::{DeadCause, Settlement, engine::EventColumns};

use crate::{
    clock::millis, core::Core, error::Failure, receipt::PostgresReceipt, state, text::text,
};

impl Core {
    pub(crate) async fn extend(
        &self,
        receipts: &[PostgresReceipt],
    ) -> Result<HashSet<i64>, Failure> {
        if receipts.is_empty() {
            return Ok(HashSet::new());
        }
        let (now, unix) = self.moment();
        let (positions, tokens) = columns(receipts.iter());
        let rows = self
            .database
            .query_on_claims(
                &self.statements.extend,
                &[
                    (&now, Type::INT8),
                    (&unix, Type::INT8),
                    (&millis(self.options.settings.lease), Type::INT8),
                    (&positions, Type::INT8_ARRAY),
                    (&tokens, Type::INT8_ARRAY),
                ],
            )
            .await?;
        positions_of(&rows)
    }

    /// The usual end, of which only the key is left.
    pub(crate) async fn drop_done(
        &self,
        slot: i32,
        receipts: &[PostgresReceipt],
    ) -> Result<HashSet<i64>, Failure> {
        if receipts.is_empty() {
            return Ok(HashSet::new());
        }
        let (positions, tokens) = columns(receipts.iter());
        let rows = self
            .database
            .query_on_claims(
                &self.statements.done,
                &[
                    (&slot, Type::INT4),
                    (&positions, Type::INT8_ARRAY),
                    (&tokens, Type::INT8_ARRAY),
                ],
            )
            .await?;
        positions_of(&rows)
    }

    /// Any other end.
    pub(crate) async fn put_back(
        &self,
        slot: i32,
        settled: &[(&PostgresReceipt, &Settlement)],
    ) -> Result<HashSet<i64>, Failure> {
        if settled.is_empty() {
            return Ok(HashSet::new());
        }
        let (now, unix) = self.moment();
        let (positions, tokens) = columns(settled.iter().map(|(receipt, _)| *receipt));
        let ends: Vec<End> = settled.iter().map(|(_, end)| End::of(end)).collect();
        let column = |of: fn(&End) -> Option<String>| ends.iter().map(of).collect::<Vec<_>>();
        let rows = self
            .database
            .query_on_claims(
                &self.statements.put_back,
                &[
                    (&now, Type::INT8),
                    (&unix, Type::INT8),
                    (&slot, Type::INT4),
                    (&positions, Type::INT8_ARRAY),
                    (&tokens, Type::INT8_ARRAY),
                    (
                        &ends.iter().map(|end| end.state).collect::<Vec<_>>(),
                        Type::INT4_ARRAY,
                    ),
                    (
                        &ends.iter().map(|end| end.after).collect::<Vec<_>>(),
                        Type::INT8_ARRAY,
                    ),
                    (
                        &ends.iter().map(|end| end.failed).collect::<Vec<_>>(),
                        Type::BOOL_ARRAY,
                    ),
                    (
                        &column(|end| end.cause.map(str::to_owned)),
                        Type::TEXT_ARRAY,
                    ),
                    (&column(|end| end.why.clone()), Type::TEXT_ARRAY),
                    (&column(|end| Some(end.what.to_owned())), Type::TEXT_ARRAY),
                ],
            )
            .await?;
        positions_of(&rows)
    }
}

/// A settlement as columns.
struct End {
    state: i32,
    after: Option<i64>,
    failed: bool,
    cause: Option<&'static str>,
    why: Option<String>,
    what: &'static str,
}

impl End {
    fn of(settlement: &Settlement) -> Self {
        let columns = EventColumns::of_settlement(settlement);
        let (state, failed) = match settlement {
            Settlement::Done => (state::DONE, false),
            Settlement::Retry { failed, .. } => (state::OPEN, *failed),
            Settlement::Dead { .. } => (state::DEAD, false),
        };
        Self {
            state,
            after: columns.after.map(millis),
            failed,
            cause: columns.cause.map(DeadCause::as_str),
            // Of what is done, the reason of its last settlement stays.
            why: (state != state::DONE).then(|| text(columns.why)),
            what: columns.what,
        }
    }
}

fn columns<'a>(receipts: impl Iterator<Item = &'a PostgresReceipt>) -> (Vec<i64>, Vec<i64>) {
    receipts
        .map(|receipt| (receipt.position, receipt.token))
        .unzip()
}

fn positions_of(rows: &[Row]) -> Result<HashSet<i64>, Failure> {
    rows.iter().map(|row| Ok(row.try_get(0)?)).collect()
}
