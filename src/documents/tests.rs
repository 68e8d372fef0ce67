//! Documents are written and read back.

use ttf_parser::Face;

use super::font::{self, DocumentFont};
use super::testing::{pages, streams, text};
use super::wrap::{clean, width, wrap};
use super::{Document, DocumentTable, Figure, TableColumn};
use crate::time::Moment;

fn document() -> Document {
    Document::new("배송 증빙", "가상가구 · 2026-11-30 10:00 kim", Moment(1_795_000_000_000))
}

fn pdf(document: &Document) -> Vec<u8> {
    document.to_pdf().expect("a file")
}

#[test]
fn font_has_all_syllables_and_the_hanja_of_ks_x_1001() {
    let bytes = font::bytes().expect("decompresses");
    let font = DocumentFont::parse(&bytes).expect("parses");
    let missing: Vec<char> = ('가'..='힣').chain(' '..='~').filter(|letter| !font.has(*letter)).collect();
    assert!(missing.is_empty(), "{missing:?}");
    for (lead, trail) in (0xCA_u8..=0xFD).flat_map(|lead| (0xA1_u8..=0xFE).map(move |trail| (lead, trail))) {
        let code = [lead, trail];
        let (decoded, _, _) = encoding_rs::EUC_KR.decode(&code);
        for letter in decoded.chars().filter(|letter| *letter >= '\u{4e00}' && *letter != '\u{fffd}') {
            assert!(font.has(letter), "{letter}");
        }
    }
    assert!("₩€℃№㈜①■□▲●★×·…“”‘’「」".chars().all(|letter| font.has(letter)));
}

#[test]
fn text_is_read_back_as_it_was_written() {
    let mut document = document();
    document.heading("기록");
    document.paragraph("뷁쀓똠방각하 洪吉童 (주)가상가구 ₩1,234,000\n둘째 줄 \\ () <>");
    document.facts([("수취인".to_owned(), "홍길동 😀".to_owned())]);
    document.note("작은 글");
    let read = text(&pdf(&document));
    for line in [
        "배송 증빙",
        "뷁쀓똠방각하 洪吉童 (주)가상가구 ₩1,234,000",
        "둘째 줄 \\ () <>",
        "수취인",
        "홍길동 😀",
        "작은 글",
        "1 / 1",
    ] {
        assert!(read.lines().any(|found| found == line), "{line}: {read}");
    }
}

#[test]
fn same_content_is_the_same_file() {
    let mut one = document();
    one.paragraph("같은 내용");
    let mut other = document();
    other.paragraph("다른 내용");
    assert_eq!(pdf(&one), pdf(&one.clone()));
    assert_ne!(pdf(&one), pdf(&other));
}

#[test]
fn only_the_used_part_of_the_font_is_in_the_file() {
    let mut document = document();
    document.paragraph("홍길동");
    let bytes = pdf(&document);
    assert!(bytes.len() < 40_000, "{}", bytes.len());
    let streams = streams(&bytes);
    let (_, file) = streams.iter().find(|(dictionary, _)| dictionary.contains("/Length1")).expect("a font");
    let face = Face::parse(file, 0).expect("a font");
    assert!(face.number_of_glyphs() < 200, "{}", face.number_of_glyphs());
}

#[test]
fn table_continues_on_the_next_page_under_its_headings() {
    let mut document = document();
    let rows = (0..100).map(|number| vec![format!("{number}번 주문"), "1,000".to_owned()]).collect();
    document
        .table(DocumentTable {
            columns: vec![TableColumn::new("주문", 3.0), TableColumn::number("금액", 1.0)], rows
        });
    let pages = pages(&pdf(&document));
    assert!(pages.len() >= 3, "{}", pages.len());
    let mut shown = 0;
    for (position, page) in pages.iter().enumerate() {
        assert_eq!(page.iter().filter(|line| *line == "금액").count(), 1, "{page:?}");
        assert!(page.contains(&format!("{} / {}", position + 1, pages.len())), "{page:?}");
        assert!(page.contains(&"가상가구 · 2026-11-30 10:00 kim".to_owned()), "{page:?}");
        shown += page.iter().filter(|line| line.ends_with("번 주문")).count();
    }
    assert_eq!(shown, 100);
}

