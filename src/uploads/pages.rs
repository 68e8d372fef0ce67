//! The pages of uploads: bringing files, the preview and report of one, and what is done with it.

mod act;
mod bring;
mod decide;
mod show;
#[cfg(test)]
pub(crate) mod tests;

use super::UploadError;
use crate::id::parse_crockford;
use crate::web::{Access, Error, PageResult, Routes};

/// The pages of this room.
pub fn routes() -> Routes {
    Routes::new()
        .get("/uploads", Access::Admin, bring::list)
        .upload("/uploads", Access::Admin, bring::receive)
        .get("/uploads/{id}", Access::Admin, show::show)
        .post("/uploads/{id}/open", Access::Admin, act::open)
        .post("/uploads/{id}/apply", Access::Admin, act::apply)
        .post("/uploads/{id}/discard", Access::Admin, act::discard)
        .post("/uploads/{id}/conflicts", Access::Admin, decide::conflicts)
        .post("/uploads/{id}/handled", Access::Admin, decide::handled)
        .get("/uploads/{id}/rejected.xlsx", Access::AdminReauthenticated, act::rejected)
}

impl From<UploadError> for Error {
    fn from(error: UploadError) -> Self {
        match error {
            UploadError::Storage(error) => error.into(),
            error @ (UploadError::Refused(_) | UploadError::Gone | UploadError::FileGone) => {
                Self::BadRequest(error.to_string())
            }
        }
    }
}

fn number(id: &str) -> PageResult<i64> {
    parse_crockford(id).ok_or(Error::NotFound)
}
