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
use crate::districts::Districts;
use crate::members::model::Role;
use crate::orders::list::Total;
use crate::orders::model::ShippingMethod;
use crate::storage::{StorageError, crockford, parse_crockford};
use crate::web::paging::{PageBar, Paging};
use crate::web::{AppState, Layout, Member, PageResult, Query, page};

/// A 시/도 with its 시/군/구, to choose from.
pub(super) struct Sido {
    code: i64,
    name: String,
    sigungus: Vec<(i64, String)>,
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
        let words = DeliveryWords { sort: String::new(), ..self.words.clone() };
        words.filter(Sort::default()) != DeliveryFilter::default()
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

    fn chosen_sigungu(&self, code: impl Borrow<i64>) -> bool {
        self.filter.place == Place::Sigungu(*code.borrow())
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
    Query(paging): Query<Paging>,
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
    paging: Paging,
    uri: &Uri,
) -> PageResult<ListPage> {
    let filter = words.filter(first_sort(member));
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
    let districts = &*state.uploads.districts.latest();
    Ok(ListPage {
        layout,
        words,
        sido: filter.place.sido(districts),
        filter,
        pages,
        rows: rows.into_iter().map(|carried| View::new(carried, districts)).collect(),
        search_was_cut: found.search_was_cut,
        sidos: sidos(districts),
        today: state.now().date(),
        undo,
    })
}

/// The activity that led here: `done=…`.
fn activity(uri: &Uri) -> Option<i64> {
    let pairs: Vec<(String, String)> = serde_html_form::from_str(uri.query()?).ok()?;
    pairs.iter().find(|(name, _)| name == "done").and_then(|(_, id)| parse_crockford(id))
}

fn sidos(districts: &Districts) -> Vec<Sido> {
    let sigungus = |code| districts.sigungus_of(code).map(|region| (region.code, region.short_name.clone())).collect();
    let sido = |sido: &crate::districts::Region| Sido {
        code: sido.code,
        name: sido.short_name.clone(),
        sigungus: sigungus(sido.code),
    };
    districts.sidos().map(sido).collect()
}
