//! 송장 접수 파일: parcels for the program of a courier, one row a parcel: orders of a
//! delivery that go to one recipient share it. `assets/courier-orders/*.toml` lists the columns of
//! each courier; a word of [`VALUES`], or a field of the
//! order, names what a column holds.

use std::borrow::Cow;
use std::sync::LazyLock;

use serde::Deserialize;

use super::table::{CellSource, Column, OrderLine};
use crate::orders::fields::Cell;
use crate::orders::fields::OrderField;
use crate::orders::list::OrderRow;
use crate::orders::model::{ChargeType, Order};
use crate::shop::model::Shop;

/// The file of a courier.
pub(super) struct CourierFile {
    code: &'static str,
    name: String,
    pub(super) sheet: String,
    hint: String,
    pub(super) columns: Vec<Column>,
    /// the columns of [`SENDER`] that it has
    sender: Vec<usize>,
}

/// A courier with a reservation file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Courier(usize);

impl Courier {
    /// Every courier.
    pub fn all() -> impl Iterator<Item = Self> {
        (0..FILES.len()).map(Self)
    }

    pub(super) fn file(self) -> &'static CourierFile {
        &FILES[self.0]
    }

    /// Code of its file in URLs and in the record of downloads.
    pub fn code(self) -> &'static str {
        self.file().code
    }

    /// Korean name.
    pub fn name(self) -> &'static str {
        &self.file().name
    }

    /// Labels of what the file says of its sender and the shop has not filled in.
    pub fn missing_sender(self, shop: &Shop) -> Vec<&'static str> {
        let of_file = self.file().sender.iter().map(|at| &SENDER[*at]);
        of_file.filter(|field| (field.value)(shop).is_empty()).map(|field| field.label).collect()
    }

    /// What to do with the file.
    pub fn hint(self) -> &'static str {
        &self.file().hint
    }
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct FileDefinition {
    name: String,
    sheet: String,
    hint: String,
    /// header, width in characters, and what it holds
    columns: Vec<(String, u8, String)>,
}

/// Code and definition of each courier, in the order of the menu.
const DEFINITIONS: [(&str, &str); 5] = [
    ("courier-order.logen", include_str!("../../../assets/courier-orders/logen.toml")),
    ("courier-order.cj", include_str!("../../../assets/courier-orders/cj.toml")),
    ("courier-order.hanjin", include_str!("../../../assets/courier-orders/hanjin.toml")),
    ("courier-order.lotte", include_str!("../../../assets/courier-orders/lotte.toml")),
    ("courier-order.epost", include_str!("../../../assets/courier-orders/epost.toml")),
];

/// Read once; a test reads every definition, so none is left out in a release.
static FILES: LazyLock<Vec<CourierFile>> =
    LazyLock::new(|| DEFINITIONS.iter().filter_map(|(code, toml)| parse(code, toml).ok()).collect());

fn parse(code: &'static str, definition: &str) -> Result<CourierFile, String> {
    let FileDefinition { name, sheet, hint, columns } =
        toml::from_str(definition).map_err(|error| format!("{code}: {error}"))?;
    let has = |value: &str| columns.iter().any(|(_, _, held)| held == value);
    let sender = (0..SENDER.len()).filter(|at| has(SENDER[*at].word)).collect();
    let columns = columns.into_iter().map(|(header, width, value)| {
        let known = VALUES.iter().find(|(word, _)| *word == value).map(|(_, cell)| CellSource::Of(*cell));
        let source = known.or_else(|| OrderField::of(&value).map(CellSource::Field));
        let source = source.ok_or_else(|| format!("{code}: {value} of {header} is unknown"))?;
        Ok(Column { header: Cow::Owned(header), width, source })
    });
    Ok(CourierFile { code, name, sheet, hint, columns: columns.collect::<Result<_, String>>()?, sender })
}

