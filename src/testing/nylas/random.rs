//! Numbers that follow from a seed.

use std::time::Duration;

/// The generator `SplitMix64`.
#[derive(Debug, Clone)]
pub(super) struct Random(u64);

impl Random {
    /// A sequence of its own for each purpose, given by numbers, so that the order in which tasks
    /// draw from theirs does not matter.
    pub(super) fn of(seed: u64, purpose: impl IntoIterator<Item = u64>) -> Self {
        let mut random = Self(seed);
        for number in purpose {
            random.0 = random.next() ^ number;
        }
        random
    }

    pub(super) fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    /// A number below `end`; 0 if that is 0.
    pub(super) fn below(&mut self, end: u64) -> u64 {
        self.next().checked_rem(end).unwrap_or_default()
    }

    /// From 0 to 1, without 1.
    #[expect(clippy::cast_precision_loss, reason = "53 bits fit")]
    pub(super) fn fraction(&mut self) -> f64 {
        (self.next() >> 11) as f64 / (1_u64 << 53) as f64
    }

    pub(super) fn happens(&mut self, probability: f64) -> bool {
        self.fraction() < probability
    }

    /// To the millisecond.
    pub(super) fn between(&mut self, from: Duration, to: Duration) -> Duration {
        let span = to.saturating_sub(from).as_millis();
        let span = u64::try_from(span).unwrap_or(u64::MAX);
        from + Duration::from_millis(self.below(span.saturating_add(1)))
    }

    /// A text of this length, of these characters.
    pub(super) fn text(&mut self, length: usize, alphabet: &[u8]) -> String {
        let mut letter = || {
            let at = usize::try_from(self.below(alphabet.len() as u64));
            char::from(alphabet[at.unwrap_or_default()])
        };
        (0..length).map(|_| letter()).collect()
    }

    pub(super) fn uuid(&mut self) -> String {
        let (high, low) = (self.next(), self.next());
        format!(
            "{:08x}-{:04x}-4{:03x}-a{:03x}-{:012x}",
            high >> 32,
            (high >> 16) & 0xffff,
            high & 0xfff,
            low >> 52,
            low & 0xffff_ffff_ffff
        )
    }
}
