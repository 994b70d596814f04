//! Inboxes of tests around other ones.

/// Methods of an inbox around another one that only pass the call on, to the field of this name.
///
/// A test's own engine writes the methods in which it is odd, and these for the rest: of `Inbox`
/// `append`, `claim`, `extend` and `settle`, of `Browse` `stats`, `dead`, `replay`, `replay_dead`
/// and `discard`. It has no `dead_groups`, so that the inbox around counts what its own `dead`
/// returns.
///
/// ```text
/// impl Inbox for Odd {
///     type Receipt = MemoryReceipt;
///
///     forward!(inner: append, extend, settle);
///
///     async fn claim(&self, max: usize, wait: Duration) -> Result<…> { … }
/// }
/// ```
// With paths of the package `tower-nylas`, and not of this one, so that it needs no feature here.
#[macro_export]
macro_rules! forward {
    ($inner:tt: $($method:ident),+ $(,)?) => {
        $($crate::forward!(@ $method $inner);)+
    };
    (@ append $inner:tt) => {
        async fn append(
            &self,
            entry: ::tower_nylas::inbox::Entry,
        ) -> Result<::tower_nylas::inbox::Appended, ::tower_nylas::inbox::AppendError> {
            ::tower_nylas::inbox::Inbox::append(&self.$inner, entry).await
        }
    };
    (@ claim $inner:tt) => {
        async fn claim(
            &self,
            max: usize,
            wait: ::std::time::Duration,
        ) -> Result<Vec<::tower_nylas::inbox::Claimed<Self::Receipt>>, ::tower_nylas::BoxError> {
            ::tower_nylas::inbox::Inbox::claim(&self.$inner, max, wait).await
        }
    };
    (@ extend $inner:tt) => {
        async fn extend(
            &self,
            receipt: &Self::Receipt,
        ) -> Result<(), ::tower_nylas::inbox::SettleError> {
            ::tower_nylas::inbox::Inbox::extend(&self.$inner, receipt).await
        }
    };
    (@ settle $inner:tt) => {
        async fn settle(
            &self,
            receipt: &Self::Receipt,
            settlement: ::tower_nylas::inbox::Settlement,
        ) -> Result<(), ::tower_nylas::inbox::SettleError> {
            ::tower_nylas::inbox::Inbox::settle(&self.$inner, receipt, settlement).await
        }
    };
    (@ stats $inner:tt) => {
        async fn stats(&self) -> Result<::tower_nylas::inbox::Stats, ::tower_nylas::BoxError> {
            ::tower_nylas::inbox::Browse::stats(&self.$inner).await
        }
    };
    (@ dead $inner:tt) => {
        async fn dead(
            &self,
            before: Option<u64>,
            max: usize,
        ) -> Result<Vec<::tower_nylas::inbox::StoredEntry>, ::tower_nylas::BoxError> {
            ::tower_nylas::inbox::Browse::dead(&self.$inner, before, max).await
        }
    };
    (@ replay $inner:tt) => {
        async fn replay(
            &self,
            keys: &[::tower_nylas::inbox::EntryKey],
        ) -> Result<usize, ::tower_nylas::BoxError> {
            ::tower_nylas::inbox::Browse::replay(&self.$inner, keys).await
        }
    };
    (@ replay_dead $inner:tt) => {
        async fn replay_dead(
            &self,
            keys: &[::tower_nylas::inbox::EntryKey],
        ) -> Result<usize, ::tower_nylas::BoxError> {
            ::tower_nylas::inbox::Browse::replay_dead(&self.$inner, keys).await
        }
    };
    (@ discard $inner:tt) => {
        async fn discard(
            &self,
            keys: &[::tower_nylas::inbox::EntryKey],
        ) -> Result<usize, ::tower_nylas::BoxError> {
            ::tower_nylas::inbox::Browse::discard(&self.$inner, keys).await
        }
    };
}