/// What a column holds, besides the fields of [`OrderField`].
type Value = for<'a> fn(&OrderLine<'a>) -> Cell<'a>;

/// What a file says of the shop.
struct SenderField {
    /// its word in the definition of a file
    word: &'static str,
    /// its label in 가게 정보
    label: &'static str,
    value: fn(&Shop) -> &str,
}

const SENDER: [SenderField; 3] = [
    SenderField { word: "sender_name", label: "상호", value: |shop| &shop.name },
    SenderField { word: "sender_tel", label: "가게 전화번호", value: |shop| &shop.tel },
    SenderField { word: "sender_address", label: "가게 주소", value: |shop| &shop.address },
];

const VALUES: &[(&str, Value)] = &[
    ("empty", |_| Cell::text("")),
    ("no", |_| Cell::text("N")),
    ("parcel_count", |_| Cell::Number(1)),
    ("zip_code", |line| Cell::text(&line.order_row.order.recipient.zip_code)),
    ("address1", |line| Cell::text(&line.order_row.order.recipient.address1)),
    ("address2", |line| Cell::text(&line.order_row.order.recipient.address2)),
    ("address", |line| joined([&line.order_row.order.recipient.address1, &line.order_row.order.recipient.address2])),
    ("product_name", |line| each(line, ", ", |row| row.product_name.clone())),
    ("options", |line| each(line, ", ", |row| row.labels.join(" / "))),
    ("total_quantity", |line| Cell::Number(line.orders.iter().map(|row| row.order.quantity).sum())),
    ("product", |line| each(line, ", ", product)),
    ("message", |line| each(line, " ", |row| joined_text([&row.order.shipping_memo, &row.order.customer_message]))),
    ("charge", |line| Cell::text(charge(&line.order_row.order, "선불"))),
    ("charge_on_account", |line| Cell::text(charge(&line.order_row.order, "신용"))),
    ("sender_name", |line| Cell::text(&line.sender.name)),
    ("sender_tel", |line| Cell::text(&line.sender.tel)),
    ("sender_address", |line| Cell::text(&line.sender.address)),
];

/// The texts of the orders of a parcel on one line, each once.
fn each<'a>(line: &OrderLine<'a>, separator: &str, text: impl Fn(&OrderRow) -> String) -> Cell<'a> {
    let mut texts: Vec<String> = Vec::new();
    for text in line.orders.iter().map(text).filter(|text| !text.is_empty()) {
        if !texts.contains(&text) {
            texts.push(text);
        }
    }
    Cell::Text(Cow::Owned(texts.join(separator)))
}

/// Both texts on one line, without the empty one.
fn joined(parts: [&str; 2]) -> Cell<'static> {
    Cell::Text(Cow::Owned(joined_text(parts)))
}

fn joined_text(parts: [&str; 2]) -> String {
    parts.iter().flat_map(|part| part.split_whitespace()).collect::<Vec<_>>().join(" ")
}

/// `린넨 소파 [월넛, 3인] × 2`
fn product(row: &OrderRow) -> String {
    let mut name = row.product_name.clone();
    if !row.labels.is_empty() {
        name = format!("{name} [{}]", row.labels.join(", "));
    }
    if row.order.quantity > 1 {
        name = format!("{name} × {}", row.order.quantity);
    }
    name
}

/// Who pays the courier: the recipient, or the shop in the courier's word for it.
fn charge(order: &Order, by_shop: &'static str) -> &'static str {
    if order.charge_type == ChargeType::Cod { "착불" } else { by_shop }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_definition_is_read() {
        for (code, definition) in DEFINITIONS {
            if let Err(error) = parse(code, definition) {
                panic!("{error}");
            }
        }
        let names: Vec<&str> = Courier::all().map(Courier::name).collect();
        assert_eq!(names, ["로젠택배", "CJ대한통운", "한진택배", "롯데택배", "우체국택배"]);
        assert_eq!(FILES[4].columns.len(), 17);
    }
}
