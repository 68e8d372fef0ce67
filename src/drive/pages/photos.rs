//! `POST /drive/{stop}/photos`: a photograph from a browser without a script, for the record that rules the stop.

use axum::extract::{Path, Request, State};

use super::show::load;
use crate::drive::model::MAX_PHOTOS;
use crate::proofs::files::ProofFiles;
use crate::proofs::jpeg::MAX_CAMERA_BYTES;
use crate::proofs::receive::{self, ReceiveError};
use crate::proofs::store::NamingEvent;
use crate::storage::Storage;
use crate::web::{AuthContext, Error, Flash, Member, PageResult, UploadForm, redirect_with_flash};

/// What a form may have beside the file, in bytes.
const FORM_BYTES: u64 = 64 * 1024;

pub(super) async fn create(
    State(storage): State<Storage>,
    State(files): State<ProofFiles>,
    member: Member,
    Path(key): Path<String>,
    auth: AuthContext,
    request: Request,
) -> PageResult {
    let (tour, at) = load(&storage, &member, &key).await?;
    let stop = &tour.stops[at];
    let mut form = UploadForm::open(&auth, request, MAX_CAMERA_BYTES as u64 + FORM_BYTES).await?;
    let mut bytes = Vec::new();
    while let Some(mut field) = form.next_field().await? {
        if field.name() == "photo" && field.file_name().is_some() {
            while let Some(chunk) = field.chunk().await? {
                bytes.extend_from_slice(&chunk);
                if bytes.len() > MAX_CAMERA_BYTES {
                    return Err(Error::TooLarge);
                }
            }
        } else {
            field.discard().await?;
        }
    }
    let flash = match &stop.status.ruling {
        _ if bytes.is_empty() => Flash::warning("사진을 선택해 주세요."),
        None => Flash::warning("완료나 실패를 누른 다음 사진을 보내 주세요."),
        Some(event) => {
            let naming =
                NamingEvent { tour_id: stop.tour_id, job_id: stop.job_id, event_id: &event.id, member_id: member.id };
            match receive::receive_camera_file(&storage, &files, (naming, MAX_PHOTOS), bytes).await {
                Ok(()) => Flash::success("사진을 받았어요. 위치 같은 정보는 지웠어요."),
                Err(ReceiveError::Storage(error)) => return Err(error.into()),
                Err(error) => Flash::warning(error.to_string()),
            }
        }
    };
    let flash = storage.write(move |tx| flash.save(tx, member.id)).await?;
    Ok(redirect_with_flash(&format!("/drive/{key}"), flash))
}
