//! Marks → bytes of a PDF file.

use std::collections::{BTreeMap, BTreeSet};
use std::io::Write as _;

use chrono::{Datelike as _, Timelike as _};
use flate2::Compression;
use flate2::write::ZlibEncoder;
use pdf_writer::types::{
    CidFontType, FontFlags, LineCapStyle, LineJoinStyle, SystemInfo, TextRenderingMode, UnicodeCmap,
};
use pdf_writer::{Content, Date, Filter, Finish as _, Name, Pdf, Rect, Ref, Str, TextStr};
use sha2::{Digest as _, Sha256};

use super::DocumentError;
use super::font::DocumentFont;
use super::layout::{Mark, Marks, PAGE};
use super::model::{Document, Image};
use super::wrap::clean;

/// Name of the font in the file. The letters before the sign say that it is a part of it.
const FONT_NAME: Name<'_> = Name(b"MKDOCA+MukkeumDocument");
/// Name of the font in a page.
const FONT: Name<'_> = Name(b"F");

const SYSTEM_INFO: SystemInfo<'_> = SystemInfo { registry: Str(b"Adobe"), ordering: Str(b"Identity"), supplement: 0 };

/// Hours of Korean time before UTC.
const KST_HOURS: i8 = 9;

/// Hands out numbers of objects.
struct Refs(i32);

impl Refs {
    fn next(&mut self) -> Ref {
        self.0 += 1;
        Ref::new(self.0)
    }
}

fn deflate(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = ZlibEncoder::new(Vec::new(), Compression::default());
    // Writing to memory does not fail.
    let _ = encoder.write_all(bytes);
    encoder.finish().unwrap_or_default()
}

/// A code for each character. What a font cannot number, 65,535 different characters, has code 0.
fn codes(pages: &[Marks<'_>]) -> BTreeMap<char, u16> {
    let texts =
        pages.iter().flatten().filter_map(|mark| if let Mark::Text { text, .. } = mark { Some(text) } else { None });
    let letters: BTreeSet<char> = texts.flat_map(|text| text.chars()).collect();
    letters.into_iter().zip(1..=u16::MAX).collect()
}

pub(super) fn to_pdf(
    document: &Document,
    pages: &[Marks<'_>],
    font: &DocumentFont<'_>,
) -> Result<Vec<u8>, DocumentError> {
    let codes = codes(pages);
    let mut pdf = Pdf::new();
    pdf.set_version(1, 7);
    let mut refs = Refs(0);
    let (catalog, tree, info, font_ref) = (refs.next(), refs.next(), refs.next(), refs.next());

    let mut written = pdf.catalog(catalog);
    written.pages(tree);
    written.lang(TextStr("ko-KR"));
    written.viewer_preferences().display_doc_title(true);
    written.finish();
    write_info(&mut pdf, info, document);

    let page_refs: Vec<Ref> = pages.iter().map(|_| refs.next()).collect();
    let count = i32::try_from(page_refs.len()).unwrap_or(i32::MAX);
    pdf.pages(tree).kids(page_refs.iter().copied()).count(count);
    for (page_ref, marks) in page_refs.into_iter().zip(pages) {
        let contents = refs.next();
        let mut images = Vec::new();
        let stream = deflate(&content(marks, &codes, &mut images));
        pdf.stream(contents, &stream).filter(Filter::FlateDecode);
        let names: Vec<(String, Ref)> =
            images.iter().enumerate().map(|(position, _)| (format!("I{position}"), refs.next())).collect();
        let mut page = pdf.page(page_ref);
        page.media_box(Rect::new(0.0, 0.0, PAGE.0, PAGE.1)).parent(tree).contents(contents);
        let mut resources = page.resources();
        resources.fonts().pair(FONT, font_ref);
        let mut objects = resources.x_objects();
        for (name, image) in &names {
            objects.pair(Name(name.as_bytes()), *image);
        }
        objects.finish();
        resources.finish();
        page.finish();
        for ((_, image_ref), (bytes, (width, height), is_grey)) in names.into_iter().zip(images) {
            let mut image = pdf.image_xobject(image_ref, bytes);
            image.filter(Filter::DctDecode);
            image.width(width.into()).height(height.into()).bits_per_component(8);
            if is_grey {
                image.color_space().device_gray();
            } else {
                image.color_space().device_rgb();
            }
        }
    }
    write_font(&mut pdf, &mut refs, font_ref, &codes, font)?;

    // The identifier follows from the content, so that the same document has the same bytes.
    let identifier = Sha256::digest(pdf.as_bytes())[..16].to_vec();
    pdf.set_file_id((identifier.clone(), identifier));
    Ok(pdf.finish())
}

fn write_info(pdf: &mut Pdf, info: Ref, document: &Document) {
    let at = document.made_at.kst();
    let part = |number: u32| u8::try_from(number).unwrap_or_default();
    let date = Date::new(u16::try_from(at.year()).unwrap_or_default())
        .month(part(at.month()))
        .day(part(at.day()))
        .hour(part(at.hour()))
        .minute(part(at.minute()))
        .second(part(at.second()))
        .utc_offset_hour(KST_HOURS)
        .utc_offset_minute(0);
    let producer = concat!("묶음 ", env!("CARGO_PKG_VERSION"));
    let title = clean(&document.title);
    pdf.document_info(info).title(TextStr(&title)).producer(TextStr(producer)).creation_date(date);
}

/// An image of a page: bytes, pixels, and whether it is grey.
type PageImage<'d> = (&'d [u8], (u16, u16), bool);

/// The operators of a page. PDF measures from the bottom.
fn content<'d>(marks: &[Mark<'d>], codes: &BTreeMap<char, u16>, images: &mut Vec<PageImage<'d>>) -> Vec<u8> {
    let mut content = Content::new();
    for mark in marks {
        match mark {
            Mark::Text { x, y, size, is_bold, text } => {
                let bytes: Vec<u8> =
                    text.chars().flat_map(|letter| codes.get(&letter).copied().unwrap_or(0).to_be_bytes()).collect();
                content.begin_text();
                content.set_font(FONT, *size);
                // One weight is in the file: bold letters have an outline.
                if *is_bold {
                    content.set_text_rendering_mode(TextRenderingMode::FillStroke).set_line_width(size * 0.03);
                } else {
                    content.set_text_rendering_mode(TextRenderingMode::Fill);
                }
                content.next_line(*x, PAGE.1 - y).show(Str(&bytes)).end_text();
            }
            Mark::Rule { x, y, width } => {
                content.save_state().set_line_width(0.5).set_stroke_gray(0.7);
                content.move_to(*x, PAGE.1 - y).line_to(x + width, PAGE.1 - y).stroke().restore_state();
            }
            Mark::Shade { x, y, width, height } => {
                content.save_state().set_fill_gray(0.94);
                content.rect(*x, PAGE.1 - y - height, *width, *height).fill_nonzero().restore_state();
            }
            Mark::Image { x, y, width, height, image: Image::Jpeg { bytes, size, is_grey } } => {
                let name = format!("I{}", images.len());
                images.push((bytes, *size, *is_grey));
                content.save_state().transform([*width, 0.0, 0.0, *height, *x, PAGE.1 - y - height]);
                content.x_object(Name(name.as_bytes())).restore_state();
            }
            Mark::Image { x, y, width, height, image: Image::Strokes { strokes, size } } => {
                content.save_state().set_line_width(0.5).set_stroke_gray(0.7);
                content.rect(*x, PAGE.1 - y - height, *width, *height).stroke();
                content.set_stroke_gray(0.0).set_line_width(1.2);
                content.set_line_cap(LineCapStyle::RoundCap).set_line_join(LineJoinStyle::RoundJoin);
                let at = |point: &(f32, f32)| {
                    (
                        x + point.0.clamp(0.0, size.0) / size.0 * width,
                        PAGE.1 - y - point.1.clamp(0.0, size.1) / size.1 * height,
                    )
                };
                for stroke in strokes {
                    let mut points = stroke.iter().map(at);
                    let Some((first_x, first_y)) = points.next() else { continue };
                    content.move_to(first_x, first_y);
                    if stroke.len() == 1 {
                        content.line_to(first_x, first_y);
                    }
                    for (next_x, next_y) in points {
                        content.line_to(next_x, next_y);
                    }
                    content.stroke();
                }
                content.restore_state();
            }
        }
    }
    content.finish().into_vec()
}

