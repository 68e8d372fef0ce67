//! Small parts of an .xlsx: relations, workbook, styles (ECMA-376 Part 1, 12.3 and 18).
//!
//! [`read`] extracts what is needed to read cells: the sheets and their paths, the date system, and which
//! cell formats are dates. The other functions generate the same parts for the
//! [`xlsx_package`](super::xlsx_package).

use std::collections::HashMap;
use std::fmt::Write;

use quick_xml::Reader;
use quick_xml::XmlVersion;
use quick_xml::events::{BytesStart, Event};

use super::error::SheetError;

/// Cell formats; Excel allows 64,000.
const MAX_FORMATS: usize = 65_536;
/// Longer number formats are not taken for dates.
const MAX_FORMAT_BYTES: usize = 255;
/// Built-in format `m/d/yy h:mm`.
const DATE_FORMAT: u32 = 22;

/// A sheet and the path of its part.
pub(super) struct SheetPart {
    pub(super) name: String,
    pub(super) path: String,
}

/// Content of the small parts.
pub(super) struct Book {
    pub(super) sheets: Vec<SheetPart>,
    pub(super) strings: Option<String>,
    pub(super) date1904: bool,
    /// for each cell format, whether it is a date
    pub(super) dates: Vec<bool>,
}

struct Relation {
    kind: String,
    target: String,
}

type Fetch<'f> = dyn FnMut(&str) -> Result<Option<Vec<u8>>, SheetError> + 'f;

/// Parses the small parts; `fetch` returns the inflated bytes of a path.
///
/// # Errors
/// The file is damaged, or another kind of document.
pub(super) fn read(fetch: &mut Fetch<'_>) -> Result<Book, SheetError> {
    let root = relations_of(fetch, "", "")?;
    let Some(book) = root.values().find(|relation| relation.kind == "officeDocument") else {
        return Err(SheetError::not_spreadsheet("압축 파일"));
    };
    if !book.target.to_ascii_lowercase().contains("workbook.") {
        return Err(SheetError::not_spreadsheet(foreign(&book.target)));
    }
    if book.target.to_ascii_lowercase().ends_with(".bin") {
        return Err(SheetError::not_spreadsheet("엑셀 바이너리 통합 문서(.xlsb)"));
    }
    let xml = fetch(&book.target)?.ok_or(SheetError::Damaged)?;
    let (folder, file) = book.target.rsplit_once('/').unwrap_or(("", &book.target));
    let relations = relations_of(fetch, folder, file)?;
    let mut read = read_workbook(&xml, &relations)?;
    let part = |kind: &str| relations.values().find(|relation| relation.kind == kind).map(|found| found.target.clone());
    read.strings = part("sharedStrings");
    if let Some(styles) = part("styles") {
        read.dates = fetch(&styles)?.map(|xml| read_styles(&xml)).transpose()?.unwrap_or_default();
    }
    Ok(read)
}

fn foreign(target: &str) -> &'static str {
    if target.contains("word/") {
        "워드 문서"
    } else if target.contains("ppt/") {
        "파워포인트 문서"
    } else {
        "압축 파일"
    }
}

