//! 상담주문: a manual order, taken in the shop or by telephone.

use std::sync::Arc;

use askama::Template;
use axum::extract::State;
use axum::http::StatusCode;
use axum::response::Response;
use chrono::NaiveDate;
use serde::Deserialize;

use super::FormContext;
use super::fields::{Fields, OptionChoice, add_option_field, option_choices};
use super::update::with_mismatch;
use crate::audit::{self, AuditEvent, MemberActor};
use crate::id::{Id, OrderId, canonical_code};
use crate::masking;
use crate::members::model::rights::{Surface, sight};
use crate::orders::edit::{Inputs, Problem, inputs_of};
use crate::orders::manual_order::{Catalogue, ItemInput, MAX_ITEMS, ManualOrderForm};
use crate::orders::model::{Order, ShippingMethod};
use crate::orders::store::manual_order::{self, ManualOrderOutcome};
use crate::orders::store::{self, seal};
use crate::plans::model::JobKind;
use crate::plans::promise::date_request::{AskedGoods, DateRequest};
use crate::plans::promise::dates::{self, NewPromise, NoDates, PromiseError};
use crate::plans::promise::{DateOffer, MAX_OFFERS, PromiseChannel};
use crate::products::model::Product;
use crate::products::store as products;
use crate::storage::{Result as StorageResult, StorageError, Tx};
use crate::text::{nfkc, parse_zip_code};
use crate::time::{date_with_weekday, parse_date};
use crate::web::{Flash, FormPairs, Layout, PageResult, Query, Tone, page, page_with_status, redirect_with_flash};

/// Most pieces of a product that days are looked for.
const MAX_ASKED_QUANTITY: i64 = 100;

/// A line item of the form.
struct ItemView {
    index: usize,
    input: ItemInput,
    choices: Vec<OptionChoice>,
}

impl ItemView {
    /// The identifier of one of its fields on the page.
    fn id(&self, field: &str) -> String {
        format!("{field}-{}", self.index)
    }
}

#[derive(Template)]
#[template(path = "orders/new.html")]
struct NewPage {
    layout: Layout,
    fields: Fields,
    items: Vec<ItemView>,
    is_recipient_same: bool,
    products: Vec<Product>,
    district: Option<String>,
    has_address_search: bool,
    /// days that can be promised; none before they are asked for
    dates: Option<CounterDates>,
    /// whether the browser may restore a draft into this form
    may_restore_draft: bool,
}

/// The days that can be promised for what the form says so far.
struct CounterDates {
    /// day, whether it is chosen, and why it can be promised
    offers: Vec<(NaiveDate, bool, String)>,
    /// why the chosen day cannot be promised
    refused: Option<String>,
    /// why no day can be judged
    missing: Option<&'static str>,
}

impl NewPage {
    #[expect(clippy::trivially_copy_pass_by_ref, reason = "templates pass references")]
    fn day_label(day: &NaiveDate) -> String {
        date_with_weekday(*day)
    }

    /// Whether the order is saved without a promise unless the member says otherwise.
    fn is_unpromised(&self) -> bool {
        self.fields.value("promise").is_empty()
    }
}

#[derive(Clone, Default, Deserialize)]
pub(super) struct NewQuery {
    /// identifier of an order whose customer, recipient and shipping to prefill
    #[serde(default)]
    like: String,
    /// 희망배송일 to prefill
    #[serde(default)]
    date: String,
    /// day that was offered to the customer: it is promised with the order
    #[serde(default)]
    promise: String,
    /// postal code to prefill
    #[serde(default)]
    zip: String,
    /// identifier of a product to prefill
    #[serde(default)]
    product: String,
    /// its pieces
    #[serde(default)]
    quantity: String,
    /// kind of the visit (일감) that is made for the order once it is saved
    #[serde(default)]
    visit: String,
}

