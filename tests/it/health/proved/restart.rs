//! A process that begins with the wrong secret.

use super::*;

/// The secret was rotated while the process was away, and it starts with that of before.
#[test]
fn a_wrong_secret_is_told_within_two_minutes() {
    for (seed, each) in [(0, 1), (1, 5), (2, 15)] {
        let mut life = Life::new(seed);
        life.traffic(each * SECOND, HOUR / 2);
        life.server.hosted.remove();
        let rotated = life.nylas.rotate(&life.id).unwrap();
        let secrets = Secrets::builder().clock(life.clock.clone());
        let secrets = secrets.secret(&*life.secret).unwrap();
        life.server = Server::start(&life.nylas, &life.app, &secrets);
        let restart = life.clock.elapsed();
        life.traffic(each * SECOND, 2 * MINUTE);

        let told = life.server.first_warning(Cause::Mismatches);
        let told = told.expect("it is told within two minutes");
        assert!(told >= restart + MINUTE, "one mismatch is nothing yet");
        let status = life.server.health.status();
        assert_eq!(status.level, Level::Critical, "{status}");

        secrets.set(rotated.secret()).unwrap();
        life.traffic(each * SECOND, 2 * MINUTE);
        let status = life.server.health.status();
        assert_eq!(status.level, Level::Ok, "{status}");
    }
}
