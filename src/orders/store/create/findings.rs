//! Comparison of the products and variants that new orders name with the stored ones.

use std::collections::{BTreeMap, BTreeSet, HashSet};

use crate::orders::findings::{DisabledProduct, Findings, FoundProduct, FoundVariant, RenamedProduct};
use crate::orders::model::NewOrder;
use crate::products::store as products;
use crate::storage::{Result, Tx};
use crate::text::fold_word;

/// Compares the products and variants that these orders name with the stored ones.
pub fn findings(tx: &mut dyn Tx, create: &[&NewOrder]) -> Result<Findings> {
    let numbers: BTreeSet<&str> = create.iter().map(|order| order.product_number.as_str()).collect();
    let known = products::by_number(tx, numbers)?;
    let mut findings = Findings::default();
    let mut seen_products = HashSet::new();
    let (mut seen_variants, mut seen_words) = (HashSet::new(), HashSet::new());
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
            // Two spellings of a word are one variant.
            if !seen_variants.insert((number, option))
                || !seen_words.insert((number, fold_word(&option.key), fold_word(&option.value)))
            {
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
