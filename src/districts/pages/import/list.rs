//! The imported lists, and the upload of the files of a new one.

use std::fs::File;
use std::io::{Seek, Write};
use std::path::Path;
use std::sync::Arc;

use askama::Template;
use axum::extract::{Request, State};
use axum::http::{StatusCode, header};
use chrono::NaiveDate;
use tokio::sync::Mutex;

use crate::config::Config;
use crate::districts::official::{ListParser, ParsedList};
use crate::districts::store::{self, EditionStage, ImportedEdition};
use crate::districts::{DistrictCache, Districts};
use crate::storage::{Storage, StorageError, Tx};
use crate::web::{
    AuthContext, Error, Flash, Layout, Member, PageResult, Tone, UploadField, UploadForm, page, page_with_status,
    redirect,
};

/// Files of one upload: the country has 17 시/도, and the archive of 우편번호 DB also has instructions.
const MAX_FILES: usize = 40;

/// Size of one upload; the whole country is 1.5 GB of text.
const MAX_UPLOAD_BYTES: u64 = 4 << 30;

/// Room on the disk that an upload leaves for the shop.
const MIN_FREE_BYTES: u64 = 1 << 30;

/// Serialises uploads: one may take gigabytes of the disk and a minute of a core.
static UPLOAD_LOCK: Mutex<()> = Mutex::const_new(());

#[derive(Template)]
#[template(path = "districts/import/list.html")]
struct ListPage {
    layout: Layout,
    waiting: Vec<ImportedEdition>,
    applied: Vec<ImportedEdition>,
    /// first day of the embedded table
    embedded_from: NaiveDate,
}

pub(in crate::districts::pages) async fn list(State(storage): State<Storage>, layout: Layout) -> PageResult {
    list_page(&storage, layout).await.map(page)
}

async fn list_page(storage: &Storage, layout: Layout) -> PageResult<ListPage> {
    let editions = |tx: &mut dyn Tx| {
        Ok((store::editions(tx, EditionStage::Previewed)?, store::editions(tx, EditionStage::Applied)?))
    };
    let (waiting, applied) = storage.read(editions).await.map_err(|error: StorageError| error)?;
    Ok(ListPage { layout, waiting, applied, embedded_from: Districts::embedded().valid_from() })
}

/// Streams the files to unnamed temporary files, parses them as one list and stores it for a preview.
pub(in crate::districts::pages) async fn create(
    State(storage): State<Storage>,
    State(districts): State<DistrictCache>,
    State(config): State<Arc<Config>>,
    mut layout: Layout,
    auth: AuthContext,
    member: Member,
    request: Request,
) -> PageResult {
    let Ok(_turn) = UPLOAD_LOCK.try_lock() else {
        let message = "다른 목록을 받고 있어요. 끝난 다음에 올려 주세요.";
        return Err(Error::BadRequest(message.to_owned()));
    };
    require_room(&config.data, &request)?;
    let mut form = UploadForm::open(&auth, request, MAX_UPLOAD_BYTES).await?;
    let mut files = Vec::new();
    while let Some(field) = form.next_field().await? {
        if field.name() != "files" {
            continue;
        }
        let Some(name) = field.file_name().map(str::to_owned) else { continue };
        if files.len() == MAX_FILES {
            return Err(Error::TooLarge);
        }
        files.push((name, write_to_disk(&config.data, field).await?));
    }
    let problem = if files.is_empty() {
        "선택한 파일이 없어요. 파일을 먼저 선택해 주세요.".to_owned()
    } else {
        let known = districts.refresh(&storage).await?;
        match parse(known, files).await? {
            Ok(listing) => {
                let id = storage.write(move |tx| store::insert_preview(tx, &listing, Some(member.id))).await?;
                return Ok(redirect(&format!("/districts/import/{id}")));
            }
            Err(problem) => problem,
        }
    };
    layout.flash = Some(Flash::new(Tone::Danger, &problem));
    Ok(page_with_status(StatusCode::UNPROCESSABLE_ENTITY, list_page(&storage, layout).await?))
}

/// Checks that the disk has room for the body and leaves [`MIN_FREE_BYTES`].
fn require_room(folder: &Path, request: &Request) -> PageResult<()> {
    let length = request.headers().get(header::CONTENT_LENGTH).and_then(|length| length.to_str().ok()?.parse().ok());
    let free = fs4::available_space(folder)?;
    if free < MIN_FREE_BYTES.saturating_add(length.unwrap_or(MAX_UPLOAD_BYTES)) {
        return Err(Error::DiskFull(format!("{free} bytes are free")));
    }
    Ok(())
}

async fn write_to_disk(folder: &Path, mut field: UploadField<'_>) -> PageResult<File> {
    let mut file = tempfile::tempfile_in(folder)?;
    while let Some(chunk) = field.chunk().await? {
        file = tokio::task::spawn_blocking(move || file.write_all(&chunk).map(|()| file))
            .await
            .map_err(Error::internal)??;
    }
    file.rewind()?;
    Ok(file)
}

/// Parses all files as one list. The inner error is a message for the page.
async fn parse(known: Arc<Districts>, files: Vec<(String, File)>) -> PageResult<Result<ParsedList, String>> {
    let work = tokio::task::spawn_blocking(move || {
        let mut parser = ListParser::new(&known);
        for (name, file) in files {
            parser.parse(&name, file).map_err(|error| format!("{name}: {error}"))?;
        }
        parser.finish().map_err(|error| error.to_string())
    });
    work.await.map_err(Error::internal)
}
