//! A file for a sender of 문자 or 알림톡, and its record: from then on the customers count as told.

use std::io::Error;

use chrono::NaiveDate;
use csv::{Terminator, WriterBuilder};
use rust_xlsxwriter::Workbook;
use serde::Serialize;

use super::day::{LeftOut, Letter, NoticeDay, NoticeRow, notice_day};
use super::model::{NoticeBatch, NoticeForm, NoticeKind, NoticeNeed};
use super::store::{self, NewNotice};
use super::wording::{NoticeValues, variables};
use crate::access::{self, AccessedOrders, Accessor};
use crate::audit::downloads::{self, DownloadRecord, Purpose};
use crate::audit::{self, Actor, AuditEvent, AuditObject};
use crate::districts::Districts;
use crate::id::{DeliveryId, JobId, TourId};
use crate::orders::export::csv::format_cell;
use crate::orders::export::xlsx::{CellFormats, catch_full_disk, write_cell};
use crate::orders::export::{ExportError, Format};
use crate::orders::fields::Cell;
use crate::plans::model::window_label;
use crate::storage::Tx;
use crate::text::coded;

coded! {
    /// What the shop's sender takes.
    #[derive(Clone, Copy, Debug, PartialEq, Eq)]
    pub enum NoticeChannel {
        /// finished texts
        Text = "text" "문자",
        /// values for the variables of a template that the sender has, and the text as its replacement
        Alimtalk = "alimtalk" "알림톡",
    }
}

/// What to export.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct NoticeRequest {
    /// the day
    pub day: NaiveDate,
    /// which texts
    pub batch: NoticeBatch,
    /// for which sender
    pub channel: NoticeChannel,
    /// one tour of the day
    pub tour_id: Option<TourId>,
}

/// The texts that go into a file, and who is left out with the reason.
#[derive(Clone, Debug, Default)]
pub struct NoticeList {
    /// texts
    pub texts: Vec<(NoticeRow, Letter)>,
    /// left out
    pub left_out: Vec<(NoticeRow, LeftOut)>,
}

impl NoticeList {
    /// The list of a batch.
    pub fn new(day: &NoticeDay, batch: NoticeBatch, channel: NoticeChannel) -> Self {
        let mut list = Self::default();
        for row in day.batch(batch) {
            match row.letter.clone() {
                Some(Ok(letter)) if channel == NoticeChannel::Alimtalk && letter.number.is_safe_number => {
                    list.left_out.push((row.clone(), LeftOut::SafeNumber));
                }
                Some(Ok(letter)) => {
                    let form = if channel == NoticeChannel::Alimtalk { NoticeForm::Alimtalk } else { letter.form };
                    list.texts.push((row.clone(), Letter { form, ..letter }));
                }
                Some(Err(reason)) => list.left_out.push((row.clone(), reason)),
                None => {}
            }
        }
        list
    }

    /// The orders whose data is in the file.
    pub fn accessed(&self) -> AccessedOrders {
        self.texts.iter().flat_map(|(row, _)| row.order_ids.iter().copied()).collect()
    }
}

/// A line of the file.
#[derive(Debug, Serialize)]
pub struct NoticeLine {
    /// 묶음배송번호
    pub delivery_number: String,
    /// recipient
    pub recipient_name: String,
    /// mobile or safe number
    pub tel: String,
    /// whether the number is a 050 number
    pub is_safe_number: bool,
    /// `visit`, `change`, `cancellation` or `completion`
    pub kind: &'static str,
    /// `sms`, `lms` or `alimtalk`
    pub form: &'static str,
    /// bytes of the text
    pub bytes: usize,
    /// the text
    pub message: String,
    /// `09:30~11:30`
    pub window: Option<String>,
}

/// A customer who is left out.
#[derive(Debug, Serialize)]
pub struct LeftOutLine {
    /// 묶음배송번호
    pub delivery_number: String,
    /// recipient
    pub recipient_name: String,
    /// why, in Korean
    pub reason: String,
}

