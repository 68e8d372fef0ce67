//! `/plans/promises`: open promises; those that can no longer be met come first.

use askama::Template;
use axum::extract::State;

use crate::districts::DistrictCache;
use crate::id::OrderId;
use crate::masking;
use crate::members::model::rights::Surface;
use crate::plans::promise::PromiseProblem;
use crate::plans::promise::dates::{OpenPromise, open_promises};
use crate::plans::store::promises::MAX_PROMISES;
use crate::storage::{Storage, StorageError};
use crate::time::date_with_weekday;
use crate::web::{Layout, PageResult, PersonalData, personal_page};

#[derive(Template)]
#[template(path = "plans/promises.html")]
struct PromisesPage {
    layout: Layout,
    /// customers to be called
    calls: Vec<OpenPromise>,
    others: Vec<OpenPromise>,
}

impl PromisesPage {
    fn is_truncated(&self) -> bool {
        self.calls.len() + self.others.len() >= MAX_PROMISES
    }

    fn dates_url(open: &OpenPromise) -> String {
        format!("/plans/dates?delivery={}", open.work.delivery_id)
    }

    fn day(open: &OpenPromise) -> String {
        date_with_weekday(open.promise.day)
    }
}

impl PersonalData for PromisesPage {
    fn orders(&self) -> Vec<OrderId> {
        self.calls.iter().chain(&self.others).flat_map(|open| open.work.order_ids()).collect()
    }
}

pub(super) async fn list(
    State(storage): State<Storage>,
    State(districts): State<DistrictCache>,
    layout: Layout,
) -> PageResult {
    let districts = districts.refresh(&storage).await?;
    let member = layout.member.clone();
    let read = storage.read(move |tx| {
        let masking = masking::of_member(tx, member.as_ref(), Surface::Plan)?;
        let mut open = open_promises(tx, &districts)?;
        for open in &mut open {
            let is_due = masking.is_due(Some(open.promise.day), true);
            if masking.hides(open.work.delivery_id, is_due) {
                open.work.recipient.mask();
            }
        }
        Ok::<_, StorageError>(open)
    });
    let open = read.await?;
    let needs_call = |open: &OpenPromise| open.problem.as_ref().is_some_and(PromiseProblem::needs_call);
    let (calls, others) = open.into_iter().partition(needs_call);
    Ok(personal_page(PromisesPage { layout, calls, others }))
}
