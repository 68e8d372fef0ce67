//! The delivery list (배송조회).

use std::borrow::Borrow;

use askama::Template;
use axum::extract::State;
use axum::http::Uri;
use chrono::NaiveDate;

use super::view::DeliveryView;
use crate::deliveries::filter::{
    DeliveryFilter, DeliveryQuery, DeliverySearchField, NONE, PreferredDate, RegionFilter, Sort,
};
use crate::deliveries::list::{self, DeliveryRow, load_rows};
use crate::districts::{DistrictCache, Districts, Region};
use crate::id::{AuditEntryId, OrderId};
use crate::masking;
use crate::members::model::Role;
use crate::members::model::rights::Surface;
use crate::orders::bulk_action;
use crate::orders::bundle::DeliveryState;
use crate::orders::export::ExportKind;
use crate::orders::filter::OrderQuery;
use crate::orders::list::Total;
use crate::orders::model::{OrderState, ShippingMethod};
use crate::orders::store::bulk_actions;
use crate::storage::{Result as StorageResult, Storage, StorageError, Tx};
use crate::web::paging::{PageBar, PageQuery};
use crate::web::{
    FlashQuery, Layout, Member, PageResult, PersonalData, Query, personal_page, redirect, redirect_with_flash,
};

/// A 시/도 with its 시/군/구, for the filter form.
pub(super) struct SidoChoice {
    code: i64,
    name: String,
    /// 시/군/구 and 일반구: value of the parameter `sigungu`, and name
    sigungus: Vec<(String, String)>,
}

#[derive(Template)]
#[template(path = "deliveries/list.html")]
pub(super) struct ListPage {
    pub(super) layout: Layout,
    query: DeliveryQuery,
    filter: DeliveryFilter,
    pages: PageBar,
    rows: Vec<DeliveryView>,
    is_search_truncated: bool,
    sidos: Vec<SidoChoice>,
    sido: Option<i64>,
    today: NaiveDate,
    /// the action that redirected here
    after: Option<AfterAction>,
}

/// What the answer to a bulk action offers.
struct AfterAction {
    /// identifier in URLs
    id: String,
    /// number of deliveries with changed orders
    deliveries: i64,
    is_undoable: bool,
}

impl AfterAction {
    /// The offers of the action with this audit entry; none if it was no bulk action.
    fn of(tx: &mut dyn Tx, audit_entry_id: Option<AuditEntryId>) -> StorageResult<Option<Self>> {
        let Some(id) = audit_entry_id else { return Ok(None) };
        if bulk_actions::by_id(tx, id)?.is_none() {
            return Ok(None);
        }
        let is_undoable = bulk_action::undoable(tx, id)?.is_some();
        Ok(Some(Self { id: id.to_string(), deliveries: bulk_actions::delivery_count(tx, id)?, is_undoable }))
    }
}

impl ListPage {
    /// Whether the data of any delivery is masked.
    fn has_masked(&self) -> bool {
        self.rows.iter().any(|view| view.row.is_masked)
    }

    fn here(&self) -> String {
        self.query.to_query_string(&self.query.sort)
    }

    fn is_filtered(&self) -> bool {
        DeliveryFilter { sort: Sort::default(), ..self.filter.clone() } != DeliveryFilter::default()
    }

    /// The filters besides the search, shown while they are closed: `경기 수원시`, `대기`, `직접전달`.
    fn filter_names(&self) -> Vec<String> {
        let DeliveryFilter { states, methods, region, preferred_date, .. } = &self.filter;
        let day = |day: &Option<NaiveDate>| day.map(|day| day.format("%m-%d").to_string()).unwrap_or_default();
        let date = match preferred_date {
            PreferredDate::Any => None,
            PreferredDate::Dated => Some("희망배송일 있음".to_owned()),
            PreferredDate::Undated => Some("희망배송일 없음".to_owned()),
            PreferredDate::Between(from, to) if from == to => Some(day(from)),
            PreferredDate::Between(from, to) => Some(format!("{} ~ {}", day(from), day(to))),
        };
        let region = match region {
            RegionFilter::Any => None,
            RegionFilter::Unclassified => Some("미분류".to_owned()),
            _ => self.region_name(),
        };
        let joined = |labels: Vec<&str>| (!labels.is_empty()).then(|| labels.join(", "));
        let states = joined(states.iter().map(|state| state.label()).collect());
        let methods = joined(methods.iter().map(|method| method.label()).collect());
        [region, date, states, methods].into_iter().flatten().collect()
    }

