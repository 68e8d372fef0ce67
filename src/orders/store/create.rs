//! Creates orders with the products and variants that they name: for uploads, manual orders and the training
//! shop.

mod bundles;
mod findings;

use std::collections::{BTreeMap, BTreeSet, HashMap};

pub use self::bundles::{Bundle, Bundles, bundles};
pub use self::findings::findings;
use super::statements::{self, NewStatement};
use super::{ChangeContext, OrderInsert, deliveries, with_changes};
use crate::channels::model::OrderOption;
use crate::channels::store as channels;
use crate::districts::Districts;
use crate::id::{ProductId, UploadId};
use crate::orders::bundle::{BundledOrder, DeliverySummary};
use crate::orders::findings::Findings;
use crate::orders::follow::FollowedField;
use crate::orders::follow::effect::EXCHANGED;
use crate::orders::model::{Order, OrderState};
use crate::products::store::{self as products, NewVariant};
use crate::storage::{Result, Tx};

/// Inserts the orders of `bundles`, after missing products and variants. `adjust` may modify each order before
/// it is inserted.
pub fn create(
    tx: &mut dyn Tx,
    context: ChangeContext,
    channel: (&str, &str),
    bundles: &[Bundle<'_>],
    findings: &Findings,
    districts: &Districts,
    adjust: &dyn Fn(&mut Order),
) -> Result<()> {
    let mut inserts = prepare(tx, context.upload_id, channel, bundles, findings, districts)?;
    for new in &mut inserts {
        adjust(&mut new.order);
    }
    with_changes(tx, context, |changes| changes.insert_all(&inserts, |tx| insert_deliveries(tx, &inserts)))?;
    let said: Vec<NewStatement> = inserts.iter().flat_map(first_statements).collect();
    if context.upload_id.is_some() { statements::insert(tx, context.upload_id, &said) } else { Ok(()) }
}

/// What the channel said of the fields that are empty without a statement.
fn first_statements(new: &OrderInsert<'_>) -> impl Iterator<Item = NewStatement> {
    let order = &new.order;
    let fields = FollowedField::ALL.into_iter().filter(|field| field.begins_empty());
    let said = fields.filter(|field| *field != FollowedField::Claim || order.state < OrderState::Cancelled);
    said.filter(|field| field.of_order(order) != field.last_said(&[], order)).map(|field| NewStatement {
        order_id: order.id,
        field,
        position: 0,
        first: None,
        value: field.of_order(order).into_owned(),
        as_of: new.claim_as_of.filter(|_| field == FollowedField::Claim),
    })
}

/// Inserts missing products and variants, and returns the orders of `bundles` for insertion.
pub fn prepare<'b>(
    tx: &mut dyn Tx,
    upload_id: Option<UploadId>,
    (code, name): (&str, &str),
    bundles: &'b [Bundle<'_>],
    findings: &Findings,
    districts: &Districts,
) -> Result<Vec<OrderInsert<'b>>> {
    let channel_id = channels::find_or_insert(tx, code, name)?;
    let product_ids = insert_products(tx, bundles, findings, upload_id)?;
    let mut spellings = OptionSpellings::default();
    let mut inserts = Vec::with_capacity(bundles.iter().map(|bundle| bundle.orders.len()).sum());
    for bundle in bundles {
        for new in &bundle.orders {
            let product_id = product_ids.get(new.product_number.as_str()).copied().unwrap_or_default();
            let sigungu_code = new.recipient.district(districts);
            let mut order = Order {
                id: tx.new_id(),
                channel_id,
                product_id,
                delivery_id: bundle.delivery_id,
                sigungu_code,
                upload_id,
                ..Order::of_new(new)
            };
            spellings.give_to(tx, &mut order)?;
            if let Some(progress) = new.said.progress {
                order.advance(progress.state, progress.at.unwrap_or_else(|| tx.now()));
                if progress.is_exchange {
                    EXCHANGED.clone_into(&mut order.claim);
                }
            } else if new.said.implies_shipped {
                order.advance(OrderState::Shipped, tx.now());
            }
            inserts.push(OrderInsert {
                order,
                bundle_number: &bundle.number,
                delivery_exists: bundle.exists,
                claim_as_of: new.said.claim_as_of,
            });
        }
    }
    Ok(inserts)
}

