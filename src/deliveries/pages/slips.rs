//! 배송 전표: a sheet a delivery, to be printed by the browser.
//!
//! Looking at slips changes nothing. The button that prints them sends a form, which writes down who
//! printed when; the same page comes back, and opens the browser's printing where there is
//! JavaScript.

use askama::Template;
use axum::extract::State;
use axum::http::{HeaderMap, header};
use serde::Deserialize;
use serde_json::json;

use super::ids;
use super::list::first_sort;
use super::view::View;
use crate::audit;
use crate::deliveries::filter::{DeliveryFilter, DeliveryWords};
use crate::deliveries::list::{Carried, carried, find};
use crate::deliveries::log::{self, Action};
use crate::deliveries::slip::{Line, Sheet, clipped, sheets};
use crate::deliveries::store;
use crate::orders::model::Recipient;
use crate::shop::model::Shop;
use crate::shop::store as shop;
use crate::storage::{Result as StorageResult, StorageError, Tx, crockford, parse_crockford};
use crate::web::qr::{self, QrCode};
use crate::web::{AppState, FormPairs, Layout, Member, PageResult, Query, page, redirect, redirect_with_flash};

/// Deliveries whose slips one page has.
const MOST: usize = 100;

/// The page with the slips of these deliveries.
pub(super) fn slips_url(ids: &[i64]) -> String {
    let ids: Vec<String> = ids.iter().map(|id| format!("id={}", crockford(*id))).collect();
    format!("/deliveries/slips?{}", ids.join("&"))
}

/// A delivery on paper.
struct Slip {
    view: View,
    sheets: Vec<Sheet>,
    square: Option<QrCode>,
}

#[derive(Template)]
#[template(path = "deliveries/slips.html")]
pub(super) struct SlipsPage {
    layout: Layout,
    shop: Shop,
    slips: Vec<Slip>,
    /// there are more than one page has
    cut: bool,
    print_now: bool,
    training: bool,
}

impl SlipsPage {
    pub(super) fn is_empty(&self) -> bool {
        self.slips.is_empty()
    }

    fn sheet_count(&self) -> usize {
        self.slips.iter().map(|slip| slip.sheets.len()).sum()
    }
}

impl Slip {
    fn new(view: View, base: &str) -> Self {
        let lines: Vec<Line> =
            view.carried.orders.iter().map(|part| line(&part.listed, view.elsewhere(part))).collect();
        Self {
            sheets: sheets(&lines, &view.messages(), &view.memos()),
            square: qr::svg(&format!("{base}/deliveries/{}", view.id())),
            view,
        }
    }

    /// Name and telephones, as much as their places hold.
    fn name(&self) -> String {
        self.view.recipient().map(|recipient| clipped(&recipient.name, 20.0, 1.0)).unwrap_or_default()
    }

    fn address(&self) -> String {
        let address = self.view.recipient().map(|recipient| format!("{} {}", recipient.address1, recipient.address2));
        clipped(address.unwrap_or_default().trim(), 34.0, 3.0)
    }
}

fn line(listed: &crate::orders::list::Listed, to: Option<&Recipient>) -> Line {
    let labels = &listed.labels;
    let product = if labels.is_empty() {
        listed.product_name.clone()
    } else {
        format!("{} [{}]", listed.product_name, labels.join(", "))
    };
    let to = to.map(|to| {
        let zip_code = if to.zip_code.is_empty() { String::new() } else { format!("({}) ", to.zip_code) };
        let place = format!("{zip_code}{} {}", to.address1, to.address2);
        let words = [&to.name, &to.tel1, &to.tel2, place.trim()];
        words.into_iter().filter(|word| !word.is_empty()).collect::<Vec<&str>>().join(" · ")
    });
    Line { state: listed.order.state, product, quantity: listed.order.quantity, to }
}

#[derive(Default, Deserialize)]
#[serde(default)]
pub(super) struct Wanted {
    id: Vec<String>,
    print: Option<String>,
}

