//! Formats as they are found in files, with the text that Excel shows.

use super::*;

fn shown(code: &str, value: f64) -> String {
    NumberFormat::parse(code).show(value)
}

#[test]
fn numbers_are_shown_with_zeros_groups_and_units() {
    for (code, value, expected) in [
        ("00000", 4524.0, "04524"),
        ("000-0000-0000", 1_012_345_678.0, "010-1234-5678"),
        ("0000-0000-0000", 612_345_678_901.0, "6123-4567-8901"),
        ("[<=9999999]####-####;(0##) ####-####", 212_345_678.0, "(02) 1234-5678"),
        ("#,##0", 1_234_567.0, "1,234,567"),
        ("#,##0", 0.0, "0"),
        ("\"₩\"#,##0", 12_000.0, "₩12,000"),
        ("#,##0.00", 1234.5, "1,234.50"),
        ("#,##0 \"d\"", 2.0, "2 d"),
        ("General \"EA\"", 2.0, "2 EA"),
        ("0 EA", 2.0, "2 EA"),
        ("0 Set", 2.0, "2 Set"),
        ("\"BED-\"000", 7.0, "BED-007"),
        ("#,##0\\ \"세트\";[Red]\\-#,##0", -2.0, "-2"),
        ("#,##0;(#,##0)", -1200.0, "(1,200)"),
        ("0.00%", 0.125, "12.50%"),
        ("0%", 0.5, "50%"),
        ("0.00E+00", 2.02611e15, "2.03E+15"),
        ("##0.0E+0", 12_345.0, "12.3E+3"),
        ("# ?/?", 1.5, "1 1/2"),
        ("# ??/??", 0.75, "3/4"),
        ("# ?/8", 2.25, "2 2/8"),
        ("0.0,", 12_345.0, "12.3"),
        ("0.##", 1.5, "1.5"),
        ("0.##", 2.0, "2."),
        ("0.00", 0.125, "0.13"),
        ("0.0", -0.04, "0.0"),
        ("#", 0.0, "0"),
        (";;;", 5.0, "5"),
        ("[>=1000]0\"천\";0", 5.0, "5"),
        ("_-* #,##0_-", 1234.0, " 1,234 "),
        ("Standard", 46_085.0, "46085"),
        ("G/표준\"개\"", 3.0, "3개"),
    ] {
        assert_eq!(shown(code, value), expected, "{code} {value}");
    }
}

#[test]
fn dates_are_shown_as_the_format_says() {
    for (code, value, expected) in [
        ("m\"월\" d\"일\"", 46_085.0, "3월 4일"),
        ("m-d", 46_085.0, "3-4"),
        ("yyyy-mm-dd", 46_085.0, "2026-03-04"),
        ("mmm-yy", 46_085.0, "Mar-26"),
        ("yyyy/mm/dd\\ hh:mm", 46_085.75, "2026/03/04 18:00"),
        ("[$-412]AM/PM h:mm", 46_085.75, "오후 6:00"),
        ("h:mm:ss AM/PM", 0.5, "12:00:00 PM"),
        ("yyyy\"년\" m\"월\" d\"일\" aaaa", 46_085.0, "2026년 3월 4일 수요일"),
        ("[$-412]ddd", 46_085.0, "수"),
        ("[$-412]mmmm d일", 46_085.0, "3월 4일"),
        ("[$-412]mmm", 46_085.0, "3"),
        ("dddd", 46_085.0, "Wednesday"),
        ("[h]:mm:ss", 1.5, "36:00:00"),
        ("mm:ss.0", 0.000_694_444, "01:00.0"),
        ("hh:mm", 45_371.999_99, "23:59"),
        ("m/d/yyyy", 46_085.0, "3/4/2026"),
    ] {
        assert_eq!(shown(code, value), expected, "{code} {value}");
    }
    assert_eq!(shown("yyyy-mm-dd", -1.0), "-1", "outside the calendar");
}

#[test]
fn date_formats_are_told_from_units() {
    for (code, is_date) in [
        ("yyyy-mm-dd", true),
        ("[$-412]yyyy\"년\"", true),
        ("mm:ss.0", true),
        ("[h]:mm", true),
        ("[Red]0", false),
        ("0 \"Set\"", false),
        ("0 Set", false),
        ("Standard", false),
        ("General", false),
        ("@", false),
        ("#,##0\\d", false),
    ] {
        assert_eq!(NumberFormat::parse(code).is_date(), is_date, "{code}");
    }
}

#[test]
fn general_shows_every_digit_of_an_integer() {
    for (value, expected) in [
        (2.024_031_500_000_011e15, "2024031500000011"),
        (0.1 + 0.2, "0.3"),
        (-1.5, "-1.5"),
        (-0.0, "0"),
        (1_234.567_8, "1234.5678"),
    ] {
        assert_eq!(general(value), expected);
    }
}

#[test]
fn text_is_shown_with_what_the_format_adds() {
    assert_eq!(NumberFormat::parse("\"BED-\"@").show_text("01").as_deref(), Some("BED-01"));
    assert_eq!(NumberFormat::parse("0;-0;0;@\" 님\"").show_text("홍길동").as_deref(), Some("홍길동 님"));
    assert_eq!(NumberFormat::parse("@").show_text("a"), None);
    assert!(!NumberFormat::parse("@").changes_text() && NumberFormat::parse("@\"님\"").changes_text());
}

#[test]
fn point_behind_the_exponent_costs_no_file() {
    for (code, value, expected) in
        [("0E+0.0", 3.0, "3E+00."), ("0E+0.00\"kg\"", 0.0, "0E+000.kg"), ("0E+.", 5.0, "5E+.")]
    {
        assert_eq!(shown(code, value), expected, "{code} {value}");
    }
}

proptest::proptest! {
    /// A format is what a file says: none may stop the reading of its numbers and texts.
    #[test]
    fn any_format_shows_any_number(
        parts in proptest::collection::vec(
            proptest::sample::select(vec![
                "0", "#", "?", ".", ",", "%", "E+", "E-", "e", "/", "@", ";", "\"", "\\", "_", "*", "[", "]", "[h]", "[>=1]",
                "[$-412]", "[$₩-412]", "General", "표준", "y", "yyyy", "m", "mmmm", "mmmmm", "d", "dddd", "aaa", "h", "s", ".0",
                "AM/PM", "오전/오후", "A/P", "가", " ", "-", "8", "K",
            ]),
            0..12,
        ),
        value in proptest::prop_oneof![
            proptest::num::f64::ANY,
            -1e6..1e6_f64,
            proptest::sample::select(vec![0.0, -0.0, 1.0, 9.995, 46_085.0, 1e15, 1e300, -1e300, 5e-324]),
        ],
    ) {
        let format = NumberFormat::parse(&parts.concat());
        let _ = (format.show(value), format.show_text("글"), format.moment(value), format.is_general());
    }
}
