//! 배송 완료 from the list and from the page of a delivery: asks about goods at the factory and parcels without a number,
//! completes, and leads to the orders that a claim keeps where they are.

use std::collections::BTreeSet;

use super::held::complete_and_redirect;
use crate::audit::MemberActor;
use crate::deliveries::complete::{self, CompletionDoubts};
use crate::id::DeliveryId;
use crate::storage::Storage;
use crate::web::{Answer, Layout, PageResult, QuestionPage, page};

/// Completes the deliveries, unless something about them is unusual and the member was not asked.
pub(super) async fn complete_or_ask(
    storage: &Storage,
    layout: Layout,
    actor: MemberActor,
    chosen: Vec<DeliveryId>,
    answer: Option<Answer>,
    here: &str,
) -> PageResult {
    let ids = chosen.clone();
    let doubts = storage.read(move |tx| complete::doubts(tx, &ids)).await?;
    let asked = doubts.deliveries();
    let completed: Vec<DeliveryId> = match answer {
        None if !asked.is_empty() => return Ok(page(question(layout, &chosen, &doubts, &asked, here))),
        Some(Answer::Rest) => chosen.into_iter().filter(|id| !asked.contains(id)).collect(),
        None | Some(Answer::All | Answer::Back) => chosen,
    };
    complete_and_redirect(storage, actor, completed, Vec::new(), here).await
}

/// The page that asks. The main button leaves out what is asked about.
fn question(
    layout: Layout,
    chosen: &[DeliveryId],
    doubts: &CompletionDoubts,
    asked: &BTreeSet<DeliveryId>,
    here: &str,
) -> QuestionPage {
    let (all, in_question) = (doubts.changing, asked.len());
    let (choices, stays_first) = match all.saturating_sub(in_question) {
        0 => (vec![(Answer::All, format!("{all}건 그래도 완료하기"))], true),
        rest => {
            let safe = (Answer::Rest, format!("물어본 {in_question}건 빼고 {rest}건 완료하기"));
            (vec![safe, (Answer::All, format!("{in_question}건도 함께 {all}건 완료하기"))], false)
        }
    };
    let ticks = chosen.iter().map(|id| ("tick".to_owned(), id.to_string()));
    QuestionPage {
        layout,
        title: "배송을 완료할까요?".to_owned(),
        reasons: doubts.sentences(),
        action: here.to_owned(),
        fields: [("act".to_owned(), "complete".to_owned())].into_iter().chain(ticks).collect(),
        choices,
        stay: if stays_first { format!("{}건 그대로 두기", chosen.len()) } else { "그만두기".to_owned() },
        stays_first,
        back: Some(here.to_owned()),
    }
}
