//! Real reverse proxies with keep-alive to the endpoint behind them: unsigned bodies, which are
//! refused unread, cost no genuine notification behind them.
//!
//! Each proxy that is installed runs as a process of its own; one that is not is reported as
//! ignored. `.ci/run` installs them. They run one after the other, for each is to have the machine
//! to itself.

use std::{
    fmt::Write as _,
    fs::{self, File},
    net::{SocketAddr, TcpListener},
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    time::Duration,
};

use libtest_mimic::{Arguments, Failed, Trial};
use tokio::{
    runtime,
    time::{sleep, timeout},
};
use tower_nylas_kit::{
    delivery::{delivery, notification},
    traffic::{Traffic, serve_endpoint},
    wire::{Connection, PATIENCE},
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
    /// The configuration in this folder, and the arguments.
    configure: fn(&Setting<'_>) -> (String, Vec<String>),
}

/// Where a proxy finds what it needs, and where it may write.
struct Setting<'a> {
    folder: &'a str,
    /// Of the file with the configuration.
    file: &'a str,
    listen: SocketAddr,
    upstream: SocketAddr,
}

/// Each without a second process, which would have to be ended as well.
const PROXIES: [Proxy; 5] = [
    Proxy {
        name: "caddy",
        binary: "caddy",
        configure: caddy,
    },
    Proxy {
        name: "haproxy",
        binary: "haproxy",
        configure: haproxy,
    },
    Proxy {
        name: "apache",
        binary: "apache2",
        configure: apache,
    },
    Proxy {
        name: "nginx_buffering",
        binary: "nginx",
        configure: |setting| nginx(setting, "on"),
    },
    Proxy {
        name: "nginx_streaming",
        binary: "nginx",
        configure: |setting| nginx(setting, "off"),
    },
];

fn caddy(setting: &Setting<'_>) -> (String, Vec<String>) {
    let Setting {
        folder,
        file,
        listen,
        upstream,
    } = setting;
    let (host, port) = (listen.ip(), listen.port());
    let configuration = format!(
        "{{
            admin off
            auto_https off
            storage file_system {folder}
        }}
        http://:{port} {{
            bind {host}
            reverse_proxy {upstream}
        }}
        "
    );
    let arguments = ["run", "--adapter", "caddyfile", "--config", file];
    (configuration, arguments.map(String::from).into())
}

fn haproxy(setting: &Setting<'_>) -> (String, Vec<String>) {
    let Setting {
        file,
        listen,
        upstream,
        ..
    } = setting;
    let configuration = format!(
        "defaults
            mode http
            timeout connect 5s
            timeout client 30s
            timeout server 30s
            http-reuse always
        listen front
            bind {listen}
            server behind {upstream}
        "
    );
    (configuration, ["-db", "-f", file].map(String::from).into())
}

fn apache(setting: &Setting<'_>) -> (String, Vec<String>) {
    const MODULES: &str = "/usr/lib/apache2/modules";
    let Setting {
        folder,
        file,
        listen,
        upstream,
    } = setting;
    let mut configuration = format!(
        "ServerRoot {folder}
        ServerName localhost
        DefaultRuntimeDir {folder}
        PidFile {folder}/pid
        ErrorLog {folder}/error.log
        Mutex file:{folder} default
        Listen {listen}
        "
    );
    for module in ["mpm_event", "authz_core", "proxy", "proxy_http"] {
        let _ = writeln!(
            configuration,
            "LoadModule {module}_module {MODULES}/mod_{module}.so"
        );
    }
    // Started by root, it wants to be somebody else; started by anybody else, it stays that.
    let _ = writeln!(
        configuration,
        "User #65534
        Group #65534
        ProxyPass / http://{upstream}/ enablereuse=on keepalive=on"
    );
    (configuration, ["-X", "-f", file].map(String::from).into())
}