/// The used part of the font, with the widths of the codes and the characters that they stand for.
fn write_font(
    pdf: &mut Pdf,
    refs: &mut Refs,
    font_ref: Ref,
    codes: &BTreeMap<char, u16>,
    font: &DocumentFont<'_>,
) -> Result<(), DocumentError> {
    let subset = font.subset(codes)?;
    let (cid_ref, descriptor_ref, file_ref) = (refs.next(), refs.next(), refs.next());
    let (map_ref, unicode_ref) = (refs.next(), refs.next());
    pdf.type0_font(font_ref)
        .base_font(FONT_NAME)
        .encoding_predefined(Name(b"Identity-H"))
        .descendant_font(cid_ref)
        .to_unicode(unicode_ref);

    let mut cid = pdf.cid_font(cid_ref);
    cid.subtype(CidFontType::Type2).base_font(FONT_NAME).system_info(SYSTEM_INFO);
    cid.font_descriptor(descriptor_ref).default_width(0.0).cid_to_gid_map_stream(map_ref);
    cid.widths().consecutive(0, subset.widths.iter().copied());
    cid.finish();

    let (ascent, descent, capital, [left, bottom, right, top]) = font.metrics();
    pdf.font_descriptor(descriptor_ref)
        .name(FONT_NAME)
        .flags(FontFlags::NON_SYMBOLIC)
        .bbox(Rect::new(left, bottom, right, top))
        .italic_angle(0.0)
        .ascent(ascent)
        .descent(descent)
        .cap_height(capital)
        .stem_v(80.0)
        .font_file2(file_ref);

    let file = deflate(&subset.bytes);
    let length = i32::try_from(subset.bytes.len()).unwrap_or(i32::MAX);
    pdf.stream(file_ref, &file).filter(Filter::FlateDecode).pair(Name(b"Length1"), length);

    let map: Vec<u8> = subset.glyphs.iter().flat_map(|glyph| glyph.to_be_bytes()).collect();
    pdf.stream(map_ref, &deflate(&map)).filter(Filter::FlateDecode);

    let mut unicode = UnicodeCmap::<u16>::new(Name(b"Mukkeum-UTF16"), SYSTEM_INFO);
    for (letter, code) in codes {
        unicode.pair(*code, *letter);
    }
    pdf.cmap(unicode_ref, &deflate(&unicode.finish().into_vec())).filter(Filter::FlateDecode);
    Ok(())
}
