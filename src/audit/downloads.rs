//! Log of downloads of personal data: who downloaded which content, how many rows, and for what purpose.

mod store;

pub use self::store::{page, record};
use crate::time::Moment;

/// Purpose of a download.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Purpose {
    /// 공장 발주
    Factory,
    /// 배송 준비
    Shipping,
    /// 판매채널 처리
    Channel,
    /// 고객 상담
    Customer,
    /// 정산, 회계
    Accounting,
    /// 기타: see the note
    Other,
}

/// Maximum length of a note; longer ones are truncated.
pub const MAX_NOTE_CHARS: usize = 200;

impl Purpose {
    /// All purposes, in the order of the select.
    pub const ALL: [Self; 6] =
        [Self::Factory, Self::Shipping, Self::Channel, Self::Customer, Self::Accounting, Self::Other];

    /// Stored code, also in the form.
    pub const fn code(self) -> &'static str {
        match self {
            Self::Factory => "factory",
            Self::Shipping => "shipping",
            Self::Channel => "channel",
            Self::Customer => "customer",
            Self::Accounting => "accounting",
            Self::Other => "other",
        }
    }

    /// Korean label.
    pub const fn label(self) -> &'static str {
        match self {
            Self::Factory => "공장 발주",
            Self::Shipping => "배송 준비",
            Self::Channel => "판매채널 처리",
            Self::Customer => "고객 상담",
            Self::Accounting => "정산·회계",
            Self::Other => "기타",
        }
    }

    /// The purpose of a code.
    pub fn parse(code: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|purpose| purpose.code() == code)
    }
}

/// A download to log.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct DownloadRecord<'a> {
    /// code of the content: `orders`, `purchase-order`, `dispatch`, `deliveries`, `rejected-rows`
    pub content: &'a str,
    /// path and query of the list it was made from
    pub source: &'a str,
    /// number of rows with personal data
    pub rows: u64,
    /// `None` where the form does not ask
    pub purpose: Option<Purpose>,
    /// free text
    pub note: &'a str,
}

/// A row of the log.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DownloadRow {
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
}

impl DownloadRow {
    /// Korean label of the content.
    pub fn content_label(&self) -> &str {
        match self.content.as_str() {
            "orders" => "주문 검색 결과",
            "purchase-order" => "발주서",
            "dispatch" => "발송처리",
            "deliveries" => "배송 목록",
            "rejected-rows" => "거절된 행",
            other => other,
        }
    }
}
