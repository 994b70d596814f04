//! A state that the router does not have.
//~ the state of this router, `App`, gives no `Pool`
//~ `impl FromRef<App> for Pool`

use tower_nylas::{Notification, State, TriggerRouter};

#[derive(Clone)]
struct App;

#[derive(Clone)]
struct Pool;

async fn on_message(_: State<Pool>, _: Notification) {}

fn main() {
    let _ = TriggerRouter::with_state(App).on("message.created", on_message);
}
