//! Changing orders, and all that has to stay in step with them.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::LazyLock;

use super::{COLUMN_COUNT, COLUMNS, Cause, columns, values};
use crate::deliveries;
use crate::orders::model::{Order, OrderState};
use crate::orders::terms::{Searchable, terms};
use crate::storage::{Param, Result, StorageError, Tx, placeholders};

/// Runs `work`, which inserts and saves orders, and then brings tallies and deliveries up to date.
pub fn changing<T, E: From<StorageError>>(
    tx: &mut dyn Tx,
    cause: Cause,
    work: impl FnOnce(&mut Changes<'_>) -> Result<T, E>,
) -> Result<T, E> {
    let mut changes = Changes {
        tx,
        cause,
        tallies: BTreeMap::new(),
        stale_deliveries: BTreeSet::new(),
        new_terms: Vec::new(),
        log: Vec::new(),
    };
    let answer = work(&mut changes)?;
    changes.finish()?;
    Ok(answer)
}

/// Changes of orders in progress; see [`changing`].
pub struct Changes<'t> {
    /// the transaction, for what else belongs into it
    pub tx: &'t mut dyn Tx,
    cause: Cause,
    tallies: BTreeMap<(OrderState, i64, i64), i64>,
    stale_deliveries: BTreeSet<i64>,
    /// Inserted at the end and sorted: neighbours in the index are written together.
    new_terms: Vec<NewTerm>,
    log: Vec<(i64, String)>,
}

/// A term to be inserted. Hundreds of thousands are sorted at once, mostly by comparing two numbers.
#[derive(PartialEq, Eq, PartialOrd, Ord)]
struct NewTerm {
    /// the first eight bytes of the term
    beginning: u64,
    term: String,
    order_id: i64,
    fields: i64,
}

impl NewTerm {
    fn new(term: String, order_id: i64, fields: i64) -> Self {
        let mut beginning = [0; 8];
        for (byte, of_term) in beginning.iter_mut().zip(term.bytes()) {
            *byte = of_term;
        }
        Self { beginning: u64::from_be_bytes(beginning), term, order_id, fields }
    }
}

static INSERT: LazyLock<String> = LazyLock::new(|| {
    format!("INSERT INTO orders ({}, created_at) VALUES ({})", columns(""), placeholders(COLUMN_COUNT + 1))
});

/// Terms that an order has, more or less.
const TERMS_OF_AN_ORDER: usize = 36;

