//! What an inner service answers or does, and the answer on the wire.

use super::*;
use tower_nylas_kit::delivery::notification;

/// One whose future is `F`.
#[derive(Clone)]
struct Of<F> {
    ready: fn() -> Poll<Result<(), BoxError>>,
    call: F,
}

impl<F, Fut, B> Service<Request<VerifiedBody>> for Of<F>
where
    F: Fn() -> Fut,
    Fut: Future<Output = Result<Response<B>, BoxError>>,
{
    type Response = Response<B>;
    type Error = BoxError;
    type Future = Fut;

    fn poll_ready(&mut self, _cx: &mut Context<'_>) -> Poll<Result<(), BoxError>> {
        (self.ready)()
    }

    fn call(&mut self, _: Request<VerifiedBody>) -> Fut {
        (self.call)()
    }
}

fn of<F>(call: F) -> Of<F> {
    Of {
        ready: || Poll::Ready(Ok(())),
        call,
    }
}

/// Answers 200, or never; panics when it is dropped.
struct Explosive(bool);

impl Future for Explosive {
    type Output = Result<Response<Full<Bytes>>, BoxError>;

    fn poll(self: Pin<&mut Self>, _cx: &mut Context<'_>) -> Poll<Self::Output> {
        if self.0 {
            Poll::Ready(Ok(Response::default()))
        } else {
            Poll::Pending
        }
    }
}

impl Drop for Explosive {
    fn drop(&mut self) {
        assert!(std::thread::panicking(), "in drop");
    }
}

/// The body of a response that panics when it is dropped.
struct ExplosiveBody;

impl http_body::Body for ExplosiveBody {
    type Data = Bytes;
    type Error = Infallible;

    fn poll_frame(
        self: Pin<&mut Self>,
        _cx: &mut Context<'_>,
    ) -> Poll<Option<Result<http_body::Frame<Bytes>, Infallible>>> {
        Poll::Ready(None)
    }
}

impl Drop for ExplosiveBody {
    fn drop(&mut self) {
        assert!(std::thread::panicking(), "in drop");
    }
}

async fn answer_of<S, R>(inner: S) -> (Answer, String)
where
    S: Service<Request<VerifiedBody>, Response = Response<R>> + Clone + Send + Sync + 'static,
    S::Error: Into<BoxError>,
    S::Future: Send,
    R: http_body::Body<Data = Bytes, Error: Into<BoxError>> + Send + 'static,
{
    let endpoint = Endpoint::serve(layer(), inner).await;
    let answer = endpoint.send(&delivery(b"{}")).await;
    (answer, endpoint.reports().concat())
}

type Answered = Result<Response<Full<Bytes>>, BoxError>;

#[tokio::test]
async fn an_error_is_503() {
    let failing = of(async || -> Answered { Err("out of order".into()) });
    let (answer, report) = answer_of(failing).await;
    assert_settled(&answer, 503, None);
    assert!(report.contains("out of order"), "{report}");

    let unready = Of {
        ready: || Poll::Ready(Err("closed".into())),
        call: async || -> Answered { unreachable!("never ready") },
    };
    let (answer, report) = answer_of(unready.clone()).await;
    assert_settled(&answer, 503, None);
    assert!(report.contains("closed"), "{report}");

    let router = TriggerRouter::new().fallback_service(unready);
    let endpoint = Endpoint::serve(layer(), router).await;
    let answer = endpoint.send(&delivery(&notification("a.b", "n-1"))).await;
    assert_settled(&answer, 503, None);
    assert_reported(&endpoint, "closed");
}

#[tokio::test]
async fn a_panic_is_503_also_in_poll_ready_and_while_being_dropped() {
    let (answer, report) = answer_of(of(|| Explosive(true))).await;
    assert_settled(&answer, 503, None);
    assert!(report.contains("panicked"), "{report}");

    let unready = Of {
        ready: || panic!("in poll_ready"),
        call: async || -> Answered { unreachable!("never ready") },
    };
    let (answer, report) = answer_of(unready).await;
    assert_settled(&answer, 503, None);
    assert!(report.contains("panicked"), "{report}");

    let explosive = of(async || Ok(Response::new(ExplosiveBody)));
    let (answer, report) = answer_of(explosive).await;
    assert_settled(&answer, 503, None);
    assert!(report.contains("panicked"), "{report}");
}

#[tokio::test]
async fn one_that_is_not_ready_in_time_is_503() {
    let timer = VirtualClock::new();
    let never = Of {
        ready: || Poll::Pending,
        call: async || -> Answered { unreachable!("never ready") },
    };
    let layer = WebhookLayer::with_timer(secrets(), timer.clone());
    let endpoint = Endpoint::serve(layer, never).await;
    timed_out(&endpoint, &timer).await;
}

#[tokio::test]
async fn a_panic_while_a_late_one_is_dropped_is_503() {
    let timer = VirtualClock::new();
    let layer = WebhookLayer::with_timer(secrets(), timer.clone());
    let endpoint = Endpoint::serve(layer, of(|| Explosive(false))).await;
    timed_out(&endpoint, &timer).await;
}

