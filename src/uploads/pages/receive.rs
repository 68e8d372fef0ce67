//! `POST /uploads`: receives files and previews them.

use std::sync::Arc;

use axum::extract::{FromRef, Request, State};
use axum::http::Uri;

use super::list::render_with_error;
use super::{batch, upload_path};
use crate::audit::{self, AuditEvent, MemberActor, RejectedFile};
use crate::config::Config;
use crate::demo::Demo;
use crate::id::{MemberId, UploadId};
use crate::sheets::SheetError;
use crate::storage::{Storage, Tx};
use crate::uploads::model::display_name;
use crate::uploads::parse::parse_courier;
use crate::uploads::{ImportOptions, ParsedFile, Uploads};
use crate::web::{
    AppState, AuthContext, Error, Flash, Layout, PageResult, Tone, UploadField, UploadForm, redirect,
    redirect_with_flash,
};

/// Files of one form; further ones are not stored.
const MAX_FILES: usize = 20;

/// What became of the files of a form.
#[derive(Default)]
struct Batch {
    ids: Vec<UploadId>,
    /// uploads received before the form stated a courier
    without_courier: Vec<WithoutCourier>,
    too_large: Vec<RejectedFile>,
    /// files beyond [`MAX_FILES`]
    skipped: usize,
}

/// An upload received before the form stated a courier.
struct WithoutCourier {
    id: UploadId,
    /// whether it is a tracking list that names no courier
    lacks_courier: bool,
    /// the parsed tracking list, only of the last upload: memory holds the rows of one file at a time
    file: Option<ParsedFile>,
}

/// What the form of files uses.
#[derive(Clone)]
pub(super) struct ReceiveContext {
    storage: Storage,
    uploads: Uploads,
    config: Arc<Config>,
    demo: Option<Demo>,
}

impl FromRef<AppState> for ReceiveContext {
    fn from_ref(state: &AppState) -> Self {
        Self {
            storage: state.storage.clone(),
            uploads: state.uploads.clone(),
            config: Arc::clone(&state.config),
            demo: state.demo.clone(),
        }
    }
}

/// Receives one file after another; each is stored and previewed before the next one is read from the
/// connection.
pub(super) async fn create(
    State(context): State<ReceiveContext>,
    layout: Layout,
    auth: AuthContext,
    actor: MemberActor,
    uri: Uri,
    request: Request,
) -> PageResult {
    if let Some(demo) = &context.demo
        && let Some(message) = demo.file_refusal(&context.storage).await?
    {
        return Err(Error::BadRequest(message.to_owned()));
    }
    let max_bytes = (MAX_FILES as u64 + 1) * context.config.upload_max_bytes;
    let mut form = UploadForm::open(&auth, request, max_bytes).await?;
    let (mut batch, mut options) = (Batch::default(), ImportOptions::default());
    while let Some(field) = form.next_field().await? {
        match field.name() {
            "courier" => {
                options.courier = match parse_courier(&field.text().await?) {
                    Ok(courier) => courier,
                    Err(problem) => {
                        return render_with_error(&context.storage, &context.config, layout, &uri, &problem).await;
                    }
                };
            }
            "files" => receive_file(&context, actor.id, field, &options, &mut batch).await?,
            _ => {}
        }
    }
    // A form sends its fields in document order, and the files precede the courier.
    if let Some(courier) = &options.courier {
        // From the last one on: its rows are dropped before other files are parsed again.
        for WithoutCourier { id, lacks_courier, file } in std::mem::take(&mut batch.without_courier).into_iter().rev() {
            if lacks_courier {
                // The original is read once more.
                let _turn = if file.is_none() { context.uploads.turns.wait().await } else { None };
                context.uploads.preview_with_courier(id, file, courier).await?;
            } else {
                context.uploads.set_courier(id, courier).await?;
            }
        }
    }
    match (batch.ids.as_slice(), batch.too_large.as_slice()) {
        ([id], []) if batch.skipped == 0 => Ok(redirect(&upload_path(*id))),
        ([], []) => {
            render_with_error(
                &context.storage,
                &context.config,
                layout,
                &uri,
                "선택한 파일이 없어요. 파일을 먼저 선택해 주세요.",
            )
            .await
        }
        _ => {
            let is_complete = batch.too_large.is_empty() && batch.skipped == 0;
            let (ids, event) = batch.into_event();
            let next = if ids.is_empty() { "/uploads".to_owned() } else { batch::batch_path(&ids) };
            let record = move |tx: &mut dyn Tx| {
                audit::record_effect(tx, actor, &ids, event.clone())?;
                let tone = if is_complete { Tone::Success } else { Tone::Warning };
                Flash::new(tone, event.sentence()).save(tx, actor.id)
            };
            Ok(redirect_with_flash(&next, context.storage.write(record).await?))
        }
    }
}

async fn receive_file(
    context: &ReceiveContext,
    member_id: MemberId,
    field: UploadField<'_>,
    options: &ImportOptions,
    batch: &mut Batch,
) -> PageResult<()> {
    let uploads = &context.uploads;
    let Some(name) = field.file_name().map(str::to_owned) else {
        return Ok(());
    };
    if batch.ids.len() + batch.too_large.len() >= MAX_FILES {
        batch.skipped += 1;
        return field.discard().await;
    }
    if let Some(last) = batch.without_courier.last_mut() {
        last.file = None;
    }
    let max_bytes = uploads.limits.bytes;
    let Some(spooled) = field.spool(&context.config.data, max_bytes).await? else {
        let error = SheetError::TooLarge { limit_mib: (max_bytes >> 20) as u64 };
        batch.too_large.push(RejectedFile { name: display_name(&name), reason: error.to_string() });
        return Ok(());
    };
    let _turn = uploads.turns.wait().await;
    let bytes = spooled.read().await?;
    // A rejected or locked file is no error here: its page shows why.
    let preview = uploads.receive_and_preview(Some(member_id), &name, bytes, options).await?;
    batch.ids.push(preview.id);
    if options.courier.is_none() {
        let (lacks_courier, file) = (preview.without_courier.is_some(), preview.without_courier);
        batch.without_courier.push(WithoutCourier { id: preview.id, lacks_courier, file });
    }
    Ok(())
}

impl Batch {
    /// The identifiers of the uploads, and the audit event of several files.
    fn into_event(self) -> (Vec<UploadId>, AuditEvent) {
        let Self { ids, too_large, skipped, .. } = self;
        let received = ids.len();
        (ids, AuditEvent::UploadsReceived { received, too_large, skipped, limit: MAX_FILES })
    }
}
