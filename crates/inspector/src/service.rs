//! The service, and what happens to a request from its arrival to its answer.

use std::{
    convert::Infallible,
    fmt,
    pin::{Pin, pin},
    sync::Arc,
    task::{Context, Poll},
};

use bytes::{Buf, Bytes};
use http::{HeaderValue, Method, Request, Response, StatusCode, header, request::Parts};
use http_body::Body;
use http_body_util::{BodyExt, Full};
use serde_json::json;
use tower_service::Service;

use crate::{
    action::{Action, ActionKind, Command, Done, Refusal, perform, refused, refused_page},
    authorize::{Access, Right},
    builder::{Builder, Closed},
    csrf::{is_loaded_from_elsewhere, is_same_origin},
    page::{self, Note, layout},
    params::{Link, MOST_OF_QUERY, Params},
    respond::{Answer, Form, html, json, json_error, plain, see_other},
    settings::Settings,
    view::{Missing, view},
};

/// The largest form that is read, in bytes: a filter, and for each entry that one action may
/// change, its key.
const LARGEST_FORM: usize = 64 << 10;
const LARGEST_KEY: usize = 40;

/// How many parameters a form may have beside keys.
const MOST_BESIDE_KEYS: usize = 32;

/// Pages for operators, as a service to mount under any path. See the [crate](crate).
///
/// It looks at the query of a request and not at its path, and its links are queries. Clones share
/// everything.
#[derive(Clone)]
pub struct Inspector {
    settings: Arc<Settings>,
}

impl Inspector {
    /// How many entries a page shows at most by default: 50.
    pub const MOST_LISTED: usize = 50;

    /// How many entries one action changes at most by default: 1,000.
    pub const MOST_CHANGED: usize = 1_000;

    /// The settings. It can be built once it was said who may see it:
    ///
    /// ```
    /// use tower_nylas_inspector::Inspector;
    ///
    /// let inspector = Inspector::builder().loopback_only().build();
    /// ```
    ///
    /// ```compile_fail
    /// use tower_nylas_inspector::Inspector;
    ///
    /// let inspector = Inspector::builder().build();
    /// ```
    pub fn builder() -> Builder<Closed> {
        Builder::new()
    }

    pub(crate) fn new(settings: Settings) -> Self {
        Self {
            settings: Arc::new(settings),
        }
    }
}

impl<B> Service<Request<B>> for Inspector
where
    B: Body + Send + 'static,
    B::Data: Send,
{
    type Response = Response<Full<Bytes>>;
    type Error = Infallible;
    type Future = ResponseFuture;

    /// Always ready.
    fn poll_ready(&mut self, _cx: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: Request<B>) -> Self::Future {
        let settings = self.settings.clone();
        ResponseFuture(Box::pin(async move {
            let (parts, body) = request.into_parts();
            let mut answer = answer(&settings, &parts, body).await;
            if parts.method == Method::HEAD {
                // A server omits it over HTTP/1 only.
                let length = answer.body().size_hint().exact().unwrap_or(0);
                let headers = answer.headers_mut();
                headers.insert(header::CONTENT_LENGTH, length.into());
                *answer.body_mut() = Full::default();
            }
            answer
        }))
    }
}

impl fmt::Debug for Inspector {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Inspector")
            .field("guard", &self.settings.guard)
            .field("shows_bodies", &self.settings.shows_bodies)
            .field("is_read_only", &self.settings.is_read_only)
            .finish_non_exhaustive()
    }
}

/// The answer of an [`Inspector`].
pub struct ResponseFuture(Pin<Box<dyn Future<Output = Answer> + Send>>);

impl Future for ResponseFuture {
    type Output = Result<Response<Full<Bytes>>, Infallible>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        self.0.as_mut().poll(cx).map(Ok)
    }
}

impl fmt::Debug for ResponseFuture {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("ResponseFuture")
    }
}

