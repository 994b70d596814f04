//! Requests to the inspector.

use reqwest::{
    Url,
    header::{ACCEPT, HeaderMap, HeaderName, HeaderValue},
    redirect::Policy,
};
use serde_json::Value;

use crate::options::Options;

pub(crate) struct Client {
    http: reqwest::Client,
    url: Url,
}

pub(crate) enum Failure {
    /// The inspector says so.
    Refused(String),
    Other(String),
}

impl Client {
    pub(crate) fn new(options: &Options) -> Result<Self, Failure> {
        let url = Url::parse(&options.url);
        let url = url.map_err(|why| Failure::Other(format!("{}: {why}", options.url)))?;
        let mut headers = HeaderMap::new();
        headers.insert(ACCEPT, HeaderValue::from_static("application/json"));
        let of_environment = std::env::var("NYLAS_INSPECTOR_HEADER").unwrap_or_default();
        for line in of_environment
            .lines()
            .chain(options.header.iter().map(String::as_str))
        {
            // The value may be a credential, so it is not printed.
            let invalid = || Failure::Other("a header is given as `Name: value`".to_owned());
            let (name, value) = line.split_once(':').ok_or_else(invalid)?;
            let name: HeaderName = name.trim().parse().map_err(|_| invalid())?;
            let mut value: HeaderValue = value.trim().parse().map_err(|_| invalid())?;
            value.set_sensitive(true);
            headers.append(name, value);
        }
        let http = reqwest::Client::builder()
            .default_headers(headers)
            .redirect(Policy::none())
            .build();
        let http = http.map_err(|why| Failure::Other(why.to_string()))?;
        Ok(Self { http, url })
    }

    /// A page.
    pub(crate) async fn get(&self, parameters: &[(&str, String)]) -> Result<Value, Failure> {
        let mut url = self.url.clone();
        url.query_pairs_mut().clear().extend_pairs(parameters);
        answer(self.http.get(url)).await
    }

    /// The page of a link that the inspector has given.
    pub(crate) async fn follow(&self, link: &str) -> Result<Value, Failure> {
        let mut url = self.url.clone();
        url.set_query(link.strip_prefix('?'));
        answer(self.http.get(url)).await
    }

    pub(crate) async fn post(&self, form: &[(&str, String)]) -> Result<Value, Failure> {
        let mut body = self.url.clone();
        body.query_pairs_mut().clear().extend_pairs(form);
        let request = self
            .http
            .post(self.url.clone())
            // As a page of the inspector: no browser lets another site send this.
            .header("sec-fetch-site", "same-origin")
            .header("content-type", "application/x-www-form-urlencoded")
            .body(body.query().unwrap_or_default().to_owned());
        answer(request).await
    }
}

async fn answer(request: reqwest::RequestBuilder) -> Result<Value, Failure> {
    let failed = |why: reqwest::Error| {
        let mut text = why.to_string();
        let mut source = std::error::Error::source(&why);
        while let Some(cause) = source {
            text = format!("{text}: {cause}");
            source = cause.source();
        }
        Failure::Other(text)
    };
    let answer = request.send().await.map_err(failed)?;
    let status = answer.status();
    let text = answer.text().await.map_err(failed)?;
    let Ok(value) = serde_json::from_str::<Value>(&text) else {
        return Err(Failure::Other(format!(
            "the answer {status} is no JSON: is this an inspector?"
        )));
    };
    if status.is_success() {
        return Ok(value);
    }
    let why = value["error"].as_str().unwrap_or("no reason is given");
    Err(Failure::Refused(format!("{status}: {why}")))
}
