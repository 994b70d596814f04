//! A proxy as a process.

use std::{
    fs::{self, File},
    net::{SocketAddr, TcpListener},
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    time::Duration,
};

use libtest_mimic::Failed;
use tokio::time::{sleep, timeout};
use tower_nylas_kit::{
    delivery::{delivery, notification},
    wire::{Connection, PATIENCE},
};

use super::{Proxy, configuration::Setting};

/// Where the program is installed. Few people have the folders for administrators in their path.
pub(super) fn find(binary: &str) -> Option<PathBuf> {
    let path = std::env::var_os("PATH").unwrap_or_default();
    let folders =
        std::env::split_paths(&path).chain(["/usr/sbin".into(), "/usr/local/sbin".into()]);
    folders
        .map(|folder| folder.join(binary))
        .find(|path| path.is_file())
}

/// A proxy that runs. It is killed when this is dropped, and also if this process is killed: the
/// shell around it sees then that its own input has ended.
pub(super) struct Running {
    shell: Child,
    folder: PathBuf,
    pub(super) address: SocketAddr,
}

/// What it prints, in its folder.
const OUTPUT: &str = "output.log";

const SHELL: &str = r#""$@" </dev/null & read -r _; kill -9 $!; wait"#;

impl Running {
    pub(super) fn start(
        proxy: &Proxy,
        binary: &Path,
        upstream: SocketAddr,
    ) -> Result<Self, Failed> {
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

    pub(super) async fn wait_until_it_answers(&self) -> Result<(), Failed> {
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
    pub(super) fn end(self, is_well: bool) {
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
