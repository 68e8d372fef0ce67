//! Small parts of an .xlsx: relations, workbook, styles (ECMA-376 Part 1, 12.3 and 18).
//!
//! [`read`] extracts what is needed to read cells: the sheets and their paths, the date system, and the number
//! formats. Parts are found by relations and content types, never by their names. What is missing or broken
//! here counts only where a cell needs it.

use std::collections::HashMap;

use super::error::SheetError;
use super::markup::{Attributes, Scanner, Token};
use super::number_format::NumberFormat;

/// Cell formats; Excel allows 64,000. Cells with others are shown without format.
const MAX_FORMATS: usize = 65_536;
/// Distinct number formats; a parsed one takes some kilobytes. Excel allows some hundred.
pub(super) const MAX_NUMBER_FORMATS: usize = 2_000;
/// Sheets beyond are ignored.
const MAX_SHEETS: usize = 100;
/// The first number of a format that the file itself defines.
const FIRST_CUSTOM_FORMAT: u32 = 164;
/// Index of the format of styles that the file names and does not have.
const UNKNOWN_FORMAT: u16 = 0;

/// A sheet and the path of its part.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct SheetPart {
    pub(super) name: String,
    /// empty if the workbook does not say where the sheet is
    pub(super) path: String,
    pub(super) is_hidden: bool,
}

/// Content of the small parts.
#[derive(Debug, Default)]
pub(super) struct Book {
    pub(super) sheets: Vec<SheetPart>,
    pub(super) strings: Option<String>,
    pub(super) date1904: bool,
    pub(super) styles: Styles,
}

/// The number formats of the cell styles.
#[derive(Debug)]
pub(super) struct Styles {
    /// the first is [`NumberFormat::unknown`]
    formats: Vec<NumberFormat>,
    /// for each style, the index of its format; none for General
    styles: Vec<Option<u16>>,
}

impl Default for Styles {
    fn default() -> Self {
        Self { formats: vec![NumberFormat::unknown()], styles: Vec::new() }
    }
}

impl Styles {
    /// The styles with these built-in and custom formats, by the number of the format.
    pub(super) fn new(numbers: impl IntoIterator<Item = u32>, custom: &HashMap<u32, String>) -> Self {
        let mut styles = Self::default();
        let mut known: HashMap<u32, Option<u16>> = HashMap::new();
        for number in numbers.into_iter().take(MAX_FORMATS) {
            let index = *known.entry(number).or_insert_with(|| {
                if styles.formats.len() > MAX_NUMBER_FORMATS {
                    return Some(UNKNOWN_FORMAT);
                }
                let format = match custom.get(&number) {
                    Some(code) => NumberFormat::parse(code),
                    None if number >= FIRST_CUSTOM_FORMAT => return Some(UNKNOWN_FORMAT),
                    None => NumberFormat::builtin(number)?,
                };
                if format.is_general() && !format.changes_text() {
                    return None;
                }
                styles.formats.push(format);
                u16::try_from(styles.formats.len() - 1).ok()
            });
            styles.styles.push(index);
        }
        styles
    }

    /// The index of the format of a style; none for General, as style 0 is in a file without styles.
    pub(super) fn format_of(&self, style: usize) -> Option<u16> {
        self.styles.get(style).copied().unwrap_or((style > 0).then_some(UNKNOWN_FORMAT))
    }

    /// The format of an index.
    pub(super) fn format(&self, index: u16) -> Option<&NumberFormat> {
        self.formats.get(usize::from(index))
    }
}

struct Relation {
    id: String,
    kind: String,
    target: String,
}

type Fetch<'f> = dyn FnMut(&str) -> Option<Vec<u8>> + 'f;

/// Parses the small parts; `fetch` returns the inflated bytes of a path.
///
/// # Errors
/// The file has no workbook, or is another kind of document.
pub(super) fn read(fetch: &mut Fetch<'_>) -> Result<Book, SheetError> {
    let types = content_types(fetch);
    let related = relations_of(fetch, "", "").into_iter().filter(|relation| relation.kind == "officeDocument");
    let typed = types.iter().filter(|(_, kind)| kind.ends_with("main+xml")).map(|(path, _)| path.clone());
    let candidates: Vec<String> = related.map(|relation| relation.target).chain(typed).collect();
    let Some(first) = candidates.first() else { return Err(SheetError::not_spreadsheet("압축 파일")) };
    let Some((path, xml)) = candidates.iter().find_map(|path| fetch(path).map(|xml| (path, xml))) else {
        return Err(foreign("", first));
    };
    let root = root_element(&xml);
    if root != "workbook" {
        return Err(foreign(&root, path));
    }
    let (folder, file) = path.rsplit_once('/').unwrap_or(("", path));
    let relations = relations_of(fetch, folder, file);
    let part = |kind: &str| relations.iter().find(|relation| relation.kind == kind).map(|found| found.target.clone());
    let typed = |ending: &str| types.iter().find(|(_, kind)| kind.ends_with(ending)).map(|(path, _)| path.clone());
    let mut book = read_workbook(&xml, &relations);
    if book.sheets.iter().all(|sheet| sheet.path.is_empty()) {
        // A workbook whose relations are missing: its sheets are named by the content types.
        let sheets = types.iter().filter(|(_, kind)| kind.ends_with("worksheet+xml")).take(MAX_SHEETS);
        let sheet = |(path, _): &(String, String)| SheetPart {
            name: path.rsplit('/').next().unwrap_or_default().trim_end_matches(".xml").to_owned(),
            path: path.clone(),
            is_hidden: false,
        };
        book.sheets = sheets.map(sheet).collect();
    }
    book.strings = part("sharedStrings").or_else(|| typed("sharedStrings+xml"));
    if let Some(xml) = part("styles").or_else(|| typed("styles+xml")).and_then(|path| fetch(&path)) {
        book.styles = read_styles(&xml);
    }
    if book.sheets.is_empty() { Err(SheetError::Damaged) } else { Ok(book) }
}

