//! The evidence of a delivery (배송 증빙): what was ordered, what the driver reported, photographs and signature, with a digest
//! of all of it. The same content has the same digest, so that a print can be compared with the shop later.

use std::collections::BTreeMap;

use sha2::{Digest, Sha256};

use super::model::{EventKind, StopEvent};
use super::store::events as stop_events;
use crate::deliveries::list::DeliveryRow;
use crate::documents::{Document, Figure};
use crate::id::JobId;
use crate::plans::model::{JobKind, Task};
use crate::plans::store::tasks;
use crate::proofs::files::{ProofFileError, ProofFiles};
use crate::proofs::store::{self as proofs, ProofRow};
use crate::storage::{Result, Tx};
use crate::text::hex;

/// A line of the evidence: what it is about, and what it says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct EvidenceLine {
    /// label
    pub label: String,
    /// value
    pub value: String,
}

/// The evidence of a delivery.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Evidence {
    /// recipient, orders and events in words
    pub lines: Vec<EvidenceLine>,
    /// photographs that are there
    pub photos: Vec<ProofRow>,
    /// what signatures say, and their strokes as SVG paths
    pub signatures: Vec<(&'static str, String)>,
    is_reported: bool,
}

impl Evidence {
    /// The evidence of a delivery with its other jobs, which `tasks` has by job. `reporters` are usernames by event.
    pub fn new(
        row: &DeliveryRow,
        (events, tasks): (&[StopEvent], &BTreeMap<JobId, Task>),
        reporters: &BTreeMap<String, String>,
        proofs: Vec<ProofRow>,
    ) -> Self {
        let mut lines = Vec::new();
        let mut add = |label: &str, value: String| lines.push(EvidenceLine { label: label.to_owned(), value });
        add("묶음배송번호", row.delivery.bundle_number.clone());
        if let Some(primary) = row.primary() {
            let to = &primary.order.recipient;
            add("수취인", to.name.clone());
            add("주소", format!("({}) {} {}", to.zip_code, to.address1, to.address2).trim().to_owned());
        }
        for order in &row.orders {
            let listed = &order.listed;
            let labels =
                if listed.labels.is_empty() { String::new() } else { format!(" [{}]", listed.labels.join(", ")) };
            let state = listed.order.state.label();
            let goods = format!("{}{labels} × {} ({state})", listed.product_name, listed.order.quantity);
            add(&format!("주문 {}", listed.order.order_number), goods);
        }
        for event in events {
            let reporter = reporters.get(&event.id).map_or("", String::as_str);
            add(&format!("기록 {}", event.at().precise()), event_text(event, tasks.get(&event.job_id), reporter));
        }
        for proof in &proofs {
            let what = if proof.is_shown() { proof.hash.clone() } else { proof.absence() };
            add(&format!("사진 {}", proof.taken_at.precise()), format!("{} {what}", proof.username));
        }
        let signatures: Vec<(&'static str, String)> = events
            .iter()
            .filter(|event| !event.details.signature.is_empty())
            .map(|event| (kind(tasks.get(&event.job_id)).signed_text(), event.details.signature.clone()))
            .collect();
        for (_, path) in &signatures {
            add("서명의 지문", hex(&Sha256::digest(path.as_bytes())));
        }
        let is_reported = !events.is_empty() || !proofs.is_empty();
        Self { lines, photos: proofs.into_iter().filter(ProofRow::is_shown).collect(), signatures, is_reported }
    }

    /// Reads the evidence of a delivery as it is shown to a member.
    pub fn load(tx: &mut dyn Tx, row: &DeliveryRow) -> Result<Self> {
        let (mut events, mut reporters, mut photos) = (Vec::new(), BTreeMap::new(), Vec::new());
        for job in tasks::ids_of(tx, row.delivery.id)? {
            events.extend(stop_events::of_job(tx, job)?);
            reporters.extend(stop_events::reporters(tx, job)?);
            photos.extend(proofs::of_job(tx, job)?);
        }
        events.sort_by_key(StopEvent::at);
        let jobs = tasks::of_delivery(tx, row.delivery.id)?.into_iter();
        let tasks: BTreeMap<JobId, Task> =
            jobs.filter_map(|planned| Some((planned.job.id, planned.job.task?))).collect();
        Ok(Self::new(row, (&events, &tasks), &reporters, photos))
    }

    /// Whether a driver reported something.
    pub const fn is_reported(&self) -> bool {
        self.is_reported
    }

    /// Writes the evidence into a document: the lines, the photographs, the signatures, and the digest.
    pub fn write(&self, document: &mut Document, files: &[PhotoFile]) {
        document.facts(self.lines.iter().map(|line| (line.label.clone(), line.value.clone())));
        let mut figures = photo_figures(files);
        figures.extend(self.signatures.iter().map(|(text, path)| signature_figure(Some(text), path)));
        document.figures(figures);
        write_unreadable(document, files);
        document.note(&format!("위 표의 지문(SHA-256) {}", self.digest()));
    }

    /// SHA-256 of the lines. They have the hashes of the photographs and signatures.
    pub fn digest(&self) -> String {
        let mut hash = Sha256::new();
        for EvidenceLine { label, value } in &self.lines {
            // Lengths keep apart what is on both sides of a border.
            hash.update(format!("{}:{label}{}:{value}\n", label.len(), value.len()));
        }
        hex(&hash.finalize())
    }
}

/// A photograph with its file.
#[derive(Clone, Debug)]
pub struct PhotoFile {
    /// the photograph
    pub row: ProofRow,
    /// its bytes; none if the file is missing or changed
    pub bytes: Option<Vec<u8>>,
}

/// Reads the files of photographs that are there.
///
/// # Errors
///
/// The folder or the store of the files does not answer. A missing or changed file is none: the document names it.
pub async fn photo_files(
    files: &ProofFiles,
    rows: Vec<ProofRow>,
) -> std::result::Result<Vec<PhotoFile>, ProofFileError> {
    let mut read = Vec::with_capacity(rows.len());
    for row in rows {
        let bytes = match files.get(&row.hash).await {
            Ok(bytes) => Some(bytes),
            Err(error @ (ProofFileError::Missing | ProofFileError::Changed)) => {
                tracing::warn!(%error, hash = row.hash, "배송 증빙 사진을 읽지 못했어요");
                None
            }
            Err(error) => return Err(error),
        };
        read.push(PhotoFile { row, bytes });
    }
    Ok(read)
}

/// The photographs whose files are images, each with who took it, when, and its hash.
pub fn photo_figures(files: &[PhotoFile]) -> Vec<Figure> {
    files.iter().filter_map(photo_figure).collect()
}

fn photo_figure(file: &PhotoFile) -> Option<Figure> {
    let bytes = file.bytes.clone()?;
    Figure::jpeg(bytes, &format!("{}\n{}", file.row.caption(), file.row.hash)).ok()
}

/// A signature with what was signed, if that is known.
pub fn signature_figure(text: Option<&str>, path: &str) -> Figure {
    let text = text.map(|text| format!("“{text}” ")).unwrap_or_default();
    let caption = format!("{text}{SIGNATURE_TEXT}\n{}", hex(&Sha256::digest(path.as_bytes())));
    Figure::strokes(path, SIGNATURE_SIZE, &caption)
}

/// Names the photographs that [`photo_figures`] leaves out.
pub fn write_unreadable(document: &mut Document, files: &[PhotoFile]) {
    let missing: Vec<&str> =
        files.iter().filter(|file| photo_figure(file).is_none()).map(|file| file.row.hash.as_str()).collect();
    if !missing.is_empty() {
        document.note(&format!("파일을 읽지 못해서 넣지 못한 사진 {}장: {}", missing.len(), missing.join(", ")));
    }
}

/// Field on which a signature is drawn.
const SIGNATURE_SIZE: (u16, u16) = (600, 240);

/// What a signature is not.
const SIGNATURE_TEXT: &str = "서명은 그린 선이고, 본인 인증이 아니에요.";

fn kind(task: Option<&Task>) -> JobKind {
    task.map_or(JobKind::Deliver, |task| task.kind)
}

fn event_text(event: &StopEvent, task: Option<&Task>, reporter: &str) -> String {
    let is_done = event.kind == EventKind::Delivered;
    let label = if is_done { kind(task).done_label() } else { event.kind.label() };
    let mut parts = vec![label.to_owned()];
    parts.extend(event.details.reason.map(|reason| reason.label().to_owned()));
    parts.push(format!("{} {reporter}", event.source.label()));
    parts.push(format!("받은 때 {}", event.received_at.precise()));
    if event.has_wrong_clock() {
        parts.push(format!("휴대전화 시계 {}", event.happened_at.precise()));
    }
    parts.extend(event.details.accepted.iter().map(|(order, count)| format!("{order} {count}개 받음")));
    let has_count = event.details.collected.iter().any(|goods| goods.planned);
    let all = task.filter(|task| task.kind.collects() && is_done && !has_count);
    parts.extend(all.map(|task| format!("가져온 상품 {} {}개", task.goods, task.pieces)));
    parts.extend(event.details.collected.iter().map(|goods| format!("가져온 상품 {} {}개", goods.what, goods.count)));
    parts.extend(event.details.collect_reason.map(|reason| format!("다 가져오지 못한 이유 {}", reason.label())));
    if !event.details.note.is_empty() {
        parts.push(event.details.note.clone());
    }
    parts.join(" · ")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn evidence(lines: &[(&str, &str)]) -> Evidence {
        let lines =
            lines.iter().map(|(label, value)| EvidenceLine { label: (*label).to_owned(), value: (*value).to_owned() });
        Evidence { lines: lines.collect(), photos: Vec::new(), signatures: Vec::new(), is_reported: false }
    }

    #[test]
    fn digest_is_that_of_the_content() {
        let one = evidence(&[("수취인", "홍길동"), ("주소", "서울")]);
        assert_eq!(one.digest(), evidence(&[("수취인", "홍길동"), ("주소", "서울")]).digest());
        for other in [
            evidence(&[("수취인", "홍길순"), ("주소", "서울")]),
            evidence(&[("주소", "서울"), ("수취인", "홍길동")]),
            evidence(&[("수취인", "홍길동주소"), ("", "서울")]),
            evidence(&[("수취인", "홍길동")]),
        ] {
            assert_ne!(one.digest(), other.digest(), "{other:?}");
        }
    }
}
