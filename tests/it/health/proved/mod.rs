//! What a `Health` tells, and when, of days that are simulated.

mod declines;
mod ordinary;
mod restart;
mod silence;

use std::{
    hash::{DefaultHasher, Hash, Hasher},
    sync::Mutex,
};

use tower_nylas::{
    Notification, State, TriggerRouter,
    health::{Finding, Status},
    testing::nylas::{self, DestinationId, Hosted, NewDestination, Simulator, Traffic},
    time::Timer,
};

use super::*;

const URL: &str = "https://app.example.com/webhooks/nylas";
const TRIGGERS: [&str; 2] = ["message.created", "event.updated"];
const DAY: Duration = Duration::from_secs(24 * 60 * 60);

/// How likely an attempt is to fail, by the time since the course was set and the trigger.
type Course = Box<dyn Fn(Duration, &str) -> f64 + Send>;

/// Handlers that fail as a course has it.
#[derive(Clone)]
struct Application {
    clock: VirtualClock,
    course: Arc<Mutex<(Duration, Course)>>,
    /// Whether those that fail do so by taking too long.
    hangs: bool,
}

impl Application {
    fn fails(&self, notification: &Notification) -> bool {
        let (since, course) = &*self.course.lock().unwrap();
        let trigger = notification.trigger().to_string();
        let share = course(self.clock.elapsed().checked_sub(*since).unwrap(), &trigger);
        let mut hasher = DefaultHasher::new();
        (notification.id(), notification.attempt()).hash(&mut hasher);
        let chance = u32::try_from(hasher.finish() >> 32).unwrap();
        f64::from(chance) < share * f64::from(u32::MAX)
    }
}

async fn handle(
    State(app): State<Application>,
    notification: Notification,
) -> Result<(), &'static str> {
    if !app.fails(&notification) {
        return Ok(());
    }
    if app.hangs {
        app.clock.sleep(MINUTE).await;
    }
    Err("the database is away")
}

/// A process: a layer with a health of its own, which nothing asks.
struct Server {
    hosted: Hosted,
    health: Health,
    told: Arc<Mutex<Vec<(Duration, Status)>>>,
}

impl Server {
    fn start(nylas: &Simulator, app: &Application, secrets: &Secrets) -> Self {
        let clock = &app.clock;
        let health = Health::with_timer(clock.clone());
        let run = health.clone().run();
        clock.spawn(async move { assert_eq!(run.await, TimerMissing) });
        let told: Arc<Mutex<Vec<_>>> = Arc::default();
        let (mut changes, keep, at) = (health.watch(), told.clone(), clock.clone());
        clock.spawn(async move {
            while changes.changed().await.is_ok() {
                let status = changes.borrow_and_update().clone();
                keep.lock().unwrap().push((at.elapsed(), status));
            }
        });
        let layer = WebhookLayer::with_timer(secrets.clone(), clock.clone()).health(&health);
        let triggers = TriggerRouter::with_state(app.clone())
            .on("message.*", handle)
            .on("event.*", handle);
        let hosted = nylas.host(URL, layer.layer(triggers));
        Self {
            hosted,
            health,
            told,
        }
    }

    /// Everything that was told, in its order.
    fn told(&self) -> Vec<(Duration, Status)> {
        self.told.lock().unwrap().clone()
    }

    /// When this was first told.
    fn first(&self, is_meant: impl Fn(&Finding) -> bool) -> Option<Duration> {
        let told = self.told();
        let mut told = told.iter();
        let found = told.find(|(_, status)| status.all_findings().any(|(_, it)| is_meant(it)));
        found.map(|(at, _)| *at)
    }

    /// When a finding of this cause was first a warning, or worse.
    fn first_warning(&self, cause: Cause) -> Option<Duration> {
        self.first(|it| it.cause == cause && it.level >= Level::Warning)
    }
}

fn new_destination() -> NewDestination {
    NewDestination::new(URL, TRIGGERS)
}

/// The simulated Nylas, a server, and one destination between them.
struct Life {
    clock: VirtualClock,
    nylas: Simulator,
    app: Application,
    server: Server,
    secrets: Secrets,
    id: DestinationId,
    secret: String,
}

impl Life {
    fn new(seed: u64) -> Self {
        Self::with(seed, false)
    }

    fn with(seed: u64, hangs: bool) -> Self {
        let clock = VirtualClock::new();
        let nylas = Simulator::builder().clock(clock.clone()).seed(seed).build();
        let never: Course = Box::new(|_, _| 0.0);
        let app = Application {
            clock: clock.clone(),
            course: Arc::new(Mutex::new((Duration::ZERO, never))),
            hangs,
        };
        let secrets = Secrets::pending();
        let server = Server::start(&nylas, &app, &secrets);
        let created = clock.run_until(nylas.create(&new_destination())).unwrap();
        secrets.set(created.secret()).unwrap();
        Self {
            secret: created.secret().to_owned(),
            id: created.id,
            clock,
            nylas,
            app,
            server,
            secrets,
        }
    }

    /// From now on.
    fn fail(&self, course: impl Fn(Duration, &str) -> f64 + Send + 'static) {
        *self.app.course.lock().unwrap() = (self.clock.elapsed(), Box::new(course));
    }

    /// Two kinds of events, one in this time on average.
    fn traffic(&self, each: Duration, during: Duration) {
        self.traffic_with(each, during, |traffic| traffic);
    }

    fn traffic_with(
        &self,
        each: Duration,
        during: Duration,
        settings: impl FnOnce(Traffic) -> Traffic,
    ) {
        let traffic = Traffic::new(TRIGGERS, each);
        self.nylas.run(settings(traffic).during(during));
        self.clock.run_for(during);
    }

    /// When Nylas has first called the destination this.
    fn first_status(&self, wanted: nylas::Status) -> Option<Duration> {
        let statuses = self.nylas.ledger().statuses(&self.id);
        let mut statuses = statuses.iter();
        statuses.find(|(_, it)| *it == wanted).map(|(at, _)| *at)
    }
}
