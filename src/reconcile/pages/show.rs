//! `/reconcile/{id}`: one report, and the rows of one of its numbers. Prints on one page.

use std::borrow::Borrow;

use askama::Template;
use axum::extract::{Path, State};
use axum::http::Uri;
use serde::Deserialize;

use crate::id::{crockford, parse_crockford};
use crate::reconcile::model::{Discrepancy, DiscrepancyRow, Tally};
use crate::reconcile::store::{self, ReconcileReport};
use crate::shop::store as shop;
use crate::storage::{Storage, StorageError};
use crate::web::paging::{PageBar, PageQuery, grouped};
use crate::web::{Error, Layout, PageResult, Query, page};

#[derive(Template)]
#[template(path = "reconcile/show.html")]
struct ShowPage {
    layout: Layout,
    shop_name: String,
    report: ReconcileReport,
    finding: Option<Discrepancy>,
    rows: Vec<DiscrepancyRow>,
    pages: PageBar,
}

impl ShowPage {
    fn id(&self) -> String {
        crockford(self.report.id)
    }

    fn tally(&self, finding: Discrepancy) -> Tally {
        self.report.findings.iter().find(|(of, _)| *of == finding).map_or_else(Tally::default, |(_, tally)| *tally)
    }

    fn period(&self) -> String {
        self.report.period.map_or_else(|| "정하지 않음".to_owned(), |(from, to)| format!("{from} ~ {to}"))
    }

    /// The upload that takes in what is missing here.
    fn upload(&self) -> Option<String> {
        self.report.upload_id.map(crockford)
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
    let id = parse_crockford(&id).ok_or(Error::NotFound)?;
    let (report, shop_name) =
        storage.read(move |tx| Ok::<_, StorageError>((store::find(tx, id)?, shop::find(tx)?.name))).await?;
    let report = report.ok_or(Error::NotFound)?;
    let with_rows = report.findings.iter().find(|(_, tally)| tally.orders > 0).map(|(finding, _)| *finding);
    let finding = Discrepancy::from_code(&query.rows).or(with_rows);
    let total = finding.and_then(|finding| report.findings.iter().find(|(of, _)| *of == finding));
    let total = total.map_or(0, |(_, tally)| u64::try_from(tally.orders).unwrap_or_default());
    let pages = PageBar::new(&uri, paging, total);
    let (offset, size) = (i64::try_from(pages.offset()).unwrap_or_default(), i64::from(pages.size));
    let rows = match finding {
        Some(finding) => {
            let report = report.clone();
            storage.read(move |tx| store::rows(tx, &report, finding, offset, size)).await?
        }
        None => Vec::new(),
    };
    Ok(page(ShowPage { layout, shop_name, report, finding, rows, pages }))
}