/// Calls `visit` with each start tag and empty element.
fn elements(xml: &[u8], mut visit: impl FnMut(&BytesStart<'_>) -> Result<(), SheetError>) -> Result<(), SheetError> {
    let xml = xml.strip_prefix(b"\xEF\xBB\xBF").unwrap_or(xml);
    let mut reader = Reader::from_reader(xml);
    reader.config_mut().check_end_names = false;
    loop {
        match reader.read_event().map_err(|_| SheetError::Damaged)? {
            Event::Start(element) | Event::Empty(element) => visit(&element)?,
            Event::Eof => return Ok(()),
            _ => {}
        }
    }
}

fn attribute(element: &BytesStart<'_>, local_name: &str) -> Option<String> {
    element
        .attributes()
        .flatten()
        .find(|attribute| attribute.key.local_name().as_ref() == local_name)
        .and_then(|attribute| attribute.normalized_value(XmlVersion::Implicit1_0).ok().map(Into::into))
}

fn relations_of(fetch: &mut Fetch<'_>, folder: &str, file: &str) -> Result<HashMap<String, Relation>, SheetError> {
    let path = format!("{folder}/_rels/{file}.rels");
    let mut relations = HashMap::new();
    let Some(xml) = fetch(path.trim_start_matches('/'))? else { return Ok(relations) };
    elements(&xml, |element| {
        if element.local_name().as_ref() == "Relationship"
            && let (Some(id), Some(kind), Some(target)) =
                (attribute(element, "Id"), attribute(element, "Type"), attribute(element, "Target"))
        {
            let kind = kind.rsplit('/').next().unwrap_or_default().to_owned();
            relations.insert(id, Relation { kind, target: resolve(folder, &target) });
        }
        Ok(())
    })?;
    Ok(relations)
}

/// Resolves `target` relative to `folder`.
fn resolve(folder: &str, target: &str) -> String {
    let target = target.replace('\\', "/");
    let whole = if target.starts_with('/') { target } else { format!("{folder}/{target}") };
    let mut steps: Vec<&str> = Vec::new();
    for step in whole.split('/') {
        match step {
            "" | "." => {}
            ".." => {
                steps.pop();
            }
            step => steps.push(step),
        }
    }
    steps.join("/")
}

fn read_workbook(xml: &[u8], relations: &HashMap<String, Relation>) -> Result<Book, SheetError> {
    let mut book = Book { sheets: Vec::new(), strings: None, date1904: false, dates: Vec::new() };
    elements(xml, |element| {
        match element.local_name().as_ref() {
            "sheet" => {
                let relation = attribute(element, "id").and_then(|id| relations.get(&id));
                if let Some(relation) = relation.filter(|relation| relation.kind == "worksheet") {
                    let name = attribute(element, "name").unwrap_or_default();
                    book.sheets.push(SheetPart { name, path: relation.target.clone() });
                }
            }
            "workbookPr" => {
                if let Some(flag) = attribute(element, "date1904") {
                    book.date1904 = matches!(flag.as_str(), "1" | "true" | "on");
                }
            }
            _ => {}
        }
        Ok(())
    })?;
    Ok(book)
}

fn read_styles(xml: &[u8]) -> Result<Vec<bool>, SheetError> {
    let mut custom: HashMap<u32, bool> = HashMap::new();
    let mut dates = Vec::new();
    let mut in_cell_formats = false;
    elements(xml, |element| {
        let number = |name| attribute(element, name).and_then(|value| value.parse::<u32>().ok());
        match element.local_name().as_ref() {
            "numFmt" => {
                if let (Some(id), Some(code)) = (number("numFmtId"), attribute(element, "formatCode")) {
                    custom.insert(id, is_date_format(&code));
                }
            }
            "cellXfs" => in_cell_formats = true,
            "cellStyles" | "dxfs" | "cellStyleXfs" => in_cell_formats = false,
            "xf" if in_cell_formats => {
                if dates.len() >= MAX_FORMATS {
                    return Err(SheetError::TooManyCells);
                }
                let id = number("numFmtId").unwrap_or(0);
                dates.push(custom.get(&id).copied().unwrap_or_else(|| is_builtin_date(id)));
            }
            _ => {}
        }
        Ok(())
    })?;
    Ok(dates)
}

/// Whether a built-in number format is a date: 14–22 and 45–47 everywhere, 27–36 and 50–58 in Korean Excel.
pub(super) const fn is_builtin_date(id: u32) -> bool {
    matches!(id, 14..=22 | 27..=36 | 45..=47 | 50..=58)
}

/// Whether a custom number format is a date: it has y, m, d, h or s outside quotes, escapes and brackets.
pub(super) fn is_date_format(code: &str) -> bool {
    if code.len() > MAX_FORMAT_BYTES {
        return false;
    }
    let mut letters = code.chars();
    while let Some(letter) = letters.next() {
        match letter {
            '"' => {
                letters.by_ref().find(|&letter| letter == '"');
            }
            '[' => {
                letters.by_ref().find(|&letter| letter == ']');
            }
            '\\' | '_' | '*' => {
                letters.next();
            }
            'y' | 'Y' | 'm' | 'M' | 'd' | 'D' | 'h' | 'H' | 's' | 'S' => return true,
            'G' | 'g' => return false,
            _ => {}
        }
    }
    false
}

/// Generated root relations.
pub(super) const ROOT_RELATIONS: &str = r#"<Relationships><Relationship Id="r" Type="x/relationships/officeDocument" Target="xl/workbook.xml"></Relationship></Relationships>"#;

/// Generates a workbook of `count` sheets that are named by their index.
pub(super) fn workbook(count: usize, date1904: bool) -> String {
    let mut xml = format!(r#"<workbook><workbookPr date1904="{}"/><sheets>"#, u8::from(date1904));
    for sheet in 0..count {
        let _ = write!(xml, r#"<sheet name="{sheet}" sheetId="{}" r:id="r{sheet}"/>"#, sheet + 1);
    }
    xml + "</sheets></workbook>"
}

/// Generates the relations of the workbook.
pub(super) fn relations(count: usize) -> String {
    let mut xml = String::from("<Relationships>");
    for sheet in 0..count {
        let _ = write!(xml, r#"<Relationship Id="r{sheet}" Type="x/worksheet" Target="worksheets/sheet{sheet}.xml"/>"#);
    }
    xml + "</Relationships>"
}

/// Generates styles with date formats only.
pub(super) fn styles(dates: &[bool]) -> String {
    let mut xml = String::from("<styleSheet><cellXfs>");
    for &date in dates {
        let _ = write!(xml, r#"<xf numFmtId="{}"/>"#, if date { DATE_FORMAT } else { 0 });
    }
    xml + "</cellXfs></styleSheet>"
}