pub(super) async fn new(
    State(context): State<FormContext>,
    layout: Layout,
    Query(query): Query<NewQuery>,
) -> PageResult<Response> {
    let now = context.storage.clock().now();
    let promise = parse_date(&query.promise);
    let (like, date) = (Id::parse(&query.like), parse_date(&query.date).or(promise));
    let asked = (query.zip.clone(), Id::parse(&query.product), query.quantity.clone());
    let visit = JobKind::from_code(&query.visit);
    let member = layout.member.clone();
    let form = context
        .storage
        .read(move |tx| {
            let mut form = ManualOrderForm::empty(now);
            form.inputs.set("ticket", tx.new_code());
            let masking = masking::of_member(tx, member.as_ref(), Surface::OrderPage)?;
            let stored = store::find(tx, like.as_slice())?.pop();
            // A mask is nobody to deliver to.
            let is_sealed = !seal::sealed(tx, like.as_slice())?.is_empty();
            if let Some(order) = stored.filter(|order| !is_sealed && !masking.hides(order.delivery_id, false)) {
                prefill(&mut form, &order);
            }
            if let Some(visit) = visit {
                form.inputs.set("visit", visit.code().to_owned());
            }
            if let Some(date) = date {
                form.inputs.set("preferred_shipping_date", date.to_string());
            }
            let (zip, product, quantity) = &asked;
            if !zip.is_empty() {
                form.inputs.set("recipient_zip_code", zip.clone());
            }
            let product = product.map(|id| products::find(tx, id)).transpose()?.flatten();
            if let (Some(product), Some(item)) = (product, form.items.first_mut()) {
                item.product = product.number;
                item.quantity.clone_from(quantity);
            }
            if let Some(promise) = promise {
                form.inputs.set("promise", promise.to_string());
                form.inputs.set("shipping_method", ShippingMethod::Direct.code());
            }
            Ok::<_, StorageError>(form)
        })
        .await?;
    let is_blank = like.is_none() && date.is_none() && visit.is_none() && query.zip.is_empty();
    let shown = new_page(&context, layout, form, false).await?;
    Ok(page(NewPage { may_restore_draft: is_blank, ..shown }))
}

/// Prefills customer, recipient and shipping from an existing order.
fn prefill(form: &mut ManualOrderForm, order: &Order) {
    let stored = inputs_of(order, "");
    let (customer, recipient) = (&order.customer, &order.recipient);
    form.same = customer.name == recipient.name && customer.tel == recipient.tel1;
    let person = |field: &str| field.starts_with("customer_") || field.starts_with("recipient_");
    for (field, value) in stored.iter().filter(|(field, _)| person(field) || *field == "charge_type") {
        form.inputs.set(field, value);
    }
    if order.shipping_method != ShippingMethod::Other {
        form.inputs.set("shipping_method", order.shipping_method.code());
    }
}

/// The page of a form; with the days that can be promised if they are asked for, or one is chosen.
async fn new_page(
    context: &FormContext,
    layout: Layout,
    mut form: ManualOrderForm,
    asks_dates: bool,
) -> PageResult<NewPage> {
    let zip_code = form.inputs.get("recipient_zip_code").to_owned();
    let numbers = product_numbers(&form);
    let (products, catalogue) = context
        .storage
        .read(move |tx| Ok::<_, StorageError>((products::enabled(tx)?, catalogue(tx, &numbers)?)))
        .await?;
    form.sync_options(&catalogue);
    let has_dates = layout.edits_plans() && (asks_dates || !form.inputs.get("promise").is_empty());
    let dates = if has_dates { Some(counter_dates(context, &form, &catalogue).await?) } else { None };
    let item = |(index, input): (usize, ItemInput)| {
        let variants = catalogue.get(&input.product).map(|(_, variants)| variants.as_slice()).unwrap_or_default();
        ItemView { index, choices: option_choices(&format!("option-{index}"), variants, &input.options, ""), input }
    };
    Ok(NewPage {
        layout,
        items: form.items.into_iter().enumerate().map(item).collect(),
        fields: Fields { inputs: form.inputs, ..Fields::default() },
        is_recipient_same: form.same,
        products,
        district: context.districts.refresh(&context.storage).await?.full_name(&zip_code).map(str::to_owned),
        has_address_search: context.has_address_search,
        dates,
        may_restore_draft: false,
    })
}

