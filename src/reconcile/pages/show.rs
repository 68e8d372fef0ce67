//! `/reconcile/{id}`: one report, and the rows of one of its numbers. Prints on one page.

use std::borrow::Borrow;

use askama::Template;
use axum::extract::{Path, State};
use axum::http::Uri;
use serde::Deserialize;

use crate::reconcile::model::{ListFinding, ReportRow, Tally};
use crate::reconcile::store::{self, ReconcileReport, ReportPart};
use crate::shop::store as shop;
use crate::storage::{Storage, StorageError};
use crate::web::paging::{PageBar, PageQuery, grouped};
use crate::web::{Error, Layout, PageResult, Query, page, parse_id};

#[derive(Template)]
#[template(path = "reconcile/show.html")]
struct ShowPage {
    layout: Layout,
    shop_name: String,
    report: ReconcileReport,
    part: Option<ReportPart>,
    rows: Vec<ReportRow>,
    pages: PageBar,
}

impl ReportPart {
    /// Code in URLs.
    fn code(self) -> &'static str {
        match self {
            Self::Listed => "listed",
            Self::Found(finding) => finding.code(),
        }
    }

    fn label(self) -> &'static str {
        match self {
            Self::Listed => "목록의 주문",
            Self::Found(finding) => finding.label(),
        }
    }

    fn from_code(code: &str) -> Option<Self> {
        if code == Self::Listed.code() { Some(Self::Listed) } else { ListFinding::from_code(code).map(Self::Found) }
    }

    /// Number of its rows, and their sums.
    fn tally(self, report: &ReconcileReport) -> Tally {
        match self {
            Self::Listed => report.listed,
            Self::Found(finding) => report.tally(finding),
        }
    }

    /// Whether its rows are orders that were compared with the shop.
    const fn is_compared(self) -> bool {
        !matches!(self, Self::Listed | Self::Found(ListFinding::Unread | ListFinding::Repeated))
    }
}

impl ShowPage {
    fn id(&self) -> String {
        self.report.id.to_string()
    }

    /// The rows of the table of sums. Rows that were not compared are only there if there are any.
    fn parts(&self) -> Vec<(ReportPart, Tally)> {
        let found = [ListFinding::Matched].into_iter().chain(ListFinding::DIFFERENCES).map(ReportPart::Found);
        let others = [ListFinding::Unread, ListFinding::Repeated].map(ReportPart::Found).into_iter();
        let others = others.filter(|part| part.tally(&self.report).orders > 0);
        let parts = [ReportPart::Listed].into_iter().chain(found).chain(others);
        parts.map(|part| (part, part.tally(&self.report))).collect()
    }

    fn period(&self) -> String {
        self.report.period.map_or_else(|| "정하지 않음".to_owned(), |(from, to)| format!("{from} ~ {to}"))
    }

    /// The uploads that take in what is missing here, with the names of their files.
    fn uploads(&self) -> Vec<(String, &str)> {
        let upload = |file: &'_ store::ReportFile| file.upload_id.map(|id| id.to_string());
        self.report.files.iter().filter_map(|file| Some((upload(file)?, file.name.as_str()))).collect()
    }

    /// Whether rows of the lists were not compared.
    fn has_uncompared(&self) -> bool {
        [ListFinding::Unread, ListFinding::Repeated].into_iter().any(|finding| self.report.tally(finding).orders > 0)
    }

    /// Whether every order matches and every row could be read.
    fn is_equal(&self) -> bool {
        let differs = ListFinding::DIFFERENCES.into_iter().chain([ListFinding::Unread]);
        differs.map(|finding| self.report.tally(finding).orders).sum::<i64>() == 0
    }

    /// The place of a row in its list: `12`, or with the name of the file if there are several.
    fn place(&self, row: &ReportRow) -> String {
        match (row.row, &self.report.files[..]) {
            (None, _) => "–".to_owned(),
            (Some(number), [_]) => number.to_string(),
            (Some(number), files) => {
                files.get(row.file).map_or_else(|| number.to_string(), |file| format!("{} {number}", file.name))
            }
        }
    }

    /// `1,234`; a dash without an amount.
    fn won(amount: impl Borrow<Option<i64>>) -> String {
        amount.borrow().map_or_else(|| "–".to_owned(), grouped)
    }
}

#[derive(Default, Deserialize)]
#[serde(default)]
pub(super) struct ShowQuery {
    rows: String,
}

pub(super) async fn show(
    State(storage): State<Storage>,
    layout: Layout,
    Path(id): Path<String>,
    Query(query): Query<ShowQuery>,
    Query(paging): Query<PageQuery>,
    uri: Uri,
) -> PageResult {
    let id = parse_id(&id)?;
    let (report, shop_name) =
        storage.read(move |tx| Ok::<_, StorageError>((store::find(tx, id)?, shop::find(tx)?.name))).await?;
    let report = report.ok_or(Error::NotFound)?;
    let differing = ListFinding::DIFFERENCES.into_iter().find(|finding| report.tally(*finding).orders > 0);
    let part = ReportPart::from_code(&query.rows).or(differing.map(ReportPart::Found));
    let total = part.map_or(0, |part| u64::try_from(part.tally(&report).orders).unwrap_or_default());
    let pages = PageBar::new(&uri, paging, total);
    let (offset, size) = (i64::try_from(pages.offset()).unwrap_or_default(), i64::from(pages.size));
    let rows = match part {
        Some(part) => {
            let report = report.clone();
            storage.read(move |tx| store::rows(tx, &report, part, offset, size)).await?
        }
        None => Vec::new(),
    };
    Ok(page(ShowPage { layout, shop_name, report, part, rows, pages }))
}
