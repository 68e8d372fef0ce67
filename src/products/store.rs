//! SQL of products and variants.

use std::collections::BTreeMap;

use super::model::{MAX_PRIORITY, Product, Variant};
use crate::id::{ProductId, UploadId, VariantId};
use crate::storage::{Param, Result, Row, Tx, text_limits};
use crate::text::fold_word;
use crate::time::Moment;

const PRODUCT: &str = "id, number, name, priority, enabled, version";
const VARIANT: &str = "id, product_id, option_key, option_value, label, version";

fn product(row: &mut Row) -> Result<Product> {
    Ok(Product {
        id: row.id(0)?,
        number: row.text(1)?,
        name: row.text(2)?,
        priority: row.int(3)?,
        enabled: row.bool(4)?,
        version: row.int(5)?,
    })
}

fn variant(row: &mut Row) -> Result<Variant> {
    Ok(Variant {
        id: row.id(0)?,
        product_id: row.id(1)?,
        key: row.text(2)?,
        value: row.text(3)?,
        label: row.text(4)?,
        version: row.int(5)?,
    })
}

fn products(rows: Vec<Row>) -> Result<Vec<Product>> {
    rows.into_iter().map(|mut row| product(&mut row)).collect()
}

/// Every product, by priority.
pub fn all(tx: &mut dyn Tx) -> Result<Vec<Product>> {
    products(tx.query(&format!("SELECT {PRODUCT} FROM products ORDER BY priority, id"), &[])?)
}

/// Enabled products, by priority.
pub fn enabled(tx: &mut dyn Tx) -> Result<Vec<Product>> {
    products(tx.query(&format!("SELECT {PRODUCT} FROM products WHERE enabled = 1 ORDER BY priority, id"), &[])?)
}

/// One product.
pub fn find(tx: &mut dyn Tx, id: ProductId) -> Result<Option<Product>> {
    tx.query_one(&format!("SELECT {PRODUCT} FROM products WHERE id = ?"), &[id.into()])?
        .map(|mut row| product(&mut row))
        .transpose()
}

/// Products by number.
pub fn by_number<'a>(tx: &mut dyn Tx, numbers: impl IntoIterator<Item = &'a str>) -> Result<BTreeMap<String, Product>> {
    let numbers: Vec<Param<'_>> = numbers.into_iter().map(Param::from).collect();
    let mut found = BTreeMap::new();
    let sql = |numbers: &str| format!("SELECT {PRODUCT} FROM products WHERE number IN ({numbers})");
    tx.for_values(&numbers, &[], sql, &mut |mut row| {
        let product = product(&mut row)?;
        found.insert(product.number.clone(), product);
        Ok(())
    })?;
    Ok(found)
}

/// Seconds from the epoch of generated identifiers: they fit into 31 bits until 2092.
fn seconds_since_epoch(now: Moment) -> i64 {
    (now.0 - crate::id::EPOCH_MS) / 1_000
}

/// Inserts an enabled product at the end of the lists. Product names are unique: if `name` is taken, the
/// number is appended, so that an upload never loses an order to a name.
pub fn insert(tx: &mut dyn Tx, number: &str, name: &str, upload_id: Option<UploadId>) -> Result<Product> {
    let taken = |tx: &mut dyn Tx, name: &str| tx.query_one("SELECT id FROM products WHERE name = ?", &[name.into()]);
    let with_suffix = |name: &str, suffix: &str| {
        let room = text_limits::PRODUCT_NAME - suffix.chars().count();
        format!("{}{suffix}", text_limits::truncate(name, room))
    };
    let mut name = if name.is_empty() { number.to_owned() } else { name.to_owned() };
    if taken(tx, &name)?.is_some() {
        name = with_suffix(&name, &format!(" ({number})"));
    }
    if taken(tx, &name)?.is_some() {
        name = with_suffix(&name, &format!(" {}", tx.new_code()));
    }
    let highest = tx.scalar("SELECT max(priority) FROM products", &[])?;
    let none_yet = tx.query_one("SELECT id FROM products LIMIT 1", &[])?.is_none();
    let now = tx.now();
    // No identifier is used again, also when the newest product was deleted: logs may name it.
    let id = (tx.scalar("SELECT max(id) FROM products", &[])? + 1).max(seconds_since_epoch(now));
    let product = Product {
        id: ProductId::from_raw(id),
        number: number.to_owned(),
        name,
        priority: if none_yet { 0 } else { (highest + 1).min(MAX_PRIORITY) },
        enabled: true,
        version: 0,
    };
    tx.exec(
        "INSERT INTO products (id, number, name, priority, enabled, upload_id, created_at) VALUES (?, ?, ?, ?, 1, ?, ?)",
        &[
            id.into(),
            (&product.number).into(),
            (&product.name).into(),
            product.priority.into(),
            upload_id.into(),
            now.into(),
        ],
    )?;
    Ok(product)
}

