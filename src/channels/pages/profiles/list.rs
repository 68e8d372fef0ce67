//! `/channels/profiles`: the list of all profiles; a POST adds one from a file.

use std::sync::Arc;

use askama::Template;
use axum::extract::{Request, State};
use axum::http::StatusCode;

use super::{needed_headers, profile_path};
use crate::audit::{self, AuditEvent, AuditObject, MemberActor};
use crate::channels::store::profiles::{self, StoredProfile};
use crate::channels::{MAX_PROFILE_BYTES, Profile};
use crate::id::ProfileId;
use crate::storage::{StorageError, Tx};
use crate::time::Moment;
use crate::uploads::Uploads;
use crate::uploads::store::{ProfileUsage, profile_usage};
use crate::web::{
    AuthContext, Error, Flash, Layout, PageResult, Tone, UploadForm, page, page_with_status, redirect_with_flash,
};

/// A form with a profile also has its CSRF token and the boundaries.
const MAX_FORM_BYTES: u64 = MAX_PROFILE_BYTES as u64 + 16 * 1024;

#[derive(Template)]
#[template(path = "channels/profiles/list.html")]
struct ListPage {
    layout: Layout,
    own: Vec<OwnRow>,
    removed: Vec<OwnRow>,
    shipped: Vec<ShippedRow>,
    problem: Option<String>,
}

struct OwnRow {
    id: String,
    stored: StoredProfile,
    /// none if this version of the program cannot read it
    headers: Option<Vec<String>>,
    files: i64,
    last: Option<Moment>,
}

struct ShippedRow {
    id: String,
    name: String,
    kind: &'static str,
    headers: Vec<String>,
    files: i64,
    last: Option<Moment>,
}

async fn load(uploads: &Uploads, layout: Layout) -> PageResult<ListPage> {
    let (stored, usage) =
        uploads.storage.read(|tx| Ok::<_, StorageError>((profiles::all(tx)?, profile_usage(tx)?))).await?;
    let used = |is_meant: &dyn Fn(&&ProfileUsage) -> bool| {
        let meant = usage.iter().filter(is_meant);
        let (mut files, mut last) = (0, None);
        for usage in meant {
            files += usage.files;
            last = last.max(Some(usage.last));
        }
        (files, last)
    };
    let row = |stored: StoredProfile| {
        let (files, last) = used(&|usage| usage.profile_id == Some(stored.id));
        let headers = stored.profile().as_ref().map(needed_headers);
        OwnRow { id: stored.id.to_string(), headers, files, last, stored }
    };
    let (own, removed): (Vec<OwnRow>, Vec<OwnRow>) =
        stored.into_iter().map(row).partition(|row| row.stored.removed_at.is_none());
    let shipped = uploads.shipped.all().iter().map(|profile| {
        let (files, last) = used(&|usage| {
            usage.profile_id.is_none() && usage.kind == profile.kind.code() && usage.channel_code == profile.code
        });
        ShippedRow {
            id: format!("{}.{}", profile.kind.code(), profile.code),
            name: profile.name.clone(),
            kind: profile.kind.label(),
            headers: needed_headers(profile),
            files,
            last,
        }
    });
    Ok(ListPage { layout, own, removed, shipped: shipped.collect(), problem: None })
}

pub(in crate::channels::pages) async fn list(State(uploads): State<Uploads>, layout: Layout) -> PageResult {
    Ok(page(load(&uploads, layout).await?))
}

/// The text of the file of a form; none if no file was chosen.
async fn read_file(form: &mut UploadForm) -> PageResult<Option<String>> {
    while let Some(mut field) = form.next_field().await? {
        if field.name() != "file" || field.file_name().is_none() {
            continue;
        }
        let mut bytes = Vec::new();
        while let Some(chunk) = field.chunk().await? {
            bytes.extend_from_slice(&chunk);
            if bytes.len() > MAX_PROFILE_BYTES {
                return Err(Error::TooLarge);
            }
        }
        return Ok(Some(String::from_utf8_lossy(&bytes).into_owned()));
    }
    Ok(None)
}

pub(in crate::channels::pages) async fn create(
    State(uploads): State<Uploads>,
    mut layout: Layout,
    auth: AuthContext,
    actor: MemberActor,
    request: Request,
) -> PageResult {
    let mut form = UploadForm::open(&auth, request, MAX_FORM_BYTES).await?;
    let added = match read_file(&mut form).await? {
        None => Err("선택한 파일이 없어요. 양식 파일(.toml)을 선택해 주세요.".to_owned()),
        Some(text) => match Profile::parse("양식 파일", &text) {
            Ok(profile) => add(&uploads, actor, profile).await?,
            Err(error) => Err(format!("양식 파일이 아니거나 틀린 곳이 있어요. {}", error.problem)),
        },
    };
    match added {
        Ok((id, flash)) => {
            let flash = uploads.storage.write(move |tx| flash.save(tx, actor.id)).await?;
            Ok(redirect_with_flash(&profile_path(id), flash))
        }
        Err(problem) => {
            layout.flash = Some(Flash::new(Tone::Warning, "양식을 추가하지 못했어요."));
            let answer = ListPage { problem: Some(problem), ..load(&uploads, layout).await? };
            Ok(page_with_status(StatusCode::UNPROCESSABLE_ENTITY, answer))
        }
    }
}

async fn add(
    uploads: &Uploads,
    actor: MemberActor,
    profile: Profile,
) -> PageResult<Result<(ProfileId, Flash), String>> {
    let shipped = Arc::clone(&uploads.shipped);
    let work = move |tx: &mut dyn Tx| {
        let id = match profiles::add(tx, &shipped, &profile, Some(actor.id))? {
            Ok(id) => id,
            Err(taken) => return Ok(Err(taken.to_string())),
        };
        let event = AuditEvent::ProfileSaved { channel: profile.name.clone() };
        audit::record(tx, actor, AuditObject::one(id), &event)?;
        Ok::<_, StorageError>(Ok((id, Flash::success(event.sentence()))))
    };
    Ok(uploads.storage.write(work).await?)
}
