//! The evidence of an order (주문 증빙): what the channel said, what the shop did, what the customer was told, to whom it was sent, and
//! how it was delivered. For a dispute, in which the shop has to show its records (전자상거래법 시행령 제11조).

use std::collections::{BTreeMap, BTreeSet};

use crate::audit::downloads::{self, OrderFile};
use crate::consumer::model::{DelayNotice, WithdrawalConsent};
use crate::consumer::store as consumer;
use crate::deliveries::list::load_rows as load_deliveries;
use crate::deliveries::log::{self as delivery_log, DeliveryEvent};
use crate::districts::Districts;
use crate::documents::{Document, DocumentTable, TableColumn};
use crate::drive::evidence::{Evidence, PhotoFile};
use crate::id::{OrderId, UploadId};
use crate::notices::model::Notice;
use crate::notices::store as notices;
use crate::orders::facts::{ADMIN_MEMO, order_facts};
use crate::orders::follow::display_value;
use crate::orders::labels;
use crate::orders::list::{OrderRow, load_rows};
use crate::orders::store::statements::{self, SaidStatement};
use crate::orders::store::{MAX_SHOWN_EVENTS, OrderEvent, log};
use crate::plans::store as plans;
use crate::plans::store::promises::{self, Promise};
use crate::storage::{Result, Tx, Value};
use crate::time::Moment;
use crate::uploads::store as uploads;

/// Everything that the shop can show of an order.
#[derive(Clone, Debug)]
pub struct OrderEvidence {
    /// the order
    pub row: OrderRow,
    /// its log, oldest first
    pub events: Vec<OrderEvent>,
    /// what the channel said after the first file, oldest first
    pub statements: Vec<SaidStatement>,
    /// names of the files that log and statements name
    pub uploads: BTreeMap<UploadId, String>,
    /// days that were promised, oldest first
    pub promises: Vec<Promise>,
    /// texts that were written for the customer, oldest first
    pub notices: Vec<Notice>,
    /// notices of a delay, oldest first
    pub delays: Vec<DelayNotice>,
    /// the buyer's consent that a made-to-order good is not taken back
    pub consent: Option<WithdrawalConsent>,
    /// files in which it was sent to a factory, courier or channel, oldest first
    pub files: Vec<OrderFile>,
    /// the log of its delivery, oldest first: slips, completion
    pub delivery_events: Vec<DeliveryEvent>,
    /// what a driver reported
    pub delivery: Option<Evidence>,
}

/// Reads everything of an order; none if there is no such order.
pub fn load(tx: &mut dyn Tx, order_id: OrderId) -> Result<Option<OrderEvidence>> {
    let Some(row) = load_rows(tx, &[order_id])?.pop() else { return Ok(None) };
    let delivery_id = row.order.delivery_id;
    let oldest_first = |mut events: Vec<OrderEvent>| {
        events.reverse();
        events
    };
    let events = oldest_first(log::history(tx, order_id)?);
    let statements = statements::of_order(tx, order_id)?;
    let named: BTreeSet<UploadId> = (events.iter().filter_map(|event| event.upload_id))
        .chain(statements.iter().filter_map(|said| said.upload_id))
        .collect();
    let mut names = BTreeMap::new();
    for id in named {
        if let Some(upload) = uploads::find(tx, id)? {
            names.insert(id, upload.file_name);
        }
    }
    let mut promises = promises::of_delivery(tx, delivery_id)?;
    promises.sort_by_key(|promise| promise.id);
    let notices = match plans::jobs_of(tx, &[delivery_id])?.remove(&delivery_id) {
        Some(planned) => notices::of_jobs(tx, &[planned.job.id])?.remove(&planned.job.id).unwrap_or_default(),
        None => Vec::new(),
    };
    let mut delays = consumer::notices(tx, order_id)?;
    delays.sort_by_key(|delay| delay.id);
    let consent = consumer::consent(tx, order_id)?;
    let mut files = downloads::files_of_order(tx, order_id)?;
    files.sort_by_key(|file| file.download_id);
    let mut delivery_events = delivery_log::of_delivery(tx, delivery_id)?;
    delivery_events.sort_by_key(|event| event.id);
    let delivery = match load_deliveries(tx, &[delivery_id])?.pop() {
        Some(delivery) => Some(Evidence::load(tx, &delivery)?).filter(Evidence::is_reported),
        None => None,
    };
    let uploads = names;
    Ok(Some(OrderEvidence {
        row,
        events,
        statements,
        uploads,
        promises,
        notices,
        delays,
        consent,
        files,
        delivery_events,
        delivery,
    }))
}

