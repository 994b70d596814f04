//! What the application shares with its handlers.

use std::ops::{Deref, DerefMut};

use http::Request;

use super::argument::{FromVerified, sealed::Sealed};
use crate::{notification::Malformed, verify::VerifiedBody};

/// An argument of a [handler](super::Handler): the router's state, or a part of it.
///
/// The state is given to [`TriggerRouter::with_state`](super::TriggerRouter::with_state), and each
/// call of a handler gets a clone of what it asks for. So a state should be cheap to clone: a pool
/// of connections, an `Arc`, or a struct of such things.
///
/// ```
/// use std::sync::Arc;
///
/// use tower_nylas::{FromRef, Notification, State, TriggerRouter};
///
/// #[derive(Clone)]
/// struct Mailbox(Arc<str>);
///
/// struct App {
///     mailbox: Mailbox,
///     limit: usize,
/// }
///
/// // With it, a handler can ask for the part alone.
/// impl FromRef<App> for Mailbox {
///     fn from_ref(app: &App) -> Self {
///         app.mailbox.clone()
///     }
/// }
///
/// async fn on_message(State(mailbox): State<Mailbox>, mail: Notification) {
///     println!("{} in {}", mail.trigger(), mailbox.0);
/// }
///
/// let app = App { mailbox: Mailbox("inbox".into()), limit: 7 };
/// let router = TriggerRouter::with_state(app).on("message.created", on_message);
/// ```
///
/// It is another type than axum's `State`, which only axum's handlers can take.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash)]
pub struct State<T>(pub T);

/// Makes an argument of a handler, [`State<Self>`](State), from the router's state.
///
/// Every type that is `Clone` is made from itself, so a handler can ask for the whole state.
/// Implement it to let handlers ask for parts of a state; see [`State`].
#[diagnostic::on_unimplemented(
    message = "the state of this router, `{T}`, gives no `{Self}`",
    label = "asks for a `State<{Self}>`",
    note = "give the state first: `TriggerRouter::with_state(state).on(…)`",
    note = "a handler can ask for the whole state if that is `Clone`, or for a part of it: \
            `impl FromRef<{T}> for {Self}`"
)]
pub trait FromRef<T> {
    /// Usually a clone of one field.
    fn from_ref(state: &T) -> Self;
}

impl<T: Clone> FromRef<T> for T {
    fn from_ref(state: &T) -> Self {
        state.clone()
    }
}

impl<T> Deref for State<T> {
    type Target = T;

    fn deref(&self) -> &Self::Target {
        &self.0
    }
}

impl<T> DerefMut for State<T> {
    fn deref_mut(&mut self) -> &mut Self::Target {
        &mut self.0
    }
}

impl<T: FromRef<S>, S> FromVerified<S> for State<T> {
    type Share = ();
    type Borrowed = Self;

    fn borrow(_request: &Request<VerifiedBody>, state: &S) -> Self {
        Self(T::from_ref(state))
    }

    fn take(borrowed: Self, (): ()) -> Result<Self, Malformed> {
        Ok(borrowed)
    }
}

impl<T> Sealed for State<T> {}