async fn timed_out(endpoint: &Endpoint, timer: &VirtualClock) {
    let mut connection = Connection::open(endpoint.address).await;
    connection.write(&delivery(b"{}")).await;
    // The body may have been waited for first; the last one to be armed is the handler's.
    while timer.until_next_wake() != Some(Duration::from_secs(6)) {
        tokio::task::yield_now().await;
    }
    timer.advance(Duration::from_secs(6));
    assert_settled(&connection.read(false).await, 503, None);
}

/// Answers with the status in the header `x-answer`, and with headers that would break the
/// framing of an empty body.
async fn as_told(request: Request<VerifiedBody>) -> Result<Response<Full<Bytes>>, Infallible> {
    let told = request.headers()["x-answer"].to_str().unwrap();
    let mut response = Response::builder()
        .status(told)
        .header("content-length", "13")
        .header("content-type", "application/json")
        .header("content-encoding", "identity")
        .header("set-cookie", "a=b")
        .header("x-powered-by", "an application");
    if let Some(retry_after) = request.headers().get("x-retry-after") {
        response = response.header("retry-after", retry_after);
    }
    let body = if told == "204" || told == "304" {
        Bytes::new()
    } else {
        Bytes::from("an inner body")
    };
    Ok(response.body(Full::new(body)).unwrap())
}

async fn told(endpoint: &Endpoint, status: u16, retry_after: Option<&str>) -> Answer {
    let (signature, status) = (sign(b"{}").to_hex(), status.to_string());
    let mut headers = vec![
        ("content-length", "2"),
        ("x-nylas-signature", &*signature),
        ("x-answer", &*status),
    ];
    headers.extend(retry_after.map(|value| ("x-retry-after", value)));
    let request = head("POST", PATH, &headers) + "{}";
    endpoint.send(request.as_bytes()).await
}

#[tokio::test]
async fn any_2xx_is_an_empty_200_without_the_inner_headers() {
    let endpoint = Endpoint::serve(layer(), service_fn(as_told)).await;
    for status in [200, 201, 202, 203, 204, 205, 206, 207, 226, 299] {
        let answer = told(&endpoint, status, Some("5")).await;
        assert_settled(&answer, 200, None);
        assert_reported(&endpoint, "acknowledged: handled");
    }
}

#[tokio::test]
async fn a_429_or_408_is_429_with_its_retry_after() {
    let endpoint = Endpoint::serve(layer(), service_fn(as_told)).await;
    for status in [408, 429] {
        for retry_after in [None, Some("120"), Some("Wed, 21 Oct 2026 07:28:00 GMT")] {
            let answer = told(&endpoint, status, retry_after).await;
            assert_settled(&answer, 429, retry_after);
            assert_reported(&endpoint, &format!("answered {status}"));
        }
    }
}

#[tokio::test]
async fn any_other_status_is_503() {
    let endpoint = Endpoint::serve(layer(), service_fn(as_told)).await;
    for status in [
        101, 300, 301, 302, 303, 304, 307, 308, 400, 401, 403, 404, 405, 409, 410, 413, 418, 422,
        499, 500, 501, 502, 503, 504, 507, 599, 600, 999,
    ] {
        let answer = told(&endpoint, status, None).await;
        assert_settled(&answer, 503, None);
        assert_reported(&endpoint, &format!("answered {status}"));
    }
    // What is received and verified is lost by a limit that nobody thinks of.
    told(&endpoint, 413, None).await;
    let hint = if cfg!(feature = "axum") {
        "413 Payload Too Large: a limit on bodies inside is lower"
    } else {
        "413 Payload Too Large: if that is axum's `DefaultBodyLimit` of 2 MB, enable the feature"
    };
    assert_reported(&endpoint, hint);
    let answer = told(&endpoint, 503, Some("9")).await;
    assert_settled(&answer, 503, Some("9"));
}

#[tokio::test]
async fn its_own_4xx_passes_unchanged_if_wanted() {
    let endpoint = Endpoint::serve(layer().pass_client_errors(), service_fn(as_told)).await;
    for status in [400, 401, 403, 404, 410, 413, 422] {
        let answer = told(&endpoint, status, None).await;
        assert_eq!(answer.status, status);
        assert_eq!(answer.text(), "an inner body");
        assert_eq!(answer.header("content-type"), Some("application/json"));
        assert_eq!(answer.header("content-length"), Some("13"));
        assert_eq!(answer.header("set-cookie"), Some("a=b"));
        assert_reported(&endpoint, &format!("answered {status}"));
    }
    // These keep their meaning, and nothing else is passed on.
    for (status, settled) in [(408, 429), (429, 429), (204, 200), (302, 503), (500, 503)] {
        assert_settled(&told(&endpoint, status, None).await, settled, None);
    }
}

