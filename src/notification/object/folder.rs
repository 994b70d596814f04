//! Folders and labels.

use super::open_struct;

open_struct! {
    /// A folder, or a label at Google, in `folder.created`, `folder.updated` and `folder.deleted`.
    ///
    /// Source: [Folders and
    /// labels](https://developer.nylas.com/docs/reference/notifications/folders/).
    pub struct Folder {
        /// Id of the folder.
        pub id: String,
        /// The grant that it belongs to.
        pub grant_id: Option<String>,
        /// Always `folder`.
        pub object: Option<String>,
        /// Name.
        pub name: Option<String>,
        /// Whether it is one of the provider's own, such as the inbox.
        pub system_folder: Option<bool>,
    }
}
