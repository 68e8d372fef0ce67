//! Log of downloads of personal data: who downloaded which content, how many rows, and for what purpose.

mod store;

pub use self::store::{
    KeptFile, NewFile, by_id, delete_old_files, delete_orders, file, file_chunk, files_of_order, keep_file,
    newest_files, of_digest, orders_in_files, orders_of, overwrite_notes, page, record, record_file, record_orders,
};
use crate::id::DownloadId;
use crate::text::coded;
use crate::time::Moment;

coded! {
    /// Purpose of a download.
    #[derive(Clone, Copy, Debug, PartialEq, Eq)]
    pub enum Purpose {
        /// 공장 발주
        Factory = "factory" "공장 발주",
        /// 배송 준비
        Shipping = "shipping" "배송 준비",
        /// 판매채널 처리
        Channel = "channel" "판매채널 처리",
        /// 고객 상담
        Customer = "customer" "고객 상담",
        /// 정산, 회계
        Accounting = "accounting" "정산·회계",
        /// 기타: see the note
        Other = "other" "기타",
    }
}

/// What is wrong with the purpose that a form states.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct PurposeProblems {
    /// at the choice
    pub purpose: Option<&'static str>,
    /// at the note
    pub note: Option<&'static str>,
}

impl Purpose {
    /// The purpose that a form states by its code and a trimmed note.
    ///
    /// # Errors
    ///
    /// No purpose is chosen, the note is too long, or it is missing where it is the purpose.
    pub fn stated(code: &str, note: &str) -> Result<Self, PurposeProblems> {
        let purpose = Self::from_code(code);
        let problems = PurposeProblems {
            purpose: purpose.is_none().then_some("무엇에 쓸 파일인지 선택해 주세요."),
            note: match purpose {
                Some(Self::Other) if note.is_empty() => Some("무엇에 쓸 파일인지 입력해 주세요."),
                _ if note.chars().count() > MAX_NOTE_CHARS => Some("200자까지 입력할 수 있어요."),
                _ => None,
            },
        };
        purpose.filter(|_| problems.note.is_none()).ok_or(problems)
    }

    /// The purpose and the note in one text, as the access record has them.
    pub fn with_note(self, note: &str) -> String {
        if note.is_empty() { self.label().to_owned() } else { format!("{} {note}", self.label()) }
    }

    /// Whether the purpose needs telephone numbers, addresses and memos: accounts are settled by order and name.
    pub const fn needs_contact(self) -> bool {
        !matches!(self, Self::Accounting)
    }
}

/// Maximum length of a note; longer ones are truncated.
pub const MAX_NOTE_CHARS: usize = 200;

coded! {
    /// To whom the orders of a file are sent.
    #[derive(Clone, Copy, Debug, PartialEq, Eq)]
    pub enum SentTo {
        /// 발주서, to the factory
        Factory = "factory" "공장",
        /// 송장 접수 파일, to a courier
        Courier = "courier" "택배사",
        /// 발송처리, to the channel
        Channel = "channel" "판매채널",
    }
}

/// A file that an order is in.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OrderFile {
    /// identifier of the download
    pub download_id: DownloadId,
    /// time of the download
    pub at: Moment,
    /// who downloaded it; none after the member is deleted
    pub username: Option<String>,
    /// to whom it was sent
    pub sent_to: SentTo,
    /// name of the file while it is kept
    pub file_name: Option<String>,
}

/// How long the file of a download is kept. The record of its orders stays.
pub const FILE_RETENTION_MS: i64 = 30 * 24 * 60 * 60 * 1000;

/// A download to log.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct DownloadRecord<'a> {
    /// code of the content: `orders`, `purchase-order`, `dispatch`, `courier-order.logen`, `deliveries`, `notices`, `rejected-rows`,
    /// `person`, `delivery-evidence`, `order-evidence`
    pub content: &'a str,
    /// path and query of the list it was made from
    pub source: &'a str,
    /// number of rows with personal data
    pub rows: u64,
    /// `None` where the form does not ask
    pub purpose: Option<Purpose>,
    /// free text
    pub note: &'a str,
    /// SHA-256 of the file, for documents that may have to be recognised later
    pub digest: Option<&'a str>,
}

/// A row of the log.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DownloadRow {
    /// identifier
    pub id: DownloadId,
    /// name of the file while it is kept
    pub file_name: Option<String>,
    /// time of the download
    pub at: Moment,
    /// `None` for the command line
    pub username: Option<String>,
    /// code of the content
    pub content: String,
    /// path and query of the list it was made from
    pub source: String,
    /// number of rows with personal data
    pub rows: i64,
    /// purpose, if the form asked
    pub purpose: Option<Purpose>,
    /// free text
    pub note: String,
    /// SHA-256 of the file, if it is a document
    pub digest: Option<String>,
}

impl DownloadRow {
    /// The first characters of the digest, to compare by eye.
    pub fn short_digest(&self) -> &str {
        self.digest.as_deref().and_then(|digest| digest.get(..12)).unwrap_or_default()
    }

    /// Korean label of the content.
    pub fn content_label(&self) -> &str {
        match self.content.as_str() {
            "orders" => "주문 검색 결과",
            "purchase-order" => "발주서",
            "dispatch" => "발송처리",
            "deliveries" => "배송 목록",
            "rejected-rows" => "오류 행",
            "person" => "본인 정보 열람",
            "notices" => "안내 문자",
            "delivery-evidence" => "배송 증빙",
            "order-evidence" => "주문 증빙",
            "breach" => "유출 대상자",
            "courier-order.logen" => "로젠택배 송장 접수",
            "courier-order.cj" => "CJ대한통운 송장 접수",
            "courier-order.hanjin" => "한진택배 송장 접수",
            "courier-order.lotte" => "롯데택배 송장 접수",
            "courier-order.epost" => "우체국택배 송장 접수",
            other => other,
        }
    }
}
