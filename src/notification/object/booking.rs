//! Bookings of Nylas' scheduler.

use super::grant::Provider;
use super::open_enum::open_enum;
use super::open_struct;
use super::part::Address;
use super::{KeyValues, List};

open_struct! {
    /// A booking, in `booking.created`, `.pending`, `.rescheduled`, `.cancelled` and `.reminder`.
    ///
    /// The grant's id is not in here: it is beside the object, in `data`.
    ///
    /// Source: [Scheduler](https://developer.nylas.com/docs/reference/notifications/scheduler/).
    pub struct Booking {
        /// Id of the booking.
        pub booking_id: String,
        /// Id of the scheduler configuration.
        pub configuration_id: String,
        /// What was booked.
        pub booking_info: BookingInfo,
        /// What a link to the booking contains; not in `booking.cancelled`.
        pub booking_ref: Option<String>,
        /// `booking`, only in `booking.created` and `booking.rescheduled`.
        pub object: Option<String>,
        /// What still has to happen, only in `booking.pending`.
        pub booking_type: Option<BookingType>,
    }
}

open_struct! {
    /// What was booked.
    pub struct BookingInfo {
        /// Id of the event.
        pub event_id: Option<String>,
        /// When it begins, in Unix seconds.
        pub start_time: Option<i64>,
        /// When it ends, in Unix seconds.
        pub end_time: Option<i64>,
        /// When it was to begin, in Unix seconds, only in `booking.rescheduled`.
        pub old_start_time: Option<i64>,
        /// When it was to end, in Unix seconds, only in `booking.rescheduled`.
        pub old_end_time: Option<i64>,
        /// How soon it begins, in seconds, only in `booking.reminder`.
        pub time_until_event: Option<i64>,
        /// How long it takes, in minutes.
        pub duration: Option<i64>,
        /// Title; begins with `[PENDING]` in `booking.pending`.
        pub title: Option<String>,
        /// Where it takes place, often an empty text.
        pub location: Option<String>,
        /// Description, HTML.
        pub event_description: Option<String>,
        /// Where to see the event in a browser.
        pub event_html_link: Option<String>,
        /// iCalendar UID.
        pub ical_uid: Option<String>,
        /// Who takes part.
        pub participants: List<Address>,
        /// What the guest filled in.
        pub additional_fields: KeyValues,
        /// Why it was cancelled, possibly an empty text, only in `booking.cancelled`.
        pub cancellation_reason: Option<String>,
        /// Whether the guest is offered no way to cancel.
        pub hide_cancellation_options: Option<bool>,
        /// Whether the guest is offered no way to reschedule.
        pub hide_rescheduling_options: Option<bool>,
        /// Where the guest reschedules.
        pub participant_rescheduling_url: Option<String>,
        /// Where the guest cancels.
        pub participant_cancellation_url: Option<String>,
        /// Where the host confirms.
        pub host_confirmation_url: Option<String>,
        /// The host's language, such as `sv`.
        pub host_language: Option<String>,
        /// The guest's language, such as `en`.
        pub guest_language: Option<String>,
        /// IANA name of the organizer's time zone.
        pub organizer_timezone: Option<String>,
        /// IANA name of the guest's time zone, often an empty text.
        pub guest_timezone: Option<String>,
        /// The organizer's address, only in `booking.reminder`.
        pub organizer_email: Option<String>,
        /// The calendar that the event is in.
        pub organizer_calendar_id: Option<String>,
        /// The organizer's provider, only in `booking.reminder`.
        pub provider: Option<Provider>,
        /// Whether several guests share the event.
        pub is_group_event: Option<bool>,
        /// The notetaker that joins.
        pub notetaker_id: Option<String>,
    }
}

open_enum! {
    /// What still has to happen to a booking.
    pub enum BookingType {
        /// The organizer has to confirm.
        OrganizerConfirmation = "organizer-confirmation",
    }
}
