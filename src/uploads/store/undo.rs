//! SQL of taking an upload back: its orders, what was done with them since, and what it brought.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use crate::channels::FileKind;
use crate::id::{DeliveryId, MemberId, OrderId, ProductId, UploadId, VariantId};
use crate::orders::store as orders;
use crate::storage::{Param, Result, Row, Tx};
use crate::uploads::RowOutcome;
use crate::uploads::undo::rules::AppliedUpload;

/// Orders that the report of an upload names as created or updated, or that got a tracking number of it by a decision. A
/// courier's file names them in any channel.
pub fn reported_orders(tx: &mut dyn Tx, upload_id: UploadId) -> Result<Vec<OrderId>> {
    let channel = super::channel_id(tx, upload_id)?;
    let mut numbers = BTreeSet::new();
    let sql = "SELECT order_number FROM upload_rows WHERE upload_id = ? AND (outcome IN (?, ?) \
               OR resolution IN ('replaced', 'parcelled'))";
    let outcomes = [RowOutcome::Created, RowOutcome::Updated].map(RowOutcome::code);
    tx.for_each(sql, &[upload_id.into(), outcomes[0].into(), outcomes[1].into()], &mut |mut row| {
        numbers.insert(row.text(0)?);
        Ok(())
    })?;
    let numbers: Vec<&str> = numbers.iter().map(String::as_str).collect();
    Ok(orders::ids_by_number(tx, channel, &numbers)?.into_values().flatten().collect())
}

/// What was done with orders after an upload outside of their logs: in which file they went, whether a slip was printed
/// or the delivery completed. `orders` are given with their deliveries.
pub fn later_work(
    tx: &mut dyn Tx,
    upload: AppliedUpload,
    orders: &[(OrderId, DeliveryId)],
) -> Result<HashMap<OrderId, String>> {
    let mut work = HashMap::new();
    let ids: Vec<OrderId> = orders.iter().map(|(id, _)| *id).collect();
    let sql = |ids: &str| {
        format!(
            "SELECT o.order_id, o.sent_to, max(d.downloaded_at) FROM download_orders o \
             JOIN downloads d ON d.id = o.download_id WHERE d.downloaded_at >= ? AND o.order_id IN ({ids}) \
             GROUP BY o.order_id, o.sent_to ORDER BY o.order_id, o.sent_to"
        )
    };
    tx.for_ids(&ids, &[upload.applied_at.into()], sql, &mut |mut row| {
        let file = match row.text(1)?.as_str() {
            "factory" => "발주서",
            "courier" => "송장 접수 파일",
            _ => "발송처리 파일",
        };
        work.insert(row.id(0)?, format!("그 뒤에 {file}에 들어갔어요 ({})", row.moment(2)?));
        Ok(())
    })?;
    let mut of_deliveries: HashMap<DeliveryId, String> = HashMap::new();
    let deliveries: Vec<DeliveryId> =
        orders.iter().map(|(_, delivery)| *delivery).collect::<BTreeSet<_>>().into_iter().collect();
    let sql = |ids: &str| {
        format!(
            "SELECT delivery_id, max(logged_at) FROM delivery_events WHERE logged_at >= ? AND delivery_id IN ({ids}) \
             GROUP BY delivery_id"
        )
    };
    tx.for_ids(&deliveries, &[upload.applied_at.into()], sql, &mut |row| {
        let reason = format!("그 뒤에 배송팀이 전표를 인쇄했거나 배송을 처리했어요 ({})", row.moment(1)?);
        of_deliveries.insert(row.id(0)?, reason);
        Ok(())
    })?;
    for (id, delivery) in orders {
        if let Some(reason) = of_deliveries.get(delivery) {
            work.entry(*id).or_insert_with(|| reason.clone());
        }
    }
    Ok(work)
}

