//! Shop for tests; orders are created by planning and applying uploads.

use std::sync::Arc;

use crate::audit::Actor;
use crate::channels::{FileKind, Profile, Profiles};
use crate::districts::Districts;
use crate::id::{OrderId, UploadId};
use crate::orders::model::{Customer, NewOrder, Order, OrderOption, Recipient, ShippingMethod};
use crate::orders::store::{self, Action, ChangeContext};
use crate::search::Limits;
use crate::search::postings::TermPosting;
use crate::search::store::{insert_segment, should_write_segment};
use crate::search::tokenizer::Postings;
use crate::storage::testing::ScratchDatabase;
use crate::storage::{Result, Storage, StorageError, StorageOptions, Tx};
use crate::time::{ManualClock, Moment};
use crate::uploads::check::{CheckedRow, RowCheck};
use crate::uploads::parse::{ParsedFile, ParsedRows};
use crate::uploads::store::{self as uploads, NewUpload};
use crate::uploads::{Report, Stage, apply, plan};

/// Noon of 2026-11-22, a Sunday, in Korea.
pub(crate) const NOW: Moment = Moment(1_795_316_400_000);

pub(crate) const DAY_MS: i64 = 24 * 60 * 60 * 1000;

/// A manual change.
pub(crate) const BY_HAND: ChangeContext =
    ChangeContext { actor: Actor::Program, upload_id: None, action: Action::Edited };

pub(crate) struct Shop {
    pub(crate) files: Files,
    pub(crate) storage: Storage,
    pub(crate) clock: ManualClock,
    runtime: tokio::runtime::Runtime,
    pub(crate) folder: ScratchDatabase,
}

/// Profiles and districts that parsing a file needs.
#[derive(Clone)]
pub(crate) struct Files {
    pub(crate) districts: Arc<Districts>,
    profiles: Arc<Profiles>,
}

impl Shop {
    pub(crate) fn open() -> Self {
        let folder = ScratchDatabase::new();
        let clock = ManualClock::at(NOW);
        let options = StorageOptions { clock: Arc::new(clock.clone()), readers: 1 };
        Self {
            storage: folder.open(&options),
            clock,
            files: Files::open(),
            runtime: tokio::runtime::Builder::new_current_thread().enable_time().build().expect("a runtime"),
            folder,
        }
    }

    /// Waits for work outside of a transaction.
    pub(crate) fn block_on<F: Future>(&self, work: F) -> F::Output {
        self.runtime.block_on(work)
    }

    pub(crate) fn write<T: Send + 'static>(
        &self,
        work: impl Fn(&mut dyn Tx, &Files) -> Result<T> + Send + 'static,
    ) -> Result<T> {
        let files = self.files.clone();
        self.runtime.block_on(self.storage.write(move |tx| work(tx, &files)))
    }

    pub(crate) fn read<T: Send + 'static, E: From<StorageError> + Send + 'static>(
        &self,
        work: impl Fn(&mut dyn Tx, &Files) -> Result<T, E> + Send + 'static,
    ) -> Result<T, E> {
        let files = self.files.clone();
        self.runtime.block_on(self.storage.read(move |tx| work(tx, &files)))
    }
}

impl Files {
    /// The embedded profiles and districts.
    pub(crate) fn open() -> Self {
        Self {
            districts: Arc::new(Districts::embedded()),
            profiles: Arc::new(Profiles::shipped().expect("the embedded profiles")),
        }
    }

    fn profile(&self, kind: FileKind, code: &str) -> Arc<Profile> {
        let found = self.profiles.all().iter().find(|profile| profile.kind == kind && profile.code == code);
        Arc::new(found.expect("a profile").clone())
    }

    /// Uploads validated rows.
    pub(crate) fn upload(&self, tx: &mut dyn Tx, code: &str, rows: ParsedRows) -> Result<Report> {
        let upload_id = tx.new_id::<UploadId>();
        self.upload_as(tx, upload_id, code, rows)
    }

    /// Uploads validated rows as the upload with that identifier.
    pub(crate) fn upload_as(
        &self,
        tx: &mut dyn Tx,
        upload_id: UploadId,
        code: &str,
        rows: ParsedRows,
    ) -> Result<Report> {
        let kind = match rows {
            ParsedRows::Orders(_) => FileKind::Orders,
            ParsedRows::Tracking(_) => FileKind::Tracking,
            ParsedRows::States(_) => FileKind::States,
        };
        let file = ParsedFile::new(self.profile(kind, code), rows);
        self.apply_file(tx, upload_id, &file)
    }

    /// Uploads orders of a file whose name says when the channel made it.
    pub(crate) fn order_made_at(
        &self,
        tx: &mut dyn Tx,
        code: &str,
        (upload_id, made_at): (UploadId, Option<Moment>),
        orders: Vec<NewOrder>,
    ) -> Result<Report> {
        let file = ParsedFile { made_at, ..ParsedFile::new(self.profile(FileKind::Orders, code), order_rows(orders)) };
        self.apply_file(tx, upload_id, &file)
    }