/// The error for a package without a workbook in XML.
fn foreign(root: &str, path: &str) -> SheetError {
    let path = path.to_ascii_lowercase();
    let is_binary = path.rsplit('.').next() == Some("bin");
    SheetError::not_spreadsheet(if is_binary {
        "엑셀 바이너리 통합 문서(.xlsb)"
    } else if root == "document" || path.contains("word/") {
        "워드 문서"
    } else if root == "presentation" || path.contains("ppt/") {
        "파워포인트 문서"
    } else {
        "압축 파일"
    })
}

/// Calls `visit` with each start tag and empty element.
fn elements(xml: &[u8], mut visit: impl FnMut(&[u8], Attributes<'_>)) {
    let mut scanner = Scanner::new(xml);
    // Bytes in memory can always be read.
    while let Ok(Some(token)) = scanner.next() {
        if let Token::Open { name, attributes, .. } = token {
            visit(name, attributes);
        }
    }
}

fn root_element(xml: &[u8]) -> String {
    let mut scanner = Scanner::new(xml);
    while let Ok(Some(token)) = scanner.next() {
        if let Token::Open { name, .. } = token {
            return String::from_utf8_lossy(name).into_owned();
        }
    }
    String::new()
}

/// Paths and content types of the parts that are named one by one.
fn content_types(fetch: &mut Fetch<'_>) -> Vec<(String, String)> {
    let mut types = Vec::new();
    elements(&fetch("[Content_Types].xml").unwrap_or_default(), |name, attributes| {
        if name == b"Override"
            && let (Some(path), Some(kind)) = (attributes.get(b"PartName"), attributes.get(b"ContentType"))
        {
            types.push((resolve("", &path), kind.into_owned()));
        }
    });
    types
}

fn relations_of(fetch: &mut Fetch<'_>, folder: &str, file: &str) -> Vec<Relation> {
    let path = format!("{folder}/_rels/{file}.rels");
    let mut relations = Vec::new();
    elements(&fetch(path.trim_start_matches('/')).unwrap_or_default(), |name, attributes| {
        if name == b"Relationship"
            && let (Some(id), Some(kind), Some(target)) =
                (attributes.get(b"Id"), attributes.get(b"Type"), attributes.get(b"Target"))
        {
            let kind = kind.rsplit('/').next().unwrap_or_default().to_owned();
            relations.push(Relation { id: id.into_owned(), kind, target: resolve(folder, &target) });
        }
    });
    relations
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

fn read_workbook(xml: &[u8], relations: &[Relation]) -> Book {
    let mut book = Book::default();
    elements(xml, |name, attributes| match name {
        b"sheet" if book.sheets.len() < MAX_SHEETS => {
            let relation = attributes.get(b"id").and_then(|id| relations.iter().find(|relation| relation.id == *id));
            // A sheet of another kind is a chart or a macro. One without a relation may be anything.
            if relation.is_none_or(|relation| relation.kind == "worksheet") {
                book.sheets.push(SheetPart {
                    name: attributes.get(b"name").unwrap_or_default().into_owned(),
                    path: relation.map(|relation| relation.target.clone()).unwrap_or_default(),
                    is_hidden: attributes.get(b"state").is_some_and(|state| state != "visible"),
                });
            }
        }
        b"workbookPr" => book.date1904 = attributes.get(b"date1904").is_some_and(|flag| is_true(&flag)),
        _ => {}
    });
    book
}

/// Whether a flag is set (`xsd:boolean`, and `on`).
pub(super) fn is_true(flag: &str) -> bool {
    matches!(flag, "1" | "true" | "on")
}

fn read_styles(xml: &[u8]) -> Styles {
    let mut custom: HashMap<u32, String> = HashMap::new();
    let mut numbers = Vec::new();
    let mut in_cell_formats = false;
    elements(xml, |name, attributes| {
        let number = |name| attributes.get(name).and_then(|value| value.parse::<u32>().ok());
        match name {
            b"numFmt" => {
                if let (Some(id), Some(code)) = (number(b"numFmtId"), attributes.get(b"formatCode")) {
                    custom.insert(id, code.into_owned());
                }
            }
            b"cellXfs" => in_cell_formats = true,
            b"cellStyles" | b"dxfs" | b"cellStyleXfs" => in_cell_formats = false,
            b"xf" if in_cell_formats => {
                let id = attributes.get(b"numFmtId");
                numbers.push(id.map_or(0, |id| id.trim().parse().unwrap_or(u32::MAX)));
            }
            _ => {}
        }
    });
    Styles::new(numbers, &custom)
}
