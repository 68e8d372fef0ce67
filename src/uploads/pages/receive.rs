//! `POST /uploads`: receives files and previews them.

use std::io::{self, Read, Seek, Write};
use std::path::Path;
use std::sync::Arc;

use axum::extract::{FromRef, Request, State};
use axum::http::Uri;
use tempfile::SpooledTempFile;
use tokio::task::spawn_blocking;

use super::list::render_with_error;
use super::{batch, upload_path};
use crate::audit::{self, AuditEvent, MemberActor, RejectedFile};
use crate::config::Config;
use crate::demo::Demo;
use crate::sheets::SheetError;
use crate::storage::{Storage, Tx};
use crate::uploads::model::display_name;
use crate::uploads::parse::parse_courier;
use crate::uploads::store::{self, UploadFilter};
use crate::uploads::{ImportOptions, ParsedFile, Uploads};
use crate::web::{
    AppState, AuthContext, Error, Flash, Layout, PageResult, Tone, UploadField, UploadForm, redirect,
    redirect_with_flash,
};

/// Files of one form; further ones are not stored.
const MAX_FILES: usize = 20;

/// Uploads of a public demo shop until its next reset.
const MAX_DEMO_UPLOADS: i64 = 20;

/// A body of up to so many times the file limit is read to its end and reported as a file that is too large.
const MAX_DISCARDED_FACTOR: usize = 4;

/// A received file up to this size waits in memory, in bytes.
const MAX_SPOOLED_IN_MEMORY_BYTES: usize = 256 * 1024;

/// What became of the files of a form.
#[derive(Default)]
struct Batch {
    ids: Vec<i64>,
    /// uploads received before the form stated a courier
    without_courier: Vec<WithoutCourier>,
    too_large: Vec<RejectedFile>,
    /// files beyond [`MAX_FILES`]
    skipped: usize,
}

/// An upload received before the form stated a courier.
struct WithoutCourier {
    id: i64,
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
    is_public_demo: bool,
}

impl FromRef<AppState> for ReceiveContext {
    fn from_ref(state: &AppState) -> Self {
        Self {
            storage: state.storage.clone(),
            uploads: state.uploads.clone(),
            config: Arc::clone(&state.config),
            is_public_demo: state.demo.as_ref().is_some_and(Demo::is_public),
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
    if context.is_public_demo
        && context.storage.read(|tx| store::page(tx, UploadFilter::All, 0, 0)).await?.1 >= MAX_DEMO_UPLOADS
    {
        let message = "이 연습 가게가 받을 수 있는 파일은 여기까지예요. 가게가 처음으로 돌아간 다음 다시 올려 주세요.";
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
    member_id: i64,
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
    let spooled = match spool_file(&context.config.data, field, uploads.limits.bytes).await? {
        Ok(spooled) => spooled,
        Err(error) => {
            batch.too_large.push(RejectedFile { name: display_name(&name), reason: error.to_string() });
            return Ok(());
        }
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
    fn into_event(self) -> (Vec<i64>, AuditEvent) {
        let Self { ids, too_large, skipped, .. } = self;
        let received = ids.len();
        (ids, AuditEvent::UploadsReceived { received, too_large, skipped, limit: MAX_FILES })
    }
}

/// A received file that waits for its turn: in memory while it is small, else in an unnamed temporary file.
struct SpooledFile(SpooledTempFile);

impl SpooledFile {
    async fn read(mut self) -> PageResult<Vec<u8>> {
        let read = move || {
            let mut bytes = Vec::new();
            self.0.rewind()?;
            self.0.read_to_end(&mut bytes)?;
            Ok::<_, io::Error>(bytes)
        };
        Ok(spawn_blocking(read).await.map_err(Error::internal)??)
    }
}

/// Receives a file. One beyond `max_bytes` is read to its end and discarded, so that the form can continue.
async fn spool_file(
    folder: &Path,
    mut field: UploadField<'_>,
    max_bytes: usize,
) -> PageResult<Result<SpooledFile, SheetError>> {
    let (mut spooled, mut length) = (Ok(tempfile::spooled_tempfile_in(MAX_SPOOLED_IN_MEMORY_BYTES, folder)), 0_usize);
    while let Some(chunk) = field.chunk().await? {
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
    let is_too_large = length > max_bytes;
    let error = SheetError::TooLarge { limit_mib: (max_bytes >> 20) as u64 };
    Ok(if is_too_large { Err(error) } else { Ok(SpooledFile(spooled?)) })
}
