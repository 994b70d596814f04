//! Test events: what somebody sends to a URL to try it.

use http::StatusCode;

use super::{
    ManagementError, Shared, TestEventRecord,
    delivery::{delay, forged_key, times},
    draws::Purpose,
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
        url: &str,
        trigger: &str,
        body: &'static str,
    ) -> Result<(), ManagementError> {
        let uri = check_url(url)?;
        let destination = self.state().id_at(url);
        let mut random = self.next_random(Purpose::TestEvent);
        let faults = self.faults(destination.as_ref(), &mut random);
        self.time.sleep(delay(&faults, &mut random)).await;
        let key = forged_key(&faults).unwrap_or_else(WebhookSecret::of_test_events);
        let mut last = None;
        for _ in 0..times(&faults) {
            let route = self.state().network.route(&uri);
            let request = request::delivery(&uri, &key, body.into(), false);
            let at = self.time.elapsed();
            let mut hidden = None;
            let (seen, _) = self.send(route, request, &faults, &mut hidden).await;
            let ledger = &mut self.state().ledger;
            ledger.add_test_event(|order| TestEventRecord {
                at,
                took: self.time.elapsed().saturating_sub(at),
                trigger: trigger.into(),
                webhook_url: url.into(),
                destination: destination.clone(),
                seen: seen.clone(),
                hidden,
                faults: faults.iter().map(ToString::to_string).collect(),
                order,
            });
            last = Some(seen);
        }
        match last.as_ref().map(DeliveryAttempt::answer) {
            Some(Ok(StatusCode::OK)) => Ok(()),
            Some(Ok(status)) => Err(ManagementError::Invalid(format!(
                "the test event was answered with {}",
                status.as_u16()
            ))),
            Some(Err(why)) => Err(ManagementError::Invalid(why.to_string())),
            None => Ok(()),
        }
    }
}