fn nginx(setting: &Setting<'_>, buffering: &str) -> (String, Vec<String>) {
    let Setting {
        folder,
        file,
        listen,
        upstream,
    } = setting;
    let mut temporary = String::new();
    for kind in ["client_body", "proxy", "fastcgi", "uwsgi", "scgi"] {
        let _ = writeln!(temporary, "{kind}_temp_path {folder}/{kind};");
    }
    let configuration = format!(
        "daemon off;
        master_process off;
        pid {folder}/pid;
        error_log {folder}/error.log;
        events {{ worker_connections 512; }}
        http {{
            access_log off;
            {temporary}
            upstream behind {{
                server {upstream};
                keepalive 16;
            }}
            server {{
                listen {listen};
                location / {{
                    proxy_pass http://behind;
                    proxy_http_version 1.1;
                    proxy_set_header Connection \"\";
                    proxy_request_buffering {buffering};
                }}
            }}
        }}
        "
    );
    let arguments = [
        "-p",
        folder,
        "-c",
        file,
        "-e",
        &format!("{folder}/start.log"),
    ];
    (configuration, arguments.map(String::from).into())
}

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
        let traffic = runtime.block_on(async {
            running.wait_until_it_answers().await?;
            Ok::<_, Failed>(Traffic::play(running.address, SECONDS).await)
        });
        let traffic = traffic.and_then(|traffic| Ok(traffic.check(SECONDS)?));
        running.end(traffic.is_ok());
        traffic
    }
}

/// Where the program is installed. Few people have the folders for administrators in their path.
fn find(binary: &str) -> Option<PathBuf> {
    let path = std::env::var_os("PATH").unwrap_or_default();
    let folders =
        std::env::split_paths(&path).chain(["/usr/sbin".into(), "/usr/local/sbin".into()]);
    folders
        .map(|folder| folder.join(binary))
        .find(|path| path.is_file())
}

/// A proxy that runs. It is killed when this is dropped, and also if this process is killed: the
/// shell around it sees then that its own input has ended.
struct Running {
    shell: Child,
    folder: PathBuf,
    address: SocketAddr,
}

/// What it prints, in its folder.
const OUTPUT: &str = "output.log";

const SHELL: &str = r#""$@" </dev/null & read -r _; kill -9 $!; wait"#;

impl Running {
    fn start(proxy: &Proxy, binary: &Path, upstream: SocketAddr) -> Result<Self, Failed> {
        let name = format!("proxy-{}-{}", proxy.name, std::process::id());
        let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join(name);
        fs::create_dir_all(&folder)?;
        let file = folder.join("configuration");
        // Free again once this is dropped, right here.
        let address = TcpListener::bind(("127.0.0.1", 0))?.local_addr()?;
        let (configuration, arguments) = (proxy.configure)(&Setting {
            folder: &folder.to_string_lossy(),
            file: &file.to_string_lossy(),
            listen: address,
            upstream,
        });
        // HAProxy wants to see the last line end.
        fs::write(&file, configuration + "\n")?;
        let output = File::create(folder.join(OUTPUT))?;
        let shell = Command::new("sh")
            .args(["-c", SHELL, "sh"])
            .arg(binary)
            .args(arguments)
            .current_dir(&folder)
            .env("XDG_CONFIG_HOME", &folder)
            .env("XDG_DATA_HOME", &folder)
            .stdin(Stdio::piped())
            .stdout(output.try_clone()?)
            .stderr(output)
            .spawn()?;
        Ok(Self {
            shell,
            folder,
            address,
        })
    }

    async fn wait_until_it_answers(&self) -> Result<(), Failed> {
        let request = delivery(&notification("message.created", "n-1"));
        let answers = async {
            loop {
                if let Ok(mut connection) = Connection::try_open(self.address).await {
                    connection.write(&request).await;
                    match connection.try_read().await {
                        Ok(answer) if answer.status == 200 => return,
                        _ => {}
                    }
                }
                sleep(Duration::from_millis(50)).await;
            }
        };
        let answered = timeout(PATIENCE, answers).await;
        answered.map_err(|_| {
            let output = fs::read_to_string(self.folder.join(OUTPUT)).unwrap_or_default();
            format!("it answers no genuine notification with 200: {output}").into()
        })
    }

    /// What it wrote is kept if that may tell why it failed.
    fn end(self, is_well: bool) {
        let folder = self.folder.clone();
        drop(self);
        if is_well {
            let _ = fs::remove_dir_all(folder);
        } else {
            eprintln!("its logs are in {}", folder.display());
        }
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        drop(self.shell.stdin.take());
        let _ = self.shell.wait();
    }
}