/// Those of these deliveries that are in a plan of the trucks, or whose day was promised to the customer.
pub fn planned_deliveries(tx: &mut dyn Tx, deliveries: &[DeliveryId]) -> Result<BTreeSet<DeliveryId>> {
    let mut found = BTreeSet::new();
    for table in ["jobs", "promises"] {
        let sql = |ids: &str| format!("SELECT delivery_id FROM {table} WHERE delivery_id IN ({ids})");
        tx.for_ids(deliveries, &[], sql, &mut |row| {
            found.insert(row.id(0)?);
            Ok(())
        })?;
    }
    Ok(found)
}

/// Those of these orders that a job names, or that a truck has loaded.
pub fn orders_on_the_way(tx: &mut dyn Tx, orders: &[OrderId]) -> Result<BTreeSet<OrderId>> {
    let mut found = BTreeSet::new();
    for table in ["job_orders", "loads"] {
        let sql = |ids: &str| format!("SELECT order_id FROM {table} WHERE order_id IN ({ids})");
        tx.for_ids(orders, &[], sql, &mut |row| {
            found.insert(row.id(0)?);
            Ok(())
        })?;
    }
    Ok(found)
}

/// Orders of each of these deliveries.
pub fn orders_by_delivery(tx: &mut dyn Tx, deliveries: &[DeliveryId]) -> Result<HashMap<DeliveryId, Vec<OrderId>>> {
    let mut found: HashMap<DeliveryId, Vec<OrderId>> = HashMap::new();
    let by_delivery = tx.index_hint("orders_by_delivery");
    let sql = |ids: &str| format!("SELECT delivery_id, id FROM orders {by_delivery} WHERE delivery_id IN ({ids})");
    tx.for_ids(deliveries, &[], sql, &mut |row| {
        found.entry(row.id(0)?).or_default().push(row.id(1)?);
        Ok(())
    })?;
    Ok(found)
}

/// A product that an upload created.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BroughtProduct {
    /// identifier
    pub id: ProductId,
    /// 상품번호
    pub number: String,
    /// name
    pub name: String,
    /// whether members edited it, or its handling
    pub is_edited: bool,
}

/// A variant that an upload created.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BroughtVariant {
    /// identifier
    pub id: VariantId,
    /// its product
    pub product_id: ProductId,
    /// name of the product
    pub product_name: String,
    /// option key
    pub key: String,
    /// option value
    pub value: String,
    /// whether members edited its label, or its handling
    pub is_edited: bool,
}

/// The products that an upload created.
pub fn brought_products(tx: &mut dyn Tx, upload_id: UploadId) -> Result<Vec<BroughtProduct>> {
    let sql = "SELECT p.id, p.number, p.name, p.version, h.product_id FROM products p \
               LEFT JOIN product_handling h ON h.product_id = p.id WHERE p.upload_id = ? ORDER BY p.id";
    let product = |mut row: Row| {
        let is_edited = row.int(3)? > 0 || row.opt_int(4)?.is_some();
        Ok(BroughtProduct { id: row.id(0)?, number: row.text(1)?, name: row.text(2)?, is_edited })
    };
    tx.query(sql, &[upload_id.into()])?.into_iter().map(product).collect()
}

/// The variants that an upload created.
pub fn brought_variants(tx: &mut dyn Tx, upload_id: UploadId) -> Result<Vec<BroughtVariant>> {
    let sql = "SELECT v.id, v.product_id, p.name, v.option_key, v.option_value, v.version, h.variant_id FROM variants v \
               JOIN products p ON p.id = v.product_id LEFT JOIN variant_handling h ON h.variant_id = v.id \
               WHERE v.upload_id = ? ORDER BY v.id";
    let variant = |mut row: Row| {
        Ok(BroughtVariant {
            id: row.id(0)?,
            product_id: row.id(1)?,
            product_name: row.text(2)?,
            key: row.text(3)?,
            value: row.text(4)?,
            is_edited: row.int(5)? > 0 || row.opt_int(6)?.is_some(),
        })
    };
    tx.query(sql, &[upload_id.into()])?.into_iter().map(variant).collect()
}

