//! `/notices?day=`: who is told what of the visits of a day, and the files that were written.

use askama::Template;
use axum::extract::State;
use chrono::{Days, NaiveDate};
use serde::Deserialize;

use super::DayQuery;
use crate::audit::{self, AuditEvent, AuditObject, MemberActor};
use crate::districts::DistrictCache;
use crate::id::OrderId;
use crate::masking;
use crate::members::model::rights::Surface;
use crate::notices::day::{LeftOut, NoticeDay, NoticeRow, notice_day};
use crate::notices::model::{NoticeBatch, day_label};
use crate::notices::store::{self, NoticeFile};
use crate::plans::model::window_label;
use crate::shop::model::Shop;
use crate::shop::store as shop;
use crate::storage::{Storage, StorageError, Tx};
use crate::time::Moment;
use crate::trucks::model::clock_label;
use crate::web::{
    Flash, Form, Layout, PageAction, PageKind, PageResult, PersonalData, Query, parse_id, personal_page,
    redirect_with_flash,
};

/// A batch above the table.
struct BatchView {
    batch: NoticeBatch,
    texts: usize,
    left_out: usize,
}

#[derive(Template)]
#[template(path = "notices/list.html")]
struct NoticesPage {
    layout: Layout,
    day: NaiveDate,
    batches: Vec<BatchView>,
    notices: NoticeDay,
    files: Vec<NoticeFile>,
    shop: Shop,
}

impl NoticesPage {
    fn title(&self) -> String {
        day_label(self.day)
    }

    fn previous(&self) -> NaiveDate {
        self.day - Days::new(1)
    }

    fn next(&self) -> NaiveDate {
        self.day + Days::new(1)
    }

    fn may_download(&self) -> bool {
        self.layout.may(PageKind::Plans, PageAction::Download)
    }

    fn may_edit(&self) -> bool {
        self.layout.may(PageKind::Plans, PageAction::Edit)
    }

    fn id(row: &NoticeRow) -> String {
        row.delivery_id.to_string()
    }

    fn file_id(file: &NoticeFile) -> String {
        file.download_id.to_string()
    }

    fn begins(row: &NoticeRow) -> String {
        row.begins_at.map(clock_label).unwrap_or_default()
    }

    fn time(at: Moment) -> String {
        at.kst().format("%-m/%-d %H:%M").to_string()
    }

    /// What was told: `09:30~11:30`, with the day if it is another one.
    fn told(&self, row: &NoticeRow) -> String {
        let Some(told) = &row.told else { return String::new() };
        let day = if told.day == self.day { String::new() } else { day_label(told.day) };
        [day, told.window.map(window_label).unwrap_or_default()].join(" ").trim().to_owned()
    }

    fn problem(row: &NoticeRow) -> Option<String> {
        match &row.letter {
            Some(Err(reason)) if row.batch().is_some() => Some(reason.sentence()),
            _ => None,
        }
    }

    fn is_alarming(row: &NoticeRow) -> bool {
        row.batch() == Some(NoticeBatch::Again) || matches!(row.letter, Some(Err(LeftOut::Late)))
    }
}

impl PersonalData for NoticesPage {
    fn orders(&self) -> Vec<OrderId> {
        self.notices.order_ids()
    }
}

pub(super) async fn list(
    State(storage): State<Storage>,
    State(districts): State<DistrictCache>,
    layout: Layout,
    Query(query): Query<DayQuery>,
) -> PageResult {
    let day = query.day(storage.clock().now());
    let districts = districts.refresh(&storage).await?;
    let member = layout.member.clone();
    let (notices, files, shop) = storage
        .read(move |tx| {
            let masking = masking::of_member(tx, member.as_ref(), Surface::Plan)?;
            let mut notices = notice_day(tx, &districts, day)?;
            notices.rows.iter_mut().for_each(|row| row.mask(&masking, day));
            Ok::<_, StorageError>((notices, store::files_of_day(tx, day)?, shop::find(tx)?))
        })
        .await?;
    let batches = NoticeBatch::ALL.map(|batch| {
        let is_text = |row: &&NoticeRow| matches!(row.letter, Some(Ok(_)));
        let texts = notices.batch(batch).filter(is_text).count();
        BatchView { batch, texts, left_out: notices.batch(batch).count() - texts }
    });
    Ok(personal_page(NoticesPage { layout, day, batches: batches.into(), notices, files, shop }))
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct WithdrawForm {
    day: String,
    file: String,
}

/// Withdraws the texts of a file that was not sent.
pub(super) async fn update(
    State(storage): State<Storage>,
    actor: MemberActor,
    Form(form): Form<WithdrawForm>,
) -> PageResult {
    let file = parse_id(&form.file)?;
    let day = DayQuery { day: form.day }.day(storage.clock().now());
    let write = move |tx: &mut dyn Tx| {
        let texts = store::withdraw(tx, file, actor.id)?;
        if texts == 0 {
            return Flash::warning("이미 보내지 않은 것으로 바꾼 파일이에요.").save(tx, actor.id);
        }
        let event = AuditEvent::NoticesWithdrawn { day: day.to_string(), texts };
        audit::record(tx, actor, AuditObject::UNNUMBERED, &event)?;
        Flash::success(event.sentence()).save(tx, actor.id)
    };
    Ok(redirect_with_flash(&format!("/notices?day={day}"), storage.write(write).await?))
}