/// Options as files write them, and as the variants of each product have them.
#[derive(Default)]
struct OptionSpellings(HashMap<ProductId, HashMap<OrderOption, OrderOption>>);

impl OptionSpellings {
    fn give_to(&mut self, tx: &mut dyn Tx, order: &mut Order) -> Result<()> {
        let known = self.0.entry(order.product_id).or_default();
        for option in &mut order.options {
            if !known.contains_key(&*option) {
                let spelling = products::variant_spelling(tx, order.product_id, &option.key, &option.value)?;
                let spelling = spelling.map_or_else(|| option.clone(), |(key, value)| OrderOption { key, value });
                known.insert(option.clone(), spelling);
            }
            if let Some(spelling) = known.get(&*option).filter(|spelling| **spelling != *option) {
                *option = spelling.clone();
            }
        }
        Ok(())
    }
}

/// Gives the options of a changed order the spelling of the variants, and inserts a variant for each new one.
pub fn adopt_options(tx: &mut dyn Tx, order: &mut Order, upload_id: Option<UploadId>) -> Result<()> {
    for option in &mut order.options {
        if let Some((key, value)) = products::variant_spelling(tx, order.product_id, &option.key, &option.value)? {
            *option = OrderOption { key, value };
        } else {
            let variant = NewVariant::unlabelled(&option.key, &option.value);
            products::insert_variant(tx, order.product_id, &variant, upload_id)?;
        }
    }
    Ok(())
}

/// Inserts the deliveries of new bundles; orders of one bundle must be adjacent.
pub fn insert_deliveries(tx: &mut dyn Tx, orders: &[OrderInsert<'_>]) -> Result<()> {
    let bundles = orders.chunk_by(|one, other| one.order.delivery_id == other.order.delivery_id);
    let new = bundles.filter(|bundle| !bundle[0].delivery_exists).map(|bundle| {
        let parts: Vec<BundledOrder> = bundle.iter().map(|new| part(&new.order)).collect();
        (bundle[0].order.delivery_id, bundle[0].bundle_number, DeliverySummary::of(&parts))
    });
    deliveries::insert_all(tx, new)
}

fn insert_products<'f>(
    tx: &mut dyn Tx,
    bundles: &[Bundle<'f>],
    findings: &Findings,
    upload_id: Option<UploadId>,
) -> Result<BTreeMap<&'f str, ProductId>> {
    for found in &findings.products_created {
        products::insert(tx, &found.product_number, &found.product_name, upload_id)?;
    }
    let numbers: BTreeSet<&str> =
        bundles.iter().flat_map(|bundle| &bundle.orders).map(|order| order.product_number.as_str()).collect();
    let known = products::by_number(tx, numbers.iter().copied())?;
    for found in &findings.variants_created {
        // A known order of the same file may have brought it already.
        if let Some(product) = known.get(&found.product_number)
            && !products::has_variant(tx, product.id, &found.key, &found.value)?
        {
            products::insert_variant(tx, product.id, &NewVariant::unlabelled(&found.key, &found.value), upload_id)?;
        }
    }
    Ok(numbers.into_iter().filter_map(|number| Some((number, known.get(number)?.id))).collect())
}

fn part(order: &Order) -> BundledOrder {
    BundledOrder {
        order_id: order.id,
        state: order.state,
        quantity: order.quantity,
        cancelled_quantity: order.cancelled_quantity,
        placed_at: order.moments.of(OrderState::Placed).unwrap_or(crate::time::Moment(0)),
        shipping_method: order.shipping_method,
        preferred_shipping_date: order.preferred_shipping_date,
        sigungu_code: order.sigungu_code,
    }
}
