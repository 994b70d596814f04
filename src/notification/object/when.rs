//! When an event takes place.

use serde::{Deserialize, Deserializer, Serialize};
use serde_json::Value;

use super::open_struct;

/// When an event takes place. Its field `object` says which form it is.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(untagged)]
#[non_exhaustive]
pub enum When {
    /// From one moment to another, `timespan`.
    Timespan(Timespan),
    /// Several whole days, `datespan`.
    Datespan(Datespan),
    /// One whole day, `date`.
    Date(Date),
    /// A moment without an end, `time`.
    Time(Time),
    /// Any other form, or one of the above without what it needs, as it came.
    Other(Value),
}

open_struct! {
    /// From one moment to another.
    pub struct Timespan {
        /// `timespan`.
        pub object: Option<String>,
        /// When it begins, in Unix seconds.
        pub start_time: i64,
        /// When it ends, in Unix seconds.
        pub end_time: i64,
        /// IANA name of the time zone in which it begins.
        pub start_timezone: Option<String>,
        /// IANA name of the time zone in which it ends.
        pub end_timezone: Option<String>,
    }
}

open_struct! {
    /// Several whole days.
    pub struct Datespan {
        /// `datespan`.
        pub object: Option<String>,
        /// The first day, `YYYY-MM-DD`.
        pub start_date: String,
        /// The end, `YYYY-MM-DD`.
        pub end_date: String,
    }
}

open_struct! {
    /// One whole day.
    pub struct Date {
        /// `date`.
        pub object: Option<String>,
        /// The day, `YYYY-MM-DD`.
        pub date: String,
    }
}

open_struct! {
    /// A moment without an end.
    pub struct Time {
        /// `time`.
        pub object: Option<String>,
        /// The moment, in Unix seconds.
        pub time: i64,
        /// IANA name of its time zone.
        pub timezone: Option<String>,
    }
}

impl<'de> Deserialize<'de> for When {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let value = Value::deserialize(deserializer)?;
        let known = match value.get("object").and_then(Value::as_str) {
            Some("timespan") => Timespan::deserialize(&value).map(Self::Timespan),
            Some("datespan") => Datespan::deserialize(&value).map(Self::Datespan),
            Some("date") => Date::deserialize(&value).map(Self::Date),
            Some("time") => Time::deserialize(&value).map(Self::Time),
            _ => return Ok(Self::Other(value)),
        };
        Ok(known.unwrap_or(Self::Other(value)))
    }
}

#[cfg(test)]
mod tests {
    use super::When;

    fn read(json: &str) -> When {
        let when = serde_json::from_str(json).unwrap();
        let again: serde_json::Value = serde_json::from_str(json).unwrap();
        assert_eq!(serde_json::to_value(&when).unwrap(), again);
        when
    }

    #[test]
    fn object_selects_the_form() {
        let When::Timespan(span) = read(
            r#"{"object":"timespan","start_time":1790341800,"end_time":1790345400,"start_timezone":"UTC"}"#,
        ) else {
            panic!("not a timespan")
        };
        assert_eq!(
            (span.start_time, span.end_time),
            (1_790_341_800, 1_790_345_400)
        );
        let When::Datespan(days) =
            read(r#"{"object":"datespan","start_date":"2026-10-01","end_date":"2026-10-03"}"#)
        else {
            panic!("not a datespan")
        };
        assert_eq!(days.end_date, "2026-10-03");
        let When::Date(day) = read(r#"{"object":"date","date":"2026-10-01"}"#) else {
            panic!("not a date")
        };
        assert_eq!(day.date, "2026-10-01");
        let When::Time(moment) = read(r#"{"object":"time","time":1790341800,"timezone":"UTC"}"#)
        else {
            panic!("not a time")
        };
        assert_eq!(moment.time, 1_790_341_800);
    }

    #[test]
    fn any_other_form_is_kept() {
        for json in [
            r#"{"object":"moon","phase":"new"}"#,
            r#"{"object":"timespan","start_time":1790341800}"#,
            r#"{"object":"date","date":20261001}"#,
            r#"{"object":7}"#,
            "{}",
            r#""tomorrow""#,
        ] {
            assert!(matches!(read(json), When::Other(_)), "{json}");
        }
    }
}
