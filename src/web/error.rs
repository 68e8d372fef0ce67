//! What a handler answers when it cannot answer with its page.
//!
//! [`Error`] is for handlers and extractors. It says nothing of its cause to the person: they get
//! a sentence, what to do, and the request's number; the log gets the cause beside that number.
//! [`render`] turns it, and every bare refusal of the framework, into a page of the application.

use std::any::Any;

use askama::Template;
use axum::extract::{Request, State};
use axum::http::{HeaderValue, StatusCode, header};
use axum::middleware::Next;
use axum::response::{Html, IntoResponse, Response};
use tower_http::catch_panic::CatchPanicLayer;

use super::observe::RequestId;
use super::{AppState, Layout, Visitor, csrf};
use crate::members::passwords::HashError;
use crate::storage::StorageError;

/// Seconds until another try is worth it, when the database is away.
const RETRY_AFTER: HeaderValue = HeaderValue::from_static("5");

/// What a handler answers with.
pub type PageResult<T = Response> = Result<T, Error>;

/// Why there is no page.
#[derive(Clone, Debug, thiserror::Error)]
pub enum Error {
    /// there is nothing under that address
    #[error("not found")]
    NotFound,
    /// the member's role does not allow it
    #[error("forbidden")]
    Forbidden,
    /// the form's token is missing or of another session
    #[error("the form's token does not fit the session")]
    FormExpired,
    /// what was sent cannot be understood; the sentence is shown
    #[error("bad request: {0}")]
    BadRequest(String),
    /// more bytes than are taken
    #[error("too large")]
    TooLarge,
    /// too many tries; come back in that many minutes
    #[error("too many tries, {minutes} minutes left")]
    TooMany {
        /// until the next try
        minutes: i64,
    },
    /// more requests than one visitor of a training shop may send
    #[error("too many requests")]
    TooFast,
    /// no room for another visitor of a public training shop
    #[error("no room for another visitor")]
    NoRoom,
    /// the database is busy or away
    #[error("unavailable: {0}")]
    Unavailable(String),
    /// the database was lost while saving, and whether it saved is not known
    #[error("unsettled: {0}")]
    Unsettled(String),
    /// the disk is full
    #[error("the disk is full: {0}")]
    Full(String),
    /// a fault of the program; for the log
    #[error("{0}")]
    Internal(String),
}

impl Error {
    fn status(&self) -> StatusCode {
        match self {
            Self::NotFound => StatusCode::NOT_FOUND,
            Self::Forbidden | Self::FormExpired => StatusCode::FORBIDDEN,
            Self::BadRequest(_) => StatusCode::BAD_REQUEST,
            Self::TooLarge => StatusCode::PAYLOAD_TOO_LARGE,
            Self::TooMany { .. } | Self::TooFast => StatusCode::TOO_MANY_REQUESTS,
            Self::NoRoom | Self::Unavailable(_) | Self::Unsettled(_) => StatusCode::SERVICE_UNAVAILABLE,
            Self::Full(_) => StatusCode::INSUFFICIENT_STORAGE,
            Self::Internal(_) => StatusCode::INTERNAL_SERVER_ERROR,
        }
    }

    /// What happened, and what to do.
    fn words(&self) -> (&'static str, String) {
        match self {
            Self::NotFound => ("페이지를 찾지 못했어요", "주소가 바뀌었거나 지워진 페이지예요. 메뉴에서 다시 찾아 주세요.".into()),
            Self::Forbidden => ("볼 수 없는 페이지예요", "이 아이디로는 들어갈 수 없어요. 필요하면 관리자에게 말씀해 주세요.".into()),
            Self::FormExpired => ("다시 한 번 보내 주세요", "화면을 연 지 오래되었거나 다시 로그인한 뒤라 보내지 못했어요. 앞 화면을 새로 고친 다음 다시 보내 주세요.".into()),
            Self::BadRequest(sentence) => ("보낸 내용을 읽지 못했어요", sentence.clone()),
            Self::TooLarge => ("너무 커요", "보낸 내용이 받을 수 있는 크기를 넘었어요. 나누어 보내 주세요.".into()),
            Self::TooMany { minutes } => ("잠시 쉬었다 해 주세요", format!("비밀번호나 확인 번호가 여러 번 맞지 않았어요. {minutes}분 뒤에 다시 해 주세요.")),
            Self::TooFast => ("조금 천천히 해 주세요", "짧은 시간에 너무 많이 눌렀어요. 1분 뒤에 다시 해 주세요.".into()),
            Self::NoRoom => ("지금은 자리가 없어요", "연습하는 분이 많아요. 10분쯤 뒤에 다시 와 주세요.".into()),
            Self::Unavailable(_) => ("지금은 답하지 못해요", "데이터베이스가 바쁘거나 멈췄어요. 잠시 뒤에 다시 해 주세요.".into()),
            Self::Unsettled(_) => ("저장되었는지 아직 몰라요", "저장하는 중에 데이터베이스와 연결이 끊겼어요. 잠시 뒤에 앞 화면을 새로 고쳐, 저장되었는지 보고 나서 다시 해 주세요.".into()),
            Self::Full(_) => ("저장할 곳이 가득 찼어요", "디스크에 자리가 없어 저장하지 못했어요. 자리를 비운 뒤 다시 해 주세요.".into()),
            Self::Internal(_) => ("문제가 생겼어요", "프로그램의 잘못이에요. 다시 해 보고, 그래도 안 되면 아래 번호를 알려 주세요.".into()),
        }
    }

