//! `/access`: access records by person, member, action and day, and the seals of the last days.

use askama::Template;
use axum::extract::State;
use axum::http::Uri;
use serde::Deserialize;

use crate::access::list::{self, AccessFilter, AccessRow, MAX_FOUND_RECORDS};
use crate::access::{AccessAction, AccessRecorder, Accessor, Seal, UNCLEAN, head};
use crate::id::{Id, OrderId};
use crate::members::model::Account;
use crate::members::store as members;
use crate::privacy::store::people;
use crate::storage::{Result as StorageResult, Storage, StorageError, Tx};
use crate::time::parse_date;
use crate::web::paging::{PageBar, PageQuery};
use crate::web::{Layout, PageResult, PersonalData, Query, personal_page};

/// Seals that the page shows.
const SHOWN_SEALS: i64 = 31;

#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct AccessQuery {
    q: String,
    member: String,
    action: String,
    from: String,
    to: String,
}

#[derive(Template)]
#[template(path = "access/list.html")]
struct ListPage {
    layout: Layout,
    query: AccessQuery,
    members: Vec<Account>,
    rows: Vec<RowView>,
    pages: PageBar,
    /// number of orders that the search found; none without a search
    found_orders: Option<usize>,
    /// whether the search may have missed orders because there are too many
    is_search_cut: bool,
    last_sequence: i64,
    digest: String,
    seals: Vec<Seal>,
}

/// A record as the page shows it.
struct RowView {
    row: AccessRow,
    /// order numbers with the identifiers of their pages, and how many more orders there are
    orders: Vec<(String, String)>,
    more: u64,
}

/// Order numbers that a row shows.
const SHOWN_ORDERS: usize = 3;

impl RowView {
    fn who(&self) -> &str {
        match (&self.row.record.access.accessor, &self.row.username) {
            (Accessor::Member { .. }, Some(name)) => name,
            (Accessor::Member { .. }, None) => "지워진 회원",
            (Accessor::Unknown { .. }, _) => "모르는 아이디",
            (Accessor::CommandLine, _) => "프로그램 명령",
            (Accessor::Program, _) => "프로그램",
        }
    }

    fn address(&self) -> &str {
        self.row.record.access.accessor.address()
    }

    fn at(&self) -> String {
        self.row.record.at.kst().format("%Y-%m-%d %H:%M:%S").to_string()
    }

    fn count(&self) -> u64 {
        self.row.record.access.orders.count
    }

    /// The query in words; a start after a kill says so.
    fn query(&self) -> &str {
        let access = &self.row.record.access;
        match (access.action, access.query.as_str()) {
            (AccessAction::Started, UNCLEAN) => "앞서 갑자기 꺼졌어요. 꺼지기 직전 1초의 조회 기록이 없을 수 있어요.",
            (_, query) => query,
        }
    }
}

impl ListPage {
    fn is_member(&self, account: &Account) -> bool {
        self.query.member == account.number()
    }

    /// Whether a search by person found more records than are listed.
    fn is_cut(&self) -> bool {
        self.found_orders.is_some() && self.pages.total >= MAX_FOUND_RECORDS as u64
    }
}

impl PersonalData for ListPage {
    fn orders(&self) -> Vec<OrderId> {
        let shown = self.rows.iter().flat_map(|view| &view.orders);
        shown.filter_map(|(id, _)| Id::parse(id)).collect()
    }
}

fn view(tx: &mut dyn Tx, rows: Vec<AccessRow>, wanted: &[OrderId]) -> StorageResult<Vec<RowView>> {
    let shown_of = |row: &AccessRow| -> Vec<OrderId> {
        let listed = row.record.access.orders.listed.as_deref().unwrap_or_default();
        // The searched orders first.
        let (found, others): (Vec<OrderId>, Vec<OrderId>) = listed.iter().partition(|id| wanted.contains(id));
        found.into_iter().chain(others).take(SHOWN_ORDERS).collect()
    };
    let ids: Vec<OrderId> = rows.iter().flat_map(&shown_of).collect();
    let numbers = crate::orders::store::numbers(tx, &ids)?;
    let view = |row: AccessRow| {
        let shown = shown_of(&row);
        let orders: Vec<_> = shown.iter().filter_map(|id| Some((id.to_string(), numbers.get(id)?.clone()))).collect();
        let more = row.record.access.orders.count.saturating_sub(orders.len() as u64);
        RowView { row, orders, more }
    };
    Ok(rows.into_iter().map(view).collect())
}

pub(super) async fn list(
    State(storage): State<Storage>,
    State(recorder): State<AccessRecorder>,
    layout: Layout,
    Query(query): Query<AccessQuery>,
    Query(paging): Query<PageQuery>,
    uri: Uri,
) -> PageResult {
    recorder.flush().await?;
    let asked = query;
    let shown = storage
        .read(move |tx| {
            let members = members::list(tx)?;
            let q = asked.q.trim();
            let found = if q.is_empty() { None } else { Some(people::find_orders(tx, q)?) };
            let (found, is_search_cut) = found.map_or((None, false), |(ids, is_cut)| (Some(ids), is_cut));
            let filter = AccessFilter {
                member_id: members.iter().find(|member| member.number() == asked.member).map(|member| member.member.id),
                action: AccessAction::from_code(&asked.action),
                from: parse_date(&asked.from),
                to: parse_date(&asked.to),
                orders: found.clone(),
            };
            let (_, total) = list::page(tx, &filter, 0, 0)?;
            let pages = PageBar::new(&uri, paging, u64::try_from(total).unwrap_or_default());
            let offset = i64::try_from(pages.offset()).unwrap_or_default();
            let (rows, _) = list::page(tx, &filter, offset, pages.size.into())?;
            let rows = view(tx, rows, found.as_deref().unwrap_or_default())?;
            let seals = list::newest_seals(tx, SHOWN_SEALS)?;
            let (last_sequence, digest) = head(tx)?;
            Ok::<_, StorageError>(ListPage {
                layout: layout.clone(),
                query: asked.clone(),
                members,
                rows,
                pages,
                found_orders: found.map(|found| found.len()),
                is_search_cut,
                last_sequence,
                digest,
                seals,
            })
        })
        .await?;
    Ok(personal_page(shown))
}
