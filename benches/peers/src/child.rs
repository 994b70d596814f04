//! Servers as processes of their own.

use std::{
    env,
    net::SocketAddr,
    path::{Path, PathBuf},
    process::Stdio,
    time::Duration,
};

use tokio::{
    io::{AsyncBufReadExt, BufReader},
    process::{Child, Command},
    time::timeout,
};

use crate::{
    Result,
    cores::Cores,
    notification::SECRET,
    server::{LISTENING, Server},
};

/// A server that listens. It is killed on drop; should this process be killed itself, the server
/// sees the end of its standard input and ends as well.
pub(crate) struct Running {
    child: Child,
    pub(crate) addr: SocketAddr,
    pub(crate) pid: u32,
}

impl Running {
    /// How long a server may take until it listens.
    const START: Duration = Duration::from_secs(20);

    pub(crate) async fn start(server: Server, cores: Option<Cores>, home: &Path) -> Result<Self> {
        let mut command = if server == Server::Express {
            let mut node = on_core(cores, Path::new("node"));
            node.arg(home.join("express/server.js"))
                .env("NODE_ENV", "production")
                .env("NYLAS_WEBHOOK_SECRET", SECRET)
                .env("LISTEN", "127.0.0.1:0");
            node
        } else {
            let mut itself = on_core(cores, &env::current_exe()?);
            itself.args(["serve", &server.name(), "--until-stdin-ends"]);
            itself
        };
        // taskset becomes the server by exec, so the id of the child is that of the server.
        let mut child = command
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .kill_on_drop(true)
            .spawn()?;
        let pid = child.id().ok_or("the server ended at once")?;
        let stdout = child.stdout.take().ok_or("the server has no output")?;
        let mut line = String::new();
        timeout(Self::START, BufReader::new(stdout).read_line(&mut line))
            .await
            .map_err(|_| format!("the server did not listen within {:?}", Self::START))??;
        let addr = line
            .trim()
            .strip_prefix(LISTENING)
            .ok_or("the server ended before it listened")?
            .parse()?;
        Ok(Self { child, addr, pid })
    }

    /// Ends the server and waits for that, so that the next one has the core for itself.
    pub(crate) async fn stop(mut self) -> Result<()> {
        if let Some(status) = self.child.try_wait()? {
            return Err(format!("the server ended by itself: {status}").into());
        }
        self.child.kill().await?;
        Ok(())
    }
}

fn on_core(cores: Option<Cores>, program: &Path) -> Command {
    match cores {
        Some(cores) => {
            let mut command = cores.server_command();
            command.arg(program);
            command
        }
        None => Command::new(program),
    }
}

/// Sees to it that Express can be started: node is there, and so are its packages. `Err` says what
/// is missing.
pub(crate) async fn prepare_express(home: &Path) -> Result<String, String> {
    let node = output("node", &["--version"], home)
        .await
        .map_err(|_| "node was not found".to_owned())?;
    let express: PathBuf = home.join("express");
    if !express.join("node_modules/express/package.json").exists() {
        println!("installing Express with `npm ci`, once …");
        let install = output(
            "npm",
            &["ci", "--ignore-scripts", "--no-audit", "--no-fund"],
            &express,
        );
        timeout(Duration::from_secs(300), install)
            .await
            .map_err(|_| "`npm ci` took too long".to_owned())?
            .map_err(|why| format!("`npm ci` failed: {why}"))?;
    }
    Ok(node)
}

async fn output(program: &str, args: &[&str], directory: &Path) -> Result<String, String> {
    let output = Command::new(program)
        .args(args)
        .current_dir(directory)
        .stdin(Stdio::null())
        .kill_on_drop(true)
        .output()
        .await
        .map_err(|error| error.to_string())?;
    if output.status.success() {
        Ok(String::from_utf8_lossy(&output.stdout).trim().to_owned())
    } else {
        let why = String::from_utf8_lossy(&output.stderr);
        Err(why.lines().last().unwrap_or_default().to_owned())
    }
}
