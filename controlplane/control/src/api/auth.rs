//! Who may ask.
//!
//! With a token, every request but those for health must bring it. Without one, the API listens on the
//! loopback interface only; it can be read there, and changed if the configuration says so. A browser
//! that was made to resolve a foreign name to the loopback address is told apart by its `Host`.

use std::io;
use std::net::IpAddr;
use std::path::Path;
use std::sync::Arc;

use axum::extract::{Request, State};
use axum::http::{HeaderMap, Method, StatusCode, header};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use sha2::{Digest as _, Sha256};
use subtle::ConstantTimeEq as _;

use super::Problem;

/// Shortest token, in bytes.
const TOKEN_BYTES_MIN: usize = 16;

/// What requests to one server must show.
pub(super) struct Guard {
    /// The section of the configuration that has the server's keys (`api`).
    section: &'static str,
    needed: Needed,
}

/// What a request must show.
enum Needed {
    /// The token with this digest. Digests have one length, so that comparing them tells nothing.
    Token([u8; 32]),
    /// Nothing but that it was meant for this machine; a change only if `may_change`.
    Loopback {
        /// Changes are allowed.
        may_change: bool,
    },
}

impl Guard {
    /// Asks for the token in `token_file`; without one, for a request from this machine.
    ///
    /// # Errors
    /// The token's file cannot be read, or its token is too short.
    pub(super) fn new(
        section: &'static str,
        token_file: Option<&Path>,
        may_change: bool,
    ) -> io::Result<Self> {
        let needed = match token_file {
            Some(path) => Needed::Token(read_token(section, path)?),
            None => Needed::Loopback { may_change },
        };
        Ok(Self { section, needed })
    }

    fn check(&self, method: &Method, headers: &HeaderMap) -> Result<(), Problem> {
        let section = self.section;
        match &self.needed {
            Needed::Token(wanted) => check_token(section, wanted, headers),
            Needed::Loopback { .. } if !is_local(headers) => Err(Problem::new(
                StatusCode::FORBIDDEN,
                "Forbidden",
                "the Host header does not name this machine",
                format!("ask for 127.0.0.1, [::1] or localhost, or set {section}.token_file"),
            )),
            Needed::Loopback { may_change: false } if *method != Method::GET => Err(Problem::new(
                StatusCode::FORBIDDEN,
                "Forbidden",
                "changes need a token, and none is configured",
                "set api.token_file, or api.allow_unauthenticated_loopback = true",
            )),
            Needed::Loopback { .. } => Ok(()),
        }
    }
}

fn read_token(section: &str, path: &Path) -> io::Result<[u8; 32]> {
    let error = |kind, what: String| {
        io::Error::new(kind, format!("{section}.token_file: {}: {what}", path.display()))
    };
    let text = std::fs::read_to_string(path).map_err(|e| error(e.kind(), e.to_string()))?;
    let token = text.trim();
    if token.len() < TOKEN_BYTES_MIN {
        let what = format!("the token is shorter than {TOKEN_BYTES_MIN} bytes; take a longer one");
        return Err(error(io::ErrorKind::InvalidData, what));
    }
    Ok(Sha256::digest(token).into())
}

fn check_token(section: &str, wanted: &[u8; 32], headers: &HeaderMap) -> Result<(), Problem> {
    let mend = format!(
        "send the header Authorization: Bearer TOKEN, with the token of {section}.token_file"
    );
    let given = headers.get(header::AUTHORIZATION).and_then(|value| value.to_str().ok());
    let Some(token) = given.and_then(|value| value.strip_prefix("Bearer ")) else {
        let detail = "the request brings no bearer token";
        return Err(Problem::new(StatusCode::UNAUTHORIZED, "Unauthorized", detail, mend));
    };
    let digest: [u8; 32] = Sha256::digest(token.trim()).into();
    if bool::from(digest.ct_eq(wanted)) {
        return Ok(());
    }
    let detail = "the bearer token is not the right one";
    Err(Problem::new(StatusCode::UNAUTHORIZED, "Unauthorized", detail, mend))
}

/// Whether the request was meant for this machine.
fn is_local(headers: &HeaderMap) -> bool {
    let Some(host) = headers.get(header::HOST).and_then(|value| value.to_str().ok()) else {
        return false;
    };
    let name = match host.rsplit_once(':') {
        Some((name, port)) if port.bytes().all(|byte| byte.is_ascii_digit()) => name,
        _ => host,
    };
    let name = name.trim_start_matches('[').trim_end_matches(']');
    name.eq_ignore_ascii_case("localhost")
        || name.parse::<IpAddr>().is_ok_and(|address| address.is_loopback())
}

/// Lets a request through, or answers it.
pub(super) async fn guard(
    State(guard): State<Arc<Guard>>,
    request: Request,
    next: Next,
) -> Response {
    let open = matches!(request.uri().path(), "/healthz" | "/readyz");
    if !open && let Err(problem) = guard.check(request.method(), request.headers()) {
        let mut response = problem.into_response();
        if response.status() == StatusCode::UNAUTHORIZED {
            let scheme = header::HeaderValue::from_static("Bearer");
            response.headers_mut().insert(header::WWW_AUTHENTICATE, scheme);
        }
        return response;
    }
    next.run(request).await
}

#[cfg(test)]
mod tests {
    use axum::http::{HeaderMap, header};

    use super::is_local;

    #[test]
    fn only_names_of_this_machine_are_local() {
        let local = |host: &str| {
            let mut headers = HeaderMap::new();
            headers.insert(header::HOST, host.parse().unwrap());
            is_local(&headers)
        };
        for host in
            ["localhost", "LOCALHOST:8080", "127.0.0.1", "127.0.0.1:8080", "[::1]:8080", "[::1]"]
        {
            assert!(local(host), "{host}");
        }
        for host in ["example.org", "example.org:8080", "localhost.example.org", "10.0.0.1:80", ""]
        {
            assert!(!local(host), "{host}");
        }
        assert!(!is_local(&HeaderMap::new()));
    }
}
