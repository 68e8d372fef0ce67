//! 그래도 진행: the orders of a bulk action that an open claim keeps where they are, for a member to name those that go on.

use askama::Template;
use axum::extract::State;
use axum::http::StatusCode;
use serde::Deserialize;

use super::action_offers::ActionOffers;
use crate::audit::MemberActor;
use crate::id::{Id, OrderId};
use crate::masking;
use crate::members::model::rights::Surface;
use crate::orders::bulk_action;
use crate::orders::filter::OrderQuery;
use crate::orders::list::{OrderRow, load_rows};
use crate::orders::model::OrderState;
use crate::orders::store;
use crate::storage::{Storage, StorageError, Tx};
use crate::web::{
    Error, Flash, FormPairs, Layout, PageResult, PersonalData, Query, Tone, local_path, percent_encode, personal_page,
    personal_page_with_status, redirect, redirect_with_flash,
};

/// Orders that the page shows. An act on more of them is repeated for the rest.
const MAX_HELD_ROWS: usize = 100;

/// An act of the list that moves orders on.
pub(super) struct AdvanceAct {
    pub(super) code: &'static str,
    /// the state that it leads to
    pub(super) state: OrderState,
    /// text of its button
    pub(super) label: &'static str,
    /// text of its button while rows have something typed, which it saves
    pub(super) saving_label: &'static str,
}

/// The acts of the list that move orders on.
pub(super) const ACTS: [AdvanceAct; 3] = [
    AdvanceAct {
        code: "purchase",
        state: OrderState::Purchased,
        label: "발주로 바꾸기",
        saving_label: "저장하고 발주로",
    },
    AdvanceAct {
        code: "dispatch",
        state: OrderState::Dispatched,
        label: "출고로 바꾸기",
        saving_label: "저장하고 출고로",
    },
    AdvanceAct {
        code: "ship",
        state: OrderState::Shipped,
        label: "배송됨으로 바꾸기",
        saving_label: "저장하고 배송됨으로",
    },
];

/// The state to which an act of the list moves orders.
pub(super) fn advance_act(code: &str) -> Option<OrderState> {
    ACTS.iter().find(|act| act.code == code).map(|act| act.state)
}

/// The URL of the page for these orders; `back` is the list to return to.
pub(super) fn held_url(to: OrderState, orders: &[OrderId], back: &str) -> String {
    let act = ACTS.iter().find(|act| act.state == to).map_or("", |act| act.code);
    let ids: Vec<String> = orders.iter().take(MAX_HELD_ROWS).map(|id| format!("id={id}")).collect();
    format!("/orders/held?act={act}&{}&back={}", ids.join("&"), percent_encode(back))
}

#[derive(Template)]
#[template(path = "orders/held.html")]
struct HeldPage {
    layout: Layout,
    act: String,
    to: OrderState,
    rows: Vec<OrderRow>,
    back: String,
    /// what was done with the other orders, and its undo
    after: Option<ActionOffers>,
}

impl HeldPage {
    /// What 그대로 두기 leaves: `2건은 주문 상태 그대로 두기`.
    fn stay(&self) -> String {
        let mut states: Vec<&str> = self.rows.iter().map(|row| row.order.state.label()).collect();
        states.dedup();
        match states.as_slice() {
            [state] => format!("{}건은 {state} 상태로 그대로 두기", self.rows.len()),
            _ => format!("{}건은 그대로 두기", self.rows.len()),
        }
    }
}

impl PersonalData for HeldPage {
    fn orders(&self) -> Vec<OrderId> {
        self.rows.iter().map(|row| row.order.id).collect()
    }
}

#[derive(Default, Deserialize)]
#[serde(default)]
pub(super) struct HeldQuery {
    act: String,
    id: Vec<String>,
    back: String,
}

impl HeldQuery {
    fn parse(pairs: Vec<(String, String)>) -> Self {
        let mut form = Self::default();
        for (name, value) in pairs {
            match name.as_str() {
                "act" => form.act = value,
                "id" => form.id.push(value),
                "back" => form.back = value,
                _ => {}
            }
        }
        form
    }

