//! The page of one order: its form, its bundle and its log.

use askama::Template;
use axum::extract::{Path, State};
use axum::response::Response;
use serde::Deserialize;

use super::FormContext;
use super::action_offers::ActionOffers;
use super::fields::{Fields, OptionChoice, option_choices};
use crate::audit::downloads::{self, OrderFile};
use crate::districts::Districts;
use crate::id::{MemberId, OrderId, canonical_code};
use crate::masking;
use crate::members::model::rights::{Sight, Surface, sight};
use crate::orders::bundle::DeliveryState;
use crate::orders::bundle::{messages, was_delivered};
use crate::orders::edit::{NO_CHOICE, OptionInput, inputs_of};
use crate::orders::filter::OrderQuery;
use crate::orders::labels;
use crate::orders::list::{self, OrderRow};
use crate::orders::masked::is_personal;
use crate::orders::model::{Order, OrderState, Recipient, ShippingMethod};
use crate::orders::store::{Action, OrderEvent, bundles, deliveries, log, member_lists};
use crate::plans::model::JobKind;
use crate::plans::store::tasks;
use crate::products::model::Variant;
use crate::products::store as products;
use crate::storage::{Result as StorageResult, Tx};
use crate::time::Moment;
use crate::web::{Error, Layout, PageResult, PersonalData, Query, parse_id, personal_page};

/// Orders of the same bundle that the page shows.
const MAX_COMPANIONS: usize = 100;

#[expect(clippy::struct_excessive_bools, reason = "independent facts")]
#[derive(Template)]
#[template(path = "orders/show.html")]
pub(super) struct ShowPage {
    pub(super) layout: Layout,
    pub(super) listed: OrderRow,
    pub(super) fields: Fields,
    pub(super) choices: Vec<OptionChoice>,
    /// selected scope of a change of address: this order alone or its whole bundle
    pub(super) scope: &'static str,
    variants: Vec<Variant>,
    delivery_state: DeliveryState,
    companions: Vec<Companion>,
    /// number of the previous bundle, if the order may return to it
    origin: Option<String>,
    offers: Vec<MergeOffer>,
    events: Vec<EventView>,
    /// files that the order is in
    files: Vec<OrderFile>,
    pub(super) district: Option<String>,
    has_address_search: bool,
    /// whether the page follows the creation of a manual order
    is_new: bool,
    /// whether names, telephone numbers and addresses are masked
    is_masked: bool,
    /// whether the member may open them with a reason
    can_open: bool,
    /// whether the member sees the memo of the office
    has_admin_memo: bool,
    /// whether an open job takes its goods back
    has_collection: bool,
    /// the courier that the member entered last; empty before the first
    pub(super) last_courier: String,
    /// the undo of what the page's message is about
    after: Option<ActionOffers>,
}

/// Another order of the same bundle.
struct Companion {
    listed: OrderRow,
    /// number of its previous bundle, if it may return to it
    origin: Option<String>,
}

/// Another bundle of the same recipient, with the reason why it cannot be merged.
struct MergeOffer {
    delivery_id: String,
    bundle_number: String,
    orders: Vec<OrderRow>,
    reason: Option<String>,
}

/// A log entry as text.
struct EventView {
    at: Moment,
    username: String,
    upload: Option<String>,
    action: Action,
    changes: Vec<(&'static str, String, String)>,
}

impl ShowPage {
    fn id(&self) -> String {
        self.listed.order.id.to_string()
    }

    /// Whether the page has the form: nothing is hidden, and the member may change orders.
    fn is_editable(&self) -> bool {
        !self.is_masked && self.layout.edits_orders()
    }

    /// Address of this page.
    fn here(&self) -> String {
        format!("/orders/{}", self.id())
    }

    /// Label and text of what the page shows instead of the form.
    fn facts(&self) -> Vec<(&'static str, String)> {
        let (order, recipient) = (&self.listed.order, &self.listed.order.recipient);
        let date = |date: Option<chrono::NaiveDate>| date.map(|date| date.to_string()).unwrap_or_default();
        let tels = [&recipient.tel1, &recipient.tel2].map(String::as_str).join(" ");
        let facts = [
            ("수량", order.quantity.to_string()),
            ("옵션", self.listed.labels.join(", ")),
            ("구매자", format!("{} {}", order.customer.name, order.customer.tel)),
            ("수취인", format!("{} {tels}", recipient.name)),
            ("주소", format!("{} {} {}", recipient.zip_code, recipient.address1, recipient.address2)),
            ("배송방법", order.shipping_method.label().to_owned()),
            ("배송비 형태", order.charge_type.label().to_owned()),
            ("발송기한", date(order.dispatch_deadline)),
            ("희망배송일", date(order.preferred_shipping_date)),
            ("송장", format!("{} {}", order.courier, order.tracking_number)),
            ("고객메시지", order.customer_message.clone()),
            ("발주메모", order.purchase_memo.clone()),
            ("배송메모", order.shipping_memo.clone()),
            ("관리자메모", order.admin_memo.clone()),
        ];
        facts
            .into_iter()
            .map(|(label, text)| (label, text.trim().to_owned()))
            .filter(|(_, text)| !text.is_empty())
            .collect()
    }

