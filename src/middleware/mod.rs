//! Parts that all layers of this crate share.

mod answer;
mod answer_or;
mod call_ready;
mod catch;
mod first_bytes;

pub use self::answer::ResponseBody;
#[cfg(feature = "inbox")]
pub(crate) use self::catch::caught;
pub(crate) use self::{
    answer::{Answer, close_unless_read, is_at_end},
    answer_or::AnswerOr,
    call_ready::CallReady,
    catch::{Panic, both, catch},
    first_bytes::{is_gzip, is_json},
};

/// Declares a layer's public response future around a private one.
///
/// The output is written out, since a public associated type cannot name the private future.
macro_rules! opaque_future {
    (
        $(#[$meta:meta])*
        pub struct $name:ident<$($param:ident),+>($inner:ty)
        where $($bound:ident: $trait:path),+;

        impl<$($impl_param:ident),+> Future -> $output:ty
        where { $($bounds:tt)+ }
    ) => {
        pin_project_lite::pin_project! {
            $(#[$meta])*
            pub struct $name<$($param),+>
            where
                $($bound: $trait,)+
            {
                #[pin]
                inner: $inner,
            }
        }

        impl<$($param),+> $name<$($param),+>
        where
            $($bound: $trait,)+
        {
            pub(super) fn new(inner: $inner) -> Self {
                Self { inner }
            }
        }

        impl<$($impl_param),+> Future for $name<$($param),+>
        where
            $($bounds)+
        {
            type Output = $output;

            fn poll(
                self: std::pin::Pin<&mut Self>,
                cx: &mut std::task::Context<'_>,
            ) -> std::task::Poll<Self::Output> {
                self.project().inner.poll(cx)
            }
        }

        impl<$($param),+> std::fmt::Debug for $name<$($param),+>
        where
            $($bound: $trait,)+
        {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.debug_struct(stringify!($name)).finish_non_exhaustive()
            }
        }
    };
}

/// Access to the service that another one wraps, under the names that tower-http uses.
macro_rules! inner_service_accessors {
    () => {
        /// Returns a reference to the inner service.
        pub fn get_ref(&self) -> &S {
            &self.inner
        }

        /// Returns a mutable reference to the inner service.
        pub fn get_mut(&mut self) -> &mut S {
            &mut self.inner
        }

        /// Consumes the wrapper and returns the inner service.
        pub fn into_inner(self) -> S {
            self.inner
        }
    };
}

pub(crate) use {inner_service_accessors, opaque_future};
