//! One notification for every type and documented form, with invented values.

mod change;

pub(super) use self::change::changed;
pub use self::change::{Change, sample_with};
use crate::trigger::with_triggers;

macro_rules! samples {
    ($(
        $object:ident $(also [$($also:literal)+])? {
            $($variant:ident = $name:literal [$($form:literal)*])+
        }
    )+) => {
        /// Sample notifications: the trigger's whole name, and the body.
        ///
        /// There is one for each of the 54 documented types and for the documented
        /// forms with `.transformed` and `.truncated`. All values are invented.
        pub const SAMPLES: &[(&str, &str)] = &[$($($((
            concat!($name, $form),
            include_str!(concat!($name, $form, ".json")),
        ),)*)+)+];
    };
}

with_triggers!(samples);

/// The sample notification of a trigger, by its whole name.
///
/// ```
/// let body = tower_nylas::testing::sample("message.created.truncated");
/// assert!(body.is_some_and(|body| body.contains("message.created.truncated")));
/// ```
pub fn sample(trigger: &str) -> Option<&'static str> {
    let (_, body) = SAMPLES.iter().find(|(name, _)| *name == trigger)?;
    Some(body)
}