    fn back(&self) -> String {
        local_path(&self.back).unwrap_or("/orders").to_owned()
    }
}

pub(super) async fn show(State(storage): State<Storage>, layout: Layout, Query(query): Query<HeldQuery>) -> PageResult {
    let shown = held_page(&storage, layout, query).await?;
    if shown.rows.is_empty() { Ok(redirect(&shown.back)) } else { Ok(personal_page(shown)) }
}

/// The page with those of the orders that are still held, masked as in the list of orders.
async fn held_page(storage: &Storage, layout: Layout, query: HeldQuery) -> PageResult<HeldPage> {
    let to = advance_act(&query.act).ok_or(Error::NotFound)?;
    let ids: Vec<OrderId> = query.id.iter().filter_map(|id| Id::parse(id)).take(MAX_HELD_ROWS).collect();
    let entry = layout.flash.as_ref().and_then(|flash| flash.audit_entry_id);
    let member = layout.member.clone();
    let read = move |tx: &mut dyn Tx| {
        let masking = masking::of_member(tx, member.as_ref(), Surface::OrderList)?;
        let held = load_rows(tx, &ids)?.into_iter().filter(|row| row.order.is_held_from(to));
        let masked = held.map(|row| {
            let is_hidden = row.is_sealed || masking.hides(row.order.delivery_id, false);
            row.masked_if(is_hidden)
        });
        Ok::<_, StorageError>((masked.collect(), ActionOffers::of(tx, entry, &OrderQuery::default())?))
    };
    let (rows, after) = storage.read(read).await?;
    Ok(HeldPage { layout, to, rows, back: query.back(), act: query.act, after })
}

/// Moves the ticked orders on despite their claims.
pub(super) async fn advance(
    State(storage): State<Storage>,
    layout: Layout,
    actor: MemberActor,
    FormPairs(pairs): FormPairs,
) -> PageResult {
    let ticked: Vec<OrderId> =
        pairs.iter().filter(|(name, _)| name == "tick").filter_map(|(_, id)| Id::parse(id)).collect();
    let query = HeldQuery::parse(pairs);
    let to = advance_act(&query.act).ok_or(Error::NotFound)?;
    if ticked.is_empty() {
        let mut page = held_page(&storage, layout, query).await?;
        page.layout.flash =
            Some(Flash::new(Tone::Warning, "선택한 주문이 없어요. 그래도 진행할 주문을 선택해 주세요."));
        return Ok(personal_page_with_status(StatusCode::UNPROCESSABLE_ENTITY, page));
    }
    let back = query.back();
    let flash = storage
        .write(move |tx| {
            let orders = store::find(tx, &ticked)?;
            let advance = bulk_action::advance(tx, actor, orders, to, &ticked)?;
            Flash::from(&advance.recorded).save(tx, actor.id)
        })
        .await?;
    Ok(redirect_with_flash(&back, flash))
}

#[cfg(test)]
mod tests {
    use crate::id::OrderId;
    use crate::members::model::Role;
    use crate::orders::model::{Order, OrderState};
    use crate::orders::store::{self, Action};
    use crate::orders::testing::edit;
    use crate::storage::StorageError;
    use crate::uploads::pages::tests::{ORDERS_FILE, upload_fixture};
    use crate::web::testing::TestApp;

    /// A shop in which the first of three orders has an open cancellation.
    async fn shop() -> (TestApp, Vec<Order>) {
        let app = TestApp::as_admin().await;
        app.post_form(&format!("{}/apply", upload_fixture(&app, ORDERS_FILE).await), &[]).await;
        let claim = app.state.storage.write(|tx| {
            let ids = tx.query("SELECT id FROM orders WHERE claim = '' ORDER BY id LIMIT 3", &[])?;
            let ids = ids.iter().map(|row| row.id(0)).collect::<Result<Vec<_>, _>>()?;
            let mut orders = store::find(tx, &ids)?;
            orders.sort_by_key(|order| order.id);
            edit(tx, &orders[0], |order| "취소요청".clone_into(&mut order.claim))?;
            Ok::<_, StorageError>(orders)
        });
        let orders = claim.await.expect("writes");
        (app, orders)
    }