    /// The chosen region: `경기`, or `경기 수원시`.
    fn region_name(&self) -> Option<String> {
        let sido = self.sidos.iter().find(|region| Some(region.code) == self.sido)?;
        let value = self.filter.region.sigungu_value();
        let sigungu = sido.sigungus.iter().find(|(code, _)| *code == value).map(|(_, name)| name.trim());
        Some([sido.name.as_str(), sigungu.unwrap_or_default()].join(" ").trim_end().to_owned())
    }

    fn is_state_selected(&self, state: impl Borrow<DeliveryState>) -> bool {
        self.filter.states.contains(state.borrow())
    }

    fn is_method_selected(&self, method: impl Borrow<ShippingMethod>) -> bool {
        self.filter.methods.contains(method.borrow())
    }

    fn is_sigungu_selected(&self, value: &str) -> bool {
        self.filter.region.sigungu_value() == value
    }

    fn is_unclassified(&self) -> bool {
        self.filter.region == RegionFilter::Unclassified
    }

    /// The query string of a click on a column header, which cycles ascending, descending, none.
    fn next_sort(&self, ascending: &'static str, descending: &'static str) -> String {
        let next = match self.query.sort.as_str() {
            sort if sort == ascending => descending,
            sort if sort == descending => "",
            _ => ascending,
        };
        self.query.to_query_string(next)
    }

    /// The value of `aria-sort`, or an empty text.
    fn aria_sort(&self, ascending: &str, descending: &str) -> &'static str {
        match self.query.sort.as_str() {
            sort if sort == ascending => "ascending",
            sort if sort == descending => "descending",
            _ => "",
        }
    }

    /// Files for the couriers where parcels are listed, and only they: label, and URL of the download page.
    fn courier_files(&self) -> Vec<(String, String)> {
        let is_of_parcels = self.filter.methods == [ShippingMethod::Parcel] && !self.rows.is_empty();
        if !is_of_parcels || !self.layout.downloads_orders() {
            return Vec::new();
        }
        let orders = OrderQuery { state: OrderState::Dispatched.code().to_owned(), ..OrderQuery::default() };
        let url =
            |kind: ExportKind| format!("/orders/download?{}&content={}", orders.to_query_string(&[]), kind.code());
        ExportKind::courier_orders().map(|kind| (kind.label(), url(kind))).collect()
    }

    /// Whether the page lists what is due today.
    fn is_today(&self) -> bool {
        self.here() == self.tabs()[2].1
    }

    /// What an empty list says: which tab has nothing.
    fn nothing_found(&self) -> String {
        match self.tabs().into_iter().find(|(_, query)| *query == self.here()) {
            Some(("오늘", _)) => "오늘 배송할 것이 없어요.".to_owned(),
            Some((name, _)) => format!("‘{name}’에 해당하는 배송이 없어요."),
            None => "조건에 맞는 배송이 없어요.".to_owned(),
        }
    }

    /// The tabs: name, and query string.
    fn tabs(&self) -> [(&'static str, String); 6] {
        let open = || vec![DeliveryState::Preparing.code().to_owned(), DeliveryState::ReadyToShip.code().to_owned()];
        let direct = || vec![ShippingMethod::Direct.code().to_owned()];
        let default = DeliveryQuery::default;
        [
            ("전체", default()),
            ("나갈 배송", DeliveryQuery::ready_direct()),
            ("오늘", DeliveryQuery::due_on(self.today)),
            ("희망배송일 없음", DeliveryQuery { state: open(), method: direct(), date: NONE.to_owned(), ..default() }),
            ("보낼 택배", DeliveryQuery::parcels()),
            ("미분류", DeliveryQuery { state: open(), sigungu: NONE.to_owned(), ..default() }),
        ]
        .map(|(name, query)| (name, query.to_query_string(&query.sort)))
    }
}

impl PersonalData for ListPage {
    fn orders(&self) -> Vec<OrderId> {
        self.rows.iter().flat_map(|view| view.row.order_ids()).collect()
    }
}