fn who(username: Option<&String>) -> String {
    username.map_or("프로그램", String::as_str).to_owned()
}

impl OrderEvidence {
    /// The parts of the document that have something, each with the number of its rows. Korean.
    pub fn parts(&self) -> Vec<(&'static str, usize)> {
        let photos = self.delivery.as_ref().map_or(0, |evidence| evidence.photos.len());
        let signatures = self.delivery.as_ref().map_or(0, |evidence| evidence.signatures.len());
        let parts = [
            ("판매채널이 알려 준 것", self.statements.len()),
            ("주문의 기록", self.events.len()),
            ("배송일 약속", self.promises.len()),
            ("안내 문자", self.notices.len()),
            ("지연 안내", self.delays.len()),
            ("청약철회 제한 동의", usize::from(self.consent.is_some())),
            ("보낸 파일", self.files.len()),
            ("전표와 배송 완료", self.delivery_events.len()),
            ("배송 사진", photos),
            ("수취인 서명", signatures),
        ];
        parts.into_iter().filter(|(_, count)| *count > 0).collect()
    }

    /// The document. `photos` are the files of the delivery's photographs; `footer` names the shop, and who made it when. The memo of the
    /// office is left out: it is no record of the contract.
    pub fn to_document(&self, photos: &[PhotoFile], districts: &Districts, footer: &str, now: Moment) -> Document {
        let order = &self.row.order;
        let mut document = Document::new(&format!("주문 증빙 {}", order.order_number), footer, now);
        let state = [("상태".to_owned(), order.state.label().to_owned())];
        let claim = Some(("클레임".to_owned(), order.claim.clone())).filter(|(_, claim)| !claim.is_empty());
        let facts = order_facts(&self.row).into_iter().filter(|(label, _)| *label != ADMIN_MEMO);
        document.facts(state.into_iter().chain(claim).chain(facts.map(|(label, text)| (label.to_owned(), text))));
        document.note("가게의 주문 관리 프로그램에 남은 기록이에요. 가게끼리 보는 관리자메모는 넣지 않았어요.");

        let mut add = |title: &str, headings: &[(&str, f32)], rows: Vec<Vec<String>>| {
            if !rows.is_empty() {
                document.heading(title);
                let columns = headings.iter().map(|(heading, share)| TableColumn::new(heading, *share)).collect();
                document.table(DocumentTable { columns, rows });
            }
        };
        let headings = [("일시", 22.0), ("항목", 16.0), ("알려 준 값", 36.0), ("파일", 26.0)];
        add("판매채널이 알려 준 것", &headings, self.statements.iter().map(|said| self.statement_row(said)).collect());
        let headings = [("일시", 22.0), ("작업자", 14.0), ("작업", 16.0), ("바뀐 것", 48.0)];
        add("주문의 기록", &headings, self.events.iter().map(|event| self.event_row(event, districts)).collect());
        let headings = [("일시", 22.0), ("작업자", 14.0), ("약속한 배송일", 22.0), ("방법", 16.0), ("지금", 26.0)];
        add("배송일 약속", &headings, self.promises.iter().map(promise_row).collect());
        let headings = [("일시", 22.0), ("작업자", 14.0), ("안내", 16.0), ("내용", 48.0)];
        add("안내 문자", &headings, self.notices.iter().map(notice_row).collect());
        let headings = [("일시", 22.0), ("작업자", 14.0), ("알린 방법", 18.0), ("이유와 내용", 46.0)];
        add("지연 안내", &headings, self.delays.iter().map(delay_row).collect());
        let headings = [("동의한 날", 16.0), ("방법", 20.0), ("증거가 있는 곳", 38.0), ("기록", 26.0)];
        add("청약철회 제한 동의", &headings, self.consent.iter().map(consent_row).collect());
        let headings = [("일시", 22.0), ("작업자", 14.0), ("보낸 곳", 18.0), ("파일", 46.0)];
        add("보낸 파일", &headings, self.files.iter().map(file_row).collect());
        let headings = [("일시", 22.0), ("작업자", 14.0), ("작업", 64.0)];
        add("전표와 배송 완료", &headings, self.delivery_events.iter().map(delivery_row).collect());
        if self.events.len() >= MAX_SHOWN_EVENTS {
            document.note(&format!("주문의 기록이 많아서 최근 {MAX_SHOWN_EVENTS}건만 있어요."));
        }
        if let Some(evidence) = &self.delivery {
            document.heading("배송 증빙");
            evidence.write(&mut document, photos);
        }
        document
    }

