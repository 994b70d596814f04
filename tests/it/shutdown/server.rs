//! Servers that drain as the documentation of the crate says, each in a runtime of its own, as in
//! a process of its own: what is left when the drain is over is dropped with the runtime.

use std::{future::IntoFuture, io, net::SocketAddr, thread, time::Duration};

use axum::Router;
use hyper::server::conn::http1;
use hyper_util::{
    rt::{TokioExecutor, TokioIo},
    server::{conn::auto, graceful::GracefulShutdown},
    service::TowerToHyperService,
};
use tokio::{
    net::{TcpListener, TcpStream},
    runtime,
    sync::{oneshot, watch},
    time::{sleep, timeout},
};
use tower_nylas::{Notification, Secrets, TriggerRouter, WebhookLayer};
use tower_nylas_kit::{
    delivery::{PATH, SECRET},
    wire::{Connection, PATIENCE},
};

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Framework {
    Axum,
    HyperHttp1,
    /// HTTP/1 and HTTP/2 on one port.
    HyperAuto,
}

impl Framework {
    pub(crate) const ALL: [Self; 3] = [Self::Axum, Self::HyperHttp1, Self::HyperAuto];
    pub(crate) const WITH_HTTP2: [Self; 2] = [Self::Axum, Self::HyperAuto];
}

/// How a shutdown ended.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Drain {
    Complete,
    /// Connections were still open when its time was over.
    CutOff,
}

pub(crate) struct Server {
    pub(crate) address: SocketAddr,
    pub(crate) handlers: Handlers,
    signal: Option<oneshot::Sender<()>>,
    ended: oneshot::Receiver<Drain>,
}

impl Server {
    /// With the defaults of the layer, and a drain as long as the documentation says.
    pub(crate) fn start(framework: Framework) -> Self {
        Self::start_with(framework, |layer| layer, WebhookLayer::NYLAS_TIMEOUT)
    }

    pub(crate) fn start_with(
        framework: Framework,
        settings: impl FnOnce(WebhookLayer) -> WebhookLayer,
        drain: Duration,
    ) -> Self {
        let listener = std::net::TcpListener::bind(("127.0.0.1", 0)).unwrap();
        listener.set_nonblocking(true).unwrap();
        let address = listener.local_addr().unwrap();
        let handlers = Handlers::new();
        let arrivals = handlers.clone();
        let secrets = Secrets::new(SECRET).unwrap();
        let layer = WebhookLayer::by_lookup(move |_| {
            arrivals.note(|log| log.arrived += 1);
            Ok(Some(secrets.clone()))
        });
        let endpoint = settings(layer).layer(handlers.triggers());
        let (signal, signalled) = oneshot::channel();
        let (tell, ended) = oneshot::channel();
        thread::spawn(move || {
            let runtime = runtime::Builder::new_multi_thread()
                .worker_threads(2)
                .enable_all()
                .build()
                .unwrap();
            let how = runtime.block_on(async {
                let listener = TcpListener::from_std(listener).unwrap();
                // A test that fails drops the sender, and then the server ends as well.
                let signal = async { drop(signalled.await) };
                match framework {
                    Framework::Axum => {
                        let app = Router::new().route_service(PATH, endpoint);
                        with_axum(listener, app, signal, drain).await
                    }
                    Framework::HyperHttp1 => {
                        let service = TowerToHyperService::new(endpoint);
                        let serve = |stream, graceful: &GracefulShutdown| {
                            let connection =
                                http1::Builder::new().serve_connection(stream, service.clone());
                            tokio::spawn(graceful.watch(connection));
                        };
                        with_hyper(listener, serve, signal, drain).await
                    }
                    Framework::HyperAuto => {
                        let service = TowerToHyperService::new(endpoint);
                        let server = auto::Builder::new(TokioExecutor::new());
                        let serve = |stream, graceful: &GracefulShutdown| {
                            let connection = server.serve_connection(stream, service.clone());
                            tokio::spawn(graceful.watch(connection.into_owned()));
                        };
                        with_hyper(listener, serve, signal, drain).await
                    }
                }
            });
            drop(runtime);
            let _ = tell.send(how);
        });
        Self {
            address,
            handlers,
            signal: Some(signal),
            ended,
        }
    }

    pub(crate) async fn connect(&self) -> Connection {
        Connection::open(self.address).await
    }

