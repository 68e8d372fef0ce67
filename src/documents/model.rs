//! A document: what it says, in blocks, without any position.

use thiserror::Error;
use zune_jpeg::JpegDecoder;
use zune_jpeg::zune_core::bytestream::ZCursor;
use zune_jpeg::zune_core::colorspace::ColorSpace;

use super::{layout, write};
use crate::time::Moment;

/// Why a document cannot be written.
#[derive(Debug, Error)]
pub enum DocumentError {
    /// an image is not a grey or colour JPEG
    #[error("이미지를 읽지 못했어요")]
    Image,
    /// the font of the program is damaged
    #[error("문서 글꼴을 읽지 못했어요: {0}")]
    Font(String),
}

/// A document of any number of pages.
#[derive(Clone, Debug)]
pub struct Document {
    pub(super) title: String,
    pub(super) footer: String,
    pub(super) made_at: Moment,
    pub(super) blocks: Vec<Block>,
}

/// A part of a document.
#[derive(Clone, Debug)]
pub(super) enum Block {
    Heading(String),
    Paragraph(String),
    Note(String),
    Table(DocumentTable),
    Figures(Vec<Figure>),
}

/// A table. Its headings are repeated on each page.
#[derive(Clone, Debug, Default)]
pub struct DocumentTable {
    /// columns; without any heading, no row of headings is shown
    pub columns: Vec<TableColumn>,
    /// rows, each with a text for each column
    pub rows: Vec<Vec<String>>,
}

/// A column of a table.
#[derive(Clone, Debug)]
pub struct TableColumn {
    /// heading
    pub heading: String,
    /// width, in relation to those of the other columns
    pub share: f32,
    /// whether its texts are in bold, as headings of rows are
    pub is_heading: bool,
    /// whether its texts end at the right edge
    pub is_number: bool,
}

impl TableColumn {
    /// A column of texts.
    pub fn new(heading: &str, share: f32) -> Self {
        Self { heading: heading.to_owned(), share, is_heading: false, is_number: false }
    }

    /// A column of numbers.
    pub fn number(heading: &str, share: f32) -> Self {
        Self { is_number: true, ..Self::new(heading, share) }
    }
}

/// An image with its caption.
#[derive(Clone, Debug)]
pub struct Figure {
    pub(super) image: Image,
    pub(super) caption: String,
}

#[derive(Clone, Debug)]
pub(super) enum Image {
    Jpeg {
        bytes: Vec<u8>,
        size: (u16, u16),
        is_grey: bool,
    },
    /// strokes of points, within a size
    Strokes {
        strokes: Vec<Vec<(f32, f32)>>,
        size: (f32, f32),
    },
}

impl Figure {
    /// A photograph. Its bytes are taken unchanged.
    ///
    /// # Errors
    ///
    /// [`DocumentError::Image`] if the bytes are not a JPEG in grey or in colour (YCbCr), which is what browsers and this program
    /// write.
    pub fn jpeg(bytes: Vec<u8>, caption: &str) -> Result<Self, DocumentError> {
        let mut decoder = JpegDecoder::new(ZCursor::new(&bytes));
        decoder.decode_headers().map_err(|_| DocumentError::Image)?;
        let is_grey = match decoder.input_colorspace() {
            Some(ColorSpace::Luma) => true,
            Some(ColorSpace::YCbCr) => false,
            _ => return Err(DocumentError::Image),
        };
        let info = decoder.info().ok_or(DocumentError::Image)?;
        let size = (info.width, info.height);
        if size.0 == 0 || size.1 == 0 {
            return Err(DocumentError::Image);
        }
        Ok(Self { image: Image::Jpeg { bytes, size, is_grey }, caption: caption.to_owned() })
    }

    /// Strokes that were drawn on a field of this size, as an SVG path of straight lines: `M10 20L11 22`. Other commands and
    /// incomplete points are left out.
    pub fn strokes(path: &str, size: (u16, u16), caption: &str) -> Self {
        let mut strokes: Vec<Vec<(f32, f32)>> = Vec::new();
        for part in path.split('M') {
            let points = part.split('L').filter_map(|point| {
                let mut numbers = point.split_whitespace().map(str::parse::<f32>);
                Some((numbers.next()?.ok()?, numbers.next()?.ok()?))
            });
            let points: Vec<(f32, f32)> = points.collect();
            if !points.is_empty() {
                strokes.push(points);
            }
        }
        let size = (f32::from(size.0), f32::from(size.1));
        Self { image: Image::Strokes { strokes, size }, caption: caption.to_owned() }
    }
}

impl Document {
    /// An empty document. The footer is at the bottom of each page, before the number of the page.
    pub fn new(title: &str, footer: &str, made_at: Moment) -> Self {
        Self { title: title.to_owned(), footer: footer.to_owned(), made_at, blocks: Vec::new() }
    }

    /// Begins a part.
    pub fn heading(&mut self, text: &str) {
        self.blocks.push(Block::Heading(text.to_owned()));
    }

    /// A paragraph. Line feeds are kept.
    pub fn paragraph(&mut self, text: &str) {
        self.blocks.push(Block::Paragraph(text.to_owned()));
    }

    /// A paragraph in small letters: what the reader must know about the document.
    pub fn note(&mut self, text: &str) {
        self.blocks.push(Block::Note(text.to_owned()));
    }

    /// What is known, each with its label before it.
    pub fn facts(&mut self, facts: impl IntoIterator<Item = (String, String)>) {
        let label = TableColumn { is_heading: true, ..TableColumn::new("", 28.0) };
        let rows = facts.into_iter().map(|(label, value)| vec![label, value]).collect();
        self.table(DocumentTable { columns: vec![label, TableColumn::new("", 72.0)], rows });
    }

    /// A table. Without rows it is left out.
    pub fn table(&mut self, table: DocumentTable) {
        if !table.rows.is_empty() {
            self.blocks.push(Block::Table(table));
        }
    }

    /// Images, two beside each other.
    pub fn figures(&mut self, figures: Vec<Figure>) {
        if !figures.is_empty() {
            self.blocks.push(Block::Figures(figures));
        }
    }

    /// The document as a PDF file.
    ///
    /// # Errors
    ///
    /// [`DocumentError::Font`] if the font of the program cannot be read.
    pub fn to_pdf(&self) -> Result<Vec<u8>, DocumentError> {
        let font = super::font::bytes()?;
        let face = super::font::DocumentFont::parse(&font)?;
        let pages = layout::lay_out(self, &face);
        write::to_pdf(self, &pages, &face)
    }
}
