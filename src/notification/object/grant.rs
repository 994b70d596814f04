//! Grants: the access that an end user gave to one account.

use super::open_enum::open_enum;
use super::open_struct::{self, open_struct};
use super::{KeyValues, List};

open_struct! {
    /// A grant, in `grant.created`, `.updated`, `.deleted`, `.expired` and `.imap_sync_completed`.
    ///
    /// [`code`](Self::code) is no discriminator: 25012 belongs to `grant.created` and to
    /// `grant.imap_sync_completed`. Go by the notification's trigger.
    ///
    /// Source: [Grants](https://developer.nylas.com/docs/reference/notifications/grants/).
    pub struct Grant {
        /// Id of the grant.
        #[serde(deserialize_with = "open_struct::grant_id")]
        pub grant_id: String,
        /// 25012 created or IMAP sync completed, 25014 updated, 25027 re-authenticated, 25013
        /// deleted, 25009 expired.
        pub code: Option<i64>,
        /// Id of the connector.
        pub integration_id: Option<String>,
        /// Who hosts the account.
        pub provider: Option<Provider>,
        /// Address of the account; may be missing when it was deleted.
        pub email: Option<String>,
        /// Id of the login, only in `grant.created` after hosted authentication.
        pub login_id: Option<String>,
        /// Name of the user, only in `grant.created` and only if known.
        pub name: Option<String>,
        /// Scopes that the user granted.
        pub scope: List<String>,
        /// The integrator's own pairs.
        pub metadata: KeyValues,
        /// Whether the user logged in again, only in `grant.updated`.
        pub reauthentication_flag: Option<bool>,
        /// When the grant was last refreshed with success, in Unix seconds, only in
        /// `grant.expired`. It is not the moment of expiry.
        pub grant_updated_at: Option<i64>,
        /// The trigger once more, only in `grant.imap_sync_completed`.
        pub r#type: Option<String>,
        /// Id of the workspace, on applications that have it.
        pub workspace_id: Option<String>,
    }
}

open_enum! {
    /// Who hosts an account.
    pub enum Provider {
        Google = "google",
        Microsoft = "microsoft",
        Imap = "imap",
        Yahoo = "yahoo",
        Icloud = "icloud",
        Ews = "ews",
        Eas = "eas",
        /// Agent Accounts, which Nylas itself hosts.
        Nylas = "nylas",
        VirtualCalendar = "virtual-calendar",
        Zoom = "zoom",
    }
}
