//! 선택발주, 선택출고, 선택배송, 선택수정: what is done with ticked rows, and the answer.

use std::sync::Arc;

use axum::extract::State;
use axum::http::{StatusCode, Uri};
use serde_json::json;

use super::list::{ListPage, RowView, list_page};
use crate::audit;
use crate::id::parse_crockford;
use crate::orders::edit::{Problem, RowForm, changed_meanwhile, edited};
use crate::orders::filter::{DEFAULT_PAGE_SIZE, FilterWords, PAGE_SIZES};
use crate::orders::list::listed;
use crate::orders::model::OrderState;
use crate::orders::store::{self, Action, Cause};
use crate::orders::words::few;
use crate::storage::{Result as StorageResult, StorageError, Tx};
use crate::web::paging::PageQuery;
use crate::web::{
    AppState, Error, Flash, FormPairs, Layout, Member, PageResult, Query, Tone, page_with_status, redirect_with_flash,
};

/// What the form of the list asks for.
struct Asked {
    /// 선택발주, 선택출고, 선택배송; none is 선택수정
    proceed: Option<OrderState>,
    ticked: Vec<i64>,
    forms: Vec<(i64, RowForm)>,
}

impl Asked {
    fn read(pairs: Vec<(String, String)>) -> Result<Self, Error> {
        let mut asked = Self { proceed: None, ticked: Vec::new(), forms: Vec::new() };
        let mut act = None;
        for (name, value) in pairs {
            match name.as_str() {
                "act" => act = Some(value),
                "tick" => asked.ticked.extend(parse_crockford(&value)),
                _ => asked.put(&name, value),
            }
        }
        asked.ticked.sort_unstable();
        asked.ticked.dedup();
        asked.proceed = match act.as_deref() {
            Some("edit") => None,
            Some("purchase") => Some(OrderState::Purchased),
            Some("dispatch") => Some(OrderState::Dispatched),
            Some("ship") => Some(OrderState::Shipped),
            _ => return Err(Error::BadRequest("무엇을 할지 알 수 없어요. 목록의 단추를 눌러 주세요.".to_owned())),
        };
        Ok(asked)
    }

    fn put(&mut self, name: &str, value: String) {
        let Some((field, id)) = name.split_once('-') else { return };
        let Some(id) = parse_crockford(id) else { return };
        let known = self.forms.iter().position(|(other, _)| *other == id);
        let place = known.unwrap_or(self.forms.len());
        if known.is_none() {
            self.forms.push((id, RowForm { version: -1, ..RowForm::default() }));
        }
        let Some((_, form)) = self.forms.get_mut(place) else { return };
        match field {
            "version" => form.version = value.parse().unwrap_or(-1),
            "state" => form.state = value,
            "dispatch_deadline" => form.dispatch_deadline = value,
            "preferred_shipping_date" => form.preferred_shipping_date = value,
            "tracking_number" => form.tracking_number = value,
            "purchase_memo" => form.purchase_memo = value.replace("\r\n", "\n"),
            "shipping_memo" => form.shipping_memo = value.replace("\r\n", "\n"),
            "admin_memo" => form.admin_memo = value.replace("\r\n", "\n"),
            _ => {}
        }
    }

    fn form(&self, id: i64) -> Option<&RowForm> {
        self.forms.iter().find(|(other, _)| *other == id).map(|(_, form)| form)
    }
}

/// An order that was not saved.
struct Refused {
    id: i64,
    /// the version whose values the problems tell
    version: i64,
    problems: Vec<Problem>,
}

/// What an action did.
struct Answer {
    activity_id: i64,
    message: String,
    refused: Vec<Refused>,
}

