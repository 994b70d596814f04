//! Test events: what somebody sends to a URL to try it.

use http::StatusCode;

use super::{
    ManagementError, Shared, TestEventRecord,
    delivery::{delay, forged_key, times},
    draws::Purpose,
    fault::Kind,
    operations::check_url,
};
use crate::{
    signature::WebhookSecret,
    testing::{DeliveryAttempt, nylas::request},
};

impl Shared {
    /// Sends a test event, which is signed with the public secret and not repeated
    /// ([source](https://developer.nylas.com/docs/reference/api/webhook-notifications/)).
    pub(super) async fn send_test_event(
        &self,
        webhook_url: &str,
        trigger: &str,
        body: &'static str,
    ) -> Result<(), ManagementError> {
        check_url(webhook_url)?;
        let destination = self.state().id_at(webhook_url);
        let mut random = self.next_random(Purpose::TestEvent);
        let faults = self.faults(destination.as_ref(), &mut random);
        self.time.sleep(delay(&faults, &mut random)).await;
        let mut seen = self.try_url(webhook_url, trigger, body, &faults).await?;
        for _ in 1..times(&faults) {
            seen = self.try_url(webhook_url, trigger, body, &faults).await?;
        }
        match seen.answer() {
            Ok(StatusCode::OK) => Ok(()),
            Ok(status) => Err(ManagementError::Invalid(format!(
                "the test event was answered with {}",
                status.as_u16()
            ))),
            Err(why) => Err(ManagementError::Invalid(why.to_string())),
        }
    }

    async fn try_url(
        &self,
        webhook_url: &str,
        trigger: &str,
        body: &'static str,
        faults: &[Kind],
    ) -> Result<DeliveryAttempt, ManagementError> {
        let url = check_url(webhook_url)?;
        let key = forged_key(faults).unwrap_or_else(WebhookSecret::of_test_events);
        let request = request::delivery(&url, &key, body.into(), false);
        let route = self.state().network.route(&url);
        let at = self.time.elapsed();
        let mut hidden = None;
        let (seen, _) = self.send(route, request, faults, &mut hidden).await;
        let took = self.time.elapsed().saturating_sub(at);
        let mut state = self.state();
        let destination = state.id_at(webhook_url);
        state.ledger.add_test_event(|order| TestEventRecord {
            at,
            took,
            trigger: trigger.into(),
            webhook_url: webhook_url.into(),
            destination,
            seen: seen.clone(),
            hidden,
            faults: faults.iter().map(ToString::to_string).collect(),
            order,
        });
        Ok(seen)
    }
}
