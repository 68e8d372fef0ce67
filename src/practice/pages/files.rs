//! `/practice/files/{file}`: downloads of practice files.

use axum::extract::{Path, State};
use axum::http::header;
use axum::response::IntoResponse;

use crate::demo::Demo;
use crate::practice::exercises::ExerciseSet;
use crate::practice::files::PracticeFile;
use crate::practice::store;
use crate::storage::Storage;
use crate::web::{Error, Member, PageResult, content_disposition, redirect};

const XLSX_MEDIA_TYPE: &str = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet";

pub(super) async fn download(
    State(storage): State<Storage>,
    State(demo): State<Option<Demo>>,
    member: Member,
    Path(file): Path<String>,
) -> PageResult {
    demo.ok_or(Error::NotFound)?;
    let file = PracticeFile::from_code(&file).ok_or(Error::NotFound)?;
    let Some(session) = storage.read(move |tx| store::current_session(tx, member.id)).await? else {
        return Ok(redirect("/practice"));
    };
    let (exercises, now) = (ExerciseSet::for_session(session), storage.clock().now());
    let bytes = file.write(&exercises, now).map_err(Error::internal)?;
    let name = format!("{} {}.xlsx", file.stem(), exercises.start_date().format("%Y%m%d"));
    let headers =
        [(header::CONTENT_TYPE, XLSX_MEDIA_TYPE.to_owned()), (header::CONTENT_DISPOSITION, content_disposition(&name))];
    Ok((headers, bytes).into_response())
}