pub(super) async fn bulk(
    State(state): State<AppState>,
    layout: Layout,
    member: Member,
    Query(words): Query<FilterWords>,
    Query(paging): Query<PageQuery>,
    uri: Uri,
    FormPairs(pairs): FormPairs,
) -> PageResult {
    let asked = Arc::new(Asked::read(pairs)?);
    if asked.ticked.is_empty() {
        let mut page = same_rows(&state, layout, words, paging, &uri, &asked).await?;
        retype(&mut page, &asked, &[]);
        page.layout.flash = Some(Flash::new(Tone::Warning, "선택한 주문이 없어요. 주문을 먼저 선택해 주세요."));
        return Ok(page_with_status(StatusCode::UNPROCESSABLE_ENTITY, page));
    }
    let (work, member_id) = (Arc::clone(&asked), member.id);
    let answer = state
        .storage
        .write(move |tx| match work.proceed {
            Some(to) => proceed(tx, member_id, &work.ticked, to),
            None => edit(tx, member_id, &work),
        })
        .await?;
    if answer.refused.is_empty() {
        return Ok(redirect_with_flash(&format!("/orders?{}", words.query(&[])), answer.activity_id));
    }
    let mut page = same_rows(&state, layout, words, paging, &uri, &asked).await?;
    retype(&mut page, &asked, &answer.refused);
    page.layout.flash = Some(Flash::new(Tone::Warning, &answer.message));
    Ok(page_with_status(StatusCode::UNPROCESSABLE_ENTITY, page))
}

/// The list again, with the rows that the form had: one that no longer fits the search, because
/// somebody changed it, still shows its problem and what was typed.
async fn same_rows(
    state: &AppState,
    layout: Layout,
    words: FilterWords,
    paging: PageQuery,
    uri: &Uri,
    asked: &Asked,
) -> PageResult<ListPage> {
    let most = *PAGE_SIZES.iter().max().unwrap_or(&DEFAULT_PAGE_SIZE) as usize;
    let ids: Vec<i64> = asked.forms.iter().map(|(id, _)| *id).take(most).collect();
    let mut page = list_page(state, layout, words, paging, uri).await?;
    if !ids.is_empty() {
        let rows = state.storage.read(move |tx| listed(tx, &ids)).await?;
        page.rows = rows.into_iter().map(RowView::new).collect();
    }
    Ok(page)
}

/// Puts back what was typed and ticked, where it was not saved. A row keeps the version its page
/// was made from, unless its problems have told what others wrote.
fn retype(page: &mut ListPage, asked: &Asked, refused: &[Refused]) {
    for row in &mut page.rows {
        let id = row.listed.order.id;
        let refusal = refused.iter().find(|refused| refused.id == id);
        let saved = asked.ticked.contains(&id) && refusal.is_none();
        if let Some(form) = asked.form(id)
            && !saved
        {
            let version = refusal.map_or(form.version, |refusal| refusal.version);
            row.form = RowForm { version, ..form.clone() };
        }
        row.ticked = asked.ticked.contains(&id) && !saved;
        row.problems = refusal.map(|refusal| refusal.problems.clone()).unwrap_or_default();
    }
}

fn proceed(tx: &mut dyn Tx, member_id: i64, ids: &[i64], to: OrderState) -> StorageResult<Answer> {
    let orders = store::find(tx, ids)?;
    let cause = Cause { member_id: Some(member_id), upload_id: None, action: Action::Proceeded };
    let now = tx.now();
    let (mut changed, mut skipped) = (Vec::new(), Vec::new());
    store::changing(tx, cause, |changes| {
        for order in &orders {
            let mut proceeded = order.clone();
            if proceeded.proceed(to, now) && changes.save(order, &proceeded)? {
                changed.push(order.order_number.clone());
            } else {
                skipped.push(order.order_number.clone());
            }
        }
        Ok::<_, StorageError>(())
    })?;
    let mut told = Vec::new();
    if !changed.is_empty() {
        told.push(format!("{}건을 {} 상태로 바꿨어요: {}.", changed.len(), to.label(), few(&changed)));
    }
    if !skipped.is_empty() {
        let (left, few) = (skipped.len(), few(&skipped));
        told.push(format!("{left}건은 이미 {} 상태이거나 그 뒤여서 그대로 두었어요: {few}.", to.label()));
    }
    if told.is_empty() {
        told.push("바꿀 주문이 없어요. 목록을 새로 고쳐 주세요.".to_owned());
    }
    answer(tx, member_id, "orders.proceeded", &changed, &skipped, told.join(" "), Vec::new())
}

