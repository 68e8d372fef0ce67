//! `POST /uploads/{id}/replay`: the stored original read once more with the profiles of today, as a new upload with a preview,
//! or in place if nothing of it was applied: its reading may have ended with the program.

use axum::extract::{Path, State};

use super::{redirect_with_error, upload_path};
use crate::audit::MemberActor;
use crate::demo::Demo;
use crate::storage::Storage;
use crate::uploads::{UploadError, Uploads};
use crate::web::{Error, FormPairs, PageResult, parse_id, redirect};

pub(super) async fn replay(
    State(storage): State<Storage>,
    State(uploads): State<Uploads>,
    State(demo): State<Option<Demo>>,
    actor: MemberActor,
    Path(id): Path<String>,
    FormPairs(_): FormPairs,
) -> PageResult {
    let id = parse_id(&id)?;
    if let Some(demo) = &demo
        && let Some(message) = demo.file_refusal(&storage).await?
    {
        return Err(Error::BadRequest(message.to_owned()));
    }
    let _turn = uploads.turns.wait().await;
    match uploads.read_again(id, actor.id).await {
        Ok(new) => Ok(redirect(&upload_path(new))),
        Err(error @ (UploadError::NotOpen | UploadError::OriginalDeleted)) => {
            redirect_with_error(&storage, actor.id, id, error).await
        }
        Err(error) => Err(error.into()),
    }
}

#[cfg(test)]
mod tests {
    use crate::uploads::pages::tests::{ORDERS_FILE, upload_fixture};
    use crate::web::testing::TestApp;

    #[tokio::test]
    async fn file_whose_reading_ended_with_the_program_is_read_again_in_place() {
        let app = TestApp::as_admin().await;
        let upload = upload_fixture(&app, ORDERS_FILE).await;
        let interrupt = "UPDATE uploads SET stage = 'received', kind = NULL";
        app.state.storage.write(move |tx| tx.exec(interrupt, &[])).await.expect("writes");
        let page = app.get(&upload).await.ok();
        assert!(page.contains("읽다가 프로그램이 꺼졌어요") && page.contains("다시 읽기"), "{page}");
        let again = app.post_form(&format!("{upload}/replay"), &[]).await;
        assert_eq!(again.location(), upload);
        assert!(app.get(&upload).await.ok().contains("적용 전"), "it has its preview");
    }
}