#[derive(Debug, Clone, PartialEq)]
struct Mark;

/// A server writes some of them on the wire, and nobody can know which.
#[tokio::test]
async fn of_the_extensions_only_the_outcome_stays() {
    for status in [200, 204, 404, 429, 500] {
        for recorded in [None, Some(Outcome::Discarded)] {
            let is_recorded = recorded.is_some();
            let inner = service_fn(move |_: Request<()>| {
                let mut response = Response::new(Full::<Bytes>::default());
                *response.status_mut() = StatusCode::from_u16(status).unwrap();
                response.extensions_mut().insert(Mark);
                response.extensions_mut().insert(Rejection::Transport);
                response
                    .extensions_mut()
                    .extend(extension(recorded.clone()));
                std::future::ready(Ok::<_, Infallible>(response))
            });
            let acknowledge = AcknowledgeLayer::with_timer(VirtualClock::new());
            for layer in [acknowledge.clone(), acknowledge.pass_client_errors()] {
                let inner = inner.clone();
                let response = layer.layer(inner).oneshot(Request::new(())).await.unwrap();
                let extensions = response.extensions();
                assert_eq!(extensions.get::<Mark>(), None);
                assert!(extensions.get::<Rejection>().is_none());
                match extensions.get::<Outcome>() {
                    Some(Outcome::Discarded) => assert!(is_recorded),
                    Some(Outcome::Status(_)) => assert!(!is_recorded && status >= 300),
                    None => assert!(!is_recorded && status < 300),
                    other => panic!("{other:?}"),
                }
            }
        }
    }
}

fn extension(outcome: Option<Outcome>) -> http::Extensions {
    let mut extensions = http::Extensions::new();
    if let Some(outcome) = outcome {
        extensions.insert(outcome);
    }
    extensions
}

/// hyper writes the version of a response, panics for that of HTTP/0.9, and writes the phrase that
/// it finds in the extensions.
#[tokio::test]
async fn its_version_and_reason_phrase_do_not_reach_the_wire() {
    for version in [
        Version::HTTP_09,
        Version::HTTP_10,
        Version::HTTP_2,
        Version::HTTP_3,
    ] {
        let inner = service_fn(move |request: Request<VerifiedBody>| async move {
            let mut response = as_told(request).await?;
            *response.version_mut() = version;
            let phrase = hyper::ext::ReasonPhrase::from_static(b"Not For Nylas");
            response.extensions_mut().insert(phrase);
            Ok::<_, Infallible>(response)
        });
        for (layer, status, line) in [
            (layer(), 200, "HTTP/1.1 200 OK\r\n"),
            (layer(), 204, "HTTP/1.1 200 OK\r\n"),
            (layer(), 404, "HTTP/1.1 503 Service Unavailable\r\n"),
            (layer(), 429, "HTTP/1.1 429 Too Many Requests\r\n"),
            (layer(), 500, "HTTP/1.1 503 Service Unavailable\r\n"),
            (
                layer().pass_client_errors(),
                404,
                "HTTP/1.1 404 Not Found\r\n",
            ),
        ] {
            let endpoint = Endpoint::serve(layer, inner).await;
            let answer = told(&endpoint, status, None).await;
            assert!(
                answer.head.starts_with(line),
                "{version:?}: {}",
                answer.head
            );
        }
    }
}

#[tokio::test]
async fn a_malformed_retry_after_does_not_reach_the_wire() {
    let plain = Endpoint::serve(layer(), service_fn(as_told)).await;
    let passing = Endpoint::serve(layer().pass_client_errors(), service_fn(as_told)).await;
    for (value, is_well_formed) in [
        ("120", true),
        ("Wed, 21 Oct 2026 07:28:00 GMT", true),
        ("2147483647", true),
        ("2147483648", false),
        ("soon", false),
        ("-1", false),
        ("1.5", false),
        ("5, 6", false),
        ("", false),
        ("Wed, 21 Oct 2026 25:28:00 GMT", false),
        ("2026-10-21T07:28:00Z", false),
    ] {
        let expected = Some(value).filter(|_| is_well_formed);
        for (status, settled) in [(429, 429), (408, 429), (500, 503), (404, 503)] {
            assert_settled(&told(&plain, status, Some(value)).await, settled, expected);
        }
        let answer = told(&passing, 404, Some(value)).await;
        assert_eq!(answer.status, 404);
        assert_eq!(answer.header("retry-after"), expected);
        assert_eq!(answer.text(), "an inner body");
    }
    // Two of them: not even the first.
    let inner = service_fn(async |_: Request<VerifiedBody>| {
        let response = Response::builder().status(429).header("retry-after", "5");
        let response = response.header("retry-after", "5");
        Ok::<_, Infallible>(response.body(Full::<Bytes>::default()).unwrap())
    });
    let endpoint = Endpoint::serve(layer(), inner).await;
    assert_settled(&endpoint.send(&delivery(b"{}")).await, 429, None);
}
