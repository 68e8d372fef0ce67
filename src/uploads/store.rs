//! SQL of the tables `uploads` and `upload_chunks`; [`mod@rows`] has that of `upload_rows`.

mod claim_data;
pub mod destruction;
mod rows;
mod undo;

pub use self::claim_data::{claim_data_of_channels, claim_data_of_search, mark_claim_data};
pub use self::rows::{
    RowFilter, conflict_count, decision_count, find_row, reopen_resolved, resolve_all, resolve_earlier, resolve_row,
    rows,
};
pub use self::undo::{
    BroughtProduct, BroughtVariant, brought_products, brought_variants, delete_goods, for_each_options,
    has_other_variants, later_work, orders_by_delivery, orders_on_the_way, planned_deliveries, reopen_rows,
    reported_orders, set_undone,
};
use super::model::{ChangeSummary, Report, Resolution, ResolvedBy, RowOutcome, Stage, Upload, display_name};
use crate::channels::{ColumnDrift, FileKind, Profile};
use crate::id::{ChannelId, MemberId, OrderId, ProfileId, UploadId};
use crate::orders::findings::Findings;
use crate::orders::store as orders;
use crate::storage::{Param, Result, Row, Tx, from_json};
use crate::time::Moment;

/// Chunk size of a stored file: below every engine's limit for one value.
const CHUNK_BYTES: usize = 1 << 20;

const COLUMNS: &str = "u.id, u.created_at, m.username, u.kind, u.channel_code, u.courier, u.file_name, u.file_size, \
                      u.file_kept, u.stage, u.refusal, u.created, u.updated, u.skipped, u.rejected, u.warned, u.findings, \
                      u.applied_at, u.version, u.open_rows, h.username, u.resolved_at, u.changes, u.open_conflicts, u.undone_at, n.username, \
                      u.unknown_orders";

const FROM: &str = "FROM uploads u LEFT JOIN members m ON m.id = u.member_id LEFT JOIN members h ON h.id = u.resolved_by \
     LEFT JOIN members n ON n.id = u.undone_by";

fn upload(row: &mut Row) -> Result<Upload> {
    let findings = row.text(16)?;
    Ok(Upload {
        id: row.id(0)?,
        created_at: row.moment(1)?,
        username: row.opt_text(2)?,
        kind: row.opt_text(3)?.and_then(|code| kind(&code)),
        channel_code: row.text(4)?,
        courier: row.text(5)?,
        file_name: row.text(6)?,
        file_size: row.int(7)?,
        file_kept: row.bool(8)?,
        stage: row.code(9, "uploads.stage")?,
        refusal: row.text(10)?,
        counts: [row.int(11)?, row.int(12)?, row.int(13)?, row.int(14)?],
        warned: row.int(15)?,
        unknown_orders: row.int(26)?,
        findings: if findings.is_empty() { Findings::default() } else { from_json(&findings, "uploads.findings")? },
        applied_at: row.opt_moment(17)?,
        version: row.int(18)?,
        open_rows: row.int(19)?,
        changes: match row.text(22)?.as_str() {
            "{}" => ChangeSummary::default(),
            changes => from_json(changes, "uploads.changes")?,
        },
        open_conflicts: row.int(23)?,
        undone_at: row.opt_moment(24)?,
        undone_by: row.opt_text(25)?,
        resolved: match row.opt_moment(21)? {
            Some(at) => Some(ResolvedBy { resolution: Resolution::Marked, username: row.opt_text(20)?, at }),
            None => None,
        },
    })
}

fn kind(code: &str) -> Option<FileKind> {
    FileKind::from_code(code).filter(|kind| *kind != FileKind::Settlement)
}

/// A new file to store.
#[derive(Clone, Copy, Debug)]
pub struct NewUpload<'a> {
    /// uploading member; none for the command line
    pub member_id: Option<MemberId>,
    /// name given by the browser
    pub file_name: &'a str,
    /// content
    pub bytes: &'a [u8],
    /// SHA-256 of the content, in hexadecimal
    pub sha256: &'a str,
    /// courier stated by the member, or empty
    pub courier: &'a str,
}

