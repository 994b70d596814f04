//! Bringing a destination to the wanted state.

use bytes::Bytes;
use http::{Request, Response};
use http_body::Body;
use http_body_util::Full;
use tower_service::Service;

use super::{Desired, Plan, ReconcileError, Step};
use crate::{
    api::{
        Api, Destination, DestinationStore, ErrorKind, Issued, ListWebhooks, NewSecret,
        RotateSecret, SendError, send,
    },
    report::BoxError,
};

/// What [`reconcile`] has done.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct Reconciled {
    /// The destination as it is now.
    pub destination: Destination,
    /// What was done.
    pub plan: Plan,
    /// Its secret, if it is a new one, which the store has saved already; otherwise the store has
    /// had it before.
    pub secret: Option<NewSecret>,
}

/// What [`reconcile`] would do. Nothing is changed, at Nylas or in the store.
///
/// # Errors
///
/// [`ReconcileError`].
pub async fn dry_run<S, B>(
    desired: &Desired,
    api: &Api,
    client: S,
    store: &impl DestinationStore,
) -> Result<Plan, ReconcileError>
where
    S: Service<Request<Full<Bytes>>, Response = Response<B>>,
    S::Error: Into<BoxError>,
    B: Body<Error: Into<BoxError>>,
{
    let recorded = store.load().await.map_err(ReconcileError::store)?;
    let destinations = send(&ListWebhooks, api, client).await?;
    Plan::new(desired, recorded.as_ref(), destinations)
}

/// Brings the destination of an application to the wanted state: creates it, or finds it by the
/// recorded id, or by its URL and the application's own description, and changes what differs.
///
/// The endpoint must run already, since Nylas sends it a challenge. A secret that Nylas issues is
/// in the store before anything else happens. A program that is ended at any moment is repaired by
/// running this again: a destination whose secret was never saved gets a new one. (Notifications in
/// between cannot be verified, and get `503`, as long as [`Secrets`](crate::Secrets) are pending or
/// expect a rotation.) Nothing is repeated but the search, if a destination has come into being
/// meanwhile ([`Conflict`](ErrorKind::Conflict)).
///
/// # Errors
///
/// [`ReconcileError`]. Destinations of others and those that could be meant are left alone.
pub async fn reconcile<S, B>(
    desired: &Desired,
    api: &Api,
    client: S,
    store: &impl DestinationStore,
) -> Result<Reconciled, ReconcileError>
where
    S: Service<Request<Full<Bytes>>, Response = Response<B>> + Clone,
    S::Error: Into<BoxError>,
    B: Body<Error: Into<BoxError>>,
{
    let plan = dry_run(desired, api, client.clone(), store).await?;
    match carry_out(plan, api, client.clone(), store).await {
        Err(ReconcileError::Send(error)) if is_conflict(&error) => {
            let plan = dry_run(desired, api, client.clone(), store).await?;
            carry_out(plan, api, client, store).await
        }
        result => result,
    }
}

fn is_conflict(error: &SendError) -> bool {
    error
        .api()
        .is_some_and(|error| *error.kind() == ErrorKind::Conflict)
}

async fn carry_out<S, B>(
    plan: Plan,
    api: &Api,
    client: S,
    store: &impl DestinationStore,
) -> Result<Reconciled, ReconcileError>
where
    S: Service<Request<Full<Bytes>>, Response = Response<B>> + Clone,
    S::Error: Into<BoxError>,
    B: Body<Error: Into<BoxError>>,
{
    let (mut destination, mut secret) = (plan.found.clone(), None);
    for step in &plan.steps {
        let client = client.clone();
        let Issued {
            destination: changed,
            secret: new,
        } = match step {
            Step::Create(create) => send(create, api, client).await?,
            Step::Rotate(id) => {
                let begun = store.begin_rotation(id).await;
                begun.map_err(ReconcileError::store)?;
                send(&RotateSecret::new(id.clone()), api, client).await?
            }
            Step::Update(update) => {
                let updated = send(update, api, client).await;
                destination = Some(updated.map_err(|why| match secret.take() {
                    Some(secret) => ReconcileError::NotUpdated { secret, why },
                    None => ReconcileError::Send(why),
                })?);
                continue;
            }
        };
        // The id that was asked for, if there was one.
        let known = destination.as_ref().unwrap_or(&changed);
        if let Err(why) = store.save(&known.id, &new).await {
            return Err(ReconcileError::NotSaved {
                id: known.id.clone(),
                secret: new,
                why: why.into(),
            });
        }
        (destination, secret) = (Some(changed), Some(new));
    }
    Ok(Reconciled {
        destination: destination.expect("a plan without a destination creates it"),
        plan,
        secret,
    })
}
