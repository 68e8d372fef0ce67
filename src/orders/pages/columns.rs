//! `/orders/columns`: the columns of the member's order list, and their order.

use askama::Template;
use axum::extract::State;

use crate::audit::MemberActor;
use crate::orders::list_column::{ListColumn, parse_columns};
use crate::orders::store::member_lists;
use crate::storage::Storage;
use crate::web::{Flash, FormPairs, Layout, PageResult, page, redirect_with_flash};

#[derive(Template)]
#[template(path = "orders/columns.html")]
struct ColumnsPage {
    layout: Layout,
    /// every column, the chosen ones first and in their order
    columns: Vec<(ListColumn, bool)>,
}

/// The submitted form: the columns in their order, those that are ticked, and a column that moves.
#[derive(Default)]
struct ColumnsForm {
    order: Vec<ListColumn>,
    ticked: Vec<ListColumn>,
    moves: Option<(ListColumn, isize)>,
    is_reset: bool,
}

impl ColumnsForm {
    fn parse(pairs: &[(String, String)]) -> Self {
        let mut form = Self::default();
        for (name, value) in pairs {
            match name.as_str() {
                "column" => form.order.extend(ListColumn::from_code(value)),
                "show" => form.ticked.extend(ListColumn::from_code(value)),
                "up" => form.moves = ListColumn::from_code(value).map(|column| (column, -1)),
                "down" => form.moves = ListColumn::from_code(value).map(|column| (column, 1)),
                "act" => form.is_reset = value == "reset",
                _ => {}
            }
        }
        form
    }

    /// The columns in their order, after the move.
    fn order(&self) -> Vec<ListColumn> {
        let mut order = self.order.clone();
        let Some((column, by)) = self.moves else { return order };
        if let Some(at) = order.iter().position(|other| *other == column)
            && let Some(to) = at.checked_add_signed(by).filter(|to| *to < order.len())
        {
            order.swap(at, to);
        }
        order
    }

    fn chosen(&self) -> Vec<ListColumn> {
        if self.is_reset {
            return ListColumn::default_columns();
        }
        let ticked: Vec<&str> =
            self.order().iter().filter(|column| self.ticked.contains(column)).map(|column| column.code()).collect();
        parse_columns(&ticked.join(","))
    }
}

pub(super) async fn show(State(storage): State<Storage>, layout: Layout, actor: MemberActor) -> PageResult {
    let chosen = storage.read(move |tx| member_lists::columns(tx, actor.id)).await?;
    let others = ListColumn::ALL.into_iter().filter(|column| !chosen.contains(column));
    let columns = chosen.iter().map(|column| (*column, true)).chain(others.map(|column| (column, false))).collect();
    Ok(page(ColumnsPage { layout, columns }))
}

pub(super) async fn update(
    State(storage): State<Storage>,
    layout: Layout,
    actor: MemberActor,
    FormPairs(pairs): FormPairs,
) -> PageResult {
    let form = ColumnsForm::parse(&pairs);
    if form.moves.is_some() {
        let columns = form.order().into_iter().map(|column| (column, form.ticked.contains(&column))).collect();
        return Ok(page(ColumnsPage { layout, columns }));
    }
    let flash = storage
        .write(move |tx| {
            member_lists::save_columns(tx, actor.id, &form.chosen())?;
            Flash::success("주문 목록의 열을 저장했어요.".to_owned()).save(tx, actor.id)
        })
        .await?;
    Ok(redirect_with_flash("/orders", flash))
}

#[cfg(test)]
mod tests {
    use crate::uploads::pages::tests::{ORDERS_FILE, upload_fixture};
    use crate::web::testing::TestApp;

    #[tokio::test]
    async fn chosen_columns_are_shown_in_their_order() {
        let app = TestApp::as_admin().await;
        app.post_form(&format!("{}/apply", upload_fixture(&app, ORDERS_FILE).await), &[]).await;
        let fields = [("column", "order_number"), ("column", "address"), ("column", "product"), ("show", "product")];
        let shown = [fields.as_slice(), &[("show", "address"), ("down", "address")]].concat();
        let moved = app.post_form("/orders/columns", &shown).await.text;
        assert!(moved.find("value=\"product\"") < moved.find("value=\"address\""), "{moved}");
        let saved = [fields.as_slice(), &[("show", "address")]].concat();
        app.post_form("/orders/columns", &saved).await;
        let list = app.get("/orders").await.ok();
        let at = |cell: &str| list.find(&format!("<td class=\"{cell}\""));
        assert!(at("nowrap") < at("address") && at("address") < at("product") && at("product").is_some());
        assert!(at("person").is_none());
        app.post_form("/orders/columns", &[("act", "reset")]).await;
        assert!(app.get("/orders").await.ok().contains("data-label=\"구매자\""));
    }
}
