//! Connections that are encrypted, and those that are not.

use std::{os::unix::fs::PermissionsExt, sync::Arc};

use tower_nylas::inbox::Inbox;
use tower_nylas_kit::inbox::entry;
use tower_nylas_postgres::{
    OpenError, PostgresInbox,
    rustls::{ClientConfig, RootCertStore, crypto::ring},
};

use crate::server::Server;

pub(crate) async fn certificates_are_verified() {
    let names = vec!["localhost".to_owned()];
    let made = rcgen::generate_simple_self_signed(names).unwrap();
    let (certificate, key) = (made.cert.pem(), made.signing_key.serialize_pem());
    let settings = [
        "ssl=on",
        "ssl_cert_file=../cert.pem",
        "ssl_key_file=../key.pem",
    ];
    let server = Server::start_with(&settings, |folder, own| {
        for (name, text) in [("cert.pem", &certificate), ("key.pem", &key)] {
            let path = folder.join(name);
            std::fs::write(&path, text).unwrap();
            std::fs::set_permissions(&path, PermissionsExt::from_mode(0o600)).unwrap();
            own(&path);
        }
    })
    .await;
    let url = server.url().replace("127.0.0.1", "localhost");

    let mut roots = RootCertStore::empty();
    roots.add(made.cert.der().clone()).unwrap();
    let provider = Arc::new(ring::default_provider());
    let config = ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_root_certificates(roots)
        .with_no_client_auth();
    let builder = PostgresInbox::builder().tls(config);
    let inbox = builder
        .open(&format!("{url}?sslmode=require"))
        .await
        .unwrap();
    inbox.append(entry("n-1")).await.unwrap();
    let sql = "SELECT bool_and(ssl) FROM pg_stat_ssl JOIN pg_stat_activity USING (pid) \
               WHERE application_name = 'tower-nylas'";
    let row = server.connect().await.query_one(sql, &[]).await.unwrap();
    assert_eq!(row.get::<_, Option<bool>>(0), Some(true));
    inbox.close().await;

    // The system does not know whoever has signed it; without a word a server that can encrypt has
    // to have a certificate, too.
    for url in [format!("{url}?sslmode=require"), url.clone()] {
        let error = PostgresInbox::open(&url).await.unwrap_err();
        assert!(matches!(error, OpenError::Unreachable(_)), "{error:?}");
        let text = error.to_string();
        assert!(text.contains("certificate"), "{text}");
    }
    let inbox = PostgresInbox::open(&format!("{url}?sslmode=disable")).await;
    inbox.unwrap().close().await;
}

pub(crate) async fn a_server_that_cannot_encrypt(server: &Server) {
    let url = format!("{}?sslmode=require", server.url());
    let error = PostgresInbox::open(&url).await.unwrap_err();
    assert!(matches!(error, OpenError::Unreachable(_)), "{error:?}");
    assert!(error.to_string().contains("TLS"), "{error}");
}