    fn upload(&self, id: Option<UploadId>) -> &str {
        id.and_then(|id| self.uploads.get(&id)).map_or("", String::as_str)
    }

    fn statement_row(&self, said: &SaidStatement) -> Vec<String> {
        let at = said.as_of.unwrap_or(said.said_at);
        let value = display_value(said.field, &said.value);
        vec![at.to_string(), said.field.label().to_owned(), value, self.upload(said.upload_id).to_owned()]
    }

    fn event_row(&self, event: &OrderEvent, districts: &Districts) -> Vec<String> {
        let changes =
            event.changes.iter().filter(|(column, ..)| column != "admin_memo").filter_map(|(column, was, is)| {
                let label = labels::field_label(column)?;
                let text = |value: &Value| match labels::format_value(column, value.clone(), districts) {
                    text if text.is_empty() => "없음".to_owned(),
                    text => text,
                };
                Some(format!("{label}: {} → {}", text(was), text(is)))
            });
        let upload = Some(self.upload(event.upload_id)).filter(|name| !name.is_empty());
        let lines: Vec<String> = changes.chain(upload.map(|name| format!("파일: {name}"))).collect();
        vec![event.at.to_string(), who(event.username.as_ref()), event.action.label().to_owned(), lines.join("\n")]
    }
}

fn promise_row(promise: &Promise) -> Vec<String> {
    let after = promise.replaced_at.map_or_else(|| "지킬 약속".to_owned(), |at| format!("{at}에 바뀜"));
    let day = crate::time::date_with_weekday(promise.day);
    let channel = promise.channel.label().to_owned();
    vec![promise.promised_at.to_string(), who(promise.promised_by.as_ref()), day, channel, after]
}

/// The text as it was written into the file for the sender. Whether it arrived is known to the sender only.
fn notice_row(notice: &Notice) -> Vec<String> {
    let withdrawn = notice.withdrawn_at.map_or_else(String::new, |at| format!("\n{at}에 보내지 않은 것으로 표시"));
    let (kind, form) = (notice.kind.label(), notice.form.label());
    let who = who(notice.written_by.as_ref());
    vec![notice.written_at.to_string(), who, format!("{kind} ({form})"), format!("{}{withdrawn}", notice.message)]
}

fn delay_row(delay: &DelayNotice) -> Vec<String> {
    let day = delay.new_day.map_or_else(|| "새 날짜 없음".to_owned(), crate::time::date_with_weekday);
    let said = format!("{} ({day})\n{}", delay.reason, delay.text);
    vec![delay.sent_at.to_string(), who(delay.username.as_ref()), delay.way.label().to_owned(), said]
}

fn consent_row(consent: &WithdrawalConsent) -> Vec<String> {
    let recorded = format!("{} {}", consent.recorded_at, who(consent.username.as_ref()));
    vec![consent.given_on.to_string(), consent.way.label().to_owned(), consent.proof.clone(), recorded]
}

fn file_row(file: &OrderFile) -> Vec<String> {
    let name = file.file_name.clone().unwrap_or_else(|| "보관 기간이 끝남".to_owned());
    vec![file.at.to_string(), who(file.username.as_ref()), file.sent_to.label().to_owned(), name]
}

fn delivery_row(event: &DeliveryEvent) -> Vec<String> {
    vec![event.at.to_string(), who(event.username.as_ref()), event.action.label().to_owned()]
}
