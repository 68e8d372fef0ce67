//! The SQL of uploads.

mod rows;

pub use self::rows::{RowFilter, close_earlier, conflict_count, mark_handled, row, rows, set_handled};
use super::model::{Handled, Handling, Outcome, Report, Stage, Upload};
use crate::channels::FileKind;
use crate::orders::store as orders;
use crate::orders::store::create::Findings;
use crate::storage::{Param, Result, Row, StorageError, Tx};
use crate::time::Moment;

/// Pieces a kept file is cut into: below every engine's limit for one value.
const CHUNK: usize = 1 << 20;

const UPLOAD: &str = "u.id, u.created_at, m.username, u.kind, u.channel_code, u.courier, u.file_name, u.file_size, \
                      u.file_kept, u.stage, u.refusal, u.created, u.updated, u.skipped, u.rejected, u.warned, u.found, \
                      u.applied_at, u.version, u.open_rows, h.username, u.handled_at";

const FROM: &str =
    "FROM uploads u LEFT JOIN members m ON m.id = u.member_id LEFT JOIN members h ON h.id = u.handled_by";

fn upload(row: &mut Row) -> Result<Upload> {
    let inconsistent = |column: &str| StorageError::Inconsistent(format!("uploads.{column}"));
    let found = row.text(16)?;
    Ok(Upload {
        id: row.int(0)?,
        created_at: row.moment(1)?,
        username: row.opt_text(2)?,
        kind: kind(&row.text(3)?),
        channel_code: row.text(4)?,
        courier: row.text(5)?,
        file_name: row.text(6)?,
        file_size: row.int(7)?,
        file_kept: row.bool(8)?,
        stage: Stage::parse(&row.text(9)?).ok_or_else(|| inconsistent("stage"))?,
        refusal: row.text(10)?,
        counts: [row.int(11)?, row.int(12)?, row.int(13)?, row.int(14)?],
        warned: row.int(15)?,
        findings: if found.is_empty() {
            Findings::default()
        } else {
            serde_json::from_str(&found).map_err(|_| inconsistent("found"))?
        },
        applied_at: row.opt_moment(17)?,
        version: row.int(18)?,
        open_rows: row.int(19)?,
        marked: match row.opt_moment(21)? {
            Some(at) => Some(Handled { how: Handling::Marked, username: row.opt_text(20)?, at }),
            None => None,
        },
    })
}

fn kind(code: &str) -> Option<FileKind> {
    [FileKind::Orders, FileKind::Tracking, FileKind::States].into_iter().find(|kind| kind.code() == code)
}

/// A file that has just come.
#[derive(Clone, Copy, Debug)]
pub struct Received<'a> {
    /// who brings it; none is the command line
    pub member_id: Option<i64>,
    /// as the browser names it
    pub file_name: &'a str,
    /// its bytes
    pub bytes: &'a [u8],
    /// their SHA-256 in hexadecimal
    pub sha256: &'a str,
    /// courier that was chosen for it, or empty
    pub courier: &'a str,
}

