//! Counts by time, in a fixed number of buckets.

/// The last `N` buckets of time, the present one included.
pub(super) struct Ring<T, const N: usize> {
    buckets: [T; N],
    /// Which one is the present one, counted from the start.
    present: u64,
}

impl<T: Copy + Default, const N: usize> Ring<T, N> {
    pub(super) fn new(present: u64) -> Self {
        Self {
            buckets: [T::default(); N],
            present,
        }
    }

    /// Goes on to a bucket, if it is a later one, and returns the present one.
    pub(super) fn at(&mut self, number: u64) -> &mut T {
        if number > self.present {
            self.go_on(number);
        }
        self.present()
    }

    pub(super) fn present(&mut self) -> &mut T {
        &mut self.buckets[Self::index(self.present)]
    }

    #[cold]
    fn go_on(&mut self, number: u64) {
        let passed = (number - self.present).min(N as u64);
        for back in 0..passed {
            self.buckets[Self::index(number - back)] = T::default();
        }
        self.present = number;
    }

    /// All buckets, in no order.
    pub(super) fn all(&self) -> &[T] {
        &self.buckets
    }

    /// The present bucket, and those before it.
    pub(super) fn latest(&self) -> impl Iterator<Item = &T> {
        let before = (0..=self.present).rev();
        before
            .take(N)
            .map(|number| &self.buckets[Self::index(number)])
    }

    #[allow(clippy::cast_possible_truncation)] // less than `N`
    fn index(number: u64) -> usize {
        (number % N as u64) as usize
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn contents(ring: &Ring<u32, 3>) -> Vec<u32> {
        ring.latest().copied().collect()
    }

    #[test]
    fn it_forgets_what_is_too_old_and_nothing_else() {
        let mut ring = Ring::<u32, 3>::new(0);
        *ring.at(0) += 1;
        assert_eq!(contents(&ring), [1]);
        *ring.at(1) += 2;
        *ring.at(2) += 3;
        assert_eq!(contents(&ring), [3, 2, 1]);
        *ring.at(4) += 5;
        assert_eq!(contents(&ring), [5, 0, 3]);
        // Another thread has read the clock a little earlier.
        *ring.at(3) += 1;
        assert_eq!(contents(&ring), [6, 0, 3]);
        *ring.at(1_000_000_007) += 7;
        assert_eq!(contents(&ring), [7, 0, 0]);
        assert_eq!(*ring.at(u64::MAX), 0);
    }

    #[test]
    fn it_may_begin_late() {
        let mut ring = Ring::<u32, 3>::new(1000);
        *ring.at(1000) += 1;
        *ring.at(1002) += 2;
        assert_eq!(contents(&ring), [2, 0, 1]);
    }
}
