//! What has to be done at Nylas.

use std::fmt;

use super::{Desired, ReconcileError};
use crate::api::{
    CreateWebhook, Destination, DestinationStatus, Recorded, UpdateWebhook, WebhookId,
};

/// What [`reconcile`](super::reconcile()) would do. [`Display`](fmt::Display) is a line for each
/// step.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct Plan {
    /// The destination that was found, if there is one.
    pub found: Option<Destination>,
    /// What has to be done, in this order; nothing if the destination is as it should be.
    pub steps: Vec<Step>,
}

/// A request to Nylas that changes something.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub enum Step {
    /// The destination is created, and its secret saved.
    Create(CreateWebhook),
    /// The destination exists, but its secret is not in the store, or in doubt: it is rotated, and
    /// saved.
    Rotate(WebhookId),
    /// What differs is changed.
    Update(UpdateWebhook),
}

impl Plan {
    /// # Errors
    ///
    /// [`ReconcileError::Foreign`] or [`ReconcileError::Ambiguous`].
    pub(super) fn new(
        desired: &Desired,
        recorded: Option<&Recorded>,
        destinations: Vec<Destination>,
    ) -> Result<Self, ReconcileError> {
        let is_recorded = |it: &Destination| recorded.is_some_and(|known| known.id == it.id);
        let candidates = destinations
            .into_iter()
            .filter(|it| is_recorded(it) || desired.has_url_of(it));
        let mut candidates: Vec<_> = candidates.collect();
        // A store that was copied from another environment has recorded that one's destination.
        let is_own =
            |it: &Destination| desired.is_own(it) || is_recorded(it) && desired.has_url_of(it);
        if let Some(foreign) = candidates.iter().find(|it| !is_own(it)) {
            return Err(ReconcileError::Foreign {
                id: foreign.id.clone(),
                description: foreign.description.clone(),
            });
        }
        if candidates.len() > 1 {
            let ids = candidates.into_iter().map(|it| it.id).collect();
            return Err(ReconcileError::Ambiguous(ids));
        }
        let Some(found) = candidates.pop() else {
            return Ok(Self {
                found: None,
                steps: vec![Step::Create(desired.create())],
            });
        };
        let has_secret = is_recorded(&found) && recorded.is_some_and(|known| known.is_current);
        let rotate = (!has_secret).then(|| Step::Rotate(found.id.clone()));
        // Behind it, so that what an update makes Nylas send can be verified.
        let update = desired.update(&found).map(Step::Update);
        Ok(Self {
            found: Some(found),
            steps: rotate.into_iter().chain(update).collect(),
        })
    }

    /// Whether the destination is as it should be.
    pub fn is_empty(&self) -> bool {
        self.steps.is_empty()
    }

    /// The status, if the destination was found stopped and no step makes it active again.
    pub fn left_stopped(&self) -> Option<&DestinationStatus> {
        let is_reactivated = self.steps.iter().any(|step| match step {
            Step::Update(update) => update.fields().any(|field| field == "status"),
            Step::Create(_) | Step::Rotate(_) => false,
        });
        let status = self.found.as_ref()?.status.as_ref()?;
        (status.is_stopped() && !is_reactivated).then_some(status)
    }
}

impl fmt::Display for Plan {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.found {
            Some(found) if self.is_empty() => write!(f, "{}: nothing to change", found.id)?,
            _ => {
                for (at, step) in self.steps.iter().enumerate() {
                    write!(f, "{}{step}", if at == 0 { "" } else { "\n" })?;
                }
            }
        }
        match self.left_stopped() {
            Some(status) => write!(
                f,
                "\nit is left {status}: reactivate it if that is not meant"
            ),
            None => Ok(()),
        }
    }
}

impl fmt::Display for Step {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Create(create) => write!(f, "create {create}"),
            Self::Rotate(id) => write!(
                f,
                "{id}: rotate its secret, since the one in the store is missing or in doubt"
            ),
            Self::Update(update) => {
                let fields: Vec<_> = update.fields().collect();
                write!(f, "{}: change {}", update.id(), fields.join(", "))
            }
        }
    }
}
