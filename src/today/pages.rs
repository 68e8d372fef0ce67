//! `/`: the first page. Administrators and 주문 담당 see the dashboard, each with the notices that wait for them; others their
//! own first page.

mod first_steps;

use askama::Template;
use axum::extract::State;

use super::chart::DeliveryChart;
use super::dashboard::{self, Dashboard, Figure};
use super::first_steps::FirstStep;
use super::notices::{Notice, Urgency, for_orders, notices};
use super::watch::Watch;
use crate::districts::DistrictCache;
use crate::orders::list::Total;
use crate::orders::model::OrderState;
use crate::storage::Storage;
use crate::time::date_with_weekday;
use crate::web::paging::grouped;
use crate::web::{Access, Layout, Member, PageResult, Routes, page, redirect};

/// The pages of this room.
pub fn routes() -> Routes {
    Routes::new().get("/", Access::Driver, show).post("/first-steps/dismiss", Access::Admin, first_steps::dismiss)
}

#[derive(Template)]
#[template(path = "today/show.html")]
struct TodayPage {
    layout: Layout,
    today: String,
    dashboard: Dashboard,
    notices: Vec<Notice>,
    steps: Vec<FirstStep>,
    chart: DeliveryChart,
}

impl TodayPage {
    /// The notices, those that can wait under a heading of their own: the bar does not count them.
    fn notice_groups(&self) -> Vec<(Option<&'static str>, Vec<&Notice>)> {
        let (later, waiting): (Vec<&Notice>, Vec<&Notice>) =
            self.notices.iter().partition(|notice| notice.urgency == Urgency::Later);
        let groups = [(None, waiting), (Some("나중에 해도 되는 일"), later)];
        groups.into_iter().filter(|(_, notices)| !notices.is_empty()).collect()
    }

    /// How many first steps are done.
    fn done_steps(&self) -> usize {
        self.steps.iter().filter(|step| step.is_done).count()
    }

    /// Whether the rest may be left: nothing of it puts data at risk.
    fn can_dismiss(&self) -> bool {
        self.steps.iter().all(|step| step.is_done || !step.is_urgent)
    }
}

impl Figure {
    /// `1,234`; `50,000+` where counting stopped at a limit.
    fn text(&self) -> String {
        let more = if matches!(self.total, Total::AtLeast(_)) { "+" } else { "" };
        format!("{}{more}", grouped(self.total.number()))
    }
}

async fn show(
    State(storage): State<Storage>,
    State(districts): State<DistrictCache>,
    State(watch): State<Watch>,
    mut layout: Layout,
    member: Member,
) -> PageResult {
    if !layout.sees_today() {
        return Ok(redirect(member.role.home()));
    }
    let now = storage.clock().now();
    let today = now.date();
    let dashboard = storage.read_replica(move |tx| dashboard::load(tx, today)).await?;
    let districts = districts.refresh(&storage).await?;
    let all = notices(&dashboard.work, &watch.machine(now));
    watch.remember(now, &all);
    layout.waiting = watch.waiting(&storage, member.role).await?;
    let (notices, steps) =
        if member.is_admin() { (all, watch.first_steps(dashboard.progress)) } else { (for_orders(all), Vec::new()) };
    let chart = DeliveryChart::new(&dashboard.goes_out, &districts, today);
    Ok(page(TodayPage { layout, today: date_with_weekday(today), dashboard, notices, steps, chart }))
}

#[cfg(test)]
mod tests;
