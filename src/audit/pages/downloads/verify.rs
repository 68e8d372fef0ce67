//! `/downloads/verify`: whether a file is a document that this shop handed out, by its SHA-256.

use askama::Template;
use axum::extract::{Request, State};
use axum::http::StatusCode;
use sha2::{Digest as _, Sha256};

use crate::audit::downloads::{self, DownloadRow};
use crate::storage::Storage;
use crate::text::hex;
use crate::web::{AuthContext, Error, Layout, PageResult, UploadForm, page, page_with_status};

/// Size limit of the file: more than a document with the most photographs has.
const MAX_FILE_BYTES: u64 = 128 * 1024 * 1024;

#[derive(Template)]
#[template(path = "audit/downloads/verify.html")]
struct VerifyPage {
    layout: Layout,
    checked: Option<CheckedFile>,
    problem: Option<&'static str>,
}

/// The file of the form.
struct CheckedFile {
    name: String,
    digest: String,
    /// downloads of it; none: the shop did not make it, or it was changed
    downloads: Vec<DownloadRow>,
}

pub(in crate::audit::pages) async fn show(layout: Layout) -> PageResult {
    Ok(page(VerifyPage { layout, checked: None, problem: None }))
}

/// Looks the file up. It is not stored.
pub(in crate::audit::pages) async fn verify(
    State(storage): State<Storage>,
    layout: Layout,
    auth: AuthContext,
    request: Request,
) -> PageResult {
    let mut form = UploadForm::open(&auth, request, MAX_FILE_BYTES).await?;
    let (mut hash, mut bytes, mut name) = (Sha256::new(), 0_u64, String::new());
    while let Some(mut field) = form.next_field().await? {
        if field.name() != "file" {
            field.discard().await?;
            continue;
        }
        name = field.file_name().unwrap_or_default().to_owned();
        while let Some(chunk) = field.chunk().await? {
            bytes += chunk.len() as u64;
            hash.update(&chunk);
        }
    }
    if bytes == 0 {
        let problem = Some("확인할 파일을 선택해 주세요.");
        return Ok(page_with_status(StatusCode::UNPROCESSABLE_ENTITY, VerifyPage { layout, checked: None, problem }));
    }
    let digest = hex(&hash.finalize());
    let wanted = digest.clone();
    let downloads = storage.read(move |tx| downloads::of_digest(tx, &wanted)).await.map_err(Error::from)?;
    Ok(page(VerifyPage { layout, checked: Some(CheckedFile { name, digest, downloads }), problem: None }))
}