/// Whether the product has a variant of that option key and value; see [`variant_spelling`].
pub fn has_variant(tx: &mut dyn Tx, product_id: ProductId, key: &str, value: &str) -> Result<bool> {
    Ok(variant_spelling(tx, product_id, key, value)?.is_some())
}

/// Option key and value as the product's variant has them: a channel may write `ivory` for `Ivory`. None if there is no such
/// variant.
pub fn variant_spelling(
    tx: &mut dyn Tx,
    product_id: ProductId,
    key: &str,
    value: &str,
) -> Result<Option<(String, String)>> {
    let exact = "SELECT id FROM variants WHERE product_id = ? AND option_key = ? AND option_value = ?";
    if tx.query_one(exact, &[product_id.into(), key.into(), value.into()])?.is_some() {
        return Ok(Some((key.to_owned(), value.to_owned())));
    }
    let (key, value) = (fold_word(key), fold_word(value));
    let sql = "SELECT option_key, option_value FROM variants WHERE product_id = ? ORDER BY id";
    for mut row in tx.query(sql, &[product_id.into()])? {
        let known = (row.text(0)?, row.text(1)?);
        if fold_word(&known.0) == key && fold_word(&known.1) == value {
            return Ok(Some(known));
        }
    }
    Ok(None)
}

/// A variant to insert.
#[derive(Clone, Copy, Debug)]
pub struct NewVariant<'a> {
    /// option key: 색상
    pub key: &'a str,
    /// option value, as the channel writes it
    pub value: &'a str,
    /// text for the factory
    pub label: &'a str,
}

impl<'a> NewVariant<'a> {
    /// A variant whose label is its value.
    pub fn unlabelled(key: &'a str, value: &'a str) -> Self {
        Self { key, value, label: value }
    }
}

/// Inserts a variant.
pub fn insert_variant(
    tx: &mut dyn Tx,
    product_id: ProductId,
    variant: &NewVariant<'_>,
    upload_id: Option<UploadId>,
) -> Result<()> {
    let (id, now) = (tx.new_id::<VariantId>(), tx.now());
    tx.exec(
        "INSERT INTO variants (id, product_id, option_key, option_value, label, upload_id, created_at) \
         VALUES (?, ?, ?, ?, ?, ?, ?)",
        &[
            id.into(),
            product_id.into(),
            variant.key.into(),
            variant.value.into(),
            variant.label.into(),
            upload_id.into(),
            now.into(),
        ],
    )
    .map(drop)
}

/// Filter on the variants of a product.
#[derive(Clone, Debug, Default)]
pub struct VariantQuery {
    /// substring of key, value or label; empty matches all
    pub text: String,
    /// only variants without a label of their own
    pub unlabelled: bool,
}

impl VariantQuery {
    fn condition(&self, product_id: ProductId) -> (String, Vec<Param<'static>>) {
        let (mut sql, mut params) = ("product_id = ?".to_owned(), vec![product_id.into()]);
        if self.unlabelled {
            sql.push_str(" AND ");
            sql.push_str(UNLABELLED);
        }
        if !self.text.is_empty() {
            let text = self.text.to_lowercase();
            sql.push_str(
                " AND (instr(lower(option_key), ?) > 0 OR instr(lower(option_value), ?) > 0 OR instr(lower(label), ?) > 0)",
            );
            params.extend([text.clone().into(), text.clone().into(), text.into()]);
        }
        (sql, params)
    }
}