fn edit(tx: &mut dyn Tx, member_id: i64, asked: &Asked) -> StorageResult<Answer> {
    let orders = store::find(tx, &asked.ticked)?;
    let cause = Cause { member_id: Some(member_id), upload_id: None, action: Action::Edited };
    let now = tx.now();
    let (mut changed, mut skipped, mut refused) = (Vec::new(), Vec::new(), Vec::new());
    store::changing(tx, cause, |changes| {
        for order in &orders {
            let Some(form) = asked.form(order.id) else { continue };
            match edited(order, form, now) {
                Err(problems) => refused.push(Refused { id: order.id, version: order.version, problems }),
                Ok(after) if after == *order => skipped.push(order.order_number.clone()),
                Ok(after) if changes.save(order, &after)? => changed.push(order.order_number.clone()),
                Ok(_) => {
                    let problems = vec![changed_meanwhile()];
                    refused.push(Refused { id: order.id, version: order.version, problems });
                }
            }
        }
        Ok::<_, StorageError>(())
    })?;
    let mut told = Vec::new();
    if !changed.is_empty() {
        told.push(format!("{}건을 저장했어요: {}.", changed.len(), few(&changed)));
    }
    if !skipped.is_empty() {
        told.push(format!("{}건은 바뀐 내용이 없어요: {}.", skipped.len(), few(&skipped)));
    }
    if told.is_empty() && refused.is_empty() {
        told.push("저장할 주문이 없어요. 목록을 새로 고쳐 주세요.".to_owned());
    }
    if !refused.is_empty() {
        told.push(format!("{}건은 저장하지 못했어요. 표시된 곳을 확인해 주세요.", refused.len()));
    }
    answer(tx, member_id, "orders.edited", &changed, &skipped, told.join(" "), refused)
}

fn answer(
    tx: &mut dyn Tx,
    member_id: i64,
    action: &str,
    changed: &[String],
    skipped: &[String],
    message: String,
    refused: Vec<Refused>,
) -> StorageResult<Answer> {
    let tone = if changed.is_empty() { "warning" } else { "success" };
    let summary = json!({ "message": message, "tone": tone, "changed": changed, "skipped": skipped });
    let activity_id = audit::record(tx, Some(member_id), action, &summary)?;
    Ok(Answer { activity_id, message, refused })
}

#[cfg(test)]
mod tests {
    use reqwest::StatusCode;

    use crate::id::crockford;
    use crate::uploads::pages::tests::{FIRST, bring};
    use crate::web::testing::TestApp;

    #[tokio::test]
    async fn a_form_without_versions_saves_nothing() {
        let app = TestApp::as_admin().await;
        app.post_form(&format!("{}/apply", bring(&app, FIRST).await), &[]).await;
        let (id, memo) = app
            .state
            .storage
            .read(|tx| {
                let row = tx.query_one("SELECT id FROM orders ORDER BY id LIMIT 1", &[])?;
                let id = row.map_or(Ok(0), |row| row.int(0))?;
                Ok::<_, crate::storage::StorageError>((crockford(id), format!("purchase_memo-{}", crockford(id))))
            })
            .await
            .expect("reads");
        let state = format!("state-{id}");
        let fields = [("act", "edit"), ("tick", id.as_str()), (&state, "SHIPPED"), (&memo, "x")];
        let answer = app.post_form("/orders", &fields).await;
        assert_eq!(answer.status, StatusCode::UNPROCESSABLE_ENTITY);
        assert!(answer.text.contains("지금 ‘주문’, 입력 ‘배송’"), "{}", answer.text);
        assert!(app.get("/orders?state=SHIPPED").await.ok().contains("총 0건"));
    }
}
