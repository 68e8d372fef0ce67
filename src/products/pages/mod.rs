//! The list of products, the page of one with its variants, and adding either by hand.

mod add;
mod list;
mod show;
#[cfg(test)]
mod tests;

use std::collections::BTreeMap;

use crate::orders::model::OrderState;
use crate::storage::parse_crockford;
use crate::web::{Access, Routes};

/// The pages of this room.
pub fn routes() -> Routes {
    Routes::new()
        .get("/products", Access::Admin, list::list)
        .post("/products", Access::Admin, list::save)
        .get("/products/new", Access::Admin, add::show)
        .post("/products/new", Access::Admin, add::add)
        .get("/products/{id}", Access::Admin, show::show)
        .post("/products/{id}", Access::Admin, show::save_labels)
        .post("/products/{id}/variants", Access::Admin, show::add_variant)
}

/// Said at a field whose row somebody else changed.
fn changed_meanwhile(is: &str, typed: &str) -> String {
    format!("그 사이 다른 사람이 바꿨어요. 지금 ‘{is}’, 입력 ‘{typed}’. 확인하고 다시 저장해 주세요.")
}

/// A row of a list's form, as typed.
#[derive(Clone, Debug, Default)]
struct Typed {
    id: i64,
    version: i64,
    name: String,
    priority: String,
    enabled: bool,
    /// what disabling the product means has been shown
    sure: bool,
    label: String,
}

/// Reads `name-ID`, `version-ID` … and the ticked rows.
fn typed(pairs: Vec<(String, String)>) -> (Vec<i64>, BTreeMap<i64, Typed>) {
    let (mut ticked, mut rows) = (Vec::new(), BTreeMap::<i64, Typed>::new());
    for (name, value) in pairs {
        if name == "tick" {
            ticked.extend(parse_crockford(&value));
            continue;
        }
        let Some((field, id)) = name.split_once('-') else { continue };
        let Some(id) = parse_crockford(id) else { continue };
        let row = rows.entry(id).or_insert_with(|| Typed { id, version: -1, ..Typed::default() });
        match field {
            "version" => row.version = value.parse().unwrap_or(-1),
            "name" => row.name = value,
            "priority" => row.priority = value,
            "enabled" => row.enabled = true,
            "sure" => row.sure = true,
            "label" => row.label = value,
            _ => {}
        }
    }
    (ticked, rows)
}

/// The orders of a product in one state, with the list of them.
struct Used {
    state: OrderState,
    orders: i64,
    href: String,
}

fn used(number: &str, usage: Vec<(OrderState, i64)>) -> Vec<Used> {
    let href = |state: OrderState| {
        let query = serde_html_form::to_string([("product", number), ("state", state.code())]);
        format!("/orders?{}", query.unwrap_or_default())
    };
    usage.into_iter().map(|(state, orders)| Used { state, orders, href: href(state) }).collect()
}
