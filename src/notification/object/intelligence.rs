//! What Nylas' `ExtractAI` reads out of mail from shops and carriers.

use serde_json::Value;

use super::open_enum::open_enum;
use super::open_struct::{self, open_struct};
use super::{List, NumberOrString};

open_struct! {
    /// What was read out of a mail, in `message.intelligence.order`, `.tracking`, `.return` and
    /// `.travel`.
    ///
    /// `orders`, `shippings` and `returns` belong to `.order`, `.tracking` and `.return`; `.travel`
    /// has none of them, and Nylas calls its schema unfinished. Amounts are in the currency's minor
    /// unit (cents). Software guesses all of this from a mail: any of it may be missing.
    ///
    /// Source: [ExtractAI](https://developer.nylas.com/docs/reference/notifications/extractai/).
    pub struct Intelligence {
        /// The grant that the mail belongs to.
        #[serde(deserialize_with = "open_struct::grant_id")]
        pub grant_id: String,
        /// Id of the mail.
        pub fetched_email_id: String,
        /// Always `message`.
        pub object: Option<String>,
        /// Whether the extraction worked.
        pub status: Option<ExtractionStatus>,
        /// Why it did not.
        pub error: Option<String>,
        /// How sure the extraction is, 0 to 1: a whole number or a fraction.
        pub confidence_score: Option<NumberOrString>,
        /// What kind of mail, such as `order_in_transit`.
        pub email_category: Option<String>,
        /// When the mail was sent, in Unix seconds.
        pub email_timestamp: Option<i64>,
        /// How far the order is, such as `order_in_transit`.
        pub order_status: Option<String>,
        /// The shop.
        pub merchant: Option<Merchant>,
        /// About the mail.
        pub metadata: Option<MailOrigin>,
        /// Orders, only in `.order`.
        pub orders: List<Order>,
        /// Parcels, only in `.tracking`.
        pub shippings: List<Shipping>,
        /// Goods sent back, only in `.return`.
        pub returns: List<Return>,
    }
}

open_struct! {
    /// A shop.
    pub struct Merchant {
        /// Domain.
        pub domain: Option<String>,
        /// Name.
        pub name: Option<String>,
    }
}

open_struct! {
    /// About the mail that was read, the `metadata` of `ExtractAI`.
    pub struct MailOrigin {
        /// Language, such as `en`.
        pub language: Option<String>,
        /// Market, such as `US`.
        pub market: Option<String>,
        /// Domain of the sender.
        pub sender_domain: Option<String>,
    }
}

open_struct! {
    /// An order. Amounts are in the currency's minor unit (cents).
    pub struct Order {
        /// The shop's number of the order.
        pub order_number: Option<NumberOrString>,
        /// When it was ordered: Unix seconds, **as text**, unlike [`Return::returns_date`].
        pub order_date: Option<NumberOrString>,
        /// ISO 4217 code, such as `USD`.
        pub currency: Option<String>,
        /// The whole price.
        pub total_amount: Option<NumberOrString>,
        /// The tax in it.
        pub total_tax_amount: Option<NumberOrString>,
        /// The shipping in it.
        pub shipping_total: Option<NumberOrString>,
        /// The discount.
        pub discount: Option<NumberOrString>,
        /// The coupon; Nylas documents only that it may be `null`.
        pub coupon: Option<Value>,
        /// The gift card; Nylas documents only that it may be `null`.
        pub gift_card: Option<Value>,
        /// What was ordered.
        pub line_items: List<LineItem>,
    }
}

open_struct! {
    /// One line of an order.
    pub struct LineItem {
        /// Name of the goods.
        pub name: Option<String>,
        /// How many.
        pub quantity: Option<NumberOrString>,
        /// Price of one, in the currency's minor unit.
        pub unit_price: Option<NumberOrString>,
        /// Colour.
        pub color: Option<String>,
        /// Size.
        pub size: Option<NumberOrString>,
        /// The shop's number of the goods.
        pub product_id: Option<NumberOrString>,
        /// A picture of the goods.
        pub product_image_uri: Option<String>,
        /// Where the goods are sold.
        pub url: Option<String>,
    }
}

open_struct! {
    /// A parcel.
    pub struct Shipping {
        /// The carrier.
        pub carrier: Option<String>,
        /// The carrier's number of the parcel.
        pub tracking_number: Option<NumberOrString>,
        /// The link as the mail has it.
        pub tracking_link: Option<String>,
        /// Where the link leads in the end.
        pub decoded_link: Option<String>,
        /// The shop's number of the order.
        pub order_number: Option<NumberOrString>,
    }
}

open_struct! {
    /// Goods sent back.
    pub struct Return {
        /// The shop's number of the order.
        pub order_number: Option<NumberOrString>,
        /// What is paid back, in the currency's minor unit.
        pub refund_total: Option<NumberOrString>,
        /// When: Unix seconds, as a number, unlike [`Order::order_date`].
        pub returns_date: Option<NumberOrString>,
    }
}

open_enum! {
    /// Whether an extraction worked.
    pub enum ExtractionStatus {
        Success = "SUCCESS",
        /// It did not, in `.order`, `.tracking` and `.return`.
        Error = "ERROR",
        /// It did not, in `.travel`.
        Failed = "FAILED",
    }
}
