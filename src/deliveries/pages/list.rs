//! 배송조회.

use std::borrow::Borrow;

use askama::Template;
use axum::extract::State;
use axum::http::Uri;
use chrono::NaiveDate;

use super::view::View;
use crate::deliveries::complete;
use crate::deliveries::filter::{DeliveryFilter, DeliveryWords, NONE, Place, SearchIn, Sort};
use crate::deliveries::list::{carried, find};
use crate::deliveries::model::DeliveryState;
use crate::districts::{Districts, Region};
use crate::members::model::Role;
use crate::orders::list::Total;
use crate::orders::model::ShippingMethod;
use crate::storage::{StorageError, crockford, parse_crockford};
use crate::web::paging::{PageBar, PageQuery};
use crate::web::{AppState, Layout, Member, PageResult, Query, page};

/// A 시/도 with its 시/군/구, to choose from.
pub(super) struct Sido {
    code: i64,
    name: String,
    /// 시/군/구 and 일반구: what the filter calls them, and their names
    sigungus: Vec<(String, String)>,
}

#[derive(Template)]
#[template(path = "deliveries/list.html")]
pub(super) struct ListPage {
    pub(super) layout: Layout,
    words: DeliveryWords,
    filter: DeliveryFilter,
    pages: PageBar,
    rows: Vec<View>,
    search_was_cut: bool,
    sidos: Vec<Sido>,
    sido: Option<i64>,
    today: NaiveDate,
    /// the activity of this answer, when it can be taken back
    undo: Option<String>,
}

impl ListPage {
    fn here(&self) -> String {
        self.words.query(&self.words.sort)
    }

    fn is_filtered(&self) -> bool {
        DeliveryFilter { sort: Sort::default(), ..self.filter.clone() } != DeliveryFilter::default()
    }

    /// Whether something beside the words is chosen, which then has to be seen.
    fn chooses_more(&self) -> bool {
        let words = DeliveryWords { field: String::new(), q: String::new(), ..self.words.clone() };
        words != DeliveryWords::default()
    }

    fn chosen_state(&self, state: impl Borrow<DeliveryState>) -> bool {
        self.filter.states.contains(state.borrow())
    }

    fn chosen_method(&self, method: impl Borrow<ShippingMethod>) -> bool {
        self.filter.methods.contains(method.borrow())
    }

    fn chosen_sigungu(&self, word: &str) -> bool {
        self.filter.place.sigungu_word() == word
    }

    fn is_unclassified(&self) -> bool {
        self.filter.place == Place::Unclassified
    }

    /// Ascending, descending, none: what a click on the header asks for.
    fn next_sort(&self, ascending: &'static str, descending: &'static str) -> String {
        let next = match self.words.sort.as_str() {
            sort if sort == ascending => descending,
            sort if sort == descending => "",
            _ => ascending,
        };
        self.words.query(next)
    }

    /// For `aria-sort`.
    fn sorted(&self, ascending: &str, descending: &str) -> &'static str {
        match self.words.sort.as_str() {
            sort if sort == ascending => "ascending",
            sort if sort == descending => "descending",
            _ => "",
        }
    }

    /// What the team asks for every day: a name, and the search.
    fn tabs(&self) -> [(&'static str, String); 5] {
        let open = || vec![DeliveryState::Preparing.code().to_owned(), DeliveryState::ReadyToShip.code().to_owned()];
        let direct = || vec![ShippingMethod::Direct.code().to_owned()];
        let by_date = Sort::Preferred { descending: false }.code().to_owned();
        let today = self.today.to_string();
        let words = DeliveryWords::default;
        let ready = vec![DeliveryState::ReadyToShip.code().to_owned()];
        [
            ("모두", words()),
            ("나갈 배송", DeliveryWords { state: ready, method: direct(), sort: by_date.clone(), ..words() }),
            ("오늘", DeliveryWords { state: open(), date_from: today.clone(), date_to: today, ..words() }),
            ("희망일 없음", DeliveryWords { state: open(), method: direct(), date: NONE.to_owned(), ..words() }),
            ("미분류", DeliveryWords { state: open(), sigungu: NONE.to_owned(), ..words() }),
        ]
        .map(|(name, words)| (name, words.query(&words.sort)))
    }
}

