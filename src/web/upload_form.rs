//! A multipart form with files, read part by part within limits.
//!
//! The multipart library gathers everything up to the first boundary and the headers of each part in memory, whatever
//! their size. [`UploadForm`] bounds what it may read while it looks for the next part, and the whole body.

use std::io::{self, Read, Seek, Write};
use std::path::Path;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::task::{Context, Poll};

use axum::body::{Body, BodyDataStream, Bytes};
use axum::extract::multipart::Field;
use axum::extract::{DefaultBodyLimit, FromRequest, Multipart, Request};
use futures_util::Stream;
use tempfile::SpooledTempFile;
use tokio::task::spawn_blocking;

use super::form::{body_error, content_length};
use super::{AuthContext, Error, PageResult, csrf};

/// Bytes that are read in search of the next part: its headers, and what the client sent between two parts.
const MAX_HEADER_BYTES: u64 = 64 * 1024;

/// Parts of a form.
const MAX_PARTS: usize = 500;

/// Bytes of a field that is no file.
const MAX_TEXT_BYTES: usize = 1024;

/// A file of up to so many times its limit is read to its end and reported as too large.
const MAX_DISCARDED_FACTOR: usize = 4;

/// A received file up to this size waits in memory, in bytes.
const MAX_SPOOLED_IN_MEMORY_BYTES: usize = 256 * 1024;

/// A multipart form whose first part was its CSRF token, which has been verified.
pub struct UploadForm {
    parts: Multipart,
    allowance: Arc<Allowance>,
    parts_left: usize,
}

/// A part of an [`UploadForm`].
pub struct UploadField<'form>(Field<'form>);

/// The body exceeds a limit of [`UploadForm`].
#[derive(Clone, Copy, Debug, thiserror::Error)]
#[error("the form is too large, or has a part whose header is")]
pub(super) struct UploadLimitError;

impl UploadForm {
    /// Reads the first part of the body of `request` and verifies it as the CSRF token. The whole body is limited to
    /// `max_bytes`.
    ///
    /// # Errors
    /// The body is no multipart form, is too large, or does not begin with a valid token.
    pub async fn open(auth: &AuthContext, request: Request, max_bytes: u64) -> PageResult<Self> {
        if content_length(request.headers()).is_some_and(|length| length > max_bytes) {
            return Err(Error::TooLarge);
        }
        let mut form = Self::limited(request, max_bytes).await?;
        match form.next_field().await? {
            Some(field) if field.name() == csrf::FIELD => csrf::verify(auth, &field.text().await?)?,
            _ => return Err(Error::FormExpired),
        }
        Ok(form)
    }

    /// The form in the body of `request`.
    async fn limited(request: Request, max_bytes: u64) -> PageResult<Self> {
        let allowance =
            Arc::new(Allowance { body: AtomicU64::new(max_bytes), header: AtomicU64::new(MAX_HEADER_BYTES) });
        let mut request = request.map(|body| {
            let body = body.into_data_stream();
            Body::from_stream(LimitedStream { body, allowance: Arc::clone(&allowance), rests: false })
        });
        DefaultBodyLimit::disable().apply(&mut request);
        let parts = Multipart::from_request(request, &()).await.map_err(|_| incomplete())?;
        Ok(Self { parts, allowance, parts_left: MAX_PARTS })
    }

    /// The next part. Discards the rest of the previous one, which must be small unless it was [discarded].
    ///
    /// # Errors
    /// The form is incomplete or exceeds a limit.
    ///
    /// [discarded]: UploadField::discard
    pub async fn next_field(&mut self) -> PageResult<Option<UploadField<'_>>> {
        self.parts_left = self.parts_left.checked_sub(1).ok_or(Error::TooLarge)?;
        self.allowance.header.store(MAX_HEADER_BYTES, Ordering::Relaxed);
        let field = self.parts.next_field().await.map_err(|error| read_error(&error))?;
        self.allowance.header.store(u64::MAX, Ordering::Relaxed);
        Ok(field.map(UploadField))
    }
}

impl UploadField<'_> {
    /// The name of the field, empty without one.
    pub fn name(&self) -> &str {
        self.0.name().unwrap_or_default()
    }

    /// The name of the file; None if none was chosen.
    pub fn file_name(&self) -> Option<&str> {
        self.0.file_name().filter(|name| !name.is_empty())
    }

    /// The next bytes of the content.
    ///
    /// # Errors
    /// The form is incomplete or exceeds a limit.
    pub async fn chunk(&mut self) -> PageResult<Option<Bytes>> {
        self.0.chunk().await.map_err(|error| read_error(&error))
    }

    /// The content of a field that is no file, up to 1 KB.
    ///
    /// # Errors
    /// The form is incomplete, or the field is too large or no text.
    pub async fn text(mut self) -> PageResult<String> {
        let mut bytes = Vec::new();
        while let Some(chunk) = self.chunk().await? {
            bytes.extend_from_slice(&chunk);
            if bytes.len() > MAX_TEXT_BYTES {
                return Err(Error::TooLarge);
            }
        }
        String::from_utf8(bytes).map_err(|_| incomplete())
    }

    /// Receives a file, which may have to wait until it is read. None if it has more than `max_bytes`: it was read to its
    /// end, so that the form can continue.
    ///
    /// # Errors
    /// The form is incomplete or exceeds a limit, or the file cannot be stored in `folder`.
    pub async fn spool(mut self, folder: &Path, max_bytes: usize) -> PageResult<Option<SpooledFile>> {
        let mut spooled = Ok(tempfile::spooled_tempfile_in(MAX_SPOOLED_IN_MEMORY_BYTES, folder));
        let mut length = 0_usize;
        while let Some(chunk) = self.chunk().await? {
            length += chunk.len();
            if length > max_bytes.saturating_mul(MAX_DISCARDED_FACTOR) {
                return Err(Error::TooLarge);
            }
            spooled = match spooled {
                Ok(mut file) if length <= max_bytes => {
                    spawn_blocking(move || file.write_all(&chunk).map(|()| file)).await.map_err(Error::internal)?
                }
                // A failure is answered when the file has been read: a browser that still sends sees no answer.
                spooled => spooled,
            };
        }
        Ok(if length > max_bytes { None } else { Some(SpooledFile { file: spooled?, length }) })
    }

    /// Reads the content to its end without storing it.
    ///
    /// # Errors
    /// The form is incomplete or exceeds a limit.
    pub async fn discard(mut self) -> PageResult<()> {
        while self.chunk().await?.is_some() {}
        Ok(())
    }
}