/// The texts of a day as data.
#[derive(Debug, Serialize)]
pub struct NoticeExport {
    /// `YYYY-MM-DD`
    pub day: String,
    /// `visit`, `again` or `completion`
    pub batch: &'static str,
    /// in order of the tours
    pub texts: Vec<NoticeLine>,
    /// customers without a text
    pub left_out: Vec<LeftOutLine>,
    /// stops of tours that are not fixed, whose customers are not told yet
    pub not_fixed: usize,
}

impl NoticeExport {
    /// The data of a list.
    pub fn new(day: &NoticeDay, batch: NoticeBatch, list: &NoticeList) -> Self {
        let texts = list.texts.iter().map(|(row, letter)| NoticeLine {
            delivery_number: row.bundle_number.clone(),
            recipient_name: row.name.clone(),
            tel: letter.number.number.clone(),
            is_safe_number: letter.number.is_safe_number,
            kind: row.need.map_or("", |need| need.kind().code()),
            form: letter.form.code(),
            bytes: letter.bytes,
            message: letter.message.clone(),
            window: letter.window.map(window_label),
        });
        let left_out = list.left_out.iter().map(|(row, reason)| LeftOutLine {
            delivery_number: row.bundle_number.clone(),
            recipient_name: row.name.clone(),
            reason: reason.sentence(),
        });
        Self {
            day: day.day.to_string(),
            batch: batch.code(),
            texts: texts.collect(),
            left_out: left_out.collect(),
            not_fixed: day.drafts,
        }
    }
}

/// The table of a file: headers with their widths, and a line for each text.
fn table(list: &NoticeList, channel: NoticeChannel) -> (Vec<(String, u8)>, Vec<Vec<Cell<'_>>>) {
    let mut headers: Vec<(String, u8)> = vec![("수신번호".to_owned(), 16), ("이름".to_owned(), 12)];
    if channel == NoticeChannel::Alimtalk {
        let mut names: Vec<&str> = Vec::new();
        for (row, _) in &list.texts {
            let variables = row.need.map(|need| variables(need.kind())).unwrap_or_default();
            names.extend(variables.iter().map(|variable| variable.name));
        }
        let mut seen = std::collections::BTreeSet::new();
        names.retain(|name| *name != "이름" && seen.insert(*name));
        headers.extend(names.into_iter().map(|name| (format!("#{{{name}}}"), 18)));
    }
    headers.extend([
        ("종류".to_owned(), 8),
        ("바이트".to_owned(), 8),
        (if channel == NoticeChannel::Alimtalk { "대체 문자" } else { "내용" }.to_owned(), 60),
        ("안내".to_owned(), 12),
        ("묶음배송번호".to_owned(), 21),
    ]);
    let lines = list.texts.iter().map(|(row, letter)| {
        let kind = row.need.map(NoticeNeed::kind);
        let cell = |header: &str| match header {
            "수신번호" => Cell::Text(letter.number.number.clone().into()),
            "이름" => Cell::Text(row.name.clone().into()),
            "종류" => Cell::Text(letter.form.label().into()),
            "바이트" => Cell::Number(i64::try_from(letter.bytes).unwrap_or(i64::MAX)),
            "내용" | "대체 문자" => Cell::Text(letter.message.clone().into()),
            "안내" => Cell::Text(kind.map_or("", NoticeKind::label).into()),
            "묶음배송번호" => Cell::Text(row.bundle_number.clone().into()),
            variable => Cell::Text(variable_value(variable, row, &letter.values).into()),
        };
        headers.iter().map(|(header, _)| cell(header)).collect()
    });
    let lines = lines.collect();
    (headers, lines)
}

/// The value for the header `#{날짜}`.
fn variable_value(header: &str, row: &NoticeRow, values: &NoticeValues) -> String {
    let all = row.need.map(|need| variables(need.kind())).unwrap_or_default();
    let found = all.iter().find(|variable| header == format!("#{{{}}}", variable.name));
    found.map(|variable| values.of(variable).to_owned()).unwrap_or_default()
}

/// The bytes of a file.
///
/// # Errors
/// The workbook cannot be written.
pub fn file(list: &NoticeList, channel: NoticeChannel, format: Format) -> Result<Vec<u8>, ExportError> {
    let (headers, lines) = table(list, channel);
    match format {
        Format::Xlsx => xlsx(&headers, lines),
        Format::Csv | Format::Json => csv(&headers, lines),
    }
}