async fn answer<B: Body>(settings: &Settings, parts: &Parts, body: B) -> Answer {
    let form = Form::of(&parts.headers);
    let is_post = parts.method == Method::POST;
    let access = match settings.guard.admit(parts) {
        Ok(access) => access,
        Err(why) => {
            if is_post {
                refused(settings.hook.as_ref(), &Action::refused(None, why));
            } else {
                refused_page(None, why);
            }
            return forbidden(form, "forbidden");
        }
    };
    match parts.method {
        Method::GET | Method::HEAD => {
            if is_loaded_from_elsewhere(&parts.headers) {
                let why = "a page of another origin has loaded it";
                refused_page(access.who.as_deref(), why);
                return forbidden(form, why);
            }
            let query = parts.uri.query().unwrap_or_default();
            match Params::parse(query.as_bytes(), MOST_OF_QUERY) {
                Ok(params) => {
                    // A link from elsewhere says nothing of what was done here.
                    let params = if is_same_origin(&parts.headers) {
                        params
                    } else {
                        params.without(&Note::PARAMS)
                    };
                    show(settings, &access, form, &params).await
                }
                Err(why) => {
                    let (params, status) = (Params::default(), StatusCode::BAD_REQUEST);
                    let text = ("Not understood", &*why);
                    message(settings, &access, form, &params, status, text)
                }
            }
        }
        Method::POST => {
            let why = if !is_same_origin(&parts.headers) {
                "it is not from a page of this origin (`Sec-Fetch-Site: same-origin`)"
            } else if settings.is_read_only || access.right < Right::Act {
                "it is read only"
            } else {
                return act(settings, &access, form, parts, body).await;
            };
            let action = Action::refused(access.who.as_deref(), why);
            refused(settings.hook.as_ref(), &action);
            forbidden(form, why)
        }
        _ => {
            let mut answer = short(form, StatusCode::METHOD_NOT_ALLOWED, "method not allowed");
            let allowed = HeaderValue::from_static("GET, HEAD, POST");
            answer.headers_mut().insert(header::ALLOW, allowed);
            answer
        }
    }
}

fn forbidden(form: Form, why: &str) -> Answer {
    short(form, StatusCode::FORBIDDEN, why)
}

/// For whoever sees no page.
fn short(form: Form, status: StatusCode, why: &str) -> Answer {
    match form {
        Form::Html => plain(status, why),
        Form::Json => json_error(status, why),
    }
}

/// A page, whole before any of it is sent.
async fn show(settings: &Settings, access: &Access, form: Form, params: &Params) -> Answer {
    let view = view(settings, params).await;
    let (status, title, text) = match view {
        Ok(view) => {
            return match form {
                Form::Json => json(StatusCode::OK, &view),
                Form::Html => {
                    let context = context(settings, access);
                    let (title, main) = page::content(&context, &view);
                    html(StatusCode::OK, layout(&context, params, title, &main))
                }
            };
        }
        Err(Missing::NotFound(why)) => (StatusCode::NOT_FOUND, "Not found", why),
        Err(Missing::Invalid(why)) => (StatusCode::BAD_REQUEST, "Not understood", why),
        Err(Missing::Busy) => (
            StatusCode::SERVICE_UNAVAILABLE,
            "Try again",
            "others are counting what they will change: try again in a moment".to_owned(),
        ),
        Err(Missing::Engine(why)) => (
            StatusCode::SERVICE_UNAVAILABLE,
            "The inbox does not answer",
            why,
        ),
    };
    message(settings, access, form, params, status, (title, &text))
}

fn message(
    settings: &Settings,
    access: &Access,
    form: Form,
    params: &Params,
    status: StatusCode,
    (title, text): (&str, &str),
) -> Answer {
    match form {
        Form::Json => json_error(status, text),
        Form::Html => {
            let context = context(settings, access);
            let main = page::message(title, text);
            html(status, layout(&context, params, title, &main))
        }
    }
}

fn context<'a>(settings: &'a Settings, access: &'a Access) -> page::Context<'a> {
    page::Context {
        settings,
        access,
        now: settings.clock.unix_time(),
    }
}