/// Number of a product's variants that match the query.
pub fn count_variants(tx: &mut dyn Tx, product_id: ProductId, query: &VariantQuery) -> Result<u64> {
    let (condition, params) = query.condition(product_id);
    let count = tx.scalar(&format!("SELECT count(*) FROM variants WHERE {condition}"), &params)?;
    Ok(u64::try_from(count).unwrap_or_default())
}

/// A page of the product's variants that match the query, by key and value.
pub fn variants_page(
    tx: &mut dyn Tx,
    product_id: ProductId,
    query: &VariantQuery,
    rows: u32,
    offset: u64,
) -> Result<Vec<Variant>> {
    let (condition, mut params) = query.condition(product_id);
    let sql =
        format!("SELECT {VARIANT} FROM variants WHERE {condition} ORDER BY option_key, option_value LIMIT ? OFFSET ?");
    params.extend([rows.into(), i64::try_from(offset).unwrap_or(i64::MAX).into()]);
    tx.query(&sql, &params)?.into_iter().map(|mut row| variant(&mut row)).collect()
}

/// One variant of a product.
pub fn find_variant(tx: &mut dyn Tx, product_id: ProductId, id: VariantId) -> Result<Option<Variant>> {
    tx.query_one(
        &format!("SELECT {VARIANT} FROM variants WHERE id = ? AND product_id = ?"),
        &[id.into(), product_id.into()],
    )?
    .map(|mut row| variant(&mut row))
    .transpose()
}

/// All variants of a product, by key and value.
pub fn variants(tx: &mut dyn Tx, product_id: ProductId) -> Result<Vec<Variant>> {
    let sql = format!("SELECT {VARIANT} FROM variants WHERE product_id = ? ORDER BY option_key, option_value");
    tx.query(&sql, &[product_id.into()])?.into_iter().map(|mut row| variant(&mut row)).collect()
}

/// Number of variants by product.
pub fn variant_counts(tx: &mut dyn Tx) -> Result<BTreeMap<ProductId, i64>> {
    tx.query("SELECT product_id, count(*) FROM variants GROUP BY product_id", &[])?
        .iter()
        .map(|row| Ok((row.id(0)?, row.int(1)?)))
        .collect()
}

/// Condition for variants without a label: it equals the value, and no member has saved it as it is.
const UNLABELLED: &str = "label = option_value AND version = 0";

/// Number of enabled products with an unlabelled variant.
pub fn count_unlabelled_products(tx: &mut dyn Tx) -> Result<i64> {
    let sql = format!(
        "SELECT count(*) FROM products p WHERE p.enabled = 1 \
         AND p.id IN (SELECT product_id FROM variants WHERE {UNLABELLED})"
    );
    tx.scalar(&sql, &[])
}

/// Number of unlabelled variants by product.
pub fn unlabelled_counts(tx: &mut dyn Tx) -> Result<BTreeMap<ProductId, i64>> {
    tx.query(&format!("SELECT product_id, count(*) FROM variants WHERE {UNLABELLED} GROUP BY product_id"), &[])?
        .iter()
        .map(|row| Ok((row.id(0)?, row.int(1)?)))
        .collect()
}

/// Identifier of the product with this name.
pub fn id_by_name(tx: &mut dyn Tx, name: &str) -> Result<Option<ProductId>> {
    tx.query_one("SELECT id FROM products WHERE name = ?", &[name.into()])?.map(|row| row.id(0)).transpose()
}

/// Updates name, priority and enabled. Returns false if the stored version differs from
/// `product.version` (optimistic locking).
pub fn update(tx: &mut dyn Tx, product: &Product) -> Result<bool> {
    let updated = tx.exec(
        "UPDATE products SET name = ?, priority = ?, enabled = ?, version = version + 1 WHERE id = ? AND version = ?",
        &[
            (&product.name).into(),
            product.priority.into(),
            product.enabled.into(),
            product.id.into(),
            product.version.into(),
        ],
    )?;
    Ok(updated == 1)
}

/// Updates a label. Returns false if the stored version differs from `version` (optimistic locking).
pub fn update_label(tx: &mut dyn Tx, id: VariantId, version: i64, label: &str) -> Result<bool> {
    let sql = "UPDATE variants SET label = ?, version = version + 1 WHERE id = ? AND version = ?";
    Ok(tx.exec(sql, &[label.into(), id.into(), version.into()])? == 1)
}
