//! What an application can ask Nylas for, apart from HTTP.

use http::Uri;

use super::{
    Created, Destination, DestinationId, DestinationUpdate, ManagementError, NewDestination,
    Shared, State, Status, Step,
    destination::{Entry, filters, new_id, new_secret},
    draws::Purpose,
    fault::Kind,
    statuses::Answers,
    triggers::check_subscribable,
};
use crate::{
    signature::WebhookSecret,
    testing::{
        ChallengeError, NoAnswer,
        nylas::{answer, request},
    },
};

impl Shared {
    pub(super) async fn create(&self, new: &NewDestination) -> Result<Created, ManagementError> {
        let url = check_url(&new.webhook_url)?;
        check_subscribable(&new.trigger_types)?;
        self.state().check_free(&new.webhook_url, None)?;
        self.challenge(&url, None).await?;
        let mut state = self.state();
        // Another one may have been created meanwhile.
        state.check_free(&new.webhook_url, None)?;
        let ordinal = state.next_ordinal();
        let mut random = self.random(Purpose::Destination, [ordinal]);
        let id = DestinationId::new(&new_id(&mut random));
        let secret = self.new_secret(ordinal, 0);
        self.put_into(&mut state, id.clone(), &secret, new, Status::Active)?;
        let now = self.time.elapsed();
        state.ledger.note(now, Some(&id), Step::Created);
        Ok(Created { id, secret })
    }

    /// Adds or replaces a destination, without a challenge.
    pub(super) fn put(
        &self,
        id: DestinationId,
        secret: &str,
        new: &NewDestination,
        status: Status,
    ) -> Result<(), ManagementError> {
        self.put_into(&mut self.state(), id, secret, new, status)
    }

    fn put_into(
        &self,
        state: &mut State,
        id: DestinationId,
        secret: &str,
        new: &NewDestination,
        status: Status,
    ) -> Result<(), ManagementError> {
        let url = check_url(&new.webhook_url)?;
        let key = prepare(secret)?;
        let (now, unix) = (self.time.elapsed(), self.time.unix());
        let old = state.entry(id.as_str());
        let old = old.map(|old| (old.ordinal, old.rotations));
        let (ordinal, rotations) = old.unwrap_or_else(|| (state.next_ordinal(), 0));
        let entry = Entry {
            ordinal,
            rotations,
            destination: Destination {
                id,
                webhook_url: new.webhook_url.clone(),
                trigger_types: new.trigger_types.clone(),
                description: new.description.clone(),
                notification_email_addresses: new.notification_email_addresses.clone(),
                compressed_delivery: new.compressed_delivery,
                status,
                secret: secret.to_owned(),
                status_updated_at: unix,
                created_at: unix,
                updated_at: unix,
            },
            url,
            filters: filters(&new.trigger_types),
            key,
            answers: Answers::since(now),
        };
        if let Some(old) = state.entry(entry.destination.id.as_str()) {
            *old = entry;
        } else {
            state.ordinals = ordinal;
            state.destinations.push(entry);
        }
        Ok(())
    }

    pub(super) async fn update(
        &self,
        id: &str,
        update: &DestinationUpdate,
    ) -> Result<Destination, ManagementError> {
        let old = self.destination(id)?;
        if let Some(url) = &update.webhook_url {
            check_url(url)?;
            self.state().check_free(url, Some(id))?;
        }
        if let Some(types) = &update.trigger_types {
            check_subscribable(types)?;
        }
        let new_url = update.webhook_url.as_ref();
        let is_moved = new_url.is_some_and(|url| *url != old.webhook_url);
        if is_moved || update.is_active == Some(true) {
            let url = check_url(new_url.unwrap_or(&old.webhook_url))?;
            self.challenge(&url, Some(&old.id)).await?;
        }
        self.apply(id, update)
    }

    fn apply(&self, id: &str, update: &DestinationUpdate) -> Result<Destination, ManagementError> {
        let (now, unix) = (self.time.elapsed(), self.time.unix());
        let mut state = self.state();
        if let Some(url) = &update.webhook_url {
            // Another one may have got it during the challenge.
            state.check_free(url, Some(id))?;
        }
        let unknown = || ManagementError::UnknownDestination(id.to_owned());
        let entry = state.entry(id).ok_or_else(unknown)?;
        let it = &mut entry.destination;
        if let Some(url) = &update.webhook_url {
            entry.url = check_url(url)?;
            it.webhook_url.clone_from(url);
        }
        if let Some(types) = &update.trigger_types {
            entry.filters = filters(types);
            it.trigger_types.clone_from(types);
        }
        if let Some(description) = &update.description {
            it.description = Some(description.clone());
        }
        if let Some(addresses) = &update.notification_email_addresses {
            it.notification_email_addresses.clone_from(addresses);
        }
        if let Some(is_compressed) = update.compressed_delivery {
            it.compressed_delivery = is_compressed;
        }
        it.updated_at = unix;
        let mut step = Step::Changed;
        if let Some(is_active) = update.is_active {
            let status = if is_active {
                Status::Active
            } else {
                Status::Paused
            };
            if entry.destination.status != status {
                entry.set_status(status, unix);
                entry.answers = Answers::since(now);
                step = Step::Status(status);
            }
        }
        let changed = entry.destination.clone();
        state.ledger.note(now, Some(&changed.id), step);
        Ok(changed)
    }

