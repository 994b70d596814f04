//! The configuration of each proxy, around a part that differs between the trials.

use std::{fmt::Write as _, net::SocketAddr};

pub(super) const APACHE: &str = "apache2";
pub(super) const CADDY: &str = "caddy";
pub(super) const HAPROXY: &str = "haproxy";
pub(super) const NGINX: &str = "nginx";

/// Compresses every response that it can, the least included.
pub(super) mod compressing {
    pub(crate) const APACHE: &str = "SetOutputFilter DEFLATE\n";
    pub(crate) const CADDY: &str = "encode gzip {\n minimum_length 1\n }";
    pub(crate) const HAPROXY: &str =
        "compression algo gzip\n compression type text/plain application/json\n";
    pub(crate) const NGINX: &str = "gzip on; gzip_types *; gzip_min_length 1; gzip_proxied any;";
}

/// The text of the configuration, and the arguments.
pub(super) type Configuration = (String, Vec<String>);

/// Where a proxy finds what it needs, and where it may write.
pub(super) struct Setting<'a> {
    pub(super) folder: &'a str,
    /// Of the file with the configuration.
    pub(super) file: &'a str,
    pub(super) listen: SocketAddr,
    pub(super) upstream: SocketAddr,
}

/// Each runs without a second process, which would have to be ended as well.
impl Setting<'_> {
    /// The block in this language in the guide, with the address of the endpoint.
    pub(super) fn guide(&self, language: &str) -> String {
        let guide = include_str!("../../src/_guide/proxies.md");
        let (_, block) = guide.split_once(&format!("```{language}\n")).unwrap();
        let (block, _) = block.split_once("```").unwrap();
        block.replace("127.0.0.1:8080", &self.upstream.to_string())
    }

    pub(super) fn caddy(&self, site: &str) -> Configuration {
        let configuration = format!(
            "{{
                admin off
                auto_https off
                storage file_system {}
            }}
            {site}
            ",
            self.folder
        );
        let arguments = ["run", "--adapter", "caddyfile", "--config", self.file];
        (configuration, arguments.map(String::from).into())
    }

    pub(super) fn caddy_site(&self) -> String {
        let start = self.caddy_start();
        format!("{start} reverse_proxy {} \n}}", self.upstream)
    }

    pub(super) fn caddy_guide(&self) -> String {
        let start = self.caddy_start() + compressing::CADDY;
        self.guide(CADDY).replace("example.com {", &start)
    }

    fn caddy_start(&self) -> String {
        let (host, port) = (self.listen.ip(), self.listen.port());
        format!("http://:{port} {{\n bind {host}\n")
    }

    pub(super) fn haproxy(&self, defaults: &str, backend: &str) -> Configuration {
        let configuration = format!(
            "defaults
            mode http
            timeout connect 5s
            timeout client 30s
            timeout server 30s
            {defaults}
        frontend front
            bind {}
            default_backend webhooks
        {backend}",
            self.listen
        );
        let arguments = ["-db", "-f", self.file];
        (configuration, arguments.map(String::from).into())
    }

    pub(super) fn haproxy_backend(&self) -> String {
        format!(
            "backend webhooks
            http-reuse always
            server app {}",
            self.upstream
        )
    }

    pub(super) fn apache(&self, rest: &str) -> Configuration {
        const MODULES: &str = "/usr/lib/apache2/modules";
        let Self { folder, listen, .. } = self;
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
        for module in [
            "mpm_event",
            "authz_core",
            "deflate",
            "env",
            "filter",
            "proxy",
            "proxy_http",
        ] {
            let _ = writeln!(
                configuration,
                "LoadModule {module}_module {MODULES}/mod_{module}.so"
            );
        }
        // Started by root, it wants to be somebody else; started by anybody else, it stays that.
        let _ = writeln!(configuration, "User #65534\nGroup #65534\n{rest}");
        let arguments = ["-X", "-f", self.file];
        (configuration, arguments.map(String::from).into())
    }

    pub(super) fn apache_pass(&self) -> String {
        let upstream = self.upstream;
        format!("ProxyPass / http://{upstream}/ enablereuse=on keepalive=on")
    }

    pub(super) fn nginx(&self, http: &str, location: &str) -> Configuration {
        let Self {
            folder,
            file,
            listen,
            upstream,
        } = self;
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
                {http}
                upstream behind {{
                    server {upstream};
                    keepalive 16;
                }}
                server {{
                    listen {listen};
                    {location}
                }}
            }}
            "
        );
        let log = format!("{folder}/start.log");
        let arguments = ["-p", folder, "-c", file, "-e", &log];
        (configuration, arguments.map(String::from).into())
    }

    pub(super) fn nginx_location(buffering: &str) -> String {
        format!(
            "location / {{
                proxy_pass http://behind;
                proxy_http_version 1.1;
                proxy_set_header Connection \"\";
                proxy_request_buffering {buffering};
            }}"
        )
    }
}
