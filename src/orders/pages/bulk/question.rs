//! The page that asks before an unusual action, or names the number before everything found is changed.

use std::collections::BTreeSet;

use super::acts::{MAX_CHOSEN_ORDERS, OpenQuestions};
use super::{BulkForm, bulk_field};
use crate::id::OrderId;
use crate::orders::bulk_action::BulkQuestion;
use crate::web::paging::grouped;
use crate::web::{Answer, Layout, QuestionPage};

/// What a running action is called: `발주 상태로 바꾸기`.
pub(super) fn doing(form: &BulkForm) -> String {
    match form.advance_to {
        Some(to) => format!("{} 상태로 바꾸기", to.label()),
        None => format!("{} 한꺼번에 정하기", form.target()),
    }
}

/// The page. The main button is the safe one: what is asked about stays as it is.
pub(super) fn page(layout: Layout, form: &BulkForm, asked: &OpenQuestions, here: String) -> QuestionPage {
    let OpenQuestions { chosen, held, questions } = asked;
    let found = form.all.then(|| match *chosen {
        MAX_CHOSEN_ORDERS => {
            format!("검색한 주문 중 {}건을 바꿔요. 나머지는 이어서 한 번 더 해 주세요.", grouped(*chosen))
        }
        _ => format!("검색한 주문 {}건을 모두 바꿔요.", grouped(*chosen)),
    });
    let kept = (*held > 0).then(|| format!("취소 요청이 들어온 {}건은 그대로 둬요.", grouped(*held)));
    let in_question: BTreeSet<OrderId> = questions.iter().flat_map(|question| question.ids.iter().copied()).collect();
    // Held orders stay as they are, whatever is answered.
    let (choices, stays_first) = choices(form, asked, in_question.len());
    QuestionPage {
        layout,
        title: title(form, questions),
        reasons: found.into_iter().chain(kept).chain(questions.iter().map(BulkQuestion::sentence)).collect(),
        action: here.clone(),
        fields: form.fields(form.all.then_some(*chosen)),
        choices,
        stay: if stays_first { format!("{}건 그대로 두기", grouped(*chosen)) } else { "그만두기".to_owned() },
        stays_first,
        back: (!form.has_typed_rows()).then_some(here),
    }
}

fn title(form: &BulkForm, questions: &[BulkQuestion]) -> String {
    match (form.advance_to, bulk_field(&form.act)) {
        (Some(to), _) => format!("{} 상태로 바꿀까요?", to.label()),
        (None, Some(field)) => format!("{}을(를) 한꺼번에 정할까요?", field.label()),
        (None, None) => match questions {
            [asked] => asked.reason.save_title().to_owned(),
            _ => "이대로 저장할까요?".to_owned(),
        },
    }
}

/// The answers, the safest first, and whether the way back is safer than all of them.
fn choices(form: &BulkForm, open: &OpenQuestions, in_question: usize) -> (Vec<(Answer, String)>, bool) {
    let changing = open.chosen.saturating_sub(open.held);
    let verb = match form.advance_to {
        Some(to) => format!("{} 바꾸기", to.towards()),
        None => "바꾸기".to_owned(),
    };
    let asked = grouped(in_question);
    if form.act == "edit" {
        let rest = (Answer::Rest, format!("{asked}건은 상태를 그대로 두고 저장"));
        let anyway = match open.questions.as_slice() {
            [question] => format!("{asked}건도 {}", question.reason.save_anyway()),
            _ => format!("{asked}건도 그대로 저장"),
        };
        return (vec![rest, (Answer::All, anyway)], false);
    }
    match changing.saturating_sub(in_question) {
        _ if in_question == 0 => (vec![(Answer::All, format!("{}건 {verb}", grouped(changing)))], false),
        0 => (vec![(Answer::All, format!("{asked}건 그래도 {verb}"))], true),
        rest => {
            let safe = (Answer::Rest, format!("물어본 {asked}건 빼고 {}건 {verb}", grouped(rest)));
            (vec![safe, (Answer::All, format!("{asked}건도 함께 {}건 {verb}", grouped(changing)))], false)
        }
    }
}