/// What the customer of a form asks about.
fn asked_goods(form: &ManualOrderForm, catalogue: &Catalogue) -> Vec<AskedGoods> {
    let goods = form.items.iter().map(|item| AskedGoods {
        product_id: catalogue.get(&item.product).map(|(product, _)| product.id),
        options: item
            .options
            .iter()
            .filter_map(|option| Some((option.key.clone(), option.picked()?.to_owned())))
            .collect(),
        quantity: nfkc(&item.quantity).trim().parse().unwrap_or(1).clamp(1, MAX_ASKED_QUANTITY),
    });
    goods.collect()
}

/// The three days that can be promised for a form, and what is wrong with the chosen one.
async fn counter_dates(
    context: &FormContext,
    form: &ManualOrderForm,
    catalogue: &Catalogue,
) -> PageResult<CounterDates> {
    let missing = |reason| CounterDates { offers: Vec::new(), refused: None, missing: Some(reason) };
    let Some(zip) = parse_zip_code(form.inputs.get("recipient_zip_code")).ok().filter(|zip| !zip.is_empty()) else {
        return Ok(missing("우편번호와 상품을 입력하면 갈 수 있는 날을 찾아요."));
    };
    let (goods, chosen) = (asked_goods(form, catalogue), parse_date(form.inputs.get("promise")));
    let wish = chosen.or_else(|| parse_date(form.inputs.get("preferred_shipping_date")));
    let districts = context.districts.refresh(&context.storage).await?;
    let found = context
        .storage
        .read(move |tx| {
            let today = tx.now().date();
            let request = DateRequest::of_goods(tx, &districts, today, &zip, &goods)?;
            dates::find(tx, &districts, &request, today, wish)
        })
        .await?;
    Ok(match found {
        Err(NoDates::Depot) => missing("차고지의 우편번호가 없어 날짜를 찾을 수 없어요."),
        Err(NoDates::Point) => missing("배송지 우편번호의 위치를 몰라 날짜를 찾을 수 없어요."),
        Ok(dates) => {
            let (wished, refused) = match dates.wished {
                Some((_, Ok(offer))) => (Some(offer), None),
                Some((day, Err(refusal))) => {
                    (None, Some(format!("{}: {}.", date_with_weekday(day), refusal.sentence())))
                }
                None => (None, None),
            };
            let mut offers: Vec<DateOffer> = wished.into_iter().chain(dates.offers).take(MAX_OFFERS).collect();
            offers.sort_by_key(|offer| offer.day);
            let offer = |offer: DateOffer| (offer.day, Some(offer.day) == chosen, offer.reason());
            CounterDates { offers: offers.into_iter().map(offer).collect(), refused, missing: None }
        }
    })
}

/// The promise of a form that a member may make: day, channel, whether in spite of a refusal.
fn chosen_promise(layout: &Layout, form: &ManualOrderForm) -> Option<(NaiveDate, PromiseChannel, bool)> {
    let day = parse_date(form.inputs.get("promise")).filter(|_| layout.edits_plans())?;
    let channel = PromiseChannel::from_code(form.inputs.get("promise_channel")).unwrap_or(PromiseChannel::Counter);
    Some((day, channel, !form.inputs.get("promise_despite").is_empty()))
}

fn product_numbers(form: &ManualOrderForm) -> Vec<String> {
    form.items.iter().map(|item| item.product.clone()).collect()
}

fn catalogue(tx: &mut dyn Tx, numbers: &[String]) -> StorageResult<Catalogue> {
    manual_order::catalogue(tx, numbers.iter().map(String::as_str))
}