#[test]
fn row_that_is_longer_than_a_page_is_broken_and_ends() {
    let mut document = document();
    let long = (0..3_000).map(|number| format!("낱말{number}")).collect::<Vec<_>>().join(" ");
    document.table(DocumentTable {
        columns: vec![TableColumn::new("무엇", 1.0), TableColumn::new("내용", 3.0)],
        rows: vec![vec!["앞".to_owned(), "짧음".to_owned()], vec!["긴 것".to_owned(), long], vec!["뒤".to_owned()]],
    });
    let read = text(&pdf(&document));
    let words: Vec<&str> = read.split_whitespace().filter(|word| word.starts_with("낱말")).collect();
    assert_eq!(words.len(), 3_000);
    assert!(read.lines().any(|line| line == "뒤"), "{read}");
}

#[test]
fn line_breaks_at_spaces_and_a_long_word_anywhere() {
    let bytes = font::bytes().expect("decompresses");
    let font = DocumentFont::parse(&bytes).expect("parses");
    let limit = width("가나다라마바", 10.0, &font) + 0.1;
    assert_eq!(wrap("가나다 라마바 사", 10.0, limit, &font), ["가나다", "라마바 사"]);
    assert_eq!(wrap("가나다라마바사아", 10.0, limit, &font), ["가나다라마바", "사아"]);
    assert_eq!(wrap("가\n\n나\n", 10.0, limit, &font), ["가", "", "나"]);
    assert_eq!(wrap("", 10.0, limit, &font), [""]);
    for line in wrap(&"0123456789abcdef".repeat(20), 10.0, limit, &font) {
        assert!(width(&line, 10.0, &font) <= limit, "{line}");
    }
}

#[test]
fn decomposed_and_invisible_characters_are_cleaned() {
    assert_eq!(clean("\u{1112}\u{1169}\u{11bc}길동"), "홍길동");
    assert_eq!(clean("가\u{202e}나\u{200d}\t다\r\n라\u{0}"), "가나 다\n라 ");
}

#[test]
fn photograph_is_in_the_file_unchanged_and_a_signature_is_drawn() {
    let bytes = include_bytes!("../../tests/photos/browser.jpg").to_vec();
    let mut document = document();
    document.figures(vec![
        Figure::jpeg(bytes.clone(), "gisa 11-30 10:32").expect("a photograph"),
        Figure::strokes("M10 20L11 22L300 120M5 5", (600, 240), "서명"),
    ]);
    let file = pdf(&document);
    let streams = streams(&file);
    assert!(streams.iter().any(|(dictionary, stream)| dictionary.contains("/DCTDecode") && *stream == bytes));
    let read = text(&file);
    assert!(read.contains("gisa 11-30 10:32") && read.contains("서명"), "{read}");
    let drawn = streams.iter().filter(|(_, stream)| String::from_utf8_lossy(stream).contains(" Do\n")).count();
    assert_eq!(drawn, 1);
}

#[test]
fn file_that_is_no_photograph_is_rejected() {
    assert!(Figure::jpeg(b"%PDF".to_vec(), "").is_err());
    assert!(Figure::jpeg(Vec::new(), "").is_err());
}

#[test]
fn many_pages_are_numbered_and_images_do_not_overlap_the_footer() {
    let bytes = include_bytes!("../../tests/photos/browser.jpg").to_vec();
    let mut document = document();
    let figure = |number: i32| Figure::jpeg(bytes.clone(), &format!("사진 {number}")).expect("a photograph");
    document.figures((0..13).map(figure).collect());
    let pages = pages(&pdf(&document));
    assert!(pages.len() > 1, "{}", pages.len());
    let shown: usize = pages.iter().map(|page| page.iter().filter(|line| line.starts_with("사진")).count()).sum();
    assert_eq!(shown, 13);
}
