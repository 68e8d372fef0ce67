//! The columns of each list.

use super::{EUC_KR, ListError, POSTAL_CODES};

/// 이동사유코드 of a removed address (폐지) in a list of changes.
const REMOVED: [&[u8]; 3] = [b"63", b"64", b"72"];

/// The column numbers of a list, from 0.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Layout {
    /// the first line has the column names
    pub(super) has_header: bool,
    zip: usize,
    sido: usize,
    sigungu: usize,
    /// 법정동코드
    code: Option<usize>,
    /// 이동사유코드
    reason: Option<usize>,
}

/// The address of one line.
pub(super) struct AddressLine<'l> {
    pub(super) zip: u32,
    pub(super) sido: &'l [u8],
    pub(super) sigungu: &'l [u8],
    /// 법정동코드, ten digits; empty in a list without that column
    pub(super) code: &'l [u8],
    pub(super) is_removed: bool,
}

/// 도로명주소 한글: 관리번호, 법정동코드, 시도, 시군구, …, 기초구역번호, …, 이동사유코드, …
const ROAD_ADDRESSES: Layout =
    Layout { has_header: false, zip: 16, sido: 2, sigungu: 3, code: Some(1), reason: Some(20) };
/// 건물DB: 법정동코드, 시도, 시군구, …, 이동사유코드, …, 기초구역번호, …
const BUILDINGS: Layout = Layout { has_header: false, zip: 27, sido: 1, sigungu: 2, code: Some(0), reason: Some(22) };
/// 우편번호 DB without its header line.
const POSTAL_CODE_DB: Layout = Layout { has_header: false, zip: 0, sido: 1, sigungu: 3, code: Some(16), reason: None };

/// Columns of 관련지번, the parcel file that accompanies 도로명주소 한글.
const PARCEL_COLUMNS: usize = 14;

impl Layout {
    /// Recognises the layout by the first line of a file.
    pub(super) fn recognise(first: &[u8]) -> Result<Self, ListError> {
        let first = first.strip_prefix(b"\xEF\xBB\xBF").unwrap_or(first);
        if first.trim_ascii() == b"No Data" {
            return Err(ListError::NoData);
        }
        let cells = cells(first);
        let header = decode(first);
        let names: Vec<&str> = header.split('|').map(str::trim).collect();
        let column = |wanted: &[&str]| names.iter().position(|name| wanted.contains(name));
        let zip = column(&["우편번호", "새우편번호", "기초구역번호"]);
        if let (Some(zip), Some(sido), Some(sigungu)) =
            (zip, column(&["시도", "시도명"]), column(&["시군구", "시군구명"]))
        {
            let (code, reason) = (column(&["법정동코드"]), column(&["이동사유코드"]));
            return Ok(Self { has_header: true, zip, sido, sigungu, code, reason });
        }
        let layout = match cells.len() {
            24 => ROAD_ADDRESSES,
            31 => BUILDINGS,
            26 => POSTAL_CODE_DB,
            PARCEL_COLUMNS if is_number(cells[1], 10) => return Err(ListError::Parcels),
            _ => return Err(ListError::UnknownLayout),
        };
        let code = layout.code.and_then(|at| cells.get(at)).copied().unwrap_or_default();
        let zip = cells.get(layout.zip).copied().unwrap_or_default();
        if layout == POSTAL_CODE_DB && (is_number(zip, 6) || zip.get(3) == Some(&b'-')) {
            return Err(ListError::SixDigits);
        }
        if is_number(code, 10) && (zip.is_empty() || is_number(zip, 5)) {
            Ok(layout)
        } else {
            Err(ListError::UnknownLayout)
        }
    }

    /// The address of a line; none without a postal code or region.
    pub(super) fn address<'l>(&self, cells: &[&'l [u8]]) -> Option<AddressLine<'l>> {
        let cell = |at: usize| cells.get(at).map(|cell| cell.trim_ascii());
        let is_removed = self.reason.and_then(cell).is_some_and(|reason| REMOVED.contains(&reason));
        let zip = cell(self.zip).filter(|zip| is_number(zip, 5))?;
        let zip: u32 = std::str::from_utf8(zip).ok()?.parse().ok().filter(|zip| *zip < POSTAL_CODES)?;
        let (sido, sigungu) = (cell(self.sido).filter(|sido| !sido.is_empty())?, cell(self.sigungu)?);
        let code = match self.code {
            Some(at) => cell(at).filter(|code| is_number(code, 10))?,
            None => b"",
        };
        Some(AddressLine { zip, sido, sigungu, code, is_removed })
    }
}

/// Splits a line into cells. In CP949 no byte of a multi-byte character equals `|`.
pub(super) fn cells(line: &[u8]) -> Vec<&[u8]> {
    line.split(|byte| *byte == b'|').collect()
}

fn is_number(cell: &[u8], digits: usize) -> bool {
    cell.len() == digits && cell.iter().all(u8::is_ascii_digit)
}

/// Decodes UTF-8, or CP949 if the bytes are no valid UTF-8.
pub(super) fn decode(bytes: &[u8]) -> String {
    match std::str::from_utf8(bytes) {
        Ok(text) => text.to_owned(),
        Err(_) => EUC_KR.decode_without_bom_handling(bytes).0.into_owned(),
    }
}
