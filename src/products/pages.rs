//! The pages of products: the list, one product with its variants, and the forms that add either.

mod bulk;
mod list;
mod new;
mod show;
#[cfg(test)]
mod tests;
mod variants;

use std::collections::BTreeMap;

use crate::id::Identifier;
use crate::orders::model::OrderState;
use crate::web::{Access, PageAction, PageKind, Routes};

/// The pages of this room.
pub fn routes() -> Routes {
    Routes::new()
        .get("/products", Access::Page(PageKind::Products, PageAction::View), list::list)
        .post("/products", Access::Page(PageKind::Products, PageAction::Edit), bulk::apply)
        .get("/products/new", Access::Page(PageKind::Products, PageAction::Edit), new::new)
        .post("/products/new", Access::Page(PageKind::Products, PageAction::Edit), new::create)
        .get("/products/{id}", Access::Page(PageKind::Products, PageAction::View), show::show)
        .post("/products/{id}", Access::Page(PageKind::Products, PageAction::Edit), show::update)
        .post("/products/{id}/variants", Access::Page(PageKind::Products, PageAction::Edit), variants::create)
}

/// The message at a field that another member has changed since the page was loaded.
fn conflict_message(current: &str, typed: &str) -> String {
    format!("그 사이 다른 사람이 바꿨어요. 지금 ‘{current}’, 입력 ‘{typed}’. 확인하고 다시 저장해 주세요.")
}

/// One row of a list's form: a product's or a variant's fields as typed.
#[derive(Clone, Debug)]
struct RowForm<I> {
    id: I,
    /// version of the stored row that the page was made from
    version: i64,
    name: String,
    priority: String,
    enabled: bool,
    /// the member has confirmed that the product's orders disappear from the list
    sure: bool,
    label: String,
}

impl<I> RowForm<I> {
    fn new(id: I) -> Self {
        let (name, priority, label) = (String::new(), String::new(), String::new());
        Self { id, version: -1, name, priority, enabled: false, sure: false, label }
    }
}

/// Parses the form of a list: fields are named `name-ID`, `version-ID` …, ticked rows are `tick=ID`.
/// Returns the ticked identifiers and all rows by identifier.
fn parse_rows<I: Identifier>(pairs: Vec<(String, String)>) -> (Vec<I>, BTreeMap<I, RowForm<I>>) {
    let (mut ticked, mut rows) = (Vec::new(), BTreeMap::<I, RowForm<I>>::new());
    for (name, value) in pairs {
        if name == "tick" {
            ticked.extend(I::parse(&value));
            continue;
        }
        let Some((field, id)) = name.split_once('-') else { continue };
        let Some(id) = I::parse(id) else { continue };
        let row = rows.entry(id).or_insert_with(|| RowForm::new(id));
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

/// Number of a product's orders in one state, with a link to the list of them.
struct ProductUsage {
    state: OrderState,
    orders: i64,
    href: String,
}

fn product_usage(number: &str, counts: Vec<(OrderState, i64)>) -> Vec<ProductUsage> {
    let href = |state: OrderState| {
        let query = serde_html_form::to_string([("product", number), ("state", state.code())]);
        format!("/orders?{}", query.unwrap_or_default())
    };
    counts.into_iter().map(|(state, orders)| ProductUsage { state, orders, href: href(state) }).collect()
}
