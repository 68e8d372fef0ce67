//! The record of files with people's data: who took what, how many rows of it, and what for.

use crate::storage::{Result, Tx};
use crate::time::Moment;

/// What a file is taken for.
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
    /// 기타: said in words
    Other,
}

/// Letters of what is said in words.
pub const NOTE_LENGTH: usize = 200;

impl Purpose {
    /// Every purpose, in the sequence of the choice.
    pub const ALL: [Self; 6] =
        [Self::Factory, Self::Shipping, Self::Channel, Self::Customer, Self::Accounting, Self::Other];

    /// The stored name, and that of the form.
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

    /// The words on the screen.
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

    /// The purpose of that name.
    pub fn parse(code: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|purpose| purpose.code() == code)
    }
}

/// A file that is taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Taken<'a> {
    /// what it holds: `orders`, `purchase-order`, `dispatch`, `deliveries`, `rejected-rows`
    pub content: &'a str,
    /// the address of the list it was made from, of this application
    pub source: &'a str,
    /// rows with people's data
    pub rows: u64,
    /// what for; none where nobody was asked
    pub purpose: Option<Purpose>,
    /// what for, in words
    pub note: &'a str,
}

/// One line of the record.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Download {
    /// when
    pub at: Moment,
    /// who; none is the command line
    pub username: Option<String>,
    /// what it held
    pub content: String,
    /// the address of its list
    pub source: String,
    /// rows with people's data
    pub rows: i64,
    /// what for
    pub purpose: Option<Purpose>,
    /// what for, in words
    pub note: String,
}

impl Download {
    /// What it held, in the words of the screen.
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

/// Writes down that a member (none: the command line) takes a file.
pub fn record(tx: &mut dyn Tx, member_id: Option<i64>, taken: &Taken<'_>) -> Result<()> {
    let (id, now) = (tx.new_id(), tx.now());
    let note: String = taken.note.chars().take(NOTE_LENGTH).collect();
    tx.exec(
        "INSERT INTO downloads (id, at, member_id, content, source, row_count, purpose, note) \
         VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
        &[
            id.into(),
            now.into(),
            member_id.into(),
            taken.content.into(),
            taken.source.into(),
            i64::try_from(taken.rows).unwrap_or(i64::MAX).into(),
            taken.purpose.map_or("", Purpose::code).into(),
            note.into(),
        ],
    )
    .map(drop)
}

/// A page of the record, newest first, and how many lines it has.
pub fn page(tx: &mut dyn Tx, offset: i64, size: i64) -> Result<(Vec<Download>, i64)> {
    let total = tx.scalar("SELECT count(*) FROM downloads", &[])?;
    let sql = "SELECT d.at, m.username, d.content, d.source, d.row_count, d.purpose, d.note FROM downloads d \
               LEFT JOIN members m ON m.id = d.member_id ORDER BY d.id DESC LIMIT ? OFFSET ?";
    let rows = tx.query(sql, &[size.into(), offset.into()])?;
    let downloads = rows.into_iter().map(|mut row| {
        Ok(Download {
            at: row.moment(0)?,
            username: row.opt_text(1)?,
            content: row.text(2)?,
            source: row.text(3)?,
            rows: row.int(4)?,
            purpose: Purpose::parse(&row.text(5)?),
            note: row.text(6)?,
        })
    });
    Ok((downloads.collect::<Result<_>>()?, total))
}