/// The button that submitted the form.
enum FormAction {
    /// saves the order
    Save,
    /// adds a line item
    Add,
    /// removes the line item of that index
    Remove(usize),
    /// shows the options of the selected products
    ShowOptions,
    /// shows the days that can be promised
    ShowDates,
}

/// Parses the form. A field `product` starts a line item.
fn parse_form(pairs: Vec<(String, String)>) -> (ManualOrderForm, FormAction) {
    let mut form = ManualOrderForm { items: Vec::new(), inputs: Inputs::default(), same: false };
    let mut act = FormAction::Save;
    for (name, value) in pairs {
        let is_full = form.items.len() >= MAX_ITEMS;
        match (name.as_str(), form.items.last_mut()) {
            ("product", _) if !is_full => {
                form.items.push(ItemInput { product: value, ..ItemInput::default() });
            }
            ("quantity", Some(item)) => item.quantity = value,
            ("price", Some(item)) => item.price = value,
            ("purchase_memo", Some(item)) => item.purchase_memo = value,
            (name, Some(item)) if name.starts_with("option_") => add_option_field(&mut item.options, name, value),
            ("same", _) => form.same = true,
            ("act", _) => act = form_action(&value),
            (name, _) => form.inputs.set(name, value),
        }
    }
    (form, act)
}

fn form_action(word: &str) -> FormAction {
    match word {
        "add" => FormAction::Add,
        "show" => FormAction::ShowOptions,
        "dates" => FormAction::ShowDates,
        _ => word
            .strip_prefix("remove-")
            .and_then(|index| index.parse().ok())
            .map_or(FormAction::Save, FormAction::Remove),
    }
}

pub(super) async fn create(
    State(context): State<FormContext>,
    layout: Layout,
    actor: MemberActor,
    FormPairs(pairs): FormPairs,
) -> PageResult<Response> {
    let (mut form, act) = parse_form(pairs);
    match act {
        FormAction::Save => return save(&context, layout, actor, form).await,
        FormAction::Add if form.items.len() < MAX_ITEMS => form.items.push(ItemInput::empty()),
        FormAction::Remove(index) if index < form.items.len() && form.items.len() > 1 => drop(form.items.remove(index)),
        FormAction::ShowOptions | FormAction::ShowDates | FormAction::Add | FormAction::Remove(_) => {}
    }
    new_page(&context, layout, form, matches!(act, FormAction::ShowDates)).await.map(page)
}

/// Why nothing is saved; the transaction is rolled back.
enum NotSaved {
    Storage(StorageError),
    /// the promise cannot be made: somebody may have taken the room since the day was offered
    Promise(PromiseError),
}

impl From<StorageError> for NotSaved {
    fn from(error: StorageError) -> Self {
        Self::Storage(error)
    }
}