pub(super) async fn list(
    State(state): State<AppState>,
    layout: Layout,
    member: Member,
    Query(words): Query<DeliveryWords>,
    Query(paging): Query<PageQuery>,
    uri: Uri,
) -> PageResult {
    Ok(page(list_page(&state, layout, &member, words, paging, &uri).await?))
}

/// The sequence a member sees first: the delivery team its own deliveries.
pub(super) fn first_sort(member: &Member) -> Sort {
    match member.role {
        Role::Admin => Sort::Newest,
        Role::Logistics => Sort::DirectFirst,
    }
}

pub(super) async fn list_page(
    state: &AppState,
    layout: Layout,
    member: &Member,
    words: DeliveryWords,
    paging: PageQuery,
    uri: &Uri,
) -> PageResult<ListPage> {
    let districts = state.uploads.districts.cached();
    let filter = words.filter(first_sort(member), &districts);
    let (asked, uri, answered) = (filter.clone(), uri.clone(), activity(uri));
    let (found, pages, rows, undo) = state
        .storage
        .read(move |tx| {
            let size = i64::from(paging.size());
            let offset = i64::try_from(paging.page() - 1).unwrap_or(i64::MAX).saturating_mul(size);
            let mut found = find(tx, &asked, offset, size)?;
            let mut pages = PageBar::new(&uri, paging, u64::try_from(found.total.number()).unwrap_or_default());
            pages.at_least = matches!(found.total, Total::AtLeast(_));
            if pages.page != paging.page() {
                found = find(tx, &asked, i64::try_from(pages.offset()).unwrap_or_default(), size)?;
            }
            let rows = carried(tx, &found.ids)?;
            let undo = match answered {
                Some(id) if !complete::undoable_of(tx, id)?.is_empty() => Some(crockford(id)),
                _ => None,
            };
            Ok::<_, StorageError>((found, pages, rows, undo))
        })
        .await?;
    let districts = &*districts;
    Ok(ListPage {
        layout,
        words,
        sido: filter.place.sido(districts),
        pages,
        rows: rows.into_iter().map(|carried| View::new(carried, districts)).collect(),
        search_was_cut: found.search_was_cut,
        sidos: sidos(districts, filter.place),
        today: state.now().date(),
        undo,
        filter,
    })
}

/// The activity that led here: `done=…`.
fn activity(uri: &Uri) -> Option<i64> {
    let pairs: Vec<(String, String)> = serde_html_form::from_str(uri.query()?).ok()?;
    pairs.iter().find(|(name, _)| name == "done").and_then(|(_, id)| parse_crockford(id))
}

fn sidos(districts: &Districts, chosen: Place) -> Vec<Sido> {
    let sigungus = |sido| districts.children_of(sido).flat_map(|region| choices(districts, region, chosen)).collect();
    let sido = |sido: &Region| Sido { code: sido.code, name: sido.short_name.clone(), sigungus: sigungus(sido.code) };
    districts.sidos().map(sido).collect()
}

/// A 시/군/구, behind it its 일반구, and what is in none of them where somebody came for that.
fn choices(districts: &Districts, region: &Region, chosen: Place) -> Vec<(String, String)> {
    let name = &region.short_name;
    let gus = districts.children_of(region.code).map(|gu| (gu.code.to_string(), gu.short_name.clone()));
    let rest = Place::Gu { city: region.code, gu: None };
    let rest = (chosen == rest).then(|| (rest.sigungu_word(), format!("{name} 구 모름")));
    [(region.code.to_string(), name.clone())].into_iter().chain(gus).chain(rest).collect()
}
