//! One notification for every type and documented form, with invented values.

macro_rules! sample {
    ($name:literal) => {
        (
            $name,
            include_str!(concat!("../../tests/fixtures/v3/", $name, ".json")),
        )
    };
}

/// Sample notifications: the trigger's whole name, and the body.
///
/// There is one for each of the 53 documented types and for the documented forms with
/// `.transformed` and `.truncated`. All values are invented.
pub const SAMPLES: &[(&str, &str)] = &[
    sample!("booking.cancelled"),
    sample!("booking.created"),
    sample!("booking.pending"),
    sample!("booking.reminder"),
    sample!("booking.rescheduled"),
    sample!("calendar.created"),
    sample!("calendar.deleted"),
    sample!("calendar.updated"),
    sample!("contact.deleted"),
    sample!("contact.updated"),
    sample!("event.created"),
    sample!("event.created.transformed"),
    sample!("event.deleted"),
    sample!("event.updated"),
    sample!("event.updated.transformed"),
    sample!("folder.created"),
    sample!("folder.deleted"),
    sample!("folder.updated"),
    sample!("grant.created"),
    sample!("grant.deleted"),
    sample!("grant.expired"),
    sample!("grant.imap_sync_completed"),
    sample!("grant.updated"),
    sample!("message.bounce_detected"),
    sample!("message.bounced"),
    sample!("message.complaint"),
    sample!("message.created.cleaned"),
    sample!("message.created.cleaned.transformed"),
    sample!("message.created.cleaned.transformed.truncated"),
    sample!("message.created.cleaned.truncated"),
    sample!("message.created"),
    sample!("message.created.metadata"),
    sample!("message.created.transformed"),
    sample!("message.created.transformed.truncated"),
    sample!("message.created.truncated"),
    sample!("message.deleted"),
    sample!("message.delivered"),
    sample!("message.intelligence.order"),
    sample!("message.intelligence.return"),
    sample!("message.intelligence.tracking"),
    sample!("message.intelligence.travel"),
    sample!("message.link_clicked"),
    sample!("message.link_clicked.legacy"),
    sample!("message.opened"),
    sample!("message.opened.legacy"),
    sample!("message.rejected"),
    sample!("message.send_failed"),
    sample!("message.send_success"),
    sample!("message.transactional.bounced"),
    sample!("message.transactional.complaint"),
    sample!("message.transactional.delivered"),
    sample!("message.transactional.rejected"),
    sample!("message.updated"),
    sample!("message.updated.metadata"),
    sample!("message.updated.transformed"),
    sample!("message.updated.transformed.truncated"),
    sample!("message.updated.truncated"),
    sample!("notetaker.created"),
    sample!("notetaker.deleted"),
    sample!("notetaker.media"),
    sample!("notetaker.meeting_state"),
    sample!("notetaker.updated"),
    sample!("thread.replied"),
    sample!("thread.replied.legacy"),
];

/// The sample notification of a trigger, by its whole name.
///
/// ```
/// let body = tower_nylas::testing::sample("message.created.truncated");
/// assert!(body.is_some_and(|body| body.contains("message.created.truncated")));
/// ```
pub fn sample(trigger: &str) -> Option<&'static str> {
    let (_, body) = SAMPLES.iter().find(|(name, _)| *name == trigger)?;
    Some(body)
}
