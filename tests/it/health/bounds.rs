//! Many labels, and several layers.

use super::*;

fn labelled(label: &str) -> Secrets {
    Secrets::builder().label(label).secret(SECRET).unwrap()
}

/// The tenant is the path.
fn tenants() -> Scene {
    Scene::new(SecretSource::lookup(|request| {
        Ok(Some(labelled(request.uri.path().trim_start_matches('/'))))
    }))
}

fn to(tenant: &str, signature: &str, body: Vec<u8>) -> Request<Full<Bytes>> {
    let mut request = signed_by(signature, body);
    *request.uri_mut() = format!("/{tenant}").parse().unwrap();
    request
}

fn genuine(tenant: &str) -> Request<Full<Bytes>> {
    let body = notification_of("message.created", "n-1", 1, 0);
    to(tenant, &sign(&body).to_hex(), body)
}

fn forged(tenant: &str) -> Request<Full<Bytes>> {
    to(tenant, &"0".repeat(64), b"{}".to_vec())
}

#[test]
fn the_first_hundred_are_told_apart() {
    let scene = tenants();
    for tenant in 0..300 {
        scene.status.store(200, Ordering::Relaxed);
        scene.send(genuine(&format!("t-{tenant}")));
    }
    let status = scene.health.status();
    assert_eq!(status.destinations.len(), 101);
    assert_eq!(status.destination("t-99").unwrap().three_days.requests, 1);
    let other = status.destination("other").unwrap();
    assert_eq!(other.three_days.requests, 200);
    // Of those it is not known which ones have verified something.
    scene.send(forged("t-299"));
    scene.send(forged("t-300"));
    scene.clock.run_for(2 * MINUTE);
    assert_eq!(scene.level(), Level::Ok);
}

#[test]
fn forgeries_take_no_room_from_the_genuine() {
    let scene = tenants();
    for tenant in 0..1000 {
        scene.send(forged(&format!("t-{tenant}")));
    }
    scene.clock.run_for(2 * MINUTE);
    let status = scene.health.status();
    assert_eq!(status.level, Level::Warning);
    assert_eq!(status.destinations.len(), 100);

    for tenant in 900..950 {
        scene.send(genuine(&format!("t-{tenant}")));
    }
    for tenant in 0..50 {
        scene.send(genuine(&format!("t-{tenant}")));
    }
    let status = scene.health.status();
    assert_eq!(status.destinations.len(), 150);
    for tenant in [900, 949, 0, 49] {
        let verified = status.destination(&format!("t-{tenant}")).unwrap();
        assert_eq!(verified.level, Level::Ok);
        assert_eq!(verified.three_days.requests, 1);
    }
    let doubtful = status.destination("t-50").unwrap();
    assert_eq!(doubtful.findings[0].cause, Cause::Mismatches);
}

/// A stranger sends them to as many tenants as are remembered.
#[test]
fn they_do_not_hide_a_wrong_secret_of_another_layer() {
    let mut scene = tenants();
    let wrong = Secrets::builder().label("fixed");
    let wrong = wrong.secret("yesterdays-inventedOne").unwrap();
    let fixed = WebhookLayer::with_timer(wrong, scene.clock.clone()).health(&scene.health);
    for tenant in 0..1000 {
        scene.send(forged(&format!("t-{tenant}")));
    }
    scene.layer = fixed;
    for _ in 0..3 {
        scene.send(genuine("fixed"));
    }
    scene.clock.run_for(MINUTE);
    let status = scene.health.status();
    let fixed = status.destination("fixed").unwrap();
    assert_eq!(fixed.findings[0].cause, Cause::Mismatches);
    assert_eq!(fixed.level, Level::Critical);
}

#[test]
fn an_unknown_tenant_is_nobodys_doubt() {
    let scene = Scene::new(SecretSource::lookup(|_| Ok(None)));
    scene.send(forged("nobody"));
    let concealed = SecretSource::lookup(|_| Ok(None)).conceal_unknown_tenants();
    let scene_concealed = Scene::new(concealed);
    scene_concealed.send(forged("nobody"));
    for scene in [scene, scene_concealed] {
        scene.clock.run_for(2 * MINUTE);
        let status = scene.health.status();
        assert_eq!((status.level, status.destinations.len()), (Level::Ok, 0));
    }
}

#[test]
fn several_layers_share_one() {
    let mut scene = Scene::new(labelled("eu"));
    scene.deliver(200, 1);
    let us = WebhookLayer::with_timer(labelled("us"), scene.clock.clone());
    scene.layer = us.health(&scene.health);
    let status = scene.health.status();
    let of = |label: &str| status.destination(label).unwrap().fifteen_minutes.requests;
    assert_eq!(
        (of("eu"), of("us")),
        (1, 0),
        "both are known from the start"
    );
    scene.clock.run_for(5 * MINUTE);
    scene.traffic(20, SECOND, 100);
    let status = scene.health.status();
    assert_eq!(status.destination("eu").unwrap().level, Level::Ok);
    assert_eq!(status.destination("us").unwrap().level, Level::Critical);
    assert_eq!(status.level, Level::Critical);
    assert_eq!(
        status.to_string(),
        "critical: us: 20 of 15 minutes' 20 notifications failed: 100 %, and at 95 % of 15 minutes \
         Nylas calls the destination failing"
    );
}
