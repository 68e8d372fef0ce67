//! Texts in the database: who is told what, what the plan keeps of it, and who is told again.

use std::net::IpAddr;

use chrono::NaiveDate;

use super::day::{LeftOut, NoticeDay, notice_day};
use super::export::{self, NoticeChannel, NoticeExport, NoticeList, NoticeRequest};
use super::model::{NoticeBatch, NoticeForm, NoticeKind, NoticeNeed};
use super::number::NoNumber;
use super::store;
use super::wording::NoticeWording;
use crate::audit::MemberActor;
use crate::audit::downloads::Purpose;
use crate::districts::Districts;
use crate::id::{DeliveryId, MemberId, WorkId};
use crate::members::model::Role;
use crate::members::store as members;
use crate::orders::export::Format;
use crate::orders::model::NewOrder;
use crate::orders::testing::{Files, Shop, new_order};
use crate::plans::board::{self, Board};
use crate::plans::edit::{self, EditContext};
use crate::plans::model::{ColumnKey, TourState};
use crate::shop::model::Shop as ShopData;
use crate::shop::store as shop;
use crate::storage::{Result, Tx};
use crate::time::parse_date;
use crate::trucks::model::Truck;
use crate::trucks::store as trucks;

const DAY: &str = "2026-11-24";

fn day() -> NaiveDate {
    parse_date(DAY).expect("a date")
}

/// A delivery of the own team.
fn order(number: &str, tel: &str) -> NewOrder {
    let mut order = new_order(number);
    order.recipient.name = format!("수취인{number}");
    "39160".clone_into(&mut order.recipient.zip_code);
    tel.clone_into(&mut order.recipient.tel1);
    order.bundle_number = format!("B{number}");
    order.preferred_shipping_date = Some(day());
    order
}

struct Planned {
    actor: MemberActor,
    columns: Vec<ColumnKey>,
}

impl Planned {
    fn context(&self, board: &Board) -> EditContext {
        let seen = board.columns.iter().map(|column| (column.key(), column.version())).collect();
        EditContext { actor: self.actor, day: board.day, seen }
    }

    fn set_state(&self, tx: &mut dyn Tx, state: TourState) -> Result<()> {
        let board = board::load(tx, &Districts::embedded(), day())?;
        edit::set_state(tx, &Districts::embedded(), &self.context(&board), state, None)?.expect("sets");
        Ok(())
    }

    fn move_to(&self, tx: &mut dyn Tx, column: usize, ids: &[WorkId]) -> Result<()> {
        let board = board::load(tx, &Districts::embedded(), day())?;
        let to = (self.columns[column], None);
        edit::move_to(tx, &Districts::embedded(), &self.context(&board), to, ids)?.expect("moves");
        Ok(())
    }

    fn export(&self, tx: &mut dyn Tx, batch: NoticeBatch) -> Result<NoticeList> {
        let request = NoticeRequest { day: day(), batch, channel: NoticeChannel::Text, tour_id: None };
        let (_, list) = export::list(tx, &Districts::embedded(), request)?;
        let purpose = (Some(Purpose::Shipping), "전날 안내");
        export::record(tx, self.actor.into(), request, &list, purpose)?;
        Ok(list)
    }
}

/// Two trucks and a fixed tour with these deliveries on the first.
fn set_up(tx: &mut dyn Tx, files: &Files, orders: Vec<NewOrder>) -> Result<Planned> {
    let id = members::add(tx, "desk", Role::Orders, "hash")?.expect("a free name");
    let actor = MemberActor { id, address: IpAddr::from([127, 0, 0, 1]) };
    let mut settings = trucks::settings(tx)?;
    "39100".clone_into(&mut settings.depot_zip);
    trucks::save_settings(tx, &settings)?;
    let mut columns = Vec::new();
    for name in ["1호차", "2호차"] {
        columns.push(ColumnKey { truck_id: trucks::insert(tx, &Truck::suggestion(name.to_owned()))?, round: 1 });
    }
    shop::save(tx, &ShopData { name: "예시 가구".to_owned(), tel: "054-000-0000".to_owned(), ..ShopData::default() })?;
    files.order(tx, "SMART_STORE", orders)?;
    let planned = Planned { actor, columns };
    let ids: Vec<WorkId> =
        tx.query("SELECT id FROM deliveries ORDER BY id", &[])?.iter().map(|row| row.id(0)).collect::<Result<_>>()?;
    planned.move_to(tx, 0, &ids)?;
    Ok(planned)
}

fn load(tx: &mut dyn Tx) -> Result<NoticeDay> {
    notice_day(tx, &Districts::embedded(), day())
}

fn needs(notices: &NoticeDay) -> Vec<Option<NoticeNeed>> {
    notices.rows.iter().map(|row| row.need).collect()
}

