//! Contacts of an address book.

use super::List;
use super::open_enum::open_enum;
use super::open_struct::{self, open_struct};

open_struct! {
    /// A contact, in `contact.updated`, which stands for a new contact as well: v3 has no schema
    /// of `contact.created`. Should that come all the same, it is read as a `Contact`.
    ///
    /// It reads `contact.deleted`, too, which has no more than ids ([`ContactDeleted`]); ask the
    /// trigger.
    ///
    /// Source: [Contacts](https://developer.nylas.com/docs/reference/notifications/contacts/).
    pub struct Contact {
        /// Id of the contact. Encode it in a URL: it may contain `/`.
        pub id: String,
        /// The grant that it belongs to.
        #[serde(deserialize_with = "open_struct::grant_id")]
        pub grant_id: String,
        /// Always `contact`.
        pub object: Option<String>,
        /// Given name.
        pub given_name: Option<String>,
        /// Middle name.
        pub middle_name: Option<String>,
        /// Surname.
        pub surname: Option<String>,
        /// What follows the name, such as `PhD`.
        pub suffix: Option<String>,
        /// Nickname.
        pub nickname: Option<String>,
        /// Birthday, `YYYY-MM-DD`.
        pub birthday: Option<String>,
        /// Company.
        pub company_name: Option<String>,
        /// Job title.
        pub job_title: Option<String>,
        /// Name of the manager.
        pub manager_name: Option<String>,
        /// Where the office is.
        pub office_location: Option<String>,
        /// Notes.
        pub notes: Option<String>,
        /// Where the contact was found.
        pub source: Option<ContactSource>,
        /// Mail addresses.
        pub emails: List<ContactEmail>,
        /// Telephone numbers.
        pub phone_numbers: List<PhoneNumber>,
        /// Addresses for instant messages.
        pub im_addresses: List<ImAddress>,
        /// Postal addresses.
        pub physical_addresses: List<PhysicalAddress>,
        /// Web pages.
        pub web_pages: List<WebPage>,
        /// The groups it is in.
        pub groups: List<ContactGroup>,
    }
}

open_struct! {
    /// What is left of a contact in `contact.deleted`; it can no longer be fetched.
    ///
    /// Source: [Contacts](https://developer.nylas.com/docs/reference/notifications/contacts/).
    pub struct ContactDeleted {
        /// Id of the contact.
        pub id: String,
        /// The grant that it belonged to.
        #[serde(deserialize_with = "open_struct::grant_id")]
        pub grant_id: String,
        /// Always `contact`.
        pub object: Option<String>,
    }
}

open_struct! {
    /// A mail address of a contact.
    pub struct ContactEmail {
        /// The address.
        pub email: Option<String>,
        /// What it is used for.
        pub r#type: Option<ContactType>,
    }
}

open_struct! {
    /// A telephone number of a contact.
    pub struct PhoneNumber {
        /// The number, as it was written.
        pub number: Option<String>,
        /// What it is used for.
        pub r#type: Option<ContactType>,
    }
}

open_struct! {
    /// A contact's address for instant messages.
    pub struct ImAddress {
        /// The address.
        pub im_address: Option<String>,
        /// The service, such as `xmpp`.
        pub r#type: Option<String>,
    }
}

open_struct! {
    /// A postal address of a contact.
    pub struct PhysicalAddress {
        /// Street and number.
        pub street_address: Option<String>,
        /// City.
        pub city: Option<String>,
        /// State or region.
        pub state: Option<String>,
        /// Postal code.
        pub postal_code: Option<String>,
        /// Country.
        pub country: Option<String>,
        /// What it is used for.
        pub r#type: Option<ContactType>,
    }
}

open_struct! {
    /// A web page of a contact.
    pub struct WebPage {
        /// The address, which may lack its scheme.
        pub url: Option<String>,
        /// What it is used for.
        pub r#type: Option<ContactType>,
    }
}

open_struct! {
    /// A group that a contact is in.
    pub struct ContactGroup {
        /// Id of the group.
        pub id: Option<String>,
    }
}

open_enum! {
    /// Where a contact was found.
    pub enum ContactSource {
        AddressBook = "address_book",
        /// Taken from mail in the inbox.
        Inbox = "inbox",
        /// Taken from the organisation's directory.
        Domain = "domain",
    }
}

open_enum! {
    /// What an address or a number is used for. Nylas' own value `other` is `Other("other")`.
    pub enum ContactType {
        Work = "work",
        Home = "home",
        Mobile = "mobile",
    }
}