    /// Uploads validated rows as an applied upload with its report. Returns the identifier of the upload.
    pub(crate) fn upload_recorded(&self, tx: &mut dyn Tx, code: &str, rows: ParsedRows) -> Result<UploadId> {
        let new = NewUpload { member_id: None, file_name: "주문.xlsx", bytes: b"", sha256: "", courier: "" };
        let id = uploads::insert(tx, new)?;
        let profile = self.profile(FileKind::Orders, code);
        let report = self.apply_file(tx, id, &ParsedFile::new(Arc::clone(&profile), rows))?;
        let open = uploads::find_open(tx, id)?.expect("an open upload");
        uploads::save_report(tx, &open, &profile, &report, Stage::Applied)?;
        Ok(id)
    }

    fn apply_file(&self, tx: &mut dyn Tx, upload_id: UploadId, file: &ParsedFile) -> Result<Report> {
        let plan = plan::plan(tx, file)?;
        apply::apply(tx, &plan, file, &self.districts, upload_id, Actor::Program)?;
        Ok(plan.report)
    }

    /// Uploads orders of one channel.
    pub(crate) fn order(&self, tx: &mut dyn Tx, code: &str, orders: Vec<NewOrder>) -> Result<Report> {
        self.upload(tx, code, order_rows(orders))
    }
}

/// Validated rows of these orders.
pub(crate) fn order_rows(orders: Vec<NewOrder>) -> ParsedRows {
    ParsedRows::Orders(checked(orders.into_iter().map(|order| (order.order_number.clone(), order))))
}

/// Validated rows, numbered like the rows of a sheet.
pub(crate) fn checked<T>(rows: impl Iterator<Item = (String, T)>) -> Vec<CheckedRow<T>> {
    let row = |(row, (key, content))| {
        let outcome = RowCheck::Valid(Box::new(content), Vec::new());
        CheckedRow { row, key, outcome, is_inexact: false, is_hidden: false, sheet: 0, partial: None }
    };
    (2..).zip(rows).map(row).collect()
}

/// A plain order with that number.
pub(crate) fn new_order(order_number: &str) -> NewOrder {
    NewOrder {
        order_number: order_number.to_owned(),
        sales_channel: "SMART_STORE".to_owned(),
        product_number: "BED".to_owned(),
        product_name: "예시 침대".to_owned(),
        options: vec![OrderOption { key: "색상".to_owned(), value: "월넛".to_owned() }],
        options_raw: "색상: 월넛".to_owned(),
        quantity: 1,
        price: 100_000,
        customer: Customer { name: "홍길동".to_owned(), tel: "010-0000-1234".to_owned() },
        recipient: Recipient {
            name: "김견본".to_owned(),
            tel1: "010-0000-5678".to_owned(),
            zip_code: "37683".to_owned(),
            address1: "경상북도 포항시 북구 예시로 12".to_owned(),
            address2: "101동 1203호".to_owned(),
            ..Recipient::default()
        },
        shipping_method: ShippingMethod::Direct,
        shipping_method_raw: "직접전달".to_owned(),
        placed_at: NOW.plus_ms(-DAY_MS),
        ..NewOrder::default()
    }
}

/// Limits so small that a few orders fill several blocks and segments.
pub(crate) const SMALL_SEGMENTS: Limits = Limits {
    block_bytes: 256,
    min_segment_documents: 4,
    documents_per_segment: 6,
    max_segments: 12,
    blocks_per_step: 2,
    ..Limits::DEFAULT
};

/// Moves the search terms of orders that were just created from rows to segments, as an upload of many orders writes
/// them.
pub(crate) fn move_to_segments(tx: &mut dyn Tx, orders: &[OrderId]) -> Result<()> {
    if !should_write_segment(tx, orders.len(), &SMALL_SEGMENTS)? {
        return Ok(());
    }
    for chunk in orders.chunks(SMALL_SEGMENTS.documents_per_segment) {
        let mut terms = Postings::default();
        for id in chunk {
            for mut row in
                tx.query("SELECT term, fields FROM search_postings WHERE document_id = ?", &[(*id).into()])?
            {
                terms.push(TermPosting { term: &row.text(0)?, document_id: id.raw(), fields: row.int(1)? });
            }
            tx.exec("DELETE FROM search_postings WHERE document_id = ?", &[(*id).into()])?;
        }
        insert_segment(tx, terms.to_blocks(&SMALL_SEGMENTS))?;
    }
    Ok(())
}

/// Every order, by identifier.
pub(crate) fn all_orders(tx: &mut dyn Tx) -> Result<Vec<Order>> {
    let ids: Vec<OrderId> =
        tx.query("SELECT id FROM orders", &[])?.iter().map(|row| row.id(0)).collect::<Result<_>>()?;
    let mut orders = store::find(tx, &ids)?;
    orders.sort_by_key(|order| order.id);
    Ok(orders)
}

/// Changes one order manually; returns whether it was saved.
pub(crate) fn edit(tx: &mut dyn Tx, order: &Order, change: impl FnOnce(&mut Order)) -> Result<bool> {
    let mut after = order.clone();
    change(&mut after);
    store::with_changes(tx, BY_HAND, |changes| changes.save(order, &after))
}
