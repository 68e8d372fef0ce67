//! 배송 완료 from the list and from the page of a delivery: asks about goods at the factory, completes, and leads to the
//! orders that a claim keeps where they are.

use super::held::complete_and_redirect;
use crate::audit::{MemberActor, NumberList};
use crate::deliveries::complete;
use crate::deliveries::store::Delivery;
use crate::id::crockford;
use crate::storage::Storage;
use crate::web::{Answer, Layout, PageResult, QuestionPage, page};

/// Completes the deliveries, unless some have orders that have not left the factory and the member was not asked about
/// them.
pub(super) async fn complete_or_ask(
    storage: &Storage,
    layout: Layout,
    actor: MemberActor,
    chosen: Vec<i64>,
    answer: Option<Answer>,
    here: &str,
) -> PageResult {
    let ids = chosen.clone();
    let undispatched = storage.read(move |tx| complete::undispatched(tx, &ids)).await?;
    let is_asked = |id: &i64| undispatched.iter().any(|delivery| delivery.id == *id);
    let completed: Vec<i64> = match answer {
        None if !undispatched.is_empty() => return Ok(page(question(layout, &chosen, &undispatched, here))),
        Some(Answer::Rest) => chosen.into_iter().filter(|id| !is_asked(id)).collect(),
        None | Some(Answer::All) => chosen,
    };
    complete_and_redirect(storage, actor, completed, Vec::new(), here).await
}

/// The page that asks about deliveries with orders that have not left the factory.
fn question(layout: Layout, chosen: &[i64], undispatched: &[Delivery], here: &str) -> QuestionPage {
    let numbers: NumberList = undispatched.iter().map(|delivery| delivery.bundle_number.as_str()).collect();
    let all = (Answer::All, format!("{}건 모두 완료하기", chosen.len()));
    let choices = match chosen.len() - undispatched.len() {
        0 => vec![all],
        rest => vec![(Answer::Rest, format!("{}건 빼고 {rest}건만 완료하기", undispatched.len())), all],
    };
    let ticks = chosen.iter().map(|id| ("tick".to_owned(), crockford(*id)));
    QuestionPage {
        layout,
        title: "배송을 완료할까요?".to_owned(),
        reasons: vec![format!(
            "아직 출고되지 않은 주문이 있는 배송이 {}건 있어요: {}. 완료하면 그 주문도 배송됨으로 바뀌어요.",
            undispatched.len(),
            numbers.shown()
        )],
        action: here.to_owned(),
        fields: [("act".to_owned(), "complete".to_owned())].into_iter().chain(ticks).collect(),
        choices,
        back: here.to_owned(),
    }
}
