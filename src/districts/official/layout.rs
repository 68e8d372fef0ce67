//! Which cell of a line is which.

use super::{CODES, EUC_KR, Refusal};

/// Reasons for which an address is in a list of changes although it is no more: 폐지.
const REMOVED: [&[u8]; 3] = [b"63", b"64", b"72"];

/// Where the cells of a list stand.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Layout {
    /// the first line names the columns
    pub(super) has_head: bool,
    zip: usize,
    sido: usize,
    sigungu: usize,
    /// 법정동코드
    code: Option<usize>,
    /// 이동사유코드
    reason: Option<usize>,
}

/// What counts of one line.
pub(super) struct Row<'l> {
    pub(super) zip: u32,
    pub(super) sido: &'l [u8],
    pub(super) sigungu: &'l [u8],
    /// ten digits, or nothing where the list has none
    pub(super) code: &'l [u8],
    pub(super) is_removed: bool,
}

/// 도로명주소 한글: 관리번호, 법정동코드, 시도, 시군구, …, 기초구역번호, …, 이동사유코드, …
const ROAD_ADDRESSES: Layout =
    Layout { has_head: false, zip: 16, sido: 2, sigungu: 3, code: Some(1), reason: Some(20) };
/// 건물DB: 법정동코드, 시도, 시군구, …, 이동사유코드, …, 기초구역번호, …
const BUILDINGS: Layout = Layout { has_head: false, zip: 27, sido: 1, sigungu: 2, code: Some(0), reason: Some(22) };
/// 우편번호 DB that lost its head line.
const POSTAL_CODES: Layout = Layout { has_head: false, zip: 0, sido: 1, sigungu: 3, code: Some(16), reason: None };

/// 관련지번 beside 도로명주소 한글.
const PARCEL_CELLS: usize = 14;

impl Layout {
    /// The layout of the list that begins with this line.
    pub(super) fn of(first: &[u8]) -> Result<Self, Refusal> {
        let first = first.strip_prefix(b"\xEF\xBB\xBF").unwrap_or(first);
        if first.trim_ascii() == b"No Data" {
            return Err(Refusal::NoData);
        }
        let cells = cells(first);
        let head = decoded(first);
        let names: Vec<&str> = head.split('|').map(str::trim).collect();
        let place = |wanted: &[&str]| names.iter().position(|name| wanted.contains(name));
        let zip = place(&["우편번호", "새우편번호", "기초구역번호"]);
        if let (Some(zip), Some(sido), Some(sigungu)) =
            (zip, place(&["시도", "시도명"]), place(&["시군구", "시군구명"]))
        {
            let (code, reason) = (place(&["법정동코드"]), place(&["이동사유코드"]));
            return Ok(Self { has_head: true, zip, sido, sigungu, code, reason });
        }
        let layout = match cells.len() {
            24 => ROAD_ADDRESSES,
            31 => BUILDINGS,
            26 => POSTAL_CODES,
            PARCEL_CELLS if is_number(cells[1], 10) => return Err(Refusal::Parcels),
            _ => return Err(Refusal::NotAList),
        };
        let code = layout.code.and_then(|at| cells.get(at)).copied().unwrap_or_default();
        let zip = cells.get(layout.zip).copied().unwrap_or_default();
        if layout == POSTAL_CODES && (is_number(zip, 6) || zip.get(3) == Some(&b'-')) {
            return Err(Refusal::SixDigits);
        }
        if is_number(code, 10) && (zip.is_empty() || is_number(zip, 5)) { Ok(layout) } else { Err(Refusal::NotAList) }
    }

    /// What counts of a line; none where it has no postal code or no region.
    pub(super) fn row<'l>(&self, cells: &[&'l [u8]]) -> Option<Row<'l>> {
        let cell = |at: usize| cells.get(at).map(|cell| cell.trim_ascii());
        let is_removed = self.reason.and_then(cell).is_some_and(|reason| REMOVED.contains(&reason));
        let zip = cell(self.zip).filter(|zip| is_number(zip, 5))?;
        let zip: u32 = std::str::from_utf8(zip).ok()?.parse().ok().filter(|zip| *zip < CODES)?;
        let (sido, sigungu) = (cell(self.sido).filter(|sido| !sido.is_empty())?, cell(self.sigungu)?);
        let code = match self.code {
            Some(at) => cell(at).filter(|code| is_number(code, 10))?,
            None => b"",
        };
        Some(Row { zip, sido, sigungu, code, is_removed })
    }
}

/// The cells of a line. No byte of a CP949 letter is a `|`.
pub(super) fn cells(line: &[u8]) -> Vec<&[u8]> {
    line.split(|byte| *byte == b'|').collect()
}

fn is_number(cell: &[u8], digits: usize) -> bool {
    cell.len() == digits && cell.iter().all(u8::is_ascii_digit)
}

/// UTF-8 if it is that, else CP949.
pub(super) fn decoded(bytes: &[u8]) -> String {
    match std::str::from_utf8(bytes) {
        Ok(text) => text.to_owned(),
        Err(_) => EUC_KR.decode_without_bom_handling(bytes).0.into_owned(),
    }
}
