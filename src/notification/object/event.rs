//! Events of a calendar.

use serde_json::Value;

use super::open_enum::open_enum;
use super::open_struct;
use super::part::Address;
use super::when::When;
use super::{KeyValues, List};

open_struct! {
    /// An event, in `event.created` and `event.updated`.
    ///
    /// It reads `event.deleted`, too, which has little more than ids ([`EventDeleted`]); ask the
    /// trigger.
    ///
    /// Under field selection (`.transformed`) only the ids are sure to be there. Nylas' own
    /// scheduler leaves a mark in the metadata: `source` is `scheduler`, `key5` the configuration's
    /// id, and its times are Unix seconds as text ([`KeyValues::integer`]).
    ///
    /// Source: [Events](https://developer.nylas.com/docs/reference/notifications/events/).
    pub struct Event {
        /// Id of the event. Encode it in a URL: it may contain special characters.
        pub id: String,
        /// The grant that it belongs to.
        pub grant_id: Option<String>,
        /// The calendar it is in; rarely `null`.
        pub calendar_id: Option<String>,
        /// The series it is an occurrence of.
        pub master_event_id: Option<String>,
        /// The account's id in v2; deprecated by Nylas.
        pub account_id: Option<String>,
        /// Always `event`.
        pub object: Option<String>,
        /// When it takes place.
        pub when: Option<When>,
        /// Title.
        pub title: Option<String>,
        /// Description, possibly HTML. It is what a stranger wrote.
        pub description: Option<String>,
        /// Where it takes place, as free text.
        pub location: Option<String>,
        /// Whether the time counts as taken.
        pub busy: Option<bool>,
        /// Whether it takes place.
        pub status: Option<EventStatus>,
        /// Who may see it.
        pub visibility: Option<Visibility>,
        /// Who created it; only in `event.created`.
        pub creator: Option<Address>,
        /// Who holds it.
        pub organizer: Option<Address>,
        /// Who is invited.
        pub participants: List<Participant>,
        /// Whether participants are hidden from each other.
        pub hide_participants: Option<bool>,
        /// Whether the account may only read it.
        pub read_only: Option<bool>,
        /// How to join it on-line.
        pub conferencing: Option<Conferencing>,
        /// `RRULE` and `EXDATE` lines of a series.
        pub recurrence: List<String>,
        /// Ids of the occurrences that changed, at Google.
        pub occurrences: List<String>,
        /// Ids of the occurrences that were cancelled, only in `event.updated`.
        pub cancelled_occurrences: List<String>,
        /// Reminders.
        pub reminders: Option<Reminders>,
        /// Rooms and equipment, as they came: their shape is not documented.
        pub resources: List<Value>,
        /// How often it was changed; only in `event.created`.
        pub sequence: Option<i64>,
        /// Where to see it in a browser.
        pub html_link: Option<String>,
        /// iCalendar UID.
        pub ical_uid: Option<String>,
        /// When it was created, in Unix seconds.
        pub created_at: Option<i64>,
        /// When it was last changed, in Unix seconds.
        pub updated_at: Option<i64>,
        /// The integrator's own pairs.
        pub metadata: KeyValues,
    }
}

open_struct! {
    /// What is left of an event in `event.deleted`; it can no longer be fetched.
    ///
    /// Source: [Events](https://developer.nylas.com/docs/reference/notifications/events/).
    pub struct EventDeleted {
        /// Id of the event.
        pub id: String,
        /// The grant that it belonged to.
        pub grant_id: Option<String>,
        /// The calendar it was in; rarely `null`.
        pub calendar_id: Option<String>,
        /// The series it was an occurrence of.
        pub master_event_id: Option<String>,
        /// Always `event`.
        pub object: Option<String>,
        /// The integrator's own pairs.
        pub metadata: KeyValues,
    }
}

open_struct! {
    /// Somebody who is invited to an event.
    pub struct Participant {
        /// The address; Microsoft can leave it out.
        pub email: Option<String>,
        /// The display name.
        pub name: Option<String>,
        /// The answer to the invitation.
        pub status: Option<ParticipantStatus>,
    }
}

open_struct! {
    /// How to join an event on-line.
    pub struct Conferencing {
        /// Who hosts the call, such as `Google Meet`.
        pub provider: Option<String>,
        /// How to get in.
        pub details: Option<ConferencingDetails>,
    }
}

open_struct! {
    /// How to get into a call.
    pub struct ConferencingDetails {
        /// The link to follow.
        pub url: Option<String>,
        /// The meeting's code.
        pub meeting_code: Option<String>,
        /// The meeting's PIN.
        pub pin: Option<String>,
        /// Telephone numbers.
        pub phone: List<String>,
    }
}

open_struct! {
    /// Reminders of an event.
    pub struct Reminders {
        /// Whether the calendar's own settings apply.
        pub use_default: Option<bool>,
        /// What applies in their place, as it came: its shape is not documented.
        pub overrides: List<Value>,
    }
}

open_enum! {
    /// Whether an event takes place.
    pub enum EventStatus {
        Confirmed = "confirmed",
        Tentative = "tentative",
        Cancelled = "cancelled",
    }
}

open_enum! {
    /// Who may see an event.
    pub enum Visibility {
        Default = "default",
        Public = "public",
        Private = "private",
        Confidential = "confidential",
    }
}

open_enum! {
    /// What an invited person answered.
    pub enum ParticipantStatus {
        Yes = "yes",
        No = "no",
        Maybe = "maybe",
        /// No answer yet.
        NoReply = "noreply",
    }
}
