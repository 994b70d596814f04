//! Numbers, however they are written.

use serde_json::{Number, Value};

/// Below it a double holds every whole number, and no two of them have the same double.
const EXACT: f64 = 9_007_199_254_740_992.0;

/// A whole number: also one with a fraction of zero, and one in a string.
pub(super) fn whole_number(value: &Value) -> Option<i128> {
    match value {
        Value::Number(number) => whole(number),
        Value::String(text) => whole_in_text(text),
        _ => None,
    }
}

pub(in crate::notification) fn whole_in_text(text: &str) -> Option<i128> {
    let number = text.parse().ok();
    number.or_else(|| whole_double(text.parse().ok()?))
}

fn whole(number: &Number) -> Option<i128> {
    let whole = number.as_i128();
    whole.or_else(|| whole_double(number.as_f64()?))
}

fn whole_double(number: f64) -> Option<i128> {
    let is_whole = number.fract() == 0.0 && number.abs() < EXACT;
    // A conversion that the compiler can check does not exist.
    is_whole.then(|| format!("{number:.0}").parse().ok())?
}

/// A number in a string.
pub(super) fn double_in_text(text: &str) -> Option<f64> {
    text.parse().ok().filter(|number: &f64| number.is_finite())
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn whole_numbers_in_every_form() {
        for (value, number) in [
            (json!(7), Some(7)),
            (json!(-7.0), Some(-7)),
            (json!(-0.0), Some(0)),
            (json!("7"), Some(7)),
            (json!("+7"), Some(7)),
            (json!("7.0"), Some(7)),
            (json!("7e2"), Some(700)),
            (json!(u64::MAX), Some(u64::MAX.into())),
            (json!("18446744073709551615"), Some(u64::MAX.into())),
            (json!(9_007_199_254_740_991.0), Some(9_007_199_254_740_991)),
            // It might have been written as ...993.
            (json!(9_007_199_254_740_992.0), None),
            (
                json!("18446744073709551616"),
                Some(i128::from(u64::MAX) + 1),
            ),
            (json!(18_446_744_073_709_551_616.0), None),
            (json!(1.5), None),
            (json!("1.5"), None),
            (json!("inf"), None),
            (json!("NaN"), None),
            (json!(""), None),
            (json!(" 7"), None),
            (json!("2026-09-24"), None),
            (json!(null), None),
            (json!(true), None),
            (json!([7]), None),
        ] {
            assert_eq!(whole_number(&value), number, "{value}");
        }
        assert_eq!(double_in_text("0.5"), Some(0.5));
        assert_eq!(double_in_text("1e999"), None);
        assert_eq!(double_in_text("NaN"), None);
    }
}