#[test]
fn customers_of_fixed_tours_are_told_and_recorded() {
    Shop::open()
        .write(|tx, files| {
            let tels = ["010-0000-0001", "0504-0000-0002", "010-****-0003", "02-000-0004"];
            let orders = (1..).zip(tels).map(|(number, tel)| order(&number.to_string(), tel)).collect();
            let planned = set_up(tx, files, orders)?;
            let draft = load(tx)?;
            assert_eq!((draft.drafts, draft.batch(NoticeBatch::Visit).count()), (4, 0), "nobody is told of a draft");
            planned.set_state(tx, TourState::Fixed)?;

            let notices = load(tx)?;
            let list = NoticeList::new(&notices, NoticeBatch::Visit, NoticeChannel::Alimtalk);
            assert_eq!((list.texts.len(), list.left_out.len()), (1, 3), "a safe number takes no 알림톡");
            let list = planned.export(tx, NoticeBatch::Visit)?;
            let forms: Vec<(String, NoticeForm)> =
                list.texts.iter().map(|(row, letter)| (row.name.clone(), letter.form)).collect();
            assert_eq!(forms.len(), 2);
            assert!(forms.contains(&("수취인1".to_owned(), NoticeForm::Lms)));
            assert!(forms.contains(&("수취인2".to_owned(), NoticeForm::Sms)), "a safe number gets the short wording");
            let reasons: Vec<&LeftOut> = list.left_out.iter().map(|(_, reason)| reason).collect();
            assert!(reasons.contains(&&LeftOut::Number(NoNumber::Masked)));
            assert!(reasons.contains(&&LeftOut::Number(NoNumber::NotMobile)));

            let (row, letter) = &list.texts[0];
            assert!(letter.message.contains("11월 24일(화)") && letter.message.contains("예시 가구"));
            let stored = store::of_jobs(tx, &[row.job_id])?;
            let notice = &stored[&row.job_id][0];
            assert_eq!((notice.kind, notice.window, notice.day), (NoticeKind::Visit, letter.window, day()));
            assert_eq!((&notice.message, notice.written_by.as_deref()), (&letter.message, Some("desk")));
            let count = |tx: &mut dyn Tx, table: &str| tx.scalar(&format!("SELECT count(*) FROM {table}"), &[]);
            assert_eq!((count(tx, "downloads")?, count(tx, "access_records")?), (1, 1));
            assert_eq!(load(tx)?.batch(NoticeBatch::Visit).filter(|row| matches!(row.letter, Some(Ok(_)))).count(), 0);

            let files = store::files_of_day(tx, day())?;
            assert_eq!((files.len(), files[0].texts), (1, 2));
            assert_eq!(store::withdraw(tx, files[0].download_id, planned.actor.id)?, 2);
            assert_eq!(store::withdraw(tx, files[0].download_id, planned.actor.id)?, 0, "once");
            assert_eq!(load(tx)?.batch(NoticeBatch::Visit).filter(|row| matches!(row.letter, Some(Ok(_)))).count(), 2);
            Ok(())
        })
        .expect("writes");
}

#[test]
fn told_window_is_kept_by_the_plan_and_told_again_when_it_is_missed() {
    Shop::open()
        .write(|tx, files| {
            let orders = (1..=3).map(|number| order(&number.to_string(), "010-0000-0001")).collect();
            let planned = set_up(tx, files, orders)?;
            planned.set_state(tx, TourState::Fixed)?;
            let list = planned.export(tx, NoticeBatch::Visit)?;
            assert_eq!(list.texts.len(), 3);
            let told = list.texts[0].1.window;
            let before = board::load(tx, &Districts::embedded(), day())?;
            assert_eq!(before.columns[0].stops[0].item.window(), told, "the plan has it as a promise");
            assert!(before.columns[0].schedule.visits.iter().all(|visit| !visit.is_late));

            // The first stop takes four hours more.
            let first = before.columns[0].stops[0].stop.job.id;
            tx.exec("UPDATE jobs SET minutes = 400 WHERE id = ?", &[first.into()])?;
            let late = load(tx)?;
            assert_eq!(needs(&late), [None, Some(NoticeNeed::OtherWindow), Some(NoticeNeed::OtherWindow)]);
            let again = planned.export(tx, NoticeBatch::Again)?;
            assert_eq!(again.texts.len(), 2);
            let (_, letter) = &again.texts[0];
            assert!(letter.message.contains("바뀌었어요") && letter.values.former.starts_with("11월 24일(화)"));
            assert_ne!(letter.window, told);
            assert!(load(tx)?.rows.iter().all(|row| row.need.is_none()), "everybody knows");
            Ok(())
        })
        .expect("writes");
}

