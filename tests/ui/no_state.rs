//! A router without a state.
//~ the state of this router, `()`, gives no `App`
//~ give the state first: `TriggerRouter::with_state(state).on(…)`

use tower_nylas::{State, TriggerRouter};

#[derive(Clone)]
struct App;

async fn on_message(_: State<App>) {}

fn main() {
    let _ = TriggerRouter::new().on("message.created", on_message);
}
