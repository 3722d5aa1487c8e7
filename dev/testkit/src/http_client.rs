//! Requests as callers make them, and whatever comes back.

use std::net::SocketAddr;

use anyhow::Context as _;
use bytes::Bytes;
use http::{HeaderMap, Method, Request, header};
use http_body_util::{BodyExt as _, Full};
use hyper_util::{
    client::legacy::{Client, connect::HttpConnector},
    rt::TokioExecutor,
};
use serde_json::Value;
use url::form_urlencoded;

/// An HTTP client for one server.
#[derive(Clone)]
pub struct Http {
    client: Client<HttpConnector, Full<Bytes>>,
    address: SocketAddr,
    headers: Vec<(String, String)>,
}

/// An answer.
#[derive(Debug)]
pub struct Reply {
    /// The status.
    pub status: u16,
    /// The headers.
    pub headers: HeaderMap,
    /// The whole body.
    pub body: Bytes,
}

impl Reply {
    /// The body as JSON.
    ///
    /// # Errors
    /// It is none.
    pub fn json(&self) -> anyhow::Result<Value> {
        serde_json::from_slice(&self.body).with_context(|| format!("no JSON: {}", self.text()))
    }

    /// The body as text.
    #[must_use]
    pub fn text(&self) -> String {
        String::from_utf8_lossy(&self.body).into_owned()
    }

    /// A header, empty if it is absent.
    #[must_use]
    pub fn header(&self, name: &str) -> &str {
        self.headers.get(name).and_then(|value| value.to_str().ok()).unwrap_or_default()
    }
}

impl Http {
    /// A client for this server.
    #[must_use]
    pub fn new(address: SocketAddr) -> Self {
        let client = Client::builder(TokioExecutor::new()).build_http();
        Self { client, address, headers: Vec::new() }
    }

    /// The same client with one more header on every request; `host` replaces the usual one.
    #[must_use]
    pub fn with_header(mut self, name: &str, value: &str) -> Self {
        self.headers.push((name.to_owned(), value.to_owned()));
        self
    }

    /// Sends a request.
    ///
    /// # Errors
    /// The server does not answer, or not in HTTP.
    pub async fn send(&self, method: Method, path: &str, body: impl Into<Bytes>) -> anyhow::Result<Reply> {
        let mut request = Request::builder().method(method).uri(format!("http://{}{path}", self.address));
        for (name, value) in &self.headers {
            request = request.header(name, value);
        }
        let response = self.client.request(request.body(Full::new(body.into()))?).await?;
        let (parts, body) = response.into_parts();
        let body = body.collect().await?.to_bytes();
        Ok(Reply { status: parts.status.as_u16(), headers: parts.headers, body })
    }

    /// `GET`.
    ///
    /// # Errors
    /// See [`send`](Self::send).
    pub async fn get(&self, path: &str) -> anyhow::Result<Reply> {
        self.send(Method::GET, path, Bytes::new()).await
    }

    /// `POST` of a body with this `Content-Type`.
    ///
    /// # Errors
    /// See [`send`](Self::send).
    pub async fn post(&self, path: &str, media_type: &str, body: impl Into<Bytes>) -> anyhow::Result<Reply> {
        let typed = self.clone().with_header(header::CONTENT_TYPE.as_str(), media_type);
        typed.send(Method::POST, path, body).await
    }

    /// `POST` of JSON with exactly `application/json`.
    ///
    /// # Errors
    /// See [`send`](Self::send).
    pub async fn post_json(&self, path: &str, body: &Value) -> anyhow::Result<Reply> {
        self.post(path, "application/json", body.to_string()).await
    }

    /// `POST` of a urlencoded form.
    ///
    /// # Errors
    /// See [`send`](Self::send).
    pub async fn post_form(&self, path: &str, fields: &[(&str, &str)]) -> anyhow::Result<Reply> {
        let body = form_urlencoded::Serializer::new(String::new()).extend_pairs(fields).finish();
        self.post(path, "application/x-www-form-urlencoded", body).await
    }

    /// `POST` of a multipart form, as Python's `requests` writes it.
    ///
    /// # Errors
    /// See [`send`](Self::send).
    pub async fn post_multipart(&self, path: &str, parts: &[Part<'_>]) -> anyhow::Result<Reply> {
        let (media_type, body) = multipart(parts);
        self.post(path, &media_type, body).await
    }
}

/// A part of a multipart form.
#[derive(Clone, Copy, Debug)]
pub enum Part<'a> {
    /// A name and its text.
    Field(&'a str, &'a str),
    /// A name and a file's bytes.
    File(&'a str, &'a [u8]),
}

/// The `Content-Type` and the body of a multipart form.
#[must_use]
pub fn multipart(parts: &[Part<'_>]) -> (String, Bytes) {
    const BOUNDARY: &str = "9b1e2f6f0a5c4d4e8c07";
    let mut body = Vec::new();
    for part in parts {
        let (head, bytes) = match part {
            Part::Field(name, text) => (format!("name=\"{name}\"\r\n\r\n"), text.as_bytes()),
            Part::File(name, bytes) => (format!("name=\"{name}\"; filename=\"{name}\"\r\n\r\n"), *bytes),
        };
        body.extend_from_slice(format!("--{BOUNDARY}\r\nContent-Disposition: form-data; {head}").as_bytes());
        body.extend_from_slice(bytes);
        body.extend_from_slice(b"\r\n");
    }
    body.extend_from_slice(format!("--{BOUNDARY}--\r\n").as_bytes());
    (format!("multipart/form-data; boundary={BOUNDARY}"), body.into())
}
