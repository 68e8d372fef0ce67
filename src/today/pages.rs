//! `/`: the first page of each role. Administrators see the dashboard, the delivery team its list.

use askama::Template;
use axum::extract::State;

use super::dashboard::{self, Dashboard, Figure};
use crate::orders::list::Total;
use crate::orders::model::OrderState;
use crate::storage::Storage;
use crate::time::date_with_weekday;
use crate::web::paging::grouped;
use crate::web::{Access, Layout, Member, PageResult, Routes, page, redirect};

/// The pages of this room.
pub fn routes() -> Routes {
    Routes::new().get("/", Access::Member, show)
}

#[derive(Template)]
#[template(path = "today/show.html")]
struct TodayPage {
    layout: Layout,
    today: String,
    dashboard: Dashboard,
}

/// A line of the table 챙길 것.
struct DashboardItem<'a> {
    name: &'static str,
    hint: &'static str,
    figure: &'a Figure,
}

impl TodayPage {
    fn items(&self) -> [DashboardItem<'_>; 6] {
        let Dashboard { claims, rejected, undecided, unclassified, missing_labels, inspections, .. } = &self.dashboard;
        let item = |name, hint, figure| DashboardItem { name, hint, figure };
        [
            item("처리할 클레임", "고객이 취소·반품·교환을 요청했어요", claims),
            item("오류 행이 남은 업로드", "수정해서 다시 올리거나 처리 완료로 표시해요", rejected),
            item("결정할 값이 남은 업로드", "판매채널 값과 우리 값 중 선택해 주세요", undecided),
            item("미분류 주문", "우편번호로 시/군/구를 찾지 못했어요", unclassified),
            item("접속기록을 점검할 달", "개인정보를 함부로 보지 않았는지 살펴보고 확인해요", inspections),
            item("레이블 미지정 상품", "발주서에 쓸 옵션 이름을 정해 주세요", missing_labels),
        ]
    }
}

impl Figure {
    /// `1,234`; `50,000+` where counting stopped at a limit.
    fn text(&self) -> String {
        let more = if matches!(self.total, Total::AtLeast(_)) { "+" } else { "" };
        format!("{}{more}", grouped(self.total.number()))
    }
}

async fn show(State(storage): State<Storage>, layout: Layout, member: Member) -> PageResult {
    if !member.is_admin() {
        return Ok(redirect(member.role.home()));
    }
    let today = storage.clock().now().date();
    let dashboard = storage.read_replica(move |tx| dashboard::load(tx, today)).await?;
    Ok(page(TodayPage { layout, today: date_with_weekday(today), dashboard }))
}

#[cfg(test)]
mod tests;
