//! JSON export for programs: an array of objects. Keys, their order and their meaning are stable: states,
//! methods and charge types are codes, dates `YYYY-MM-DD`, moments ISO 8601 with the Korean offset. A missing
//! date, moment or region is `null`, a missing text is `""`.

use std::fs::File;
use std::io::{BufWriter, Write};

use serde::Serialize;

use super::{ExportError, Orders, each, regions};
use crate::districts::Districts;
use crate::orders::list::OrderRow;
use crate::orders::model::{OrderState, ShippingMethod};
use crate::storage::Tx;
use crate::time::Moment;

#[derive(Serialize)]
struct OptionOf<'a> {
    key: &'a str,
    value: &'a str,
    label: &'a str,
}

/// Order as a JSON object.
#[derive(Serialize)]
pub(crate) struct OrderOf<'a> {
    order_number: &'a str,
    order_state: &'static str,
    sales_channel: &'a str,
    product_number: &'a str,
    product_name: &'a str,
    options: Vec<OptionOf<'a>>,
    quantity: i64,
    #[serde(skip_serializing_if = "is_zero")]
    cancelled_quantity: i64,
    price: i64,
    customer_name: &'a str,
    customer_tel: &'a str,
    customer_message: &'a str,
    recipient_name: &'a str,
    recipient_tel1: &'a str,
    recipient_tel2: &'a str,
    recipient_zip_code: &'a str,
    recipient_address1: &'a str,
    recipient_address2: &'a str,
    sido: Option<&'a str>,
    sigungu: Option<&'a str>,
    shipping_method: &'static str,
    charge_type: &'static str,
    bundle_number: &'a str,
    bundle_count: i64,
    tracking_number: &'a str,
    courier: &'a str,
    dispatch_deadline: Option<String>,
    preferred_shipping_date: Option<String>,
    placed_at: Option<String>,
    purchased_at: Option<String>,
    dispatched_at: Option<String>,
    shipped_at: Option<String>,
    confirmed_at: Option<String>,
    cancelled_at: Option<String>,
    refunded_at: Option<String>,
    purchase_memo: &'a str,
    shipping_memo: &'a str,
    admin_memo: &'a str,
    claim: &'a str,
}

impl<'a> OrderOf<'a> {
    pub(crate) fn new(listed: &'a OrderRow, districts: &'a Districts) -> Self {
        let order = &listed.order;
        let place = regions(districts, order);
        let at = |state| order.moments.of(state).map(Moment::iso);
        let options = order.options.iter().zip(&listed.labels);
        Self {
            order_number: &order.order_number,
            order_state: order.state.code(),
            sales_channel: &listed.channel_code,
            product_number: &listed.product_number,
            product_name: &listed.product_name,
            options: options
                .map(|(option, label)| OptionOf { key: &option.key, value: &option.value, label })
                .collect(),
            quantity: order.quantity,
            cancelled_quantity: order.cancelled_quantity,
            price: order.price,
            customer_name: &order.customer.name,
            customer_tel: &order.customer.tel,
            customer_message: &order.customer_message,
            recipient_name: &order.recipient.name,
            recipient_tel1: &order.recipient.tel1,
            recipient_tel2: &order.recipient.tel2,
            recipient_zip_code: &order.recipient.zip_code,
            recipient_address1: &order.recipient.address1,
            recipient_address2: &order.recipient.address2,
            sido: place.map(|(sido, _)| sido),
            sigungu: place.map(|(_, sigungu)| sigungu),
            shipping_method: order.shipping_method.code(),
            charge_type: order.charge_type.code(),
            bundle_number: &listed.bundle_number,
            bundle_count: listed.bundle_count,
            tracking_number: &order.tracking_number,
            courier: &order.courier,
            dispatch_deadline: order.dispatch_deadline.map(|date| date.to_string()),
            preferred_shipping_date: order.preferred_shipping_date.map(|date| date.to_string()),
            placed_at: at(OrderState::Placed),
            purchased_at: at(OrderState::Purchased),
            dispatched_at: at(OrderState::Dispatched),
            shipped_at: at(OrderState::Shipped),
            confirmed_at: at(OrderState::Confirmed),
            cancelled_at: at(OrderState::Cancelled),
            refunded_at: at(OrderState::Refunded),
            purchase_memo: &order.purchase_memo,
            shipping_memo: &order.shipping_memo,
            admin_memo: &order.admin_memo,
            claim: &order.claim,
        }
    }
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "the signature that serde calls")]
const fn is_zero(number: &i64) -> bool {
    *number == 0
}

/// Dispatched order for the channel.
#[derive(Serialize)]
struct DispatchOf<'a> {
    order_number: &'a str,
    shipping_method: &'static str,
    courier: &'a str,
    tracking_number: &'a str,
}

impl<'a> DispatchOf<'a> {
    fn new(listed: &'a OrderRow) -> Self {
        let order = &listed.order;
        let parcel = order.shipping_method == ShippingMethod::Parcel;
        Self {
            order_number: &order.order_number,
            shipping_method: order.shipping_method.code(),
            courier: if parcel { crate::channels::courier_name(&order.courier) } else { "" },
            tracking_number: if parcel { super::dispatch::first_parcel(&order.tracking_number) } else { "" },
        }
    }
}

pub(super) fn write(tx: &mut dyn Tx, orders: &Orders<'_>, file: File) -> Result<(), ExportError> {
    write_each(tx, orders, file, &mut |out, listed| serde_json::to_writer(out, &OrderOf::new(listed, orders.districts)))
}

pub(super) fn write_dispatch(tx: &mut dyn Tx, orders: &Orders<'_>, file: File) -> Result<(), ExportError> {
    write_each(tx, orders, file, &mut |out, listed| serde_json::to_writer(out, &DispatchOf::new(listed)))
}

type WriteOne<'a> = dyn FnMut(&mut BufWriter<File>, &OrderRow) -> serde_json::Result<()> + 'a;

fn write_each(
    tx: &mut dyn Tx,
    orders: &Orders<'_>,
    file: File,
    write_one: &mut WriteOne<'_>,
) -> Result<(), ExportError> {
    let mut out = BufWriter::new(file);
    let mut before: &[u8] = b"[\n";
    each(tx, orders.ids, &mut |listed| {
        out.write_all(before)?;
        before = b",\n";
        Ok(write_one(&mut out, listed).map_err(std::io::Error::from)?)
    })?;
    out.write_all(if orders.ids.is_empty() { b"[]\n" } else { b"\n]\n" })?;
    Ok(out.flush()?)
}