/// Keeps a file and what is known of it.
pub fn receive(tx: &mut dyn Tx, file: Received<'_>) -> Result<i64> {
    let (id, now) = (tx.new_id(), tx.now());
    let name = plain_name(file.file_name);
    tx.exec(
        "INSERT INTO uploads (id, created_at, member_id, kind, channel_code, courier, file_name, file_size, \
         file_sha256, file_kept, stage, refusal, found) VALUES (?, ?, ?, '', '', ?, ?, ?, ?, 1, ?, '', '')",
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
    for (place, bytes) in (0_i64..).zip(file.bytes.chunks(CHUNK)) {
        let sql = "INSERT INTO upload_chunks (upload_id, place, bytes) VALUES (?, ?, ?)";
        tx.exec(sql, &[id.into(), place.into(), bytes.into()])?;
    }
    Ok(id)
}

/// A file that is kept.
#[derive(Clone, Debug)]
pub struct KeptFile {
    /// as it came
    pub bytes: Vec<u8>,
    /// the password that opens it
    pub sealed_password: Option<Vec<u8>>,
}

/// The kept file; none when it was put away.
pub fn file(tx: &mut dyn Tx, id: i64) -> Result<Option<KeptFile>> {
    let sql = "SELECT file_size, sealed_password FROM uploads WHERE id = ? AND file_kept = 1";
    let Some(mut row) = tx.query_one(sql, &[id.into()])? else { return Ok(None) };
    let mut bytes = Vec::with_capacity(usize::try_from(row.int(0)?).unwrap_or_default());
    let sql = "SELECT bytes FROM upload_chunks WHERE upload_id = ? ORDER BY place";
    tx.for_each(sql, &[id.into()], &mut |mut row| {
        bytes.extend(row.opt_blob(0)?.unwrap_or_default());
        Ok(())
    })?;
    Ok(Some(KeptFile { bytes, sealed_password: row.opt_blob(1)? }))
}

/// Puts the file away; what was done with it stays known.
pub fn forget_file(tx: &mut dyn Tx, id: i64) -> Result<()> {
    tx.exec("DELETE FROM upload_chunks WHERE upload_id = ?", &[id.into()])?;
    tx.exec("UPDATE uploads SET file_kept = 0, sealed_password = NULL WHERE id = ?", &[id.into()]).map(drop)
}

/// Puts files away that came before `before`, at most `most` of them; tells how many it was.
pub fn forget_old_files(tx: &mut dyn Tx, before: Moment, most: i64) -> Result<usize> {
    let sql = "SELECT id FROM uploads WHERE file_kept = 1 AND created_at < ? ORDER BY id LIMIT ?";
    let old = tx.query(sql, &[before.into(), most.into()])?;
    old.iter().try_for_each(|row| forget_file(tx, row.int(0)?))?;
    Ok(old.len())
}

/// Keeps the password with which the file opens.
pub fn keep_password(tx: &mut dyn Tx, id: i64, sealed: &[u8]) -> Result<()> {
    tx.exec("UPDATE uploads SET sealed_password = ? WHERE id = ?", &[sealed.into(), id.into()]).map(drop)
}

/// The name of a file as it is shown and kept: without folders, without characters that steer the
/// text around them, and no longer than a line.
pub fn plain_name(name: &str) -> String {
    const LONGEST: usize = 200;
    let steers = |c: char| {
        c.is_control() || matches!(c, '\u{200E}' | '\u{200F}' | '\u{202A}'..='\u{202E}' | '\u{2066}'..='\u{2069}')
    };
    let last = name.rsplit(['/', '\\']).next().unwrap_or_default();
    let plain: String = last.chars().filter(|c| !steers(*c)).take(LONGEST).collect();
    if plain.trim().is_empty() { "이름 없는 파일".to_owned() } else { plain.trim().to_owned() }
}

/// Sets the stage where nothing else is known.
pub fn set_stage(tx: &mut dyn Tx, upload: &Open, stage: Stage, refusal: &str) -> Result<()> {
    tx.exec(
        "UPDATE uploads SET stage = ?, refusal = ?, version = version + 1 WHERE id = ?",
        &[stage.code().into(), refusal.into(), upload.id.into()],
    )
    .map(drop)
}

/// Writes the report of a preview, or of what was done.
pub fn report(
    tx: &mut dyn Tx,
    upload: &Open,
    (kind, channel_code): (FileKind, &str),
    report: &Report,
    stage: Stage,
) -> Result<()> {
    let count = |outcome| Param::from(i64::try_from(report.count(outcome)).unwrap_or(i64::MAX));
    let applied_at = (stage == Stage::Applied).then(|| tx.now());
    let found = serde_json::to_string(&report.findings).unwrap_or_default();
    tx.exec(
        "UPDATE uploads SET kind = ?, channel_code = ?, stage = ?, refusal = '', created = ?, updated = ?, \
         skipped = ?, rejected = ?, warned = ?, found = ?, applied_at = ?, open_rows = ?, version = version + 1 \
         WHERE id = ?",
        &[
            kind.code().into(),
            channel_code.into(),
            stage.code().into(),
            count(Outcome::Created),
            count(Outcome::Updated),
            count(Outcome::Skipped),
            count(Outcome::Rejected),
            i64::try_from(report.warned()).unwrap_or(i64::MAX).into(),
            found.into(),
            applied_at.into(),
            if applied_at.is_some() { count(Outcome::Rejected) } else { 0_i64.into() },
            upload.id.into(),
        ],
    )?;
    rows::write(tx, upload.id, report, stage == Stage::Applied)
}

/// One upload.
pub fn find(tx: &mut dyn Tx, id: i64) -> Result<Option<Upload>> {
    let sql = format!("SELECT {UPLOAD} {FROM} WHERE u.id = ?");
    tx.query_one(&sql, &[id.into()])?.map(|mut row| upload(&mut row)).transpose()
}

/// An upload with which something may still be done: it was neither applied nor refused nor discarded.
#[derive(Clone, Debug)]
pub struct Open(Upload);

impl std::ops::Deref for Open {
    type Target = Upload;

    fn deref(&self) -> &Upload {
        &self.0
    }
}

/// One upload, if it is there and open.
pub fn open(tx: &mut dyn Tx, id: i64) -> Result<Option<Open>> {
    Ok(find(tx, id)?.filter(|upload| upload.stage.is_open()).map(Open))
}

/// Which uploads are listed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Which {
    /// every one
    All,
    /// those at that stage
    Stage(Stage),
    /// those with rejected rows that nobody has dealt with yet
    Open,
}