/// A received file that waits for its turn: in memory while it is small, else in an unnamed temporary file.
pub struct SpooledFile {
    file: SpooledTempFile,
    length: usize,
}

impl SpooledFile {
    /// Its size in bytes.
    pub const fn len(&self) -> usize {
        self.length
    }

    /// Whether it has no bytes.
    pub fn is_empty(&self) -> bool {
        self.length == 0
    }

    /// The bytes of the file.
    ///
    /// # Errors
    /// The file cannot be read.
    pub async fn read(mut self) -> PageResult<Vec<u8>> {
        let read = move || {
            let mut bytes = Vec::with_capacity(self.length);
            self.file.rewind()?;
            self.file.read_to_end(&mut bytes)?;
            Ok::<_, io::Error>(bytes)
        };
        Ok(spawn_blocking(read).await.map_err(Error::internal)??)
    }
}

/// The connection ended before the form did.
fn incomplete() -> Error {
    Error::BadRequest("보낸 파일을 끝까지 받지 못했어요. 다시 올려 주세요.".to_owned())
}

fn read_error(error: &(dyn std::error::Error + 'static)) -> Error {
    match body_error(error) {
        Error::BadRequest(_) => incomplete(),
        error => error,
    }
}

/// Bytes that may still be read.
struct Allowance {
    /// of the whole body
    body: AtomicU64,
    /// in search of the next part; unlimited within a part, whose handler has its own limit
    header: AtomicU64,
}

struct LimitedStream {
    body: BodyDataStream,
    allowance: Arc<Allowance>,
    /// Whether the parser looks for the next part in what it has before it gets more. It takes all that is there, which may be
    /// much when a file before was read for long.
    rests: bool,
}

impl Stream for LimitedStream {
    type Item = Result<Bytes, axum::BoxError>;

    fn poll_next(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        if std::mem::take(&mut self.rests) {
            context.waker().wake_by_ref();
            return Poll::Pending;
        }
        let header = self.allowance.header.load(Ordering::Relaxed);
        if header == 0 {
            return Poll::Ready(Some(Err(UploadLimitError.into())));
        }
        let Poll::Ready(chunk) = Pin::new(&mut self.body).poll_next(context) else { return Poll::Pending };
        if let Some(Ok(bytes)) = &chunk {
            let length = bytes.len() as u64;
            self.rests = header <= MAX_HEADER_BYTES;
            self.allowance.header.store(header.saturating_sub(length), Ordering::Relaxed);
            let Some(left) = self.allowance.body.load(Ordering::Relaxed).checked_sub(length) else {
                return Poll::Ready(Some(Err(UploadLimitError.into())));
            };
            self.allowance.body.store(left, Ordering::Relaxed);
        }
        Poll::Ready(chunk.map(|chunk| chunk.map_err(Into::into)))
    }
}

#[cfg(test)]
mod tests {
    use axum::http::header::CONTENT_TYPE;
    use futures_util::stream;

    use super::*;

    #[tokio::test]
    async fn files_that_are_there_at_once_are_received_one_after_another() {
        const FILE_BYTES: usize = 300 * 1024;
        let part = |name: &str| {
            let header = format!("--B\r\nContent-Disposition: form-data; name=\"{name}\"; filename=\"a.csv\"\r\n\r\n");
            [header.into_bytes(), vec![b'x'; FILE_BYTES], b"\r\n".to_vec()].concat()
        };
        let body = [part("first"), part("second"), b"--B--\r\n".to_vec()].concat();
        let chunks: Vec<_> = body.chunks(100 * 1024).map(|bytes| Ok::<_, io::Error>(bytes.to_vec())).collect();
        let request = Request::builder().header(CONTENT_TYPE, "multipart/form-data; boundary=B");
        let request = request.body(Body::from_stream(stream::iter(chunks))).expect("a request");
        let mut form = UploadForm::limited(request, 1 << 20).await.expect("a form");
        for name in ["first", "second"] {
            let mut field = form.next_field().await.expect("within the limits").expect("a part");
            assert_eq!(field.name(), name);
            let mut length = 0;
            while let Some(bytes) = field.chunk().await.expect("within the limits") {
                length += bytes.len();
            }
            assert_eq!(length, FILE_BYTES);
        }
        assert!(form.next_field().await.expect("within the limits").is_none());
    }
}
