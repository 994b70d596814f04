//! Times as operators read them: in UTC, and how long ago.

use std::time::Duration;

/// `2026-11-29 23:57:01`, of a time since the Unix epoch.
pub(crate) fn readable(at: Duration) -> String {
    let (year, month, day) = civil(at.as_secs() / 86_400);
    let second = at.as_secs() % 86_400;
    let (hour, minute) = (second / 3600, second / 60 % 60);
    format!(
        "{year:04}-{month:02}-{day:02} {hour:02}:{minute:02}:{:02}",
        second % 60
    )
}

/// As RFC 3339 has it, with milliseconds.
pub(crate) fn rfc3339(at: Duration) -> String {
    let readable = readable(at).replace(' ', "T");
    format!("{readable}.{:03}Z", at.subsec_millis())
}

/// `12 s`, `3 min`, `5 h`, `2 d`: rounded down.
pub(crate) fn rough(duration: Duration) -> String {
    match duration.as_secs() {
        0 => format!("{} ms", duration.as_millis()),
        seconds @ 1..120 => format!("{seconds} s"),
        seconds @ 120..7_200 => format!("{} min", seconds / 60),
        seconds @ 7_200..172_800 => format!("{} h", seconds / 3600),
        seconds => format!("{} d", seconds / 86_400),
    }
}

/// `3 min ago`, or the same for what the clocks of two machines make come later.
pub(crate) fn ago(at: Duration, now: Duration) -> String {
    match now.checked_sub(at) {
        Some(since) if since.as_secs() == 0 => "now".to_owned(),
        Some(since) => format!("{} ago", rough(since)),
        None => format!("in {}", rough(at.saturating_sub(now))),
    }
}

/// The Gregorian date of a number of days since 1970-01-01.
fn civil(days: u64) -> (u64, u64, u64) {
    // Years begin in March, so that the day that some have more is their last.
    let days = days + 719_468;
    let (era, day) = (days / 146_097, days % 146_097);
    let year = (day - day / 1_460 + day / 36_524 - day / 146_096) / 365;
    let day = day - (365 * year + year / 4 - year / 100);
    let month = (5 * day + 2) / 153;
    let day_of_month = day - (153 * month + 2) / 5 + 1;
    let month = if month < 10 { month + 3 } else { month - 9 };
    (
        era * 400 + year + u64::from(month <= 2),
        month,
        day_of_month,
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dates_are_those_of_the_calendar() {
        for (seconds, text) in [
            (0, "1970-01-01 00:00:00"),
            (951_782_399, "2000-02-28 23:59:59"),
            (951_782_400, "2000-02-29 00:00:00"),
            (951_868_800, "2000-03-01 00:00:00"),
            (1_767_225_600, "2026-01-01 00:00:00"),
            (4_107_542_400, "2100-03-01 00:00:00"),
        ] {
            assert_eq!(readable(Duration::from_secs(seconds)), text);
        }
        let at = Duration::from_millis(1_767_225_600_007);
        assert_eq!(rfc3339(at), "2026-01-01T00:00:00.007Z");
        // The largest time that there is has a date as well.
        assert!(!readable(Duration::MAX).is_empty());
    }

    #[test]
    fn durations_are_rounded_down() {
        let second = Duration::from_secs(1);
        assert_eq!(rough(second / 2), "500 ms");
        assert_eq!(rough(second * 119), "119 s");
        assert_eq!(rough(second * 120), "2 min");
        assert_eq!(rough(second * 86_400 * 3), "3 d");
        assert_eq!(ago(second * 5, second * 9), "4 s ago");
        assert_eq!(ago(second * 9, second * 5), "in 4 s");
    }
}