#[test]
fn customer_of_a_visit_that_is_gone_is_told() {
    Shop::open()
        .write(|tx, files| {
            let orders = (1..=3).map(|number| order(&number.to_string(), "010-0000-0001")).collect();
            let planned = set_up(tx, files, orders)?;
            planned.set_state(tx, TourState::Fixed)?;
            let list = planned.export(tx, NoticeBatch::Visit)?;
            let [cancelled, removed, kept] = [0, 1, 2].map(|at: usize| list.texts[at].0.delivery_id);
            tx.exec("UPDATE deliveries SET state = 4 WHERE id = ?", &[cancelled.into()])?;
            planned.set_state(tx, TourState::Draft)?;
            let now = board::load(tx, &Districts::embedded(), day())?;
            edit::unassign(tx, &Districts::embedded(), &planned.context(&now), &[removed.into()])?.expect("removes");
            planned.set_state(tx, TourState::Fixed)?;

            let notices = load(tx)?;
            let need = |delivery: DeliveryId| {
                notices.rows.iter().find(|row| row.delivery_id == delivery).and_then(|row| row.need)
            };
            assert_eq!(need(cancelled), Some(NoticeNeed::Cancellation));
            assert_eq!(need(removed), Some(NoticeNeed::Cancellation));
            assert_eq!(need(kept), None);
            let again = planned.export(tx, NoticeBatch::Again)?;
            assert_eq!(again.texts.len(), 2);
            assert!(again.texts.iter().all(|(_, letter)| letter.message.contains("하지 않아요")));
            assert_eq!(load(tx)?.batch(NoticeBatch::Again).count(), 0);

            planned.set_state(tx, TourState::Draft)?;
            planned.move_to(tx, 1, &[removed.into()])?;
            planned.set_state(tx, TourState::Fixed)?;
            let again = load(tx)?;
            let row = again.rows.iter().find(|row| row.delivery_id == removed).expect("the row");
            assert_eq!(row.need, Some(NoticeNeed::Visit), "planned anew");
            Ok(())
        })
        .expect("writes");
}

#[test]
fn files_have_a_line_for_each_text() {
    Shop::open()
        .write(|tx, files| {
            let orders = vec![order("1", "010-0000-0001"), order("2", "0504-0000-0002")];
            let planned = set_up(tx, files, orders)?;
            planned.set_state(tx, TourState::Fixed)?;
            let notices = load(tx)?;
            let list = NoticeList::new(&notices, NoticeBatch::Visit, NoticeChannel::Text);
            let csv = export::file(&list, NoticeChannel::Text, Format::Csv).expect("a file");
            let csv = String::from_utf8(csv).expect("UTF-8");
            assert!(csv.starts_with("\u{FEFF}수신번호,이름,종류,바이트,내용,안내,묶음배송번호\r\n"), "{csv}");
            assert!(csv.contains("010-0000-0001,수취인1,LMS,"));
            let list = NoticeList::new(&notices, NoticeBatch::Visit, NoticeChannel::Alimtalk);
            let csv = export::file(&list, NoticeChannel::Alimtalk, Format::Csv).expect("a file");
            let csv = String::from_utf8(csv).expect("UTF-8");
            assert!(csv.contains("수신번호,이름,#{날짜},#{시간대},#{상품},#{가게},#{가게전화},종류"), "{csv}");
            assert!(csv.contains(",11월 24일(화),") && csv.contains(",알림톡,") && !csv.contains("0504"));
            let xlsx = export::file(&list, NoticeChannel::Alimtalk, Format::Xlsx).expect("a file");
            assert!(xlsx.starts_with(b"PK"));
            let export = NoticeExport::new(&notices, NoticeBatch::Visit, &list);
            assert_eq!((export.texts.len(), export.left_out.len(), export.not_fixed), (1, 1, 0));
            assert!(export.left_out[0].reason.contains("안심번호"));
            Ok(())
        })
        .expect("writes");
}

#[test]
fn wording_is_saved_once_per_version() {
    Shop::open()
        .write(|tx, _| {
            let kind = NoticeKind::Completion;
            let first = store::wording(tx, kind)?;
            assert_eq!(first, NoticeWording::initial(kind));
            let own = NoticeWording { body: "{이름} 님, 잘 도착했어요.".to_owned(), ..first.clone() };
            assert!(store::save_wording(tx, kind, &own, MemberId::from_raw(1))?);
            assert!(!store::save_wording(tx, kind, &own, MemberId::from_raw(1))?, "another member saved it first");
            let stored = store::wording(tx, kind)?;
            assert_eq!((stored.version, stored.body.as_str()), (1, own.body.as_str()));
            assert!(store::save_wording(
                tx,
                kind,
                &NoticeWording { body: "새 문구".to_owned(), ..stored },
                MemberId::from_raw(1)
            )?);
            assert_eq!(store::wording(tx, kind)?.version, 2);
            store::delete_wording(tx, kind)?;
            assert_eq!(store::wording(tx, kind)?, first);
            Ok(())
        })
        .expect("writes");
}
