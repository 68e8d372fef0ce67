//! `/notices/download`: a file with the texts of a day, for the shop's sender. The customers in it count as told.

use askama::Template;
use axum::extract::State;
use axum::http::{StatusCode, header};
use axum::response::IntoResponse;
use chrono::NaiveDate;
use serde::Deserialize;

use super::DayQuery;
use crate::audit::MemberActor;
use crate::audit::downloads::{MAX_NOTE_CHARS, Purpose};
use crate::districts::{DistrictCache, Districts};
use crate::id::OrderId;
use crate::notices::export::{self, NoticeChannel, NoticeList, NoticeRequest};
use crate::notices::model::{NoticeBatch, day_label};
use crate::orders::export::{ExportError, Format};
use crate::storage::{Storage, StorageError, Tx};
use crate::web::{
    Error, Form, Layout, PageResult, PersonalData, Query, content_disposition, personal_page, personal_page_with_status,
};

#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct NoticeFileForm {
    batch: String,
    channel: String,
    format: String,
    purpose: String,
    note: String,
}

impl NoticeFileForm {
    fn request(&self, day: NaiveDate) -> NoticeRequest {
        NoticeRequest {
            day,
            batch: NoticeBatch::from_code(&self.batch).unwrap_or(NoticeBatch::Visit),
            channel: NoticeChannel::from_code(&self.channel).unwrap_or(NoticeChannel::Text),
            tour_id: None,
        }
    }

    /// The purpose, or what is wrong with purpose or note.
    fn purpose(&self) -> Result<Purpose, &'static str> {
        let note = self.note.trim();
        match Purpose::from_code(&self.purpose) {
            None => Err("무엇에 쓸 파일인지 선택해 주세요."),
            Some(Purpose::Other) if note.is_empty() => Err("무엇에 쓸 파일인지 메모에 입력해 주세요."),
            Some(_) if note.chars().count() > MAX_NOTE_CHARS => Err("메모는 200자까지 입력할 수 있어요."),
            Some(purpose) => Ok(purpose),
        }
    }
}

#[derive(Template)]
#[template(path = "notices/download.html")]
struct NoticeFilePage {
    layout: Layout,
    day: NaiveDate,
    batch: NoticeBatch,
    form: NoticeFileForm,
    list: NoticeList,
    problem: Option<&'static str>,
}

impl NoticeFilePage {
    fn title(&self) -> String {
        format!("{} {}", day_label(self.day), self.batch.label())
    }

    /// Numbers of texts: mobile, safe numbers.
    fn numbers(&self) -> (usize, usize) {
        let safe = self.list.texts.iter().filter(|(_, letter)| letter.number.is_safe_number).count();
        (self.list.texts.len() - safe, safe)
    }

    fn is_alimtalk(&self) -> bool {
        self.form.channel == NoticeChannel::Alimtalk.code()
    }
}

impl PersonalData for NoticeFilePage {
    fn orders(&self) -> Vec<OrderId> {
        let rows = self.list.texts.iter().map(|(row, _)| row).chain(self.list.left_out.iter().map(|(row, _)| row));
        rows.flat_map(|row| row.order_ids.iter().copied()).collect()
    }
}

async fn load(
    storage: &Storage,
    districts: &DistrictCache,
    layout: Layout,
    (day, form): (NaiveDate, NoticeFileForm),
    problem: Option<&'static str>,
) -> PageResult<NoticeFilePage> {
    let districts = districts.refresh(storage).await?;
    // The page lists everybody; a sender of 알림톡 leaves out safe numbers, which the page says.
    let request = NoticeRequest { channel: NoticeChannel::Text, ..form.request(day) };
    let read = storage.read(move |tx| Ok::<_, StorageError>(export::list(tx, &districts, request)?.1));
    let list = read.await?;
    Ok(NoticeFilePage { layout, day, batch: request.batch, form, list, problem })
}

pub(super) async fn show(
    State(storage): State<Storage>,
    State(districts): State<DistrictCache>,
    layout: Layout,
    Query(day): Query<DayQuery>,
    Query(mut form): Query<NoticeFileForm>,
) -> PageResult {
    let day = day.day(storage.clock().now());
    if form.purpose.is_empty() {
        Purpose::Shipping.code().clone_into(&mut form.purpose);
    }
    Ok(personal_page(load(&storage, &districts, layout, (day, form), None).await?))
}

/// A written file.
struct WrittenFile {
    bytes: Vec<u8>,
    texts: usize,
}

/// Writes the file and records it, in one transaction: of two members who press at once, the second gets the rest.
fn write(
    tx: &mut dyn Tx,
    districts: &Districts,
    actor: MemberActor,
    request: NoticeRequest,
    (format, purpose, note): (Format, Purpose, &str),
) -> Result<WrittenFile, ExportError> {
    let (_, list) = export::list(tx, districts, request)?;
    if list.texts.is_empty() {
        return Ok(WrittenFile { bytes: Vec::new(), texts: 0 });
    }
    let bytes = export::file(&list, request.channel, format)?;
    export::record(tx, actor.into(), request, &list, (Some(purpose), note))?;
    Ok(WrittenFile { bytes, texts: list.texts.len() })
}

pub(super) async fn download(
    State(storage): State<Storage>,
    State(districts): State<DistrictCache>,
    layout: Layout,
    actor: MemberActor,
    Query(day): Query<DayQuery>,
    Form(form): Form<NoticeFileForm>,
) -> PageResult {
    let day = day.day(storage.clock().now());
    let purpose = match form.purpose() {
        Ok(purpose) => purpose,
        Err(problem) => {
            let page = load(&storage, &districts, layout, (day, form), Some(problem)).await?;
            return Ok(personal_page_with_status(StatusCode::UNPROCESSABLE_ENTITY, page));
        }
    };
    let request = form.request(day);
    let format = if form.format == Format::Csv.extension() { Format::Csv } else { Format::Xlsx };
    let (known, note) = (districts.refresh(&storage).await?, form.note.trim().to_owned());
    let written = storage.write(move |tx| write(tx, &known, actor, request, (format, purpose, &note))).await;
    let written = written.map_err(|error| match error {
        ExportError::Storage(error) => Error::from(error),
        other => Error::Internal(other.to_string()),
    })?;
    if written.texts == 0 {
        let problem = Some("보낼 문자가 없어요. 다른 사람이 먼저 받았거나, 번호나 문구를 수정해야 해요.");
        let page = load(&storage, &districts, layout, (day, form), problem).await?;
        return Ok(personal_page_with_status(StatusCode::UNPROCESSABLE_ENTITY, page));
    }
    let name = format!("{day} {} {}.{}", request.batch.label(), request.channel.label(), format.extension());
    let headers = [
        (header::CONTENT_TYPE, format.content_type().to_owned()),
        (header::CONTENT_DISPOSITION, content_disposition(&name)),
    ];
    Ok((headers, written.bytes).into_response())
}
