//! Errors as problem details (RFC 9457): what, where, and the mend.

use axum::Json;
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use serde::Serialize;
use utoipa::ToSchema;

use crate::store::{RuleCounts, RuleDiagnostic};

/// What went wrong, as `application/problem+json`.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub(crate) struct Problem {
    /// `about:blank`: the title says it.
    #[serde(rename = "type")]
    kind: &'static str,
    /// What.
    title: String,
    /// The HTTP status.
    status: u16,
    /// Where and why.
    detail: String,
    /// What to do.
    mend: String,
    /// What was said, where a rules text was refused.
    #[serde(flatten, skip_serializing_if = "Option::is_none")]
    text: Option<Box<RefusedText>>,
}

/// A rules text that was refused.
#[derive(Clone, Debug, Serialize, ToSchema)]
struct RefusedText {
    /// Its rules.
    counts: RuleCounts,
    /// Everything that was said about it.
    diagnostics: Vec<RuleDiagnostic>,
}

impl Problem {
    pub(super) fn new(
        status: StatusCode,
        title: impl Into<String>,
        detail: impl Into<String>,
        mend: impl Into<String>,
    ) -> Self {
        Self {
            kind: "about:blank",
            title: title.into(),
            status: status.as_u16(),
            detail: detail.into(),
            mend: mend.into(),
            text: None,
        }
    }

    /// Adds what was said about a rules text.
    pub(super) fn with_rules(
        mut self,
        counts: RuleCounts,
        diagnostics: Vec<RuleDiagnostic>,
    ) -> Self {
        self.text = Some(Box::new(RefusedText { counts, diagnostics }));
        self
    }

    pub(super) fn not_found() -> Self {
        let mend = "GET /api/v1/openapi.json lists what there is";
        Self::new(StatusCode::NOT_FOUND, "Not found", "there is nothing at this path", mend)
    }

    pub(super) fn method_not_allowed() -> Self {
        let mend = "GET /api/v1/openapi.json lists the methods of each path";
        let status = StatusCode::METHOD_NOT_ALLOWED;
        Self::new(status, "Method not allowed", "this path does not have this method", mend)
    }
}

impl IntoResponse for Problem {
    fn into_response(self) -> Response {
        let status = StatusCode::from_u16(self.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
        let kind = [(header::CONTENT_TYPE, "application/problem+json")];
        (status, kind, Json(self)).into_response()
    }
}
