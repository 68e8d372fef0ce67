//! Pages of uploads.

mod apply;
mod batch;
mod conflicts;
mod decisions;
mod discard;
mod form;
mod handled;
mod list;
mod open;
mod receive;
mod rejected;
mod replay;
mod rows;
mod show;
mod teach;
#[cfg(test)]
pub(crate) mod tests;
mod undo;

use super::UploadError;
use crate::id::{MemberId, UploadId};
use crate::storage::Storage;
use crate::web::{Access, Error, Flash, PageAction, PageKind, PageResult, Routes, redirect_with_flash};

/// The routes of this room.
pub fn routes() -> Routes {
    Routes::new()
        .get("/uploads", Access::Page(PageKind::Uploads, PageAction::View), list::list)
        .upload("/uploads", Access::Page(PageKind::Uploads, PageAction::Process), receive::create)
        .get("/uploads/batch", Access::Page(PageKind::Uploads, PageAction::Process), batch::show)
        .post("/uploads/batch", Access::Page(PageKind::Uploads, PageAction::Process), batch::apply)
        .get("/uploads/{id}", Access::Page(PageKind::Uploads, PageAction::View), show::show)
        .post("/uploads/{id}/open", Access::Page(PageKind::Uploads, PageAction::Process), open::open)
        .post("/uploads/{id}/apply", Access::Page(PageKind::Uploads, PageAction::Process), apply::apply)
        .post("/uploads/{id}/discard", Access::Page(PageKind::Uploads, PageAction::Process), discard::discard)
        .get("/uploads/{id}/undo", Access::Page(PageKind::Uploads, PageAction::Process), undo::show)
        .post("/uploads/{id}/undo", Access::Page(PageKind::Uploads, PageAction::Process), undo::undo)
        .post("/uploads/{id}/replay", Access::Page(PageKind::Uploads, PageAction::Process), replay::replay)
        .get("/uploads/{id}/form", Access::Page(PageKind::Uploads, PageAction::Process), form::new)
        .post("/uploads/{id}/form", Access::Page(PageKind::Uploads, PageAction::Process), form::create)
        .post("/uploads/{id}/teach", Access::Page(PageKind::Uploads, PageAction::Process), teach::teach)
        .post("/uploads/{id}/conflicts", Access::Page(PageKind::Uploads, PageAction::Process), conflicts::resolve)
        .post("/uploads/{id}/decisions", Access::Page(PageKind::Uploads, PageAction::Process), decisions::decide)
        .post("/uploads/{id}/handled", Access::Page(PageKind::Uploads, PageAction::Process), handled::resolve_all)
        .get(
            "/uploads/{id}/rejected.xlsx",
            Access::Reauthenticated(PageKind::Uploads, PageAction::Download),
            rejected::download,
        )
}

impl From<UploadError> for Error {
    fn from(error: UploadError) -> Self {
        match error {
            UploadError::Storage(error) => error.into(),
            error @ (UploadError::Refused(_)
            | UploadError::NotOpen
            | UploadError::OriginalDeleted
            | UploadError::Teach(_)
            | UploadError::TooManyPasswords) => Self::BadRequest(error.to_string()),
        }
    }
}

/// Path of the page of an upload.
fn upload_path(id: UploadId) -> String {
    format!("/uploads/{id}")
}

/// Redirects to the upload, whose page shows its stage, with the reason why nothing was done.
async fn redirect_with_error(storage: &Storage, member_id: MemberId, id: UploadId, error: UploadError) -> PageResult {
    let flash = Flash::warning(error.to_string());
    let flash = storage.write(move |tx| flash.save(tx, member_id)).await?;
    Ok(redirect_with_flash(&upload_path(id), flash))
}
