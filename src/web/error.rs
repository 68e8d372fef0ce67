//! Errors of handlers and extractors, and their pages.
//!
//! The user sees a sentence, what to do, and the identifier of the request; the cause is logged with that identifier.
//! [`render`] renders [`Error`]s, and bare error responses of the framework, as pages of the application.

use std::any::Any;

use askama::Template;
use axum::extract::{Request, State};
use axum::http::{HeaderValue, StatusCode, header};
use axum::middleware::Next;
use axum::response::{Html, IntoResponse, Response};
use tower_http::catch_panic::CatchPanicLayer;

use super::layout::DemoBanner;
use super::request_log::RequestId;
use super::{AuthContext, Layout, UNSENT_PATH, redirect};
use crate::members::passwords::HashError;
use crate::random::RandomnessError;
use crate::storage::StorageError;
use crate::text::error_chain;

/// Seconds until a client may retry after a 503.
const RETRY_AFTER: HeaderValue = HeaderValue::from_static("5");

/// The result of a handler.
pub type PageResult<T = Response> = Result<T, Error>;

/// Why a request failed.
#[derive(Clone, Debug, thiserror::Error)]
pub enum Error {
    /// there is no such page or object
    #[error("not found")]
    NotFound,
    /// the member's role does not permit it
    #[error("forbidden")]
    Forbidden,
    /// an administrator's page, from a network that is not in the list
    #[error("not from an administrators' network")]
    OtherNetwork,
    /// the CSRF token is missing or of another session
    #[error("the form's token does not fit the session")]
    FormExpired,
    /// As [`Error::FormExpired`], but the form is kept: the member is asked whether to send it.
    #[error("the form is of an earlier login")]
    FormUnsent,
    /// the request is invalid; the message is shown to the user
    #[error("bad request: {0}")]
    BadRequest(String),
    /// the body exceeds the size limit
    #[error("too large")]
    TooLarge,
    /// the client stopped sending the body, or sends it too slowly
    #[error("the body did not arrive in time")]
    RequestTimeout,
    /// too many failed logins
    #[error("too many tries, {minutes} minutes left")]
    TooManyAttempts {
        /// until the next attempt is accepted
        minutes: i64,
    },
    /// a client of a public demo exceeds the rate limit
    #[error("too many requests")]
    RateLimited,
    /// a page that a public demo does not offer
    #[error("not in a public demo")]
    NotInDemo,
    /// a public demo has no capacity for another sandbox
    #[error("no room for another visitor")]
    AtCapacity,
    /// the database is busy or cannot be reached
    #[error("unavailable: {0}")]
    Unavailable(String),
    /// the connection was lost during the commit, whose outcome is unknown
    #[error("unsettled: {0}")]
    CommitUnknown(String),
    /// the disk is full
    #[error("the disk is full: {0}")]
    DiskFull(String),
    /// a bug, or a failure that the user cannot resolve
    #[error("{0}")]
    Internal(String),
}

impl Error {
    /// [`Error::Internal`] with the message of an error and of each of its sources, for the log.
    pub fn internal(error: impl std::error::Error + 'static) -> Self {
        Self::Internal(error_chain(&error))
    }

    fn status(&self) -> StatusCode {
        match self {
            Self::NotFound => StatusCode::NOT_FOUND,
            Self::Forbidden | Self::OtherNetwork | Self::FormExpired | Self::FormUnsent | Self::NotInDemo => {
                StatusCode::FORBIDDEN
            }
            Self::BadRequest(_) => StatusCode::BAD_REQUEST,
            Self::TooLarge => StatusCode::PAYLOAD_TOO_LARGE,
            Self::RequestTimeout => StatusCode::REQUEST_TIMEOUT,
            Self::TooManyAttempts { .. } | Self::RateLimited => StatusCode::TOO_MANY_REQUESTS,
            Self::AtCapacity | Self::Unavailable(_) | Self::CommitUnknown(_) => StatusCode::SERVICE_UNAVAILABLE,
            Self::DiskFull(_) => StatusCode::INSUFFICIENT_STORAGE,
            Self::Internal(_) => StatusCode::INTERNAL_SERVER_ERROR,
        }
    }

