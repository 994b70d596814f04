//! The servers of a URL, and how to log in there. The client does not take it from URLs.

use async_nats::ServerAddr;

use crate::error::OpenError;

pub(crate) struct Servers {
    /// Without users and passwords, so that the client cannot show them.
    pub(crate) addresses: Vec<ServerAddr>,
    pub(crate) login: Option<Login>,
}

/// No `Debug`: it has secrets.
#[derive(PartialEq)]
pub(crate) enum Login {
    Token(String),
    User(String, String),
}

impl Servers {
    /// URLs with commas between them.
    pub(crate) fn read(urls: &str) -> Result<Self, OpenError> {
        let mut servers = Self {
            addresses: Vec::new(),
            login: None,
        };
        for url in urls.split(',') {
            let address: ServerAddr = url
                .trim()
                .parse()
                .map_err(|_| unreachable("a URL cannot be read"))?;
            if let Some(login) = login(&address)? {
                if servers.login.as_ref().is_some_and(|known| *known != login) {
                    return Err(unreachable("its URLs have different users or passwords"));
                }
                servers.login = Some(login);
            }
            servers.addresses.push(without_login(address)?);
        }
        Ok(servers)
    }
}

fn login(address: &ServerAddr) -> Result<Option<Login>, OpenError> {
    let Some(user) = address.username() else {
        return match address.password() {
            None => Ok(None),
            Some(_) => Err(unreachable("a URL has a password and no user")),
        };
    };
    let user = decoded(user)?;
    Ok(Some(match address.password() {
        None => Login::Token(user),
        Some(password) => Login::User(user, decoded(password)?),
    }))
}

fn without_login(address: ServerAddr) -> Result<ServerAddr, OpenError> {
    let mut url = address.into_inner();
    if url.set_username("").is_err() || url.set_password(None).is_err() {
        return Err(unreachable("a URL has no host"));
    }
    ServerAddr::from_url(url).map_err(|_| unreachable("a URL cannot be read"))
}

/// The errors of the client show the URL.
fn unreachable(text: &'static str) -> OpenError {
    OpenError::Unreachable(text.into())
}

/// With each `%` and two hex digits as the byte that they stand for.
fn decoded(text: &str) -> Result<String, OpenError> {
    let wrong = || unreachable("what is percent-encoded in a URL is no text");
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.bytes();
    while let Some(byte) = rest.next() {
        bytes.push(if byte == b'%' {
            let mut digit = || char::from(rest.next()?).to_digit(16);
            let (high, low) = (digit().ok_or_else(wrong)?, digit().ok_or_else(wrong)?);
            u8::try_from(high * 16 + low).map_err(|_| wrong())?
        } else {
            byte
        });
    }
    String::from_utf8(bytes).map_err(|_| wrong())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(urls: &str) -> Result<(Vec<String>, Option<Login>), String> {
        let servers = Servers::read(urls).map_err(|why| why.to_string())?;
        let addresses = servers.addresses.iter();
        let addresses = addresses.map(|address| address.as_url_str().to_owned());
        Ok((addresses.collect(), servers.login))
    }

    fn user(name: &str, password: &str) -> Login {
        Login::User(name.to_owned(), password.to_owned())
    }

    #[test]
    fn users_passwords_and_tokens_are_taken_out() {
        for (urls, hosts, login) in [
            ("nats://a:4222", &["nats://a:4222"][..], None),
            ("a:1,b", &["nats://a:1", "nats://b"], None),
            (
                "nats://app:p%40ss%2Fw%C3%B6rd@a,tls://b:7",
                &["nats://a", "tls://b:7"],
                Some(user("app", "p@ss/w\u{f6}rd")),
            ),
            (
                "nats://app:s@a, nats://app:s@b",
                &["nats://a", "nats://b"],
                Some(user("app", "s")),
            ),
            (
                "tls://s3cr%65t@[::1]:5",
                &["tls://[::1]:5"],
                Some(Login::Token("s3cret".to_owned())),
            ),
            (
                "nats://app:@a",
                &["nats://a"],
                Some(Login::Token("app".to_owned())),
            ),
        ] {
            let (addresses, found) = read(urls).unwrap();
            let addresses = addresses.iter().map(|url| url.trim_end_matches('/'));
            assert!(addresses.eq(hosts.iter().copied()), "{urls}");
            assert!(found == login, "{urls}");
        }
    }

    #[test]
    fn what_cannot_be_read_is_refused_and_not_shown() {
        for urls in [
            "",
            "nats://app:hunter2@a,nats://app:hunter3@b",
            "nats://app:hunter2@a,nats://hunter2@b",
            "nats://:hunter2@a",
            "nats://app:hunter2%f@a",
            "nats://app:hunter2%ff@a",
            "http://app:hunter2@a",
            "nats://app:hunter2@",
        ] {
            let Err(why) = read(urls) else {
                panic!("{urls} was read");
            };
            assert!(!why.contains("hunter"), "{why}");
        }
    }
}