fn csv(headers: &[(String, u8)], lines: Vec<Vec<Cell<'_>>>) -> Result<Vec<u8>, ExportError> {
    let mut table = WriterBuilder::new().terminator(Terminator::CRLF).from_writer("\u{FEFF}".as_bytes().to_vec());
    table.write_record(headers.iter().map(|(header, _)| header)).map_err(Error::from)?;
    for line in lines {
        table.write_record(line.into_iter().map(|cell| format_cell(cell).into_owned())).map_err(Error::from)?;
    }
    table.into_inner().map_err(|error| Error::other(error.to_string()).into())
}

fn xlsx(headers: &[(String, u8)], lines: Vec<Vec<Cell<'_>>>) -> Result<Vec<u8>, ExportError> {
    let mut bytes = Vec::new();
    catch_full_disk(|| {
        let (mut workbook, formats) = (Workbook::new(), CellFormats::framed());
        let sheet = workbook.add_worksheet();
        sheet.set_name("안내 문자")?;
        sheet.set_freeze_panes(1, 0)?;
        for (column, (header, width)) in (0..).zip(headers) {
            sheet.set_column_width(column, f64::from(*width))?;
            sheet.write_string_with_format(0, column, header, &formats.header)?;
        }
        for (row, line) in (1..).zip(lines) {
            for (column, cell) in (0..).zip(line) {
                write_cell(sheet, row, column, cell, &formats)?;
            }
        }
        bytes = workbook.save_to_buffer()?;
        Ok(())
    })?;
    Ok(bytes)
}

/// The texts of a request. A tour narrows them to its stops.
pub fn list(
    tx: &mut dyn Tx,
    districts: &Districts,
    request: NoticeRequest,
) -> crate::storage::Result<(NoticeDay, NoticeList)> {
    let mut day = notice_day(tx, districts, request.day)?;
    if let Some(tour_id) = request.tour_id {
        let jobs: Vec<JobId> =
            crate::plans::store::stops_of(tx, &[tour_id])?.into_values().flatten().map(|stop| stop.job.id).collect();
        day.rows.retain(|row| jobs.contains(&row.job_id));
        day.drafts = day.rows.iter().filter(|row| row.is_draft).count();
    }
    let list = NoticeList::new(&day, request.batch, request.channel);
    Ok((day, list))
}

/// Records a file in the transaction that made its list: the download, the access, the texts, the audit entry. Returns the
/// sentence about it.
pub fn record(
    tx: &mut dyn Tx,
    actor: Actor,
    request: NoticeRequest,
    list: &NoticeList,
    (purpose, note): (Option<Purpose>, &str),
) -> crate::storage::Result<AuditEvent> {
    let source = format!("/notices?day={}", request.day);
    let rows = list.texts.len() as u64;
    let download = DownloadRecord { content: "notices", source: &source, rows, purpose, note, digest: None };
    let download_id = downloads::record(tx, actor.member_id(), &download)?;
    let words = [purpose.map_or("", Purpose::label), note];
    let words = words.into_iter().filter(|word| !word.is_empty()).collect::<Vec<_>>().join(" ");
    access::record_download(tx, Accessor::from(actor), &source, &words, list.accessed())?;
    let notices: Vec<NewNotice> = list
        .texts
        .iter()
        .filter_map(|(row, letter)| {
            Some(NewNotice {
                job_id: row.job_id,
                kind: row.need?.kind(),
                form: letter.form,
                day: request.day,
                window: letter.window,
                message: letter.message.clone(),
            })
        })
        .collect();
    store::insert(tx, download_id, actor.member_id(), &notices)?;
    let event = AuditEvent::NoticesExported {
        day: request.day.to_string(),
        batch: request.batch.code().to_owned(),
        texts: list.texts.len(),
    };
    let mut deliveries: Vec<DeliveryId> = list.texts.iter().map(|(row, _)| row.delivery_id).collect();
    deliveries.dedup();
    if !deliveries.is_empty() {
        audit::record(tx, actor, AuditObject::of(&deliveries), &event)?;
    }
    Ok(event)
}