/// The first page of the delivery team: what is due today, or what goes out next, or every delivery when nothing does.
pub(super) async fn today(State(storage): State<Storage>, Query(flash): Query<FlashQuery>) -> PageResult {
    let today = storage.clock().now().date();
    let query = storage
        .read(move |tx| {
            let mut has_any = |filter: &DeliveryFilter| -> Result<bool, StorageError> {
                Ok(list::page(tx, filter, 0, 0)?.total.number() > 0)
            };
            Ok::<_, StorageError>(if has_any(&DeliveryFilter::due_on(today))? {
                DeliveryQuery::due_on(today)
            } else if has_any(&DeliveryFilter::ready_direct())? {
                DeliveryQuery::ready_direct()
            } else {
                DeliveryQuery::default()
            })
        })
        .await?;
    let url = ["/deliveries", &query.to_query_string(&query.sort)].join("?");
    let url = url.trim_end_matches('?');
    Ok(flash.id().map_or_else(|| redirect(url), |flash| redirect_with_flash(url, flash)))
}

pub(super) async fn list(
    State(storage): State<Storage>,
    State(districts): State<DistrictCache>,
    layout: Layout,
    member: Member,
    Query(query): Query<DeliveryQuery>,
    Query(paging): Query<PageQuery>,
    uri: Uri,
) -> PageResult {
    Ok(personal_page(list_page(&storage, &districts, layout, &member, query, paging, &uri).await?))
}

/// The default sort order of a role: the delivery team sees 직접전달 first.
pub(super) fn default_sort(member: &Member) -> Sort {
    match member.role {
        Role::Admin | Role::Orders | Role::Support | Role::Viewer => Sort::Newest,
        Role::Logistics | Role::Driver => Sort::DirectFirst,
    }
}

pub(super) async fn list_page(
    storage: &Storage,
    districts: &DistrictCache,
    layout: Layout,
    member: &Member,
    query: DeliveryQuery,
    paging: PageQuery,
    uri: &Uri,
) -> PageResult<ListPage> {
    let districts = districts.refresh(storage).await?;
    let filter = query.filter(default_sort(member), &districts);
    let (list_filter, uri) = (filter.clone(), uri.clone());
    let entry = layout.flash.as_ref().and_then(|flash| flash.audit_entry_id);
    let viewer = member.clone();
    let (found, pages, rows, after) = storage
        .read(move |tx| {
            let size = i64::from(paging.size());
            let offset = i64::try_from(paging.page() - 1).unwrap_or(i64::MAX).saturating_mul(size);
            let mut found = list::page(tx, &list_filter, offset, size)?;
            let mut pages = PageBar::new(&uri, paging, u64::try_from(found.total.number()).unwrap_or_default());
            pages.at_least = matches!(found.total, Total::AtLeast(_));
            if pages.page != paging.page() {
                found = list::page(tx, &list_filter, i64::try_from(pages.offset()).unwrap_or_default(), size)?;
            }
            let masking = masking::store::load(tx, &viewer, Surface::DeliveryList)?;
            let rows: Vec<DeliveryRow> =
                load_rows(tx, &found.ids)?.into_iter().map(|row| row.masked(&masking)).collect();
            Ok::<_, StorageError>((found, pages, rows, AfterAction::of(tx, entry)?))
        })
        .await?;
    let districts = &*districts;
    Ok(ListPage {
        layout,
        query,
        sido: filter.region.sido(districts),
        pages,
        rows: rows.into_iter().map(|row| DeliveryView::new(row, districts)).collect(),
        is_search_truncated: found.is_truncated,
        sidos: sidos(districts, filter.region),
        today: storage.clock().now().date(),
        after,
        filter,
    })
}

fn sidos(districts: &Districts, selected: RegionFilter) -> Vec<SidoChoice> {
    let sigungus = |sido| districts.children_of(sido).flat_map(|region| choices(districts, region, selected)).collect();
    let sido =
        |sido: &Region| SidoChoice { code: sido.code, name: sido.short_name.clone(), sigungus: sigungus(sido.code) };
    districts.sidos().map(sido).collect()
}

/// The choices of a 시/군/구: itself, its 일반구 and, only while it is selected, its unknown 일반구.
fn choices(districts: &Districts, region: &Region, selected: RegionFilter) -> Vec<(String, String)> {
    let name = &region.short_name;
    let gus = districts.children_of(region.code).map(|gu| (gu.code.to_string(), gu.short_name.clone()));
    let unknown = RegionFilter::Gu { city: region.code, gu: None };
    let unknown = (selected == unknown).then(|| (unknown.sigungu_value(), format!("{name} 구 모름")));
    [(region.code.to_string(), name.clone())].into_iter().chain(gus).chain(unknown).collect()
}