    /// Begins the shutdown, and returns once nobody can connect any more.
    pub(crate) async fn shut_down(&mut self) {
        drop(self.signal.take());
        let refused = async {
            while TcpStream::connect(self.address).await.is_ok() {
                sleep(Duration::from_millis(1)).await;
            }
        };
        let refused = timeout(PATIENCE, refused).await;
        refused.expect("the listener is closed");
    }

    /// Waits until the server and its runtime are gone.
    pub(crate) async fn end(self) -> Drain {
        let ended = timeout(PATIENCE, self.ended).await;
        ended.expect("the server ends").expect("without a panic")
    }
}

async fn with_axum(
    listener: TcpListener,
    app: Router,
    signal: impl Future<Output = ()> + Send + 'static,
    drain: Duration,
) -> Drain {
    let (tell, begun) = oneshot::channel();
    let signal = async {
        signal.await;
        let _: Result<(), ()> = tell.send(());
    };
    let server = axum::serve(listener, app).with_graceful_shutdown(signal);
    let over = async {
        drop(begun.await);
        sleep(drain).await;
    };
    tokio::select! {
        ended = server.into_future() => {
            let ended: io::Result<()> = ended;
            ended.unwrap();
            Drain::Complete
        }
        () = over => Drain::CutOff,
    }
}

async fn with_hyper(
    listener: TcpListener,
    serve: impl Fn(TokioIo<TcpStream>, &GracefulShutdown),
    signal: impl Future<Output = ()>,
    drain: Duration,
) -> Drain {
    let graceful = GracefulShutdown::new();
    let mut signal = std::pin::pin!(signal);
    loop {
        tokio::select! {
            accepted = listener.accept() => serve(TokioIo::new(accepted.unwrap().0), &graceful),
            () = &mut signal => break,
        }
    }
    drop(listener);
    match timeout(drain, graceful.shutdown()).await {
        Ok(()) => Drain::Complete,
        Err(_) => Drain::CutOff,
    }
}

/// What the handlers did, and the gate at which those of `message.created` wait.
#[derive(Clone)]
pub(crate) struct Handlers {
    log: watch::Sender<Log>,
    gate: watch::Sender<bool>,
}

#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Log {
    /// Requests whose head was read.
    pub(crate) arrived: usize,
    /// The ids of notifications whose handler began.
    pub(crate) begun: Vec<String>,
    /// And those whose handler ran to its end.
    pub(crate) finished: Vec<String>,
    /// And those whose handler was dropped before.
    pub(crate) dropped: Vec<String>,
}

impl Handlers {
    fn new() -> Self {
        Self {
            log: watch::Sender::default(),
            gate: watch::Sender::default(),
        }
    }

    fn triggers(&self) -> TriggerRouter {
        let (gated, brief) = (self.clone(), self.clone());
        TriggerRouter::new()
            .on("message.created", move |n: Notification| {
                gated.clone().run(n, true)
            })
            .on("event.created", move |n: Notification| {
                brief.clone().run(n, false)
            })
    }

    async fn run(self, notification: Notification, gated: bool) {
        let id = notification.id().unwrap_or_default().to_owned();
        self.note(|log| log.begun.push(id.clone()));
        let mut running = Running {
            handlers: self.clone(),
            id: Some(id),
        };
        if gated {
            let _ = self.gate.subscribe().wait_for(|open| *open).await;
        } else {
            sleep(Duration::from_millis(2)).await;
            tokio::task::yield_now().await;
        }
        let id = running.id.take().unwrap();
        self.note(|log| log.finished.push(id));
    }

    fn note(&self, note: impl FnOnce(&mut Log)) {
        self.log.send_modify(note);
    }

    pub(crate) fn open_the_gate(&self) {
        self.gate.send_replace(true);
    }

    pub(crate) fn log(&self) -> Log {
        self.log.borrow().clone()
    }

    /// Waits until the log shows this.
    pub(crate) async fn until(&self, condition: impl FnMut(&Log) -> bool) {
        let mut log = self.log.subscribe();
        let shown = timeout(PATIENCE, log.wait_for(condition)).await;
        assert!(shown.is_ok(), "{:?}", self.log());
    }
}

/// Tells when a handler is dropped before its end.
struct Running {
    handlers: Handlers,
    id: Option<String>,
}

impl Drop for Running {
    fn drop(&mut self) {
        if let Some(id) = self.id.take() {
            self.handlers.note(|log| log.dropped.push(id));
        }
    }
}