/// The newest uploads, a page of them, and how many there are.
pub fn page(tx: &mut dyn Tx, which: Which, offset: i64, size: i64) -> Result<(Vec<Upload>, i64)> {
    let (condition, mut params): (&str, Vec<Param<'_>>) = match which {
        Which::All => ("", Vec::new()),
        Which::Stage(stage) => ("WHERE u.stage = ?", vec![stage.code().into()]),
        Which::Open => ("WHERE u.open_rows > 0", Vec::new()),
    };
    let total = tx.scalar(&format!("SELECT count(*) FROM uploads u {condition}"), &params)?;
    params.extend([size.into(), offset.into()]);
    let sql = format!("SELECT {UPLOAD} {FROM} {condition} ORDER BY u.id DESC LIMIT ? OFFSET ?");
    let uploads = tx.query(&sql, &params)?.into_iter().map(|mut row| upload(&mut row)).collect::<Result<_>>()?;
    Ok((uploads, total))
}

/// The channel that an upload is of.
pub fn channel_of(tx: &mut dyn Tx, id: i64) -> Result<Option<i64>> {
    let sql = "SELECT c.id FROM uploads u JOIN sales_channels c ON c.code = u.channel_code WHERE u.id = ?";
    tx.query_one(sql, &[id.into()])?.map(|row| row.int(0)).transpose()
}

/// The orders that a row of a file of that channel may be about; the file of a courier is of none.
pub fn orders_of(tx: &mut dyn Tx, channel: Option<i64>, order_number: &str) -> Result<Vec<i64>> {
    let Some(channel) = channel else { return orders::find_by_number(tx, order_number) };
    let sql = "SELECT id FROM orders WHERE order_number = ? AND channel_id = ?";
    tx.query(sql, &[order_number.into(), channel.into()])?.iter().map(|row| row.int(0)).collect()
}

/// Keeps the courier that was chosen for a list of tracking numbers.
pub fn set_courier(tx: &mut dyn Tx, upload: &Open, courier: &str) -> Result<()> {
    tx.exec("UPDATE uploads SET courier = ? WHERE id = ?", &[courier.into(), upload.id.into()]).map(drop)
}