/// Inserts an upload with its file; returns the id.
pub fn insert(tx: &mut dyn Tx, file: NewUpload<'_>) -> Result<UploadId> {
    let (id, now) = (tx.new_id::<UploadId>(), tx.now());
    let name = display_name(file.file_name);
    tx.exec(
        "INSERT INTO uploads (id, created_at, member_id, kind, channel_code, courier, file_name, file_size, \
         file_sha256, file_kept, stage, refusal, findings) VALUES (?, ?, ?, NULL, '', ?, ?, ?, ?, 1, ?, '', '')",
        &[
            id.into(),
            now.into(),
            file.member_id.into(),
            file.courier.into(),
            name.into(),
            i64::try_from(file.bytes.len()).unwrap_or(i64::MAX).into(),
            file.sha256.into(),
            Stage::Received.code().into(),
        ],
    )?;
    for (position, bytes) in (0_i64..).zip(file.bytes.chunks(CHUNK_BYTES)) {
        let sql = "INSERT INTO upload_chunks (upload_id, position, bytes) VALUES (?, ?, ?)";
        tx.exec(sql, &[id.into(), position.into(), bytes.into()])?;
    }
    Ok(id)
}

/// A stored file.
#[derive(Clone, Debug)]
pub struct StoredFile {
    /// its name
    pub file_name: String,
    /// content
    pub bytes: Vec<u8>,
    /// sealed password that opens it
    pub sealed_password: Option<Vec<u8>>,
}

/// Loads a stored file; none if it was deleted.
pub fn load_file(tx: &mut dyn Tx, id: UploadId) -> Result<Option<StoredFile>> {
    let sql = "SELECT file_size, sealed_password, file_name FROM uploads WHERE id = ? AND file_kept = 1";
    let Some(mut row) = tx.query_one(sql, &[id.into()])? else { return Ok(None) };
    let mut bytes = Vec::with_capacity(usize::try_from(row.int(0)?).unwrap_or_default());
    let sql = "SELECT bytes FROM upload_chunks WHERE upload_id = ? ORDER BY position";
    tx.for_each(sql, &[id.into()], &mut |mut row| {
        bytes.extend(row.opt_blob(0)?.unwrap_or_default());
        Ok(())
    })?;
    Ok(Some(StoredFile { file_name: row.text(2)?, bytes, sealed_password: row.opt_blob(1)? }))
}

/// Deletes a stored file; the upload and its report remain.
pub fn delete_file(tx: &mut dyn Tx, id: UploadId) -> Result<()> {
    tx.exec("DELETE FROM upload_chunks WHERE upload_id = ?", &[id.into()])?;
    tx.exec("UPDATE uploads SET file_kept = 0, sealed_password = NULL WHERE id = ?", &[id.into()]).map(drop)
}

/// Deletes up to `limit` files that were uploaded before `before`; returns how many.
pub fn delete_old_files(tx: &mut dyn Tx, before: Moment, limit: i64) -> Result<usize> {
    let sql = "SELECT id FROM uploads WHERE file_kept = 1 AND created_at < ? ORDER BY id LIMIT ?";
    let old = tx.query(sql, &[before.into(), limit.into()])?;
    old.iter().try_for_each(|row| delete_file(tx, row.id(0)?))?;
    Ok(old.len())
}

/// Stores the sealed password of a file.
pub fn set_sealed_password(tx: &mut dyn Tx, id: UploadId, sealed: &[u8]) -> Result<()> {
    tx.exec("UPDATE uploads SET sealed_password = ? WHERE id = ?", &[sealed.into(), id.into()]).map(drop)
}

/// Sets the stage of an upload without a report.
pub fn set_stage(tx: &mut dyn Tx, upload: &OpenUpload, stage: Stage, refusal: &str) -> Result<()> {
    tx.exec(
        "UPDATE uploads SET stage = ?, refusal = ?, version = version + 1 WHERE id = ?",
        &[stage.code().into(), refusal.into(), upload.id.into()],
    )
    .map(drop)
}

