//! Products and variants that new orders name: which are missing, renamed or disabled.

use std::collections::{BTreeMap, BTreeSet, HashSet};

use serde::{Deserialize, Serialize};

use crate::orders::model::NewOrder;
use crate::products::store as products;
use crate::storage::{Result, Tx};

/// A product that is created because an order names it.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct FoundProduct {
    /// 판매자 상품코드
    pub product_number: String,
    /// 상품명 in the file
    pub product_name: String,
}

/// A variant that is created because an order names it.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct FoundVariant {
    /// whose option
    pub product_number: String,
    /// 색상
    pub key: String,
    /// 아이보리
    pub value: String,
}

/// A product whose name in the file differs from its stored name.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct RenamedProduct {
    /// 판매자 상품코드
    pub product_number: String,
    /// the stored name, which is kept
    pub product_name: String,
    /// the name in the file
    pub file_name: String,
}

/// A disabled product with the number of its new orders, which the order list hides.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct DisabledProduct {
    /// 판매자 상품코드
    pub product_number: String,
    /// its orders in the file
    pub orders: i64,
}

/// Products and variants that new orders name and that are missing, renamed or disabled.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Findings {
    /// products to create
    pub products_created: Vec<FoundProduct>,
    /// variants to create
    pub variants_created: Vec<FoundVariant>,
    /// products with a different name in the file; reported, not applied
    pub other_names: Vec<RenamedProduct>,
    /// disabled products among them
    #[serde(default)]
    pub disabled: Vec<DisabledProduct>,
    /// the file is a list of tracking numbers and does not name the courier
    #[serde(default)]
    pub courier_missing: bool,
}

/// Compares the products and variants that these orders name with the stored ones.
pub fn findings(tx: &mut dyn Tx, create: &[&NewOrder]) -> Result<Findings> {
    let numbers: BTreeSet<&str> = create.iter().map(|order| order.product_number.as_str()).collect();
    let known = products::by_number(tx, numbers)?;
    let mut findings = Findings::default();
    let mut seen_products = HashSet::new();
    let mut seen_variants = HashSet::new();
    let mut disabled: BTreeMap<&str, i64> = BTreeMap::new();
    for order in create {
        let number = &order.product_number;
        if known.get(number).is_some_and(|product| !product.enabled) {
            *disabled.entry(number).or_default() += 1;
        }
        if seen_products.insert((number, &order.product_name)) {
            match known.get(number) {
                Some(product) if product.name == order.product_name || order.product_name.is_empty() => {}
                Some(product) => findings.other_names.push(RenamedProduct {
                    product_number: number.clone(),
                    product_name: product.name.clone(),
                    file_name: order.product_name.clone(),
                }),
                None if findings.products_created.iter().any(|found| found.product_number == *number) => {}
                None => findings
                    .products_created
                    .push(FoundProduct { product_number: number.clone(), product_name: order.product_name.clone() }),
            }
        }
        for option in &order.options {
            if !seen_variants.insert((number, option)) {
                continue;
            }
            let is_known = match known.get(number) {
                Some(product) => products::has_variant(tx, product.id, &option.key, &option.value)?,
                None => false,
            };
            if !is_known {
                findings.variants_created.push(FoundVariant {
                    product_number: number.clone(),
                    key: option.key.clone(),
                    value: option.value.clone(),
                });
            }
        }
    }
    let disabled = disabled.into_iter();
    findings.disabled =
        disabled.map(|(number, orders)| DisabledProduct { product_number: number.to_owned(), orders }).collect();
    Ok(findings)
}