async fn save(
    context: &FormContext,
    layout: Layout,
    actor: MemberActor,
    mut form: ManualOrderForm,
) -> PageResult<Response> {
    let (numbers, now) = (product_numbers(&form), context.storage.clock().now());
    let catalogue = context.storage.read(move |tx| catalogue(tx, &numbers)).await?;
    form.sync_options(&catalogue);
    let promise = chosen_promise(&layout, &form);
    if let Some((day, ..)) = promise {
        form.inputs.set("preferred_shipping_date", day.to_string());
    }
    let is_delivered = form.inputs.get("shipping_method") == ShippingMethod::Direct.code();
    let orders = form.manual_orders(&catalogue, now).and_then(|orders| match promise {
        Some(_) if !is_delivered => Err(vec![Problem::at("promise", "직접전달로 보내는 주문만 배송일을 약속해요.")]),
        _ => Ok(orders),
    });
    let new_orders = match orders {
        Ok(new_orders) => Arc::new(new_orders),
        Err(problems) => {
            let mut page = new_page(context, layout, form, false).await?;
            page.fields.problems = problems;
            page.layout.flash = Some(Flash::new(Tone::Warning, "저장하지 못했어요. 표시된 곳을 확인해 주세요."));
            return Ok(page_with_status(StatusCode::UNPROCESSABLE_ENTITY, page));
        }
    };
    let ticket = canonical_code(form.inputs.get("ticket"));
    let role = layout.member.as_ref().map(|member| member.role);
    let may_open = role.is_some_and(|role| sight(role, Surface::OrderPage, false).can_be_opened());
    let cache = context.districts.clone();
    let saved = context
        .storage
        .write(move |tx| {
            let bundle_number = ticket.clone().unwrap_or_else(|| tx.new_code());
            let districts = cache.current(tx)?;
            let (orders, flash) = match manual_order::create(tx, actor, &new_orders, &bundle_number, &districts)? {
                ManualOrderOutcome::Created(orders) => {
                    let ids: Vec<OrderId> = orders.iter().map(|order| order.id).collect();
                    let numbers = orders.iter().map(|order| order.order_number.as_str()).collect();
                    let event = AuditEvent::ManualOrdersCreated { orders: numbers, bundle_number };
                    let recorded = audit::record_effect(tx, actor, &ids, event)?;
                    // The order and its promise are made together or not at all.
                    if let (Some((day, channel, is_despite)), Some(order)) = (promise, orders.first()) {
                        let promise = NewPromise { delivery_id: order.delivery_id, day, channel, is_despite };
                        dates::make(tx, actor, &cache, &promise)?.map_err(NotSaved::Promise)?;
                    }
                    let recipient = orders.first().map(|order| order.recipient.clone()).unwrap_or_default();
                    (orders, with_mismatch(Flash::from(&recorded), &districts, &recipient))
                }
                ManualOrderOutcome::AlreadyCreated(orders) => {
                    (orders, Flash::warning("이 상담주문은 이미 저장했어요."))
                }
                ManualOrderOutcome::BundleInUse(_) => return Ok(Err(tx.new_code())),
            };
            // The member has just entered it, and sees whether it is right.
            if let (true, Some(order)) = (may_open, orders.first()) {
                masking::store::keep_open(tx, actor.id, order.delivery_id)?;
            }
            let flash = flash.save(tx, actor.id)?;
            Ok::<_, NotSaved>(Ok((orders.into_iter().next(), flash)))
        })
        .await;
    let saved = match saved {
        Ok(saved) => saved,
        Err(NotSaved::Storage(error)) => return Err(error.into()),
        Err(NotSaved::Promise(error)) => {
            let mut page = new_page(context, layout, form, true).await?;
            page.fields.problems = vec![Problem::at("promise", "저장하지 않았어요. 다른 날을 선택해 주세요.")];
            let message = format!("저장하지 않았어요. {}", error.sentence());
            page.layout.flash = Some(Flash::new(Tone::Warning, &message));
            return Ok(page_with_status(StatusCode::UNPROCESSABLE_ENTITY, page));
        }
    };
    let (first, flash) = match saved {
        Ok(saved) => saved,
        Err(fresh_ticket) => {
            form.inputs.set("ticket", fresh_ticket);
            let mut page = new_page(context, layout, form, false).await?;
            let message = "이 화면에서는 이미 다른 상담주문을 저장했어요. 새 주문이 맞으면 한 번 더 저장해 주세요.";
            page.layout.flash = Some(Flash::new(Tone::Warning, message));
            return Ok(page_with_status(StatusCode::UNPROCESSABLE_ENTITY, page));
        }
    };
    let visit = JobKind::from_code(form.inputs.get("visit"));
    let to = match (first, visit) {
        (None, _) => "/orders".to_owned(),
        (Some(order), Some(kind)) => {
            format!("/plans/jobs/new?delivery={}&kind={}", order.delivery_id, kind.code())
        }
        (Some(order), None) => format!("/orders/{}?taken=true", order.id),
    };
    Ok(redirect_with_flash(&to, flash))
}