    /// Title and message for the user: what happened, and what to do.
    fn user_message(&self) -> (&'static str, String) {
        match self {
            Self::NotFound => ("페이지를 찾지 못했어요", "주소가 바뀌었거나 지워진 페이지예요. 메뉴에서 다시 찾아 주세요.".into()),
            Self::Forbidden => ("볼 수 없는 페이지예요", "이 아이디로는 들어갈 수 없어요. 필요하면 관리자에게 말씀해 주세요.".into()),
            Self::OtherNetwork => ("여기서는 열 수 없는 페이지예요", "관리자 화면은 정해 둔 네트워크에서만 열려요. 가게의 인터넷에서 열거나, 서버의 설정 admin_networks에 이곳을 더해 달라고 하세요.".into()),
            Self::FormExpired | Self::FormUnsent => ("화면이 오래되어 저장하지 못했어요", "화면을 연 지 오래되었거나 그 사이 다시 로그인했어요. 앞 화면을 새로고침한 뒤 다시 저장해 주세요.".into()),
            Self::BadRequest(sentence) => ("보낸 내용을 읽지 못했어요", sentence.clone()),
            Self::TooLarge => ("보낸 내용이 너무 커요", "보낸 내용이 받을 수 있는 크기를 넘었어요. 나누어 보내 주세요.".into()),
            Self::RequestTimeout => ("보내다가 멈췄어요", "보낸 내용이 제때 오지 않았어요. 인터넷 연결을 확인하고 다시 보내 주세요.".into()),
            Self::TooManyAttempts { minutes } => ("로그인을 여러 번 실패했어요", format!("비밀번호나 확인 번호가 여러 번 맞지 않았어요. {minutes}분 뒤에 다시 시도해 주세요.")),
            Self::RateLimited => ("요청이 너무 많아요", "짧은 시간에 너무 많이 눌렀어요. 1분 뒤에 다시 시도해 주세요.".into()),
            Self::NotInDemo => ("교육용 가게에는 없는 화면이에요", "여럿이 함께 쓰는 교육용 가게라 컴퓨터와 백업을 다루는 화면은 열지 않아요. 다른 화면을 써 보세요.".into()),
            Self::AtCapacity => ("지금은 빈 가게가 없어요", "연습하는 분이 많아요. 10분쯤 뒤에 다시 와 주세요.".into()),
            Self::Unavailable(_) => ("지금은 연결할 수 없어요", "데이터베이스가 바쁘거나 멈췄어요. 잠시 후 다시 시도해 주세요.".into()),
            Self::CommitUnknown(_) => ("저장되었는지 아직 몰라요", "저장하는 중에 데이터베이스와 연결이 끊겼어요. 잠시 뒤에 앞 화면을 새로고침해서 저장되었는지 확인한 다음 다시 해 주세요.".into()),
            Self::DiskFull(_) => ("저장할 곳이 가득 찼어요", "디스크 공간이 없어 저장하지 못했어요. 공간을 비운 뒤 다시 해 주세요.".into()),
            Self::Internal(_) => ("문제가 생겼어요", "프로그램의 잘못이에요. 다시 해 보고, 그래도 안 되면 아래 번호를 알려 주세요.".into()),
        }
    }

    /// The error of a bare status of the framework.
    fn from_status(status: StatusCode) -> Self {
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
            StorageError::CommitUnknown(_) => Self::CommitUnknown(error.to_string()),
            StorageError::DiskFull(_) => Self::DiskFull(error.to_string()),
            StorageError::Constraint(_)
            | StorageError::NoShop
            | StorageError::OlderSchema { .. }
            | StorageError::NewerSchema { .. }
            | StorageError::Inconsistent(_)
            | StorageError::Panicked(_)
            | StorageError::Engine(_) => Self::Internal(error.to_string()),
        }
    }
}