/// Stores how the columns of a refused file differ from those of the most similar profile.
pub fn set_columns(tx: &mut dyn Tx, id: UploadId, columns: Option<&ColumnDrift>) -> Result<()> {
    let findings = Findings { columns: columns.cloned(), ..Findings::default() };
    let findings = serde_json::to_string(&findings).unwrap_or_default();
    tx.exec("UPDATE uploads SET findings = ? WHERE id = ?", &[findings.into(), id.into()]).map(drop)
}

/// Opens a refused upload whose file is kept again, to be read with other profiles; false if it is none.
pub fn reopen(tx: &mut dyn Tx, id: UploadId) -> Result<bool> {
    let sql = "UPDATE uploads SET stage = 'received', refusal = '', version = version + 1 \
               WHERE id = ? AND stage = 'refused' AND file_kept = 1";
    Ok(tx.exec(sql, &[id.into()])? > 0)
}

/// How often a profile read files.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ProfileUsage {
    /// code of the kind of file
    pub kind: String,
    /// code of the channel or courier
    pub channel_code: String,
    /// profile of the shop; none for one of the program
    pub profile_id: Option<ProfileId>,
    /// number of files
    pub files: i64,
    /// when the last one was uploaded
    pub last: Moment,
}

/// Which profiles read how many files.
pub fn profile_usage(tx: &mut dyn Tx) -> Result<Vec<ProfileUsage>> {
    let sql = "SELECT kind, channel_code, profile_id, count(*), max(created_at) FROM uploads WHERE kind IS NOT NULL \
               GROUP BY kind, channel_code, profile_id";
    let rows = tx.query(sql, &[])?;
    let usage = |mut row: Row| {
        Ok(ProfileUsage {
            kind: row.text(0)?,
            channel_code: row.text(1)?,
            profile_id: row.opt_id(2)?,
            files: row.int(3)?,
            last: row.moment(4)?,
        })
    };
    rows.into_iter().map(usage).collect()
}

/// Counts a wrong password; returns how many there were.
pub fn count_wrong_password(tx: &mut dyn Tx, upload: &OpenUpload) -> Result<i64> {
    tx.exec("UPDATE uploads SET wrong_passwords = wrong_passwords + 1 WHERE id = ?", &[upload.id.into()])?;
    tx.scalar("SELECT wrong_passwords FROM uploads WHERE id = ?", &[upload.id.into()])
}

/// Stores the report of a preview or of an applied upload.
pub fn save_report(
    tx: &mut dyn Tx,
    upload: &OpenUpload,
    profile: &Profile,
    report: &Report,
    stage: Stage,
) -> Result<()> {
    let count = |outcome| Param::from(i64::try_from(report.count(outcome)).unwrap_or(i64::MAX));
    let applied_at = (stage == Stage::Applied).then(|| tx.now());
    let findings = serde_json::to_string(&report.findings).unwrap_or_default();
    let changes = serde_json::to_string(&report.change_summary()).unwrap_or_default();
    tx.exec(
        "UPDATE uploads SET kind = ?, channel_code = ?, stage = ?, refusal = '', created = ?, updated = ?, \
         skipped = ?, rejected = ?, warned = ?, unknown_orders = ?, findings = ?, applied_at = ?, open_rows = ?, changes = ?, made_at = ?, \
         profile_id = ?, version = version + 1 WHERE id = ?",
        &[
            profile.kind.code().into(),
            profile.code.as_str().into(),
            stage.code().into(),
            count(RowOutcome::Created),
            count(RowOutcome::Updated),
            count(RowOutcome::Skipped),
            count(RowOutcome::Rejected),
            i64::try_from(report.warned()).unwrap_or(i64::MAX).into(),
            i64::try_from(report.unknown_orders()).unwrap_or(i64::MAX).into(),
            findings.into(),
            applied_at.into(),
            if applied_at.is_some() { count(RowOutcome::Rejected) } else { 0_i64.into() },
            changes.into(),
            report.made_at.into(),
            profile.own_id.into(),
            upload.id.into(),
        ],
    )?;
    rows::replace(tx, upload.id, report, stage == Stage::Applied)
}

