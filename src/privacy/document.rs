//! What the shop has of a person as a document (열람), to hand over.

use crate::districts::Districts;
use crate::documents::{Document, DocumentTable, Figure, TableColumn};
use crate::drive::evidence::{PhotoFile, signature_figure, write_unreadable};
use crate::orders::facts::order_facts;
use crate::orders::labels;
use crate::orders::store::OrderEvent;
use crate::privacy::person::{DeliveryRecord, KEPT_BECAUSE, OrderRecord, PersonRecord};
use crate::time::{Moment, date_with_weekday};

/// Photographs of one document, the newest ones. All others are named by their digest.
pub const MAX_DOCUMENT_PHOTOS: usize = 60;

impl PersonRecord {
    /// The record as a document. `photos` are files of photographs; `footer` names the shop, and who made it when.
    pub fn to_document(&self, photos: &[PhotoFile], districts: &Districts, footer: &str, now: Moment) -> Document {
        let mut document = Document::new("개인정보 열람", footer, now);
        document.facts([
            ("이름".to_owned(), self.person.name.clone()),
            ("전화번호".to_owned(), self.person.tels.join(", ")),
            ("주문".to_owned(), format!("{}건", self.orders.len())),
        ]);
        document.note(
            "이 가게가 가진 본인의 정보예요. 개인정보 보호법 제35조에 따라 요구하신 분께 드려요. 직원의 이름은 넣지 않았어요.",
        );
        if self.is_cut {
            document.note("주문이 너무 많아서 최근 것만 있어요. 나머지는 가게에 요구해 주세요.");
        }
        for record in &self.orders {
            record.write(&mut document, districts);
        }
        for record in &self.deliveries {
            record.write(&mut document, photos);
        }
        if self.photos().len() > photos.len() {
            document.note(&format!("사진이 많아서 최근 {}장만 넣었어요. 나머지는 지문만 적었어요.", photos.len()));
        }
        document
    }
}

impl OrderRecord {
    /// Roles of the person in the order. Korean.
    pub fn role_labels(&self) -> String {
        self.roles.iter().map(|role| role.label()).collect::<Vec<_>>().join(", ")
    }

    /// What the person was told of a delay and agreed to, each with its text, without the names of the shop's members. Korean.
    pub fn duty_facts(&self) -> Vec<(String, String)> {
        let delays = self.delays.iter().map(|delay| {
            let day = delay.new_day.map_or_else(|| "새 날짜 없음".to_owned(), date_with_weekday);
            (format!("지연 안내 {}", delay.sent_at), format!("{} · {day} · {}", delay.way.label(), delay.text))
        });
        let consent = self.consent.iter().map(|consent| {
            let text = format!("{} · {} · 증거: {}", consent.given_on, consent.way.label(), consent.proof);
            ("청약철회 제한 동의".to_owned(), text)
        });
        delays.chain(consent).collect()
    }

    /// Until when and why it is kept. Korean.
    pub fn retention(&self) -> String {
        match self.kept_until {
            Some(day) => format!("{day}까지. {KEPT_BECAUSE}"),
            None => format!("클레임이나 일감, 확인할 값이 남아 있어서 마무리한 다음에 정해져요. {KEPT_BECAUSE}"),
        }
    }

    fn write(&self, document: &mut Document, districts: &Districts) {
        let order = &self.row.order;
        document.heading(&format!("주문 {} ({})", order.order_number, order.state.label()));
        let role = [("이 사람은", self.role_labels())];
        let facts = role.into_iter().chain(order_facts(&self.row)).map(|(label, text)| (label.to_owned(), text));
        let sent =
            self.files.iter().map(|file| ("보낸 곳".to_owned(), format!("{} ({})", file.sent_to.label(), file.at)));
        let kept = ("보관".to_owned(), self.retention());
        document.facts(facts.chain(self.duty_facts()).chain(sent).chain([kept]));
        // Oldest first, as a story is read.
        let rows = self.events.iter().rev().map(|event| event_row(event, districts)).collect();
        let columns =
            vec![TableColumn::new("일시", 22.0), TableColumn::new("작업", 18.0), TableColumn::new("바뀐 것", 60.0)];
        document.table(DocumentTable { columns, rows });
    }
}

fn event_row(event: &OrderEvent, districts: &Districts) -> Vec<String> {
    let changes = event.changes.iter().filter_map(|(column, before, after)| {
        let label = labels::field_label(column)?;
        let text = |value: &crate::storage::Value| match labels::format_value(column, value.clone(), districts) {
            text if text.is_empty() => "없음".to_owned(),
            text => text,
        };
        Some(format!("{label}: {} → {}", text(before), text(after)))
    });
    vec![event.at.precise(), event.action.label().to_owned(), changes.collect::<Vec<_>>().join("\n")]
}

impl DeliveryRecord {
    /// Memo, promises, jobs beside the delivery, reports and photographs, each with its text, without the names of the shop's members. Korean.
    pub fn facts(&self) -> Vec<(String, String)> {
        let jobs = self.jobs.iter().map(|task| {
            let parts = [task.goods.as_str(), &task.note];
            let text = parts.into_iter().filter(|part| !part.is_empty()).collect::<Vec<_>>().join(" · ");
            (format!("일감 {}", task.kind.label()), text)
        });
        let reports = self.events.iter().map(|event| {
            let details = &event.details;
            let reason = details.reason.map_or("", |reason| reason.label());
            let signature = if details.signature.is_empty() { "" } else { "서명" };
            let parts = [event.kind.label(), reason, &details.note, signature];
            let text = parts.into_iter().filter(|part| !part.is_empty()).collect::<Vec<_>>().join(" · ");
            (format!("기록 {}", event.at().precise()), text)
        });
        let photos = self.photos.iter().map(|photo| {
            let absence = if photo.is_shown() { String::new() } else { format!(" ({})", photo.absence()) };
            (format!("사진 {}", photo.taken_at.precise()), format!("{}{absence}", photo.hash))
        });
        let notices = self.notices.iter().map(|notice| {
            let withdrawn = if notice.withdrawn_at.is_some() { " (보내지 않음)" } else { "" };
            let label = format!("{} {}", notice.kind.label(), notice.written_at);
            (label, format!("{}{withdrawn}", notice.message))
        });
        let memo = (!self.memo.is_empty()).then(|| ("배송팀 메모".to_owned(), self.memo.clone()));
        let promises = self.promises.iter().map(|promise| {
            let replaced = promise.replaced_at.map_or_else(String::new, |at| format!(" · {at}에 바뀜"));
            let text = format!("{} · {}{replaced}", date_with_weekday(promise.day), promise.channel.label());
            (format!("배송일 약속 {}", promise.promised_at), text)
        });
        memo.into_iter().chain(promises).chain(jobs).chain(notices).chain(reports).chain(photos).collect()
    }

    fn write(&self, document: &mut Document, files: &[PhotoFile]) {
        document.heading(&format!("배송 {}", self.bundle_number));
        document.facts([("주문".to_owned(), self.orders.join(", "))].into_iter().chain(self.facts()));
        let is_of_this = |file: &&PhotoFile| self.photos.iter().any(|photo| photo.id == file.row.id);
        let own: Vec<PhotoFile> = files.iter().filter(is_of_this).cloned().collect();
        let photos = own.iter().filter_map(|file| {
            let caption = format!("{}\n{}", file.row.taken_at, file.row.hash);
            Figure::jpeg(file.bytes.clone()?, &caption).ok()
        });
        document.figures(photos.chain(self.signatures().map(|path| signature_figure(None, path))).collect());
        write_unreadable(document, &own);
    }
}