    pub(super) fn rotate(&self, id: &str) -> Result<Destination, ManagementError> {
        let (now, unix) = (self.time.elapsed(), self.time.unix());
        let mut state = self.state();
        let unknown = || ManagementError::UnknownDestination(id.to_owned());
        let entry = state.entry(id).ok_or_else(unknown)?;
        let secret = self.new_secret(entry.ordinal, entry.rotations + 1);
        entry.key = prepare(&secret)?;
        entry.rotations += 1;
        entry.destination.secret = secret;
        entry.destination.updated_at = unix;
        let rotated = entry.destination.clone();
        state.ledger.note(now, Some(&rotated.id), Step::Rotated);
        Ok(rotated)
    }

    fn new_secret(&self, ordinal: u64, rotations: u64) -> String {
        new_secret(&mut self.random(Purpose::Secret, [ordinal, rotations]))
    }

    pub(super) fn delete(&self, id: &str) -> Result<(), ManagementError> {
        let deleted = self.destination(id)?.id;
        let now = self.time.elapsed();
        let mut state = self.state();
        state.destinations.retain(|it| it.destination.id != deleted);
        state.ledger.note(now, Some(&deleted), Step::Deleted);
        Ok(())
    }

    pub(super) fn destination(&self, id: &str) -> Result<Destination, ManagementError> {
        let mut state = self.state();
        let found = state.entry(id).map(|entry| entry.destination.clone());
        found.ok_or_else(|| ManagementError::UnknownDestination(id.to_owned()))
    }

    async fn challenge(&self, url: &Uri, id: Option<&DestinationId>) -> Result<(), ChallengeError> {
        let checked = self.check_challenge(url, id).await;
        if let Err(why) = &checked {
            let (now, step) = (self.time.elapsed(), Step::ChallengeFailed(why.to_string()));
            self.state().ledger.note(now, id, step);
        }
        checked
    }

    async fn check_challenge(
        &self,
        url: &Uri,
        id: Option<&DestinationId>,
    ) -> Result<(), ChallengeError> {
        let mut random = self.next_random(Purpose::Challenge);
        let value = random.uuid();
        let request = request::challenge(url, &value).map_err(NoAnswer::of)?;
        let faults = self.faults(id, &mut random);
        for fault in &faults {
            if let Kind::Proxy(status) = fault {
                return Err(ChallengeError::Status(*status));
            }
        }
        let route = self.state().network.route(url);
        let timer = &*self.time.timer;
        request::within_deadline(timer, async {
            let answer = self.reach(route, request, &faults, &mut None).await?;
            answer::check_challenge(answer, &value).await
        })
        .await
    }
}

impl State {
    /// Each destination of an application has a URL of its own
    /// ([source](https://developer.nylas.com/docs/v3/notifications/)).
    fn check_free(&self, url: &str, except: Option<&str>) -> Result<(), ManagementError> {
        let mut others = self.destinations.iter().map(|entry| &entry.destination);
        let other = others.find(|it| it.webhook_url == *url && Some(it.id.as_str()) != except);
        other.map_or(Ok(()), |other| {
            Err(ManagementError::Conflict(other.id.clone()))
        })
    }

    /// The destination at this URL, if there is one.
    pub(super) fn id_at(&self, url: &str) -> Option<DestinationId> {
        let mut all = self.destinations.iter().map(|entry| &entry.destination);
        all.find(|it| it.webhook_url == url).map(|it| it.id.clone())
    }
}

/// Over plain HTTP as well, unlike Nylas: the endpoints of tests have no certificate.
pub(super) fn check_url(url: &str) -> Result<Uri, ManagementError> {
    let uri = url.parse::<Uri>().ok();
    let uri = uri.filter(|uri| matches!(uri.scheme_str(), Some("http" | "https")));
    uri.filter(|uri| uri.host().is_some()).ok_or_else(|| {
        ManagementError::Invalid("webhook_url is no absolute URL of http or https".to_owned())
    })
}

fn prepare(secret: &str) -> Result<WebhookSecret, ManagementError> {
    WebhookSecret::new(secret).map_err(|why| ManagementError::Invalid(why.to_string()))
}