/// Finds an upload.
pub fn find(tx: &mut dyn Tx, id: UploadId) -> Result<Option<Upload>> {
    let sql = format!("SELECT {COLUMNS} {FROM} WHERE u.id = ?");
    tx.query_one(&sql, &[id.into()])?.map(|mut row| upload(&mut row)).transpose()
}

/// An upload that is neither applied nor refused nor discarded.
#[derive(Clone, Debug)]
pub struct OpenUpload(Upload);

impl std::ops::Deref for OpenUpload {
    type Target = Upload;

    fn deref(&self) -> &Upload {
        &self.0
    }
}

/// Finds an upload if it is open.
pub fn find_open(tx: &mut dyn Tx, id: UploadId) -> Result<Option<OpenUpload>> {
    Ok(find(tx, id)?.filter(|upload| upload.stage.is_open()).map(OpenUpload))
}

/// Filter of the list of uploads.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum UploadFilter {
    /// all uploads
    All,
    /// uploads at a stage
    Stage(Stage),
    /// uploads with unresolved rejected rows
    Unresolved,
    /// uploads with values of the channel that wait for a decision
    Undecided,
}

/// A page of the uploads, newest first, and their total number.
pub fn page(tx: &mut dyn Tx, filter: UploadFilter, offset: i64, size: i64) -> Result<(Vec<Upload>, i64)> {
    let (condition, mut params): (&str, Vec<Param<'_>>) = match filter {
        UploadFilter::All => ("", Vec::new()),
        UploadFilter::Stage(stage) => ("WHERE u.stage = ?", vec![stage.code().into()]),
        UploadFilter::Unresolved => ("WHERE u.open_rows > 0", Vec::new()),
        UploadFilter::Undecided => ("WHERE u.open_conflicts > 0", Vec::new()),
    };
    let total = tx.scalar(&format!("SELECT count(*) FROM uploads u {condition}"), &params)?;
    params.extend([size.into(), offset.into()]);
    let sql = format!("SELECT {COLUMNS} {FROM} {condition} ORDER BY u.id DESC LIMIT ? OFFSET ?");
    let uploads = tx.query(&sql, &params)?.into_iter().map(|mut row| upload(&mut row)).collect::<Result<_>>()?;
    Ok((uploads, total))
}

/// The id of an upload's channel; none for a courier.
pub fn channel_id(tx: &mut dyn Tx, id: UploadId) -> Result<Option<ChannelId>> {
    let sql = "SELECT c.id FROM uploads u JOIN sales_channels c ON c.code = u.channel_code WHERE u.id = ?";
    tx.query_one(sql, &[id.into()])?.map(|row| row.id(0)).transpose()
}

/// Ids of the orders with a number, in the given channel; in any channel for a courier's file (none).
pub fn matching_orders(tx: &mut dyn Tx, channel: Option<ChannelId>, order_number: &str) -> Result<Vec<OrderId>> {
    Ok(orders::ids_by_number(tx, channel, &[order_number])?.remove(order_number).unwrap_or_default())
}

/// Sets the courier of a tracking list.
pub fn set_courier(tx: &mut dyn Tx, upload: &OpenUpload, courier: &str) -> Result<()> {
    tx.exec("UPDATE uploads SET courier = ? WHERE id = ?", &[courier.into(), upload.id.into()]).map(drop)
}

/// The applied order files of a channel: when the newest was made and when the last was received.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct NewestOrderFile {
    /// as far as file names have it
    pub made_at: Option<Moment>,
    /// none: there is no file
    pub received_at: Option<Moment>,
}

/// When the newest applied order file of a channel was made and received.
pub fn newest_order_file(tx: &mut dyn Tx, channel_code: &str) -> Result<NewestOrderFile> {
    let sql = "SELECT max(made_at), max(created_at) FROM uploads WHERE channel_code = ? AND kind = 'orders' \
               AND stage = 'applied'";
    let found = tx.query_one(sql, &[channel_code.into()])?;
    found.map_or(Ok(NewestOrderFile::default()), |row| {
        Ok(NewestOrderFile { made_at: row.opt_moment(0)?, received_at: row.opt_moment(1)? })
    })
}
