//! `/`: each member's first page. Administrators see what waits today.

use askama::Template;
use axum::extract::State;

use crate::orders::list::Total;
use crate::orders::model::OrderState;
use crate::orders::start::{Number, Waiting, waiting};
use crate::time::date_with_weekday;
use crate::web::paging::grouped;
use crate::web::{AppState, Layout, Member, PageResult, page, redirect};

#[derive(Template)]
#[template(path = "orders/start.html")]
struct StartPage {
    layout: Layout,
    today: String,
    waiting: Waiting,
}

/// A line of what has to be looked after.
struct Chore<'a> {
    name: &'static str,
    hint: &'static str,
    number: &'a Number,
}

impl StartPage {
    fn chores(&self) -> [Chore<'_>; 4] {
        let Waiting { claims, rejected, unknown_districts, missing_labels, .. } = &self.waiting;
        [
            Chore {
                name: "처리할 클레임", hint: "고객이 취소나 반품, 교환을 바라고 있어요", number: claims
            },
            Chore {
                name: "거절된 행이 남은 업로드",
                hint: "고쳐서 다시 올리거나 처리함으로 표시해요",
                number: rejected,
            },
            Chore {
                name: "미분류 주문", hint: "우편번호로 시/군/구를 찾지 못했어요", number: unknown_districts
            },
            Chore {
                name: "레이블이 없는 상품", hint: "공장이 읽을 말을 적어 주세요", number: missing_labels
            },
        ]
    }
}

impl Number {
    /// `1,234`, or `50,000+` where nobody counted further.
    fn text(&self) -> String {
        let more = if matches!(self.total, Total::AtLeast(_)) { "+" } else { "" };
        format!("{}{more}", grouped(self.total.number()))
    }
}

pub(super) async fn show(State(state): State<AppState>, layout: Layout, member: Member) -> PageResult {
    if !member.is_admin() {
        return Ok(redirect(member.role.home()));
    }
    let today = state.now().date();
    let waiting = state.storage.read_heavy(move |tx| waiting(tx, today)).await?;
    Ok(page(StartPage { layout, today: date_with_weekday(today), waiting }))
}

#[cfg(test)]
mod tests;