    /// The error that a bare status of the framework stands for.
    fn of(status: StatusCode) -> Self {
        match status {
            StatusCode::NOT_FOUND => Self::NotFound,
            StatusCode::FORBIDDEN => Self::Forbidden,
            StatusCode::PAYLOAD_TOO_LARGE => Self::TooLarge,
            StatusCode::SERVICE_UNAVAILABLE => Self::Unavailable(status.to_string()),
            status if status.is_server_error() => Self::Internal(status.to_string()),
            _ => Self::BadRequest("주소나 보낸 내용이 올바르지 않아요. 앞 화면에서 다시 해 주세요.".to_owned()),
        }
    }
}

impl From<StorageError> for Error {
    fn from(error: StorageError) -> Self {
        match error {
            StorageError::Unavailable(_) | StorageError::CannotOpen(_) => Self::Unavailable(error.to_string()),
            StorageError::Unsettled(_) => Self::Unsettled(error.to_string()),
            StorageError::Full(_) => Self::Full(error.to_string()),
            StorageError::Constraint(_)
            | StorageError::NewerSchema { .. }
            | StorageError::Inconsistent(_)
            | StorageError::Panicked(_)
            | StorageError::Engine(_) => Self::Internal(error.to_string()),
        }
    }
}

impl From<tower_sessions::session::Error> for Error {
    fn from(error: tower_sessions::session::Error) -> Self {
        Self::Unavailable(error.to_string())
    }
}

impl From<csrf::NoRandomness> for Error {
    fn from(error: csrf::NoRandomness) -> Self {
        Self::Internal(error.to_string())
    }
}

impl From<HashError> for Error {
    fn from(error: HashError) -> Self {
        Self::Internal(error.to_string())
    }
}

impl IntoResponse for Error {
    fn into_response(self) -> Response {
        let mut response = self.status().into_response();
        response.extensions_mut().insert(self);
        response
    }
}

#[derive(Template)]
#[template(path = "web/error.html")]
struct ErrorPage {
    layout: Layout,
    status: u16,
    title: &'static str,
    sentence: String,
    reference: String,
}

/// Gives every refusal its page. It lies around the session, so that a session that cannot be
/// read has one too; the visitor comes back to it with the response.
pub(super) async fn render(State(state): State<AppState>, request: Request, next: Next) -> Response {
    let reference = request.extensions().get::<RequestId>().map(ToString::to_string).unwrap_or_default();
    let path = request.uri().path().to_owned();
    let mut response = next.run(request).await;

    let status = response.status();
    let error = match response.extensions_mut().remove::<Error>() {
        Some(error) => error,
        None if is_bare(&response) => Error::of(status),
        None => return response,
    };
    if status.is_server_error() {
        tracing::error!(%error, "a request failed");
    } else {
        tracing::debug!(%error, "a request was refused");
    }
    let (title, sentence) = error.words();
    let layout = Layout::bare(&state, response.extensions_mut().remove::<Visitor>(), &path);
    let page = ErrorPage { layout, status: status.as_u16(), title, sentence, reference };
    let html = page.render().unwrap_or_else(|_| title.to_owned());
    let (mut parts, _) = response.into_parts();
    parts.headers.remove(header::CONTENT_LENGTH);
    parts.headers.remove(header::CONTENT_TYPE);
    if status == StatusCode::SERVICE_UNAVAILABLE {
        parts.headers.insert(header::RETRY_AFTER, RETRY_AFTER);
    }
    (parts, Html(html)).into_response()
}

/// A refusal of the framework itself: an error in plain text or without a body.
fn is_bare(response: &Response) -> bool {
    let status = response.status();
    let kind = response.headers().get(header::CONTENT_TYPE).map(HeaderValue::as_bytes);
    (status.is_client_error() || status.is_server_error()) && kind.is_none_or(|kind| kind.starts_with(b"text/plain"))
}

type AnswerPanic = fn(Box<dyn Any + Send>) -> Response;

/// A panic in a handler costs that request and nothing else.
pub(super) fn catch_panics() -> CatchPanicLayer<AnswerPanic> {
    CatchPanicLayer::custom(answer_panic as AnswerPanic)
}

#[expect(clippy::needless_pass_by_value, reason = "the shape the layer wants")]
fn answer_panic(panic: Box<dyn Any + Send>) -> Response {
    let message = panic
        .downcast_ref::<&str>()
        .map(|message| (*message).to_owned())
        .or_else(|| panic.downcast_ref::<String>().cloned())
        .unwrap_or_else(|| "no message".to_owned());
    Error::Internal(format!("panic: {message}")).into_response()
}
