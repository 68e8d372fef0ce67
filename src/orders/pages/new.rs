//! 상담주문: a manual order, taken in the shop or by telephone.

use std::sync::Arc;

use askama::Template;
use axum::extract::State;
use axum::http::StatusCode;
use axum::response::Response;
use serde::Deserialize;

use super::FormContext;
use super::fields::{Fields, OptionChoice, add_option_field, option_choices};
use crate::audit::{self, AuditEvent, MemberActor};
use crate::id::{crockford, parse_crockford};
use crate::masking;
use crate::members::model::rights::{Surface, sight};
use crate::orders::edit::{Inputs, inputs_of};
use crate::orders::manual_order::{Catalogue, ItemInput, MAX_ITEMS, ManualOrderForm};
use crate::orders::model::{Order, ShippingMethod};
use crate::orders::store::manual_order::{self, ManualOrderOutcome};
use crate::orders::store::{self, seal};
use crate::plans::model::JobKind;
use crate::products::model::Product;
use crate::products::store as products;
use crate::storage::{Result as StorageResult, StorageError, Tx};
use crate::time::parse_date;
use crate::web::{Flash, FormPairs, Layout, PageResult, Query, Tone, page, page_with_status, redirect_with_flash};

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
    /// whether the browser may restore a draft into this form
    may_restore_draft: bool,
}

#[derive(Clone, Default, Deserialize)]
pub(super) struct NewQuery {
    /// identifier of an order whose customer, recipient and shipping to prefill
    #[serde(default)]
    like: String,
    /// 희망배송일 to prefill
    #[serde(default)]
    date: String,
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
    let (like, date) = (parse_crockford(&query.like), parse_date(&query.date));
    let visit = JobKind::from_code(&query.visit);
    let member = layout.member.clone();
    let form = context
        .storage
        .read(move |tx| {
            let mut form = ManualOrderForm::empty(now);
            form.inputs.set("ticket", crockford(tx.new_id()));
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
            Ok::<_, StorageError>(form)
        })
        .await?;
    let shown = new_page(&context, layout, form).await?;
    Ok(page(NewPage { may_restore_draft: like.is_none() && date.is_none() && visit.is_none(), ..shown }))
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

async fn new_page(context: &FormContext, layout: Layout, mut form: ManualOrderForm) -> PageResult<NewPage> {
    let zip_code = form.inputs.get("recipient_zip_code").to_owned();
    let numbers = product_numbers(&form);
    let (products, catalogue) = context
        .storage
        .read(move |tx| Ok::<_, StorageError>((products::enabled(tx)?, catalogue(tx, &numbers)?)))
        .await?;
    form.sync_options(&catalogue);
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
        may_restore_draft: false,
    })
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
        FormAction::ShowOptions | FormAction::Add | FormAction::Remove(_) => {}
    }
    new_page(&context, layout, form).await.map(page)
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
    let new_orders = match form.manual_orders(&catalogue, now) {
        Ok(new_orders) => Arc::new(new_orders),
        Err(problems) => {
            let mut page = new_page(context, layout, form).await?;
            page.fields.problems = problems;
            page.layout.flash = Some(Flash::new(Tone::Warning, "저장하지 못했어요. 표시된 곳을 확인해 주세요."));
            return Ok(page_with_status(StatusCode::UNPROCESSABLE_ENTITY, page));
        }
    };
    let ticket = parse_crockford(form.inputs.get("ticket"));
    let role = layout.member.as_ref().map(|member| member.role);
    let may_open = role.is_some_and(|role| sight(role, Surface::OrderPage, false).can_be_opened());
    let districts = context.districts.clone();
    let saved = context
        .storage
        .write(move |tx| {
            let bundle_number = crockford(ticket.unwrap_or_else(|| tx.new_id()));
            let districts = districts.current(tx)?;
            let (orders, flash) = match manual_order::create(tx, actor, &new_orders, &bundle_number, &districts)? {
                ManualOrderOutcome::Created(orders) => {
                    let ids: Vec<i64> = orders.iter().map(|order| order.id).collect();
                    let numbers = orders.iter().map(|order| order.order_number.as_str()).collect();
                    let event = AuditEvent::ManualOrdersCreated { orders: numbers, bundle_number };
                    let recorded = audit::record_effect(tx, actor, &ids, event)?;
                    (orders, Flash::from(&recorded))
                }
                ManualOrderOutcome::AlreadyCreated(orders) => {
                    (orders, Flash::warning("이 상담주문은 이미 저장했어요."))
                }
                ManualOrderOutcome::BundleInUse(_) => return Ok(Err(crockford(tx.new_id()))),
            };
            // The member has just entered it, and sees whether it is right.
            if let (true, Some(order)) = (may_open, orders.first()) {
                masking::store::keep_open(tx, actor.id, order.delivery_id)?;
            }
            let flash = flash.save(tx, actor.id)?;
            Ok::<_, StorageError>(Ok((orders.into_iter().next(), flash)))
        })
        .await?;
    let (first, flash) = match saved {
        Ok(saved) => saved,
        Err(fresh_ticket) => {
            form.inputs.set("ticket", fresh_ticket);
            let mut page = new_page(context, layout, form).await?;
            let message = "이 화면에서는 이미 다른 상담주문을 저장했어요. 새 주문이 맞으면 한 번 더 저장해 주세요.";
            page.layout.flash = Some(Flash::new(Tone::Warning, message));
            return Ok(page_with_status(StatusCode::UNPROCESSABLE_ENTITY, page));
        }
    };
    let visit = JobKind::from_code(form.inputs.get("visit"));
    let to = match (first, visit) {
        (None, _) => "/orders".to_owned(),
        (Some(order), Some(kind)) => {
            format!("/plans/jobs/new?delivery={}&kind={}", crockford(order.delivery_id), kind.code())
        }
        (Some(order), None) => format!("/orders/{}?taken=true", crockford(order.id)),
    };
    Ok(redirect_with_flash(&to, flash))
}