/// A full disk is told from a fault of the program at every place that writes a file.
impl From<std::io::Error> for Error {
    fn from(error: std::io::Error) -> Self {
        match error.kind() {
            std::io::ErrorKind::StorageFull | std::io::ErrorKind::QuotaExceeded => Self::DiskFull(error.to_string()),
            _ => Self::internal(error),
        }
    }
}

impl From<tower_sessions::session::Error> for Error {
    fn from(error: tower_sessions::session::Error) -> Self {
        Self::Unavailable(error.to_string())
    }
}

impl From<RandomnessError> for Error {
    fn from(error: RandomnessError) -> Self {
        Self::internal(error)
    }
}

impl From<HashError> for Error {
    fn from(error: HashError) -> Self {
        Self::internal(error)
    }
}

impl IntoResponse for Error {
    fn into_response(self) -> Response {
        if matches!(self, Self::FormUnsent) {
            return redirect(UNSENT_PATH);
        }
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

/// Middleware: renders errors as pages. It wraps the session layer, so that failures of the session store are rendered
/// too; the [`AuthContext`] arrives in the extensions of the response.
pub(super) async fn render(State(banner): State<DemoBanner>, request: Request, next: Next) -> Response {
    let reference = request.extensions().get::<RequestId>().map(ToString::to_string).unwrap_or_default();
    let path = request.uri().path().to_owned();
    let mut response = next.run(request).await;

    let status = response.status();
    let error = match response.extensions_mut().remove::<Error>() {
        Some(error) => error,
        None if is_bare(&response) => Error::from_status(status),
        None => return response,
    };
    if status.is_server_error() {
        tracing::error!(%error, "요청을 처리하지 못했어요");
    } else {
        tracing::debug!(%error, "요청을 거부했어요");
    }
    let (title, sentence) = error.user_message();
    let layout = Layout::without_flash(&banner, response.extensions_mut().remove::<AuthContext>(), &path);
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

/// Whether the response is an error of the framework: plain text or without a body.
fn is_bare(response: &Response) -> bool {
    let status = response.status();
    let kind = response.headers().get(header::CONTENT_TYPE).map(HeaderValue::as_bytes);
    (status.is_client_error() || status.is_server_error()) && kind.is_none_or(|kind| kind.starts_with(b"text/plain"))
}

type PanicResponder = fn(Box<dyn Any + Send>) -> Response;

/// Middleware: a panic in a handler fails its own request only.
pub(super) fn catch_panics() -> CatchPanicLayer<PanicResponder> {
    CatchPanicLayer::custom(respond_to_panic as PanicResponder)
}

#[expect(clippy::needless_pass_by_value, reason = "the signature the layer requires")]
fn respond_to_panic(panic: Box<dyn Any + Send>) -> Response {
    let message = panic
        .downcast_ref::<&str>()
        .map(|message| (*message).to_owned())
        .or_else(|| panic.downcast_ref::<String>().cloned())
        .unwrap_or_else(|| "no message".to_owned());
    Error::Internal(format!("panic: {message}")).into_response()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn full_disk_is_told_from_a_fault() {
        let status = |kind: std::io::ErrorKind| Error::from(std::io::Error::from(kind)).status();
        assert_eq!(status(std::io::ErrorKind::StorageFull), StatusCode::INSUFFICIENT_STORAGE);
        assert_eq!(status(std::io::ErrorKind::QuotaExceeded), StatusCode::INSUFFICIENT_STORAGE);
        assert_eq!(status(std::io::ErrorKind::PermissionDenied), StatusCode::INTERNAL_SERVER_ERROR);
    }

    #[test]
    fn internal_error_names_each_source_once() {
        #[derive(Debug, thiserror::Error)]
        #[error("the key cannot be read")]
        struct KeyError(#[source] std::io::Error);

        let error = Error::internal(KeyError(std::io::Error::other("disk")));
        assert_eq!(error.to_string(), "the key cannot be read: disk");
        let transparent = crate::uploads::UploadError::Storage(StorageError::NoShop);
        assert_eq!(Error::internal(transparent).to_string(), "there is no shop");
    }
}