    /// Whether a day can be promised for its delivery.
    fn is_promisable(&self) -> bool {
        let order = &self.listed.order;
        order.shipping_method == ShippingMethod::Direct && order.state < OrderState::Shipped
    }

    /// The job that its claim asks for, unless there is one.
    fn claim_job(&self) -> Option<JobKind> {
        let order = &self.listed.order;
        let is_offered =
            self.layout.edits_plans() && order.shipping_method == ShippingMethod::Direct && !self.has_collection;
        JobKind::of_claim(&order.claim).filter(|_| is_offered)
    }

    fn delivery_id(&self) -> String {
        self.listed.order.delivery_id.to_string()
    }

    fn moments(&self) -> Vec<(OrderState, Option<Moment>)> {
        OrderState::ALL.map(|state| (state, self.listed.order.moments.of(state))).into()
    }

    /// The order number in groups: a generated number is read aloud in fours.
    fn number_groups(&self) -> Vec<&str> {
        let number = self.listed.order.order_number.as_str();
        if canonical_code(number).is_none() {
            return vec![number];
        }
        [&number[..4], &number[4..8], &number[8..]].into()
    }

    /// Option key, label, and the channel's value if it differs from the label.
    fn options(&self) -> Vec<(&str, &str, Option<&str>)> {
        let options = self.listed.order.options.iter().zip(&self.listed.labels);
        options
            .map(|(option, label)| {
                let word = (option.value != *label).then_some(option.value.as_str());
                (option.key.as_str(), label.as_str(), word)
            })
            .collect()
    }

    /// The channel's text for the shipping method, if it differs from the label.
    fn method_word(&self) -> Option<&str> {
        let order = &self.listed.order;
        let word = order.shipping_method_raw.as_str();
        (!word.is_empty() && word != order.shipping_method.label()).then_some(word)
    }

    /// The state selected in the form.
    fn state(&self) -> OrderState {
        OrderState::parse(self.fields.value("state")).unwrap_or(self.listed.order.state)
    }

    fn can_leave_bundle(&self) -> bool {
        !self.companions.is_empty() && !was_delivered(&self.listed.order)
    }

