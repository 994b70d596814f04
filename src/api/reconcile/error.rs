//! Why a destination is not as the application wants it.

use std::{error::Error, fmt};

use crate::{
    api::{NewSecret, SendError, WebhookId},
    report::{BoxError, SharedError},
};

/// Why [`reconcile`](super::reconcile()) has not come to its end. After the cause is removed, it
/// can be run again, and repairs what was left half done.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub enum ReconcileError {
    /// The destination at the URL is not the application's own: it has another description, and is
    /// not recorded. Or the recorded one has both another description and another URL. Nothing was
    /// changed.
    Foreign {
        /// Its id.
        id: WebhookId,
        /// What it is called.
        description: Option<String>,
    },
    /// More than one destination could be meant. Nothing was changed.
    Ambiguous(Vec<WebhookId>),
    /// Nylas, the client or the network has refused a request.
    Send(SendError),
    /// The same of the request behind a rotation: the secret is a new one, which the store has
    /// saved, and what differs may be unchanged.
    NotUpdated {
        /// The secret.
        secret: NewSecret,
        /// What has refused it.
        why: SendError,
    },
    /// The store has failed before anything was changed.
    Store(SharedError),
    /// The store has not saved the secret that Nylas has issued. It is here, to be saved otherwise;
    /// if it is dropped, the next run rotates it.
    NotSaved {
        /// The destination.
        id: WebhookId,
        /// Its secret.
        secret: NewSecret,
        /// What the store says.
        why: SharedError,
    },
}

impl ReconcileError {
    pub(super) fn store(why: BoxError) -> Self {
        Self::Store(why.into())
    }

    /// The secret that Nylas has issued before this error, and signs with from now on. A program
    /// that goes on after the error gives it to [`Secrets::rotate`](crate::Secrets::rotate).
    pub fn secret(&self) -> Option<&NewSecret> {
        match self {
            Self::NotUpdated { secret, .. } | Self::NotSaved { secret, .. } => Some(secret),
            Self::Foreign { .. } | Self::Ambiguous(_) | Self::Send(_) | Self::Store(_) => None,
        }
    }
}

impl From<SendError> for ReconcileError {
    fn from(error: SendError) -> Self {
        Self::Send(error)
    }
}

impl fmt::Display for ReconcileError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Foreign { id, description } => {
                write!(f, "the destination {id} is not this application's own")?;
                match description {
                    Some(description) => write!(f, ": its description is {description:?}"),
                    None => f.write_str(": it has no description"),
                }
            }
            Self::Ambiguous(ids) => {
                f.write_str("more than one destination could be meant:")?;
                ids.iter().try_for_each(|id| write!(f, " {id}"))
            }
            Self::Send(error) => error.fmt(f),
            Self::NotUpdated { why, .. } => write!(f, "{why}; the secret is a new one, and saved"),
            Self::Store(_) => f.write_str("the store of the destination has failed"),
            Self::NotSaved { id, .. } => {
                write!(
                    f,
                    "the store has not saved the new secret of the destination {id}"
                )
            }
        }
    }
}

impl Error for ReconcileError {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        match self {
            Self::Send(why) | Self::NotUpdated { why, .. } => why.source(),
            Self::Store(why) | Self::NotSaved { why, .. } => Some(&**why),
            Self::Foreign { .. } | Self::Ambiguous(_) => None,
        }
    }
}