impl Changes<'_> {
    /// Makes room for so many new orders.
    pub fn expect_new(&mut self, orders: usize) {
        self.new_terms.reserve(orders * TERMS_OF_AN_ORDER);
        self.log.reserve(orders);
    }

    /// Inserts an order into a delivery that was made for it and counts it already.
    pub fn insert_into_new(&mut self, order: &Order, bundle_number: &str) -> Result<()> {
        let now = self.tx.now();
        let params: Vec<Param<'_>> = values(order).into_iter().chain([order.version.into(), now.into()]).collect();
        self.tx.exec(&INSERT, &params)?;
        *self.tallies.entry((order.state, order.channel_id, order.product_id)).or_default() += 1;
        self.save_claim(order.id, false, order.has_open_claim())?;
        let terms = terms(searchable(order, bundle_number)).0;
        self.new_terms.extend(terms.into_iter().map(|(term, fields)| NewTerm::new(term, order.id, fields)));
        self.log(order.id, &[]);
        Ok(())
    }

    /// Inserts an order into a delivery that exists.
    pub fn insert(&mut self, order: &Order, bundle_number: &str) -> Result<()> {
        self.stale_deliveries.insert(order.delivery_id);
        self.insert_into_new(order, bundle_number)
    }

    /// Saves what is different in `after`. Answers false, changing nothing, when somebody else
    /// changed the order since `before` was read.
    pub fn save(&mut self, before: &Order, after: &Order) -> Result<bool> {
        let (was, is) = (values(before), values(after));
        let changed: Vec<usize> = (0..COLUMNS.len()).filter(|&column| was[column] != is[column]).collect();
        if changed.is_empty() {
            return Ok(true);
        }
        let set: Vec<String> = changed.iter().map(|&column| format!("{} = ?, ", COLUMNS[column])).collect();
        let sql = format!("UPDATE orders SET {}version = version + 1 WHERE id = ? AND version = ?", set.concat());
        let mut params: Vec<Param<'_>> = changed.iter().map(|&column| is[column].clone()).collect();
        params.extend([before.id.into(), before.version.into()]);
        if self.tx.exec(&sql, &params)? == 0 {
            return Ok(false);
        }
        if before.delivery_id != after.delivery_id {
            let now = self.tx.now();
            self.tx.exec("UPDATE orders SET joined_at = ? WHERE id = ?", &[now.into(), before.id.into()])?;
        }
        *self.tallies.entry((before.state, before.channel_id, before.product_id)).or_default() -= 1;
        *self.tallies.entry((after.state, after.channel_id, after.product_id)).or_default() += 1;
        self.stale_deliveries.extend([before.delivery_id, after.delivery_id]);
        self.save_terms(before, after)?;
        self.save_claim(before.id, before.has_open_claim(), after.has_open_claim())?;
        let log: Vec<_> =
            changed.iter().map(|&column| (COLUMNS[column], json(&was[column]), json(&is[column]))).collect();
        self.log(before.id, &log);
        Ok(true)
    }

    fn save_terms(&mut self, before: &Order, after: &Order) -> Result<()> {
        if before.delivery_id == after.delivery_id && searchable(before, "") == searchable(after, "") {
            return Ok(());
        }
        self.insert_new_terms()?;
        let was = bundle_number(self.tx, before.delivery_id)?;
        let is = if before.delivery_id == after.delivery_id {
            was.clone()
        } else {
            bundle_number(self.tx, after.delivery_id)?
        };
        let was = terms(searchable(before, &was)).merged();
        let is = terms(searchable(after, &is)).merged();
        for term in was.keys().filter(|term| !is.contains_key(*term)) {
            self.tx
                .exec("DELETE FROM order_terms WHERE term = ? AND order_id = ?", &[term.into(), before.id.into()])?;
        }
        for (term, fields) in is.iter().filter(|(term, fields)| was.get(*term) != Some(fields)) {
            self.tx.upsert(
                "order_terms",
                &[("term", term.into()), ("order_id", before.id.into())],
                &[("fields", (*fields).into())],
            )?;
        }
        Ok(())
    }

    fn save_claim(&mut self, order_id: i64, was_open: bool, is_open: bool) -> Result<()> {
        let sql = match (was_open, is_open) {
            (false, true) => "INSERT INTO open_claims (order_id) VALUES (?)",
            (true, false) => "DELETE FROM open_claims WHERE order_id = ?",
            _ => return Ok(()),
        };
        self.tx.exec(sql, &[order_id.into()]).map(drop)
    }

    fn log(&mut self, order_id: i64, changes: &[(&str, serde_json::Value, serde_json::Value)]) {
        let changes = serde_json::to_string(changes).unwrap_or_else(|_| "[]".to_owned());
        self.log.push((order_id, changes));
    }

    fn insert_log(&mut self) -> Result<()> {
        let (now, Cause { member_id, upload_id, action }) = (self.tx.now(), self.cause);
        let ids: Vec<i64> = self.log.iter().map(|_| self.tx.new_id()).collect();
        let mut rows = ids.into_iter().zip(self.log.drain(..)).map(|(id, (order_id, changes))| {
            vec![
                id.into(),
                order_id.into(),
                now.into(),
                member_id.into(),
                upload_id.into(),
                action.code().into(),
                changes.into(),
            ]
        });
        self.tx.exec_many(
            "INSERT INTO order_events (id, order_id, at, member_id, upload_id, action, changes) \
             VALUES (?, ?, ?, ?, ?, ?, ?)",
            &mut rows,
        )
    }

    fn insert_new_terms(&mut self) -> Result<()> {
        self.new_terms.sort_unstable();
        self.new_terms.dedup_by(|next, kept| {
            let same = next.term == kept.term && next.order_id == kept.order_id;
            kept.fields |= if same { next.fields } else { 0 };
            same
        });
        let mut rows =
            self.new_terms.drain(..).map(|new| vec![new.term.into(), new.order_id.into(), new.fields.into()]);
        self.tx.exec_many("INSERT INTO order_terms (term, order_id, fields) VALUES (?, ?, ?)", &mut rows)
    }

    fn finish(mut self) -> Result<()> {
        self.insert_new_terms()?;
        self.insert_log()?;
        for ((state, channel_id, product_id), amount) in self.tallies.iter().filter(|(_, amount)| **amount != 0) {
            self.tx.add(
                "order_tallies",
                &[
                    ("state", state.rank().into()),
                    ("channel_id", (*channel_id).into()),
                    ("product_id", (*product_id).into()),
                ],
                "orders",
                *amount,
            )?;
        }
        for delivery in &self.stale_deliveries {
            deliveries::store::refresh(self.tx, *delivery)?;
        }
        Ok(())
    }
}

fn searchable<'a>(order: &'a Order, bundle_number: &'a str) -> Searchable<'a> {
    Searchable {
        order_number: &order.order_number,
        customer: &order.customer,
        recipient: &order.recipient,
        tracking_number: &order.tracking_number,
        bundle_number,
    }
}

fn bundle_number(tx: &mut dyn Tx, delivery_id: i64) -> Result<String> {
    tx.query_one("SELECT bundle_number FROM deliveries WHERE id = ?", &[delivery_id.into()])?
        .ok_or_else(|| StorageError::Inconsistent(format!("orders.delivery_id {delivery_id} names no delivery")))?
        .text(0)
}

fn json(value: &Param<'_>) -> serde_json::Value {
    match value {
        Param::Int(number) => (*number).into(),
        Param::Text(text) => text.as_ref().into(),
        Param::Null | Param::Blob(_) => serde_json::Value::Null,
    }
}
