//! Real reverse proxies in front of the endpoint.
//!
//! With keep-alive to it, unsigned bodies, which are refused unread, cost no genuine notification
//! behind them. With the settings of the guide (`src/_guide/proxies.md`), everything that Nylas
//! sends is answered as if there were no proxy.
//!
//! Each proxy that is installed runs as a process of its own; one that is not is reported as
//! ignored. `.ci/run` installs them. They run one after the other, for each is to have the machine
//! to itself.

mod configuration;
mod requests;
mod running;

use std::path::Path;

use libtest_mimic::{Arguments, Failed, Trial};
use tokio::runtime;
use tower_nylas_kit::traffic::{Traffic, serve_endpoint};

use self::{
    configuration::{APACHE, CADDY, Configuration, HAPROXY, NGINX, Setting, compressing},
    running::{Running, find},
};

const SECONDS: u32 = 6;

fn main() {
    let mut arguments = Arguments::from_args();
    arguments.test_threads.get_or_insert(1);
    let trials = PROXIES.map(Proxy::trial).into();
    libtest_mimic::run(&arguments, trials).exit();
}

struct Proxy {
    name: &'static str,
    binary: &'static str,
    configure: fn(&Setting<'_>) -> Configuration,
    check: Check,
}

enum Check {
    /// Strangers and Nylas at the same time.
    Traffic,
    /// What Nylas sends, one after the other. All of it is answered with `200` but for these.
    Requests(&'static [(&'static str, &'static str)]),
}

use Check::{Requests, Traffic as Crowd};

const PROXIES: [Proxy; 11] = [
    Proxy {
        name: "caddy",
        binary: CADDY,
        configure: |setting| setting.caddy(&setting.caddy_site()),
        check: Crowd,
    },
    Proxy {
        name: "haproxy",
        binary: HAPROXY,
        configure: |setting| setting.haproxy("", &setting.haproxy_backend()),
        check: Crowd,
    },
    Proxy {
        name: "apache",
        binary: APACHE,
        configure: |setting| setting.apache(&setting.apache_pass()),
        check: Crowd,
    },
    Proxy {
        name: "nginx_buffering",
        binary: NGINX,
        configure: |setting| setting.nginx("", &Setting::nginx_location("on")),
        check: Crowd,
    },
    Proxy {
        name: "nginx_streaming",
        binary: NGINX,
        configure: |setting| setting.nginx("", &Setting::nginx_location("off")),
        check: Crowd,
    },
    Proxy {
        name: "caddy_as_in_the_guide",
        binary: CADDY,
        configure: |setting| setting.caddy(&setting.caddy_guide()),
        check: Requests(&[]),
    },
    Proxy {
        name: "haproxy_as_in_the_guide",
        binary: HAPROXY,
        configure: |setting| setting.haproxy(compressing::HAPROXY, &setting.guide("haproxy")),
        check: Requests(&[]),
    },
    Proxy {
        name: "apache_as_in_the_guide",
        binary: APACHE,
        configure: |setting| {
            setting.apache(&(compressing::APACHE.to_owned() + &setting.guide("apache")))
        },
        check: Requests(&[]),
    },
    Proxy {
        name: "nginx_as_in_the_guide",
        binary: NGINX,
        configure: |setting| setting.nginx(compressing::NGINX, &setting.guide("nginx")),
        check: Requests(&[]),
    },
    // What the settings are for.
    Proxy {
        name: "apache_that_inflates",
        binary: APACHE,
        configure: |setting| {
            let filters = compressing::APACHE.to_owned() + "SetInputFilter DEFLATE\n";
            setting.apache(&(filters + &setting.apache_pass()))
        },
        check: Requests(&[("long challenge", "200 gzip"), ("compressed", "401")]),
    },
    Proxy {
        name: "nginx_without_a_limit",
        binary: NGINX,
        configure: |setting| setting.nginx(compressing::NGINX, &Setting::nginx_location("on")),
        check: Requests(&[("large", "413")]),
    },
];

impl Proxy {
    fn trial(self) -> Trial {
        let binary = find(self.binary);
        let is_missing = binary.is_none();
        let kind = if is_missing { "not installed" } else { "" };
        let name = self.name;
        let trial = move || match binary {
            Some(binary) => self.play(&binary),
            None => Err(format!("there is no program `{}`", self.binary).into()),
        };
        Trial::test(name, trial)
            .with_kind(kind)
            .with_ignored_flag(is_missing)
    }

    fn play(&self, binary: &Path) -> Result<(), Failed> {
        let runtime = runtime::Builder::new_multi_thread()
            .worker_threads(2)
            .enable_all()
            .build()?;
        let upstream = runtime.block_on(serve_endpoint());
        let running = Running::start(self, binary, upstream)?;
        let checked = runtime.block_on(async {
            running.wait_until_it_answers().await?;
            match self.check {
                Crowd => {
                    let traffic = Traffic::play(running.address, SECONDS).await;
                    Ok(traffic.check(SECONDS)?)
                }
                Requests(exceptions) => requests::check(running.address, exceptions).await,
            }
        });
        running.end(checked.is_ok());
        checked
    }
}
