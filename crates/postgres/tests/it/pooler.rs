//! PgBouncer in front of a server: each transaction over whichever connection is free.

use std::{
    fs,
    process::{Child, Command, Stdio},
};

use tower_nylas_kit::inbox::servers::{find, free_port};

use crate::server::Server;

fn binary() -> Option<std::path::PathBuf> {
    find(
        &["pgbouncer"],
        &["/usr/sbin".into(), "/usr/local/sbin".into()],
    )
    .map(|folder| folder.join("pgbouncer"))
}

pub(crate) fn is_there() -> bool {
    binary().is_some()
}

/// Killed when this is dropped.
pub(crate) struct Pooler {
    child: Child,
    pub(crate) url: String,
}

impl Pooler {
    /// To the server.
    pub(crate) const CONNECTIONS: usize = 3;

    /// With fewer connections than the inboxes behind it ask for.
    pub(crate) async fn start(server: &Server) -> Self {
        let own = server.own.as_ref().expect("it is of the test");
        let port = free_port();
        let settings = own.folder().join("pgbouncer.ini");
        let text = format!(
            "[databases]\n\
             postgres = host=127.0.0.1 port={} dbname=postgres user=tester\n\
             [pgbouncer]\n\
             listen_addr = 127.0.0.1\n\
             listen_port = {port}\n\
             unix_socket_dir =\n\
             auth_type = any\n\
             pool_mode = transaction\n\
             max_client_conn = 500\n\
             default_pool_size = {}\n",
            own.port(),
            Self::CONNECTIONS
        );
        fs::write(&settings, text).unwrap();
        let log = fs::File::create(own.folder().join("pgbouncer.log")).unwrap();
        let mut command = Command::new(binary().expect("it was looked for"));
        own.run_as_user(&mut command);
        let child = command
            .arg(&settings)
            .current_dir(own.folder())
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(log)
            .spawn()
            .unwrap();
        let url = format!("postgres://tester@127.0.0.1:{port}/postgres");
        let pooler = Self { child, url };
        Server::wait_for(&pooler.url).await;
        pooler
    }
}

impl Drop for Pooler {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