/// Whether a product has variants other than these.
pub fn has_other_variants(tx: &mut dyn Tx, product_id: ProductId, known: &BTreeSet<VariantId>) -> Result<bool> {
    let rows = tx.query("SELECT id FROM variants WHERE product_id = ?", &[product_id.into()])?;
    let ids: Vec<VariantId> = rows.iter().map(|row| row.id(0)).collect::<Result<_>>()?;
    Ok(ids.iter().any(|id| !known.contains(id)))
}

/// Passes identifier and options of each order of a product to `visit`.
pub fn for_each_options(
    tx: &mut dyn Tx,
    product_id: ProductId,
    visit: &mut dyn FnMut(OrderId, Vec<(String, String)>),
) -> Result<()> {
    let sql = "SELECT id, options FROM orders WHERE product_id = ?";
    tx.for_each(sql, &[product_id.into()], &mut |mut row| {
        visit(row.id(0)?, row.json(1, "orders.options")?);
        Ok(())
    })
}

/// Deletes variants and products.
pub fn delete_goods(tx: &mut dyn Tx, variants: &[VariantId], products: &[ProductId]) -> Result<()> {
    tx.exec_many("DELETE FROM variants WHERE id = ?", &mut variants.iter().map(|id| vec![(*id).into()]))?;
    tx.exec_many("DELETE FROM products WHERE id = ?", &mut products.iter().map(|id| vec![(*id).into()]))
}

/// Marks an applied upload as taken back, and closes its open rejected rows.
pub fn set_undone(tx: &mut dyn Tx, upload_id: UploadId, member_id: Option<MemberId>) -> Result<()> {
    let now = tx.now();
    let by = [member_id.into(), now.into(), upload_id.into()];
    tx.exec(
        "UPDATE upload_rows SET open_order = NULL, resolution = 'marked', resolved_by = ?, resolved_at = ? \
         WHERE upload_id = ? AND open_order IS NOT NULL",
        &by,
    )?;
    tx.exec(
        "UPDATE uploads SET stage = 'undone', undone_by = ?, undone_at = ?, open_rows = 0, claims_until = NULL, \
         version = version + 1 WHERE id = ? AND stage = 'applied'",
        &by,
    )
    .map(drop)
}

/// Opens the rejected rows of earlier uploads again that this upload settled by importing their orders.
pub fn reopen_rows(tx: &mut dyn Tx, kind: FileKind, upload: AppliedUpload) -> Result<()> {
    let sql = "SELECT r.upload_id, r.position, r.order_number FROM uploads u JOIN upload_rows r ON r.upload_id = u.id \
               WHERE u.stage = 'applied' AND u.rejected > 0 AND u.kind = ? AND u.id < ? \
               AND r.resolution = 'uploaded' AND r.resolved_at = ?";
    let found = tx.query(sql, &[kind.code().into(), upload.id.into(), upload.applied_at.into()])?;
    let row = |mut row: Row| Ok((row.id(0)?, row.int(1)?, row.text(2)?));
    let found: Vec<(UploadId, i64, String)> = found.into_iter().map(row).collect::<Result<_>>()?;
    let mut rows = found.iter().map(|(id, position, number)| -> Vec<Param<'_>> {
        vec![(*id).into(), (*position).into(), number.into(), Param::Null, Param::Null, Param::Null]
    });
    let columns = ["open_order", "resolution", "resolved_by", "resolved_at"];
    tx.update_many("upload_rows", &["upload_id", "position"], &columns, &mut rows)?;
    let mut opened: BTreeMap<UploadId, i64> = BTreeMap::new();
    for (id, ..) in &found {
        *opened.entry(*id).or_default() += 1;
    }
    let mut uploads = opened.into_iter().map(|(id, rows)| vec![rows.into(), id.into()]);
    tx.exec_many("UPDATE uploads SET open_rows = open_rows + ? WHERE id = ?", &mut uploads)
}
