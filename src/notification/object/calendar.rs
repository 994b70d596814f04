//! Calendars.

use super::KeyValues;
use super::open_struct;

open_struct! {
    /// A calendar, in `calendar.created`, `calendar.updated` and `calendar.deleted`.
    ///
    /// A deleted one has no `description`, `location` or `metadata`.
    ///
    /// Source: [Calendars](https://developer.nylas.com/docs/reference/notifications/calendar/).
    pub struct Calendar {
        /// Id of the calendar.
        pub id: String,
        /// The grant that it belongs to.
        pub grant_id: Option<String>,
        /// Always `calendar`.
        pub object: Option<String>,
        /// Name.
        pub name: Option<String>,
        /// Description.
        pub description: Option<String>,
        /// Where its events take place, as free text.
        pub location: Option<String>,
        /// IANA name of the time zone, such as `Europe/Stockholm`.
        pub timezone: Option<String>,
        /// Whether it is the account's main calendar; iCloud has none.
        pub is_primary: Option<bool>,
        /// Whether the account may only read it.
        pub read_only: Option<bool>,
        /// Whether the account owns it.
        pub is_owned_by_user: Option<bool>,
        /// Address of the owner, only at Microsoft.
        pub owner_email: Option<String>,
        /// The integrator's own pairs.
        pub metadata: KeyValues,
        /// Background colour, such as `#9fe1e7`.
        pub hex_color: Option<String>,
        /// Text colour, such as `#000000`.
        pub hex_foreground_color: Option<String>,
    }
}