    async fn state_and_action(app: &TestApp, id: OrderId) -> (OrderState, Action) {
        let read = move |tx: &mut dyn crate::storage::Tx| {
            let order = store::find(tx, &[id])?.remove(0);
            Ok::<_, StorageError>((order.state, store::events(tx, id)?[0].action))
        };
        app.state.storage.read(read).await.expect("reads")
    }

    #[tokio::test]
    async fn held_order_advances_only_when_it_is_named() {
        let (app, orders) = shop().await;
        let ids: Vec<String> = orders.iter().map(|order| order.id.to_string()).collect();
        let form = [("act", "ship"), ("tick", &ids[0]), ("tick", &ids[1]), ("tick", &ids[2]), ("answer", "all")];
        let answer = app.post_form("/orders?state=PLACED", &form).await;
        assert!(answer.location().starts_with("/orders/held?act=ship&id="), "{}", answer.location());
        let page = app.get(answer.location()).await.ok();
        assert!(page.contains(&orders[0].order_number) && page.contains("취소요청"));
        assert!(page.contains("취소 요청이 들어온 1건은 그대로 두었어요") && !page.contains("checked"));
        assert!(page.contains("발송처리 파일 받기"), "the next step of the others");
        assert_eq!(state_and_action(&app, orders[0].id).await, (OrderState::Placed, Action::Edited));
        assert_eq!(state_and_action(&app, orders[1].id).await, (OrderState::Shipped, Action::Advanced));

        let back = "/orders?state=PLACED";
        let none = app.post_form("/orders/held", &[("act", "ship"), ("id", &ids[0]), ("back", back)]).await;
        assert!(none.status == 422 && none.text.contains(&orders[0].order_number));
        let despite = [("act", "ship"), ("id", &ids[0]), ("tick", &ids[0]), ("back", back)];
        let answer = app.post_form("/orders/held", &despite).await;
        assert!(answer.location().starts_with("/orders?state=PLACED&done="), "{}", answer.location());
        let list = app.get(answer.location()).await.ok();
        assert!(list.contains("1건은 취소 요청이 있는데도 진행했어요"), "{list}");
        assert_eq!(state_and_action(&app, orders[0].id).await, (OrderState::Shipped, Action::DespiteClaim));
        assert!(app.get(&format!("/orders/{}", ids[0])).await.ok().contains("클레임에도 진행"));
    }

    #[tokio::test]
    async fn names_are_masked_as_in_the_list_and_their_view_is_recorded() {
        let (app, orders) = shop().await;
        app.post_form("/shop", &[("name", "보기 침대"), ("mask_lists", "1")]).await;
        let desk = app.another_browser();
        desk.sign_in_as(Role::Orders).await;
        let (id, name) = (orders[0].id.to_string(), &orders[0].recipient.name);
        let page = format!("/orders/held?act=ship&id={id}");
        let none = [("act", "ship"), ("id", id.as_str())];
        for (browser, sees_names) in [(&app, true), (&desk, false)] {
            let shown = [browser.get(&page).await, browser.post_form("/orders/held", &none).await];
            assert!(shown.iter().all(|answer| answer.text.contains(name) == sees_names), "{name}");
        }
        app.state.access.flush().await.expect("writes");
        let count = "SELECT count(*) FROM access_records WHERE page = '/orders/held' AND order_count = 1";
        assert_eq!(app.state.storage.read(move |tx| tx.scalar(count, &[])).await.expect("reads"), 4);
    }

    #[tokio::test]
    async fn state_of_a_held_order_is_changed_only_by_the_checkbox_of_its_page() {
        let (app, orders) = shop().await;
        let id = orders[0].id.to_string();
        let (version, state) = (format!("version-{id}"), format!("state-{id}"));
        let row = [("act", "edit"), ("tick", &id), (&version, "1"), (&state, "PURCHASED")];
        let answer = app.post_form("/orders", &row).await;
        assert!(answer.status == 422 && answer.text.contains("‘그래도 진행’을 선택해야"), "{}", answer.text);
        assert_eq!(state_and_action(&app, orders[0].id).await.0, OrderState::Placed);
    }
}