pub(super) async fn show(
    State(state): State<AppState>,
    layout: Layout,
    member: Member,
    headers: HeaderMap,
    Query(wanted): Query<Wanted>,
    Query(words): Query<DeliveryWords>,
) -> PageResult {
    let filter = words.filter(first_sort(&member), &state.uploads.districts.cached());
    let ids: Vec<i64> = wanted.id.iter().filter_map(|id| parse_crockford(id)).take(MOST).collect();
    let searched = wanted.id.is_empty();
    let wanted_slips =
        move |tx: &mut dyn Tx| if searched { found(tx, &filter) } else { Ok((carried(tx, &ids)?, false)) };
    let mut slips = slips_page(&state, layout, &headers, wanted_slips).await?;
    slips.print_now = wanted.print.is_some();
    Ok(page(slips))
}

/// The deliveries of a search, as many as one page has, and whether there are more.
fn found(tx: &mut dyn Tx, filter: &DeliveryFilter) -> StorageResult<(Vec<Carried>, bool)> {
    let most = i64::try_from(MOST).unwrap_or(i64::MAX);
    let found = find(tx, filter, 0, most)?;
    Ok((carried(tx, &found.ids)?, found.total.number() > most))
}

pub(super) async fn slips_page(
    state: &AppState,
    layout: Layout,
    headers: &HeaderMap,
    wanted: impl Fn(&mut dyn Tx) -> StorageResult<(Vec<Carried>, bool)> + Send + 'static,
) -> PageResult<SlipsPage> {
    let (here, districts) = (asked_at(state, headers), state.uploads.districts.cached());
    let read = move |tx: &mut dyn Tx| {
        let ((deliveries, cut), shop) = (wanted(tx)?, shop::find(tx)?);
        let base = if shop.address.is_empty() { &here } else { &shop.address };
        let slip = |carried| Slip::new(View::new(carried, &districts), base);
        Ok::<_, StorageError>((deliveries.into_iter().map(slip).collect(), cut, shop))
    };
    let (slips, cut, shop) = state.storage.read(read).await?;
    Ok(SlipsPage { slips, layout, shop, cut, print_now: false, training: state.demo.is_some() })
}

/// Where this page was asked for: a phone beside the office computer may reach it there too.
fn asked_at(state: &AppState, headers: &HeaderMap) -> String {
    let scheme = if state.config.behind_tls { "https" } else { "http" };
    let host = headers.get(header::HOST).and_then(|host| host.to_str().ok()).unwrap_or("localhost");
    format!("{scheme}://{host}")
}

/// 인쇄: writes down who prints these slips, and shows them again.
pub(super) async fn print(State(state): State<AppState>, member: Member, FormPairs(pairs): FormPairs) -> PageResult {
    let ids = ids(&pairs, "id");
    if ids.is_empty() {
        return Ok(redirect("/deliveries"));
    }
    let address = slips_url(&ids);
    let activity = state.storage.write(move |tx| mark(tx, member.id, &ids)).await?;
    Ok(redirect_with_flash(&format!("{address}&print=now"), activity))
}

fn mark(tx: &mut dyn Tx, member_id: i64, ids: &[i64]) -> StorageResult<i64> {
    let there: Vec<i64> = store::some(tx, ids)?.iter().map(|delivery| delivery.id).collect();
    store::set_printed(tx, &there, member_id)?;
    let message = format!(
        "배송 {}건의 전표를 인쇄한 것으로 표시했어요. 인쇄 창이 열리지 않으면 브라우저의 인쇄(Ctrl+P)를 눌러 주세요.",
        there.len()
    );
    let activity = audit::record(tx, Some(member_id), "deliveries.printed", &json!({ "message": message }))?;
    for id in there {
        log::record(tx, (activity, member_id), id, Action::Printed, &json!({}))?;
    }
    Ok(activity)
}
