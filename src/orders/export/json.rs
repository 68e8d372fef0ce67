//! JSON export for programs: an array of objects. Keys, their order and their meaning are stable: states,
//! methods and charge types are codes, dates `YYYY-MM-DD`, moments ISO 8601 with the Korean offset. A missing
//! date, moment or region is `null`, a missing text is `""`.

use std::fs::File;
use std::io::{BufWriter, Write};

use serde::ser::SerializeMap;
use serde::{Serialize, Serializer};

use super::{ExportError, Orders, each, regions};
use crate::districts::Districts;
use crate::orders::fields::FIELDS;
use crate::orders::list::OrderRow;
use crate::orders::model::ShippingMethod;
use crate::storage::{Param, Tx};

#[derive(Serialize)]
struct OptionOf<'a> {
    key: &'a str,
    value: &'a str,
    label: &'a str,
}

/// Order as a JSON object: the fields of [`FIELDS`], and what it has from its product, channel, district and bundle.
pub(crate) struct OrderOf<'a> {
    listed: &'a OrderRow,
    districts: &'a Districts,
}

impl<'a> OrderOf<'a> {
    pub(crate) const fn new(listed: &'a OrderRow, districts: &'a Districts) -> Self {
        Self { listed, districts }
    }

    /// The keys that follow the field of that column, besides those of [`FIELDS`].
    fn write_joined<M: SerializeMap>(&self, column: &str, map: &mut M) -> Result<(), M::Error> {
        let OrderRow { order, .. } = self.listed;
        match column {
            "state" => {
                map.serialize_entry("sales_channel", &self.listed.channel_code)?;
                map.serialize_entry("product_number", &self.listed.product_number)?;
                map.serialize_entry("product_name", &self.listed.product_name)
            }
            "options" => {
                let options = order.options.iter().zip(&self.listed.labels);
                let options = options.map(|(option, label)| OptionOf { key: &option.key, value: &option.value, label });
                map.serialize_entry("options", &options.collect::<Vec<_>>())
            }
            "recipient_address2" => {
                let place = regions(self.districts, order);
                map.serialize_entry("sido", &place.map(|(sido, _)| sido))?;
                map.serialize_entry("sigungu", &place.map(|(_, sigungu)| sigungu))
            }
            "charge_type" => {
                map.serialize_entry("bundle_number", &self.listed.bundle_number)?;
                map.serialize_entry("bundle_count", &self.listed.bundle_count)
            }
            _ => Ok(()),
        }
    }
}

impl Serialize for OrderOf<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let order = &self.listed.order;
        let mut map = serializer.serialize_map(None)?;
        for field in &FIELDS {
            let is_left_out = field.column == "cancelled_quantity" && order.cancelled_quantity == 0;
            if let Some(key) = field.json.filter(|_| !is_left_out) {
                match field.value(order).plain() {
                    Param::Int(number) => map.serialize_entry(key, &number)?,
                    Param::Text(text) => map.serialize_entry(key, &text)?,
                    Param::Null | Param::Blob(_) => map.serialize_entry(key, &())?,
                }
            }
            self.write_joined(field.column, &mut map)?;
        }
        map.end()
    }
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
    each(tx, orders.ids, orders, &mut |listed| {
        out.write_all(before)?;
        before = b",\n";
        Ok(write_one(&mut out, listed).map_err(std::io::Error::from)?)
    })?;
    out.write_all(if orders.ids.is_empty() { b"[]\n" } else { b"\n]\n" })?;
    Ok(out.flush()?)
}
