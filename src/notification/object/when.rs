//! When an event takes place.

use std::fmt;

use serde::de::{DeserializeOwned, Visitor};
use serde::{Deserialize, Deserializer, Serialize};
use serde_json::Value;

use super::open_struct;
use crate::notification::fit::{self, Fitted, Place};

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

impl When {
    /// What it calls itself to a deserializer.
    pub(crate) const NAME: &'static str = "$tower_nylas::When";

    /// The form that it has; `None` if it is none that is known, or lacks what its form needs.
    fn known(value: &Value) -> Option<Self> {
        let known = match value.get("object")?.as_str()? {
            "timespan" => Timespan::deserialize(value).map(Self::Timespan),
            "datespan" => Datespan::deserialize(value).map(Self::Datespan),
            "date" => Date::deserialize(value).map(Self::Date),
            "time" => Time::deserialize(value).map(Self::Time),
            _ => return None,
        };
        known.ok()
    }

    /// A value in a known form where it fits only leniently: the mended value, and the places of
    /// what is not in it.
    pub(in crate::notification) fn mended(value: &Value) -> Option<(Value, Vec<Place>)> {
        fn mended<T: DeserializeOwned + Serialize>(value: &Value) -> Option<(Value, Vec<Place>)> {
            let Fitted { read, unfit } = fit::places::<T>(value, "", |_| None).ok()?;
            Some((serde_json::to_value(read).ok()?, unfit))
        }

        if Self::known(value).is_some() {
            return None;
        }
        match value.get("object")?.as_str()? {
            "timespan" => mended::<Timespan>(value),
            "datespan" => mended::<Datespan>(value),
            "date" => mended::<Date>(value),
            "time" => mended::<Time>(value),
            _ => None,
        }
    }
}

impl<'de> Deserialize<'de> for When {
    // Under its name, so that the lenient reader knows what is expected.
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_newtype_struct(Self::NAME, Form)
    }
}

struct Form;

impl<'de> Visitor<'de> for Form {
    type Value = When;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("when something takes place")
    }

    fn visit_newtype_struct<D: Deserializer<'de>>(
        self,
        deserializer: D,
    ) -> Result<Self::Value, D::Error> {
        let value = Value::deserialize(deserializer)?;
        Ok(When::known(&value).unwrap_or(When::Other(value)))
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
