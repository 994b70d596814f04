//! Claims, which wait until something is due.

use std::time::{Duration, Instant};

use rusqlite::Result;
use tower_nylas::inbox::{Claimed, Settlement, engine::Failure};

use super::{Writer, queue::Claim};
use crate::{
    checkpoint::PAGES_OF_ORDER, receipt::SqliteReceipt, settings::Durability,
    transaction::is_any_due,
};

impl Writer {
    /// Serves the claims that wait, those first that have waited for longest.
    pub(super) fn claims(&mut self) {
        self.waiting.retain(|claim| !claim.reply.is_closed());
        while let Some(first) = self.waiting.front() {
            let max = first.max;
            let claimed = match self.is_any_due() {
                Ok(true) => self.write(Durability::Process, |write| write.claim(max)),
                Ok(false) => return self.end_late_claims(),
                Err(why) => Err(why),
            };
            // What was due could not be decoded, so something else may be.
            if max > 0 && claimed.as_ref().is_ok_and(Vec::is_empty) {
                continue;
            }
            if let Some(claim) = self.waiting.pop_front() {
                self.hand_over(claim, claimed);
            }
        }
    }

    fn end_late_claims(&mut self) {
        let now = Instant::now();
        for claim in std::mem::take(&mut self.waiting) {
            if claim.until.is_some_and(|until| until <= now) {
                let _ = claim.reply.send(Ok(Vec::new()));
            } else {
                self.waiting.push_back(claim);
            }
        }
    }

    fn is_any_due(&mut self) -> std::result::Result<bool, Failure> {
        let now = self.clock.now().file;
        let Some(session) = &self.session else {
            // To open it is up to the transaction.
            return Ok(true);
        };
        is_any_due(&session.connection, now).map_err(|why| self.failed(why))
    }

    /// Entries that the worker has stopped waiting for are given back.
    fn hand_over(
        &mut self,
        claim: Claim,
        claimed: std::result::Result<Vec<Claimed<SqliteReceipt>>, Failure>,
    ) {
        let count = claimed.as_ref().map_or(0, Vec::len);
        self.checkpointer.wrote(count * PAGES_OF_ORDER);
        let Err(Ok(claimed)) = claim.reply.send(claimed.map_err(Into::into)) else {
            return;
        };
        let given_back = Settlement::Retry {
            after: Duration::ZERO,
            failed: false,
            why: String::new(),
        };
        // Otherwise they come again when their leases end.
        let _ = self.write(Durability::Process, |write| {
            let settle = |one: &Claimed<_>| write.settle(&one.receipt, &given_back);
            claimed.iter().map(settle).collect::<Result<Vec<_>>>()
        });
    }
}
