//! Sending what has happened to those that are subscribed to it.

use std::sync::Arc;

use super::{
    DestinationId, Event, EventRecord, Fate, Shared, State,
    delivery::{InFlight, Target, deliver},
    draws::Purpose,
    event::Notification,
};
use crate::trigger::Trigger;

impl Shared {
    /// The id of the first of its notifications.
    pub(super) fn emit(self: &Arc<Self>, event: &Event) -> Arc<str> {
        let first = self.emit_one(event, 0, None);
        for duplicate in 1..event.notifications() {
            self.emit_one(event, duplicate, Some(first.1));
        }
        first.0
    }

    fn emit_one(
        self: &Arc<Self>,
        event: &Event,
        duplicate: u32,
        same_as: Option<u64>,
    ) -> (Arc<str>, u64) {
        let (now, unix) = (self.time.elapsed(), self.time.unix());
        let mut state = self.state();
        let number = state.ledger.next_number();
        let mut object = self.random(Purpose::Object, [same_as.unwrap_or(number)]);
        let mut random = self.random(Purpose::Notification, [number]);
        let mut notification =
            event.notification(duplicate, unix, &self.readings, &mut object, &mut random);
        if let Some(whole) = notification.whole.take() {
            state.objects.put_whole(whole);
        }
        let (targets, fates) = state.recipients(event, &notification);
        let has_plain = targets.is_empty() || targets.iter().any(|it| !it.is_compressed);
        let id = notification.id.clone();
        state.ledger.add_event(EventRecord {
            id: id.clone(),
            trigger: notification.trigger(!has_plain).clone(),
            at: now,
            fates,
            attempts: Vec::new(),
            under_way: targets.iter().map(|target| target.id.clone()).collect(),
        });
        drop(state);
        self.start(number, notification, targets);
        (id, number)
    }

    fn start(self: &Arc<Self>, number: u64, notification: Notification, mut targets: Vec<Target>) {
        for target in &mut targets {
            target.in_flight = Some(InFlight::new(self));
        }
        let notification = Arc::new(notification);
        let groups: Vec<Vec<Target>> = if self.readings.fan_out {
            vec![targets]
        } else {
            targets.into_iter().map(|target| vec![target]).collect()
        };
        for group in groups.into_iter().filter(|group| !group.is_empty()) {
            self.spawn(deliver(self.clone(), number, notification.clone(), group));
        }
    }
}

impl State {
    /// Those that get it, and what is known of all that are subscribed.
    fn recipients(
        &self,
        event: &Event,
        notification: &Notification,
    ) -> (Vec<Target>, Vec<(DestinationId, Fate)>) {
        // Whole or truncated, the same destinations are subscribed to it.
        let trigger = Trigger::from(&**notification.trigger(false));
        let (mut targets, mut fates) = (Vec::new(), Vec::new());
        for entry in &self.destinations {
            let id = &entry.destination.id;
            if !entry.is_subscribed(&trigger) || !event.is_meant_for(id) {
                continue;
            }
            let is_sent = entry.destination.status.is_delivering();
            fates.push((id.clone(), if is_sent { Fate::Open } else { Fate::Unsent }));
            if is_sent {
                targets.push(Target {
                    id: id.clone(),
                    ordinal: entry.ordinal,
                    is_compressed: notification.is_compressed
                        || entry.destination.compressed_delivery,
                    first_key: None,
                    in_flight: None,
                });
            }
        }
        (targets, fates)
    }
}