    /// Shows these options instead of those of the order.
    pub(super) fn select_options(&mut self, options: &[OptionInput]) {
        self.choices = option_choices("option", &self.variants, options, NO_CHOICE);
    }
}

impl PersonalData for ShowPage {
    fn orders(&self) -> Vec<OrderId> {
        let companions = self.companions.iter().map(|companion| &companion.listed);
        let offers = self.offers.iter().flat_map(|offer| &offer.orders);
        companions.chain(offers).chain([&self.listed]).map(|listed| listed.order.id).collect()
    }
}

#[derive(Default, Deserialize)]
pub(super) struct ShowQuery {
    #[serde(default)]
    taken: bool,
}

pub(super) async fn show(
    State(context): State<FormContext>,
    layout: Layout,
    Path(id): Path<String>,
    Query(query): Query<ShowQuery>,
) -> PageResult<Response> {
    let id = parse_id(&id)?;
    let shown = show_page(&context, layout, id).await?;
    Ok(personal_page(ShowPage { is_new: query.taken, ..shown }))
}

pub(super) async fn show_page(context: &FormContext, layout: Layout, id: OrderId) -> PageResult<ShowPage> {
    let districts = context.districts.refresh(&context.storage).await?;
    let has_address_search = context.has_address_search;
    context
        .storage
        .read(move |tx| load(tx, layout.clone(), id, &districts, has_address_search))
        .await?
        .ok_or(Error::NotFound)
}

fn load(
    tx: &mut dyn Tx,
    layout: Layout,
    id: OrderId,
    districts: &Districts,
    has_address_search: bool,
) -> StorageResult<Option<ShowPage>> {
    let Some(mut listed) = list::load_rows(tx, &[id])?.pop() else { return Ok(None) };
    let entry = layout.flash.as_ref().and_then(|flash| flash.audit_entry_id);
    let member_id = layout.member.as_ref().map_or(MemberId::UNSTORED, |member| member.id);
    let masking = masking::of_member(tx, layout.member.as_ref(), Surface::OrderPage)?;
    let hides = |row: &OrderRow| row.is_sealed || masking.hides(row.order.delivery_id, false);
    let has_admin_memo =
        layout.member.as_ref().is_some_and(|member| sight(member.role, Surface::AdminMemo, false) == Sight::Full);
    let is_masked = hides(&listed);
    let (origin, found) = (origin(tx, &listed)?, (companions(tx, &listed)?, offers(tx, &listed)?));
    let (mut companions, mut offers) = found;
    for companion in &mut companions {
        let is_hidden = hides(&companion.listed);
        companion.listed = companion.listed.clone().masked_if(is_hidden);
    }
    for row in offers.iter_mut().flat_map(|offer| &mut offer.orders) {
        let is_hidden = hides(row);
        *row = row.clone().masked_if(is_hidden);
    }
    listed = listed.masked_if(is_masked);
    if !has_admin_memo {
        listed.order.admin_memo.clear();
    }
    let order = &listed.order;
    let inputs = inputs_of(order, &listed.bundle_number);
    let variants = products::variants(tx, order.product_id)?;
    let options: Vec<OptionInput> = order
        .options
        .iter()
        .map(|option| OptionInput { key: option.key.clone(), value: option.value.clone(), other: String::new() })
        .collect();
    let delivery_state = deliveries::state(tx, order.delivery_id)?;
    let hides_value = |column: &str| is_masked && is_personal(column) || column == "admin_memo" && !has_admin_memo;
    let events = log::history(tx, id)?.into_iter().map(|event| EventView::of(event, districts, hides_value)).collect();
    Ok(Some(ShowPage {
        layout,
        fields: Fields { inputs, ..Fields::default() },
        choices: option_choices("option", &variants, &options, NO_CHOICE),
        scope: "",
        variants,
        delivery_state,
        companions,
        origin,
        offers,
        events,
        is_masked,
        can_open: masking.can_open(),
        has_admin_memo,
        has_collection: !tasks::orders_with_collection(tx, &[id])?.is_empty(),
        files: downloads::files_of_order(tx, id)?,
        district: district_text(order, districts),
        has_address_search,
        is_new: false,
        last_courier: member_lists::last_courier(tx, member_id)?,
        after: ActionOffers::of(tx, entry, &OrderQuery::default())?,
        listed,
    }))
}

/// The name of the order's district, and whether it was found by the written address, or is not that of the address.
fn district_text(order: &Order, districts: &Districts) -> Option<String> {
    let name = districts.display_name_on(order.sigungu_code?, order.delivered_on())?;
    let Recipient { zip_code, address1, .. } = &order.recipient;
    let is_by_address = districts.is_found_by_address(order.sigungu_code, zip_code, address1);
    Some(match districts.mismatch(zip_code, address1) {
        _ if is_by_address => format!("{name} (주소로 찾음)"),
        Some((_, of_address)) if order.state < OrderState::Shipped => format!("{name} (주소와 달라요: {of_address})"),
        _ => name,
    })
}

/// The other orders of the bundle, at most [`MAX_COMPANIONS`].
fn companions(tx: &mut dyn Tx, listed: &OrderRow) -> StorageResult<Vec<Companion>> {
    let ids: Vec<OrderId> =
        bundles::others(tx, &listed.order)?.iter().map(|other| other.id).take(MAX_COMPANIONS).collect();
    list::load_rows(tx, &ids)?
        .into_iter()
        .map(|listed| Ok(Companion { origin: origin(tx, &listed)?, listed }))
        .collect()
}

/// The number of the previous bundle, if the order may return to it.
fn origin(tx: &mut dyn Tx, listed: &OrderRow) -> StorageResult<Option<String>> {
    if was_delivered(&listed.order) {
        return Ok(None);
    }
    match log::origin(tx, &listed.order)? {
        Some(origin) => deliveries::bundle_number(tx, origin.delivery_id).map(Some),
        None => Ok(None),
    }
}

fn offers(tx: &mut dyn Tx, listed: &OrderRow) -> StorageResult<Vec<MergeOffer>> {
    if listed.order.state >= OrderState::Shipped {
        return Ok(Vec::new());
    }
    bundles::merge_candidates(tx, &listed.order)?
        .into_iter()
        .map(|offer| {
            Ok(MergeOffer {
                delivery_id: offer.delivery_id.to_string(),
                bundle_number: deliveries::bundle_number(tx, offer.delivery_id)?,
                orders: list::load_rows(tx, &offer.order_ids)?,
                reason: (!offer.conflicts.is_empty()).then(|| messages(&offer.conflicts)),
            })
        })
        .collect()
}

impl EventView {
    /// `hides` tells of a column whether its values are hidden from the member.
    fn of(event: OrderEvent, districts: &Districts, hides: impl Fn(&str) -> bool) -> Self {
        Self {
            at: event.at,
            username: event.username.unwrap_or_else(|| "프로그램".to_owned()),
            upload: event.upload_id.map(|id| id.to_string()),
            action: event.action,
            changes: event
                .changes
                .into_iter()
                .filter_map(|(column, was, is)| {
                    let label = labels::field_label(&column)?;
                    let shown = |value| {
                        let text = labels::format_value(&column, value, districts);
                        if hides(&column) && !text.is_empty() { "가림".to_owned() } else { text }
                    };
                    Some((label, shown(was), shown(is)))
                })
                .collect(),
        }
    }
}
