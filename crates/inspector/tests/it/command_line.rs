pub(crate) async fn it_lists_shows_and_counts() {}
pub(crate) async fn it_replays_in_parts_and_shows_progress() {}
pub(crate) async fn it_asks_before_more_than_one() {}
pub(crate) async fn it_passes_headers_on() {}
pub(crate) async fn it_shows_no_control_characters() {}
