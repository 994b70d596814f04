//! Alerts about how mail of a sending domain is received.

use super::NumberOrString;
use super::open_enum::open_enum;
use super::open_struct;

open_struct! {
    /// A sending domain crossed the threshold of an alert rule, in `alert.triggered`.
    ///
    /// For mail from Agent Accounts and transactional mail. A reminder follows every 24 hours, with
    /// the same [`id`](Self::id) and the next [`notification_seq`](Self::notification_seq): these
    /// two together tell its own repetitions. The alert ends after an hour within the threshold;
    /// crossing it again, or a change of the rule, makes another alert.
    ///
    /// Source: [Send
    /// alerts](https://developer.nylas.com/docs/reference/notifications/send-alerts/alert-triggered/).
    pub struct Alert {
        /// Id of the alert, the same in all its reminders.
        pub id: String,
        /// Always an empty text, since an alert belongs to no grant.
        pub grant_id: Option<String>,
        /// Always `alert`.
        pub object: Option<String>,
        /// How the alert stands.
        pub status: Option<AlertStatus>,
        /// 1, and one more with each reminder.
        pub notification_seq: Option<i64>,
        /// When the threshold was crossed, in Unix seconds.
        pub started_at: Option<i64>,
        /// When this notification was made, in Unix seconds.
        pub triggered_at: Option<i64>,
        /// The domain that sends the mail.
        pub sending_domain: Option<String>,
        /// The rule.
        pub rule: Option<AlertRule>,
    }
}

open_struct! {
    /// What makes an alert: a rate over the last hours on the wrong side of a threshold.
    pub struct AlertRule {
        /// Id of the rule.
        pub id: Option<String>,
        /// The application that it belongs to.
        pub application_id: Option<String>,
        /// The rate.
        pub metric: Option<AlertMetric>,
        /// Which side of the threshold is wrong.
        pub direction: Option<AlertDirection>,
        /// The threshold. Nylas does not say whether it is a fraction or in percent.
        pub threshold: Option<NumberOrString>,
        /// Over how many hours, 1 to 24.
        pub window_hours: Option<i64>,
        /// How many mails there must be in that time.
        pub min_volume: Option<i64>,
        /// When the rule was created, in Unix seconds.
        pub created_at: Option<i64>,
        /// When the rule was last changed, in Unix seconds.
        pub updated_at: Option<i64>,
    }
}

open_enum! {
    /// How an alert stands.
    pub enum AlertStatus {
        Firing = "firing",
    }
}

open_enum! {
    /// The rate that a rule watches.
    pub enum AlertMetric {
        BounceRate = "bounce_rate",
        ComplaintRate = "complaint_rate",
        DeliveryRate = "delivery_rate",
    }
}

open_enum! {
    /// Which side of a threshold is wrong.
    pub enum AlertDirection {
        Above = "above",
        Below = "below",
    }
}