/// Does what a form asks for, and sends its browser to a page that says what was done.
async fn act<B: Body>(
    settings: &Settings,
    access: &Access,
    form: Form,
    parts: &Parts,
    body: B,
) -> Answer {
    let not_done = |status, text: &str| {
        let params = Params::default();
        message(settings, access, form, &params, status, ("Not done", text))
    };
    // Whatever is not done is recorded as well, as far as it was read.
    let invalid = |status, text: &str, kind: Option<ActionKind>, command: Option<&Command>| {
        let selection = command.map(Command::selection);
        let action = Action {
            kind: command.map(Command::kind).or(kind),
            selection: selection.as_deref().unwrap_or_default(),
            reason: command.and_then(Command::reason),
            ..Action::refused(access.who.as_deref(), text)
        };
        refused(settings.hook.as_ref(), &action);
        not_done(status, text)
    };
    let content_type = parts.headers.get(header::CONTENT_TYPE);
    let content_type = content_type.and_then(|value| value.to_str().ok());
    let media_type = content_type.and_then(|value| value.split(';').next());
    if !media_type.is_some_and(|name| {
        name.trim()
            .eq_ignore_ascii_case("application/x-www-form-urlencoded")
    }) {
        let text = "a form is needed (application/x-www-form-urlencoded)";
        return invalid(StatusCode::UNSUPPORTED_MEDIA_TYPE, text, None, None);
    }
    let largest = LARGEST_FORM + LARGEST_KEY * settings.most_changed;
    let body = match read(body, largest).await {
        Ok(body) => body,
        Err(Unread::TooLarge) => {
            let text = "the form is too large";
            return invalid(StatusCode::PAYLOAD_TOO_LARGE, text, None, None);
        }
        Err(Unread::Cut) => {
            let text = "the form did not arrive as a whole";
            return invalid(StatusCode::BAD_REQUEST, text, None, None);
        }
    };
    let most = MOST_BESIDE_KEYS + settings.most_changed.max(MOST_OF_QUERY);
    let params = match Params::parse(&body, most) {
        Ok(params) => params,
        Err(why) => return invalid(StatusCode::BAD_REQUEST, &why, None, None),
    };
    let (command, is_confirmed) = match Command::parse(&params) {
        Ok(command) => command,
        Err(why) => {
            let kind = params.get("action").and_then(ActionKind::from_name);
            return invalid(StatusCode::BAD_REQUEST, &why, kind, None);
        }
    };
    if command.needs_confirmation() && !is_confirmed {
        let why = "an action on more than one entry must be confirmed (confirm=1)";
        return invalid(StatusCode::BAD_REQUEST, why, None, Some(&command));
    }
    match perform(settings, access, &command).await {
        Ok(done) if form == Form::Json => json(StatusCode::OK, &done),
        Ok(done) => see_other(&Note::link(page_after(&command, &done), &done)),
        Err(Refusal::Impossible(why)) => not_done(StatusCode::NOT_FOUND, why),
        Err(Refusal::Engine {
            why,
            selected,
            done,
        }) => {
            let why = why.to_string();
            let status = StatusCode::SERVICE_UNAVAILABLE;
            let error = json!({ "error": &why, "selected": selected, "done": done });
            let title = match done {
                0 => "Not done".to_owned(),
                _ => format!("Not all done: {done} of {selected}"),
            };
            match form {
                Form::Json => json(status, &error),
                Form::Html => {
                    let (params, text) = (Params::default(), (&*title, &*why));
                    message(settings, access, form, &params, status, text)
                }
            }
        }
    }
}

fn page_after(command: &Command, done: &Done) -> Link {
    match (command, done.key) {
        (Command::Pause | Command::Resume, _) => Link::home(),
        (Command::Replay(_), Some(key)) => Link::to("entry").with("key", key),
        (Command::Purge(_), _) => Link::to("inbox"),
        _ => Link::to("dead"),
    }
}

/// Why there is no form.
enum Unread {
    TooLarge,
    /// The client has not sent all of it.
    Cut,
}

async fn read<B: Body>(body: B, largest: usize) -> Result<Vec<u8>, Unread> {
    let mut body = pin!(body);
    let mut read = Vec::new();
    while let Some(frame) = body.frame().await {
        let Ok(mut data) = frame.map_err(|_| Unread::Cut)?.into_data() else {
            continue;
        };
        if read.len() + data.remaining() > largest {
            return Err(Unread::TooLarge);
        }
        while data.has_remaining() {
            let chunk = data.chunk();
            let length = chunk.len();
            read.extend_from_slice(chunk);
            data.advance(length);
        }
    }
    Ok(read)
}
