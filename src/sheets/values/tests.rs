//! Formats seen in real files, and invalid values.

use super::*;
use crate::sheets::NumberFormat;

fn text(text: &str) -> Cell<'_> {
    Cell::Text(text.into())
}

#[test]
fn numbers_are_read_from_number_cells_and_text_cells() {
    assert_eq!((quantity(&Cell::Number(2.0)), quantity(&text("１"))), (Ok(2), Ok(1)));
    assert_eq!((money(&Cell::Number(27_948.4)), money(&text("₩12,000"))), (Ok(27_948), Ok(12_000)));
    assert_eq!((money(&Cell::Empty), quantity(&Cell::Empty).is_err()), (Ok(0), true));
    assert!(quantity(&Cell::Bool(true)).is_err() && money(&Cell::Bool(true)).is_err());
}

#[test]
fn dates_are_parsed_in_every_known_format() {
    for (written, read) in [
        ("2024-03-15", "2024-03-15 00:00:00"),
        ("2024-03-15 10:00", "2024-03-15 10:00:00"),
        ("2024-03-15 10:00:05", "2024-03-15 10:00:05"),
        ("2024-03-15 10:00:05.0", "2024-03-15 10:00:05"),
        ("2024.3.5", "2024-03-05 00:00:00"),
        ("2024. 3. 5.", "2024-03-05 00:00:00"),
        ("2024/03/15 10:00", "2024-03-15 10:00:00"),
        ("20240315", "2024-03-15 00:00:00"),
        ("20240315100005", "2024-03-15 10:00:05"),
        ("2025.7.18  12:42:43 PM", "2025-07-18 12:42:43"),
        ("2025.7.18  12:42:43 AM", "2025-07-18 00:42:43"),
        ("2025-07-18 오후 3:05", "2025-07-18 15:05:00"),
        ("2024년 3월 15일 (금) 오전 9시 5분", "2024-03-15 09:05:00"),
        ("2024-03-15T10:00:00+09:00", "2024-03-15 10:00:00"),
        ("2026-12-01T23:59:59.000+0900", "2026-12-01 23:59:59"),
        ("2026년 12월 1일 화요일", "2026-12-01 00:00:00"),
        ("2026년 11월 29일 일요일 오전 10:00", "2026-11-29 10:00:00"),
        ("2026년 11월 30일 (월)", "2026-11-30 00:00:00"),
        ("2026-12-01 23시", "2026-12-01 23:00:00"),
        ("2024-03-15T01:00:00Z", "2024-03-15 10:00:00"),
        ("45366.5", "2024-03-15 12:00:00"),
    ] {
        assert_eq!(moment(&text(written), false).map(|moment| moment.to_string()), Ok(read.to_owned()), "{written}");
    }
    for written in [
        "내일까지",
        "2024-02-30",
        "24.03.15",
        "2024-13-01",
        "2024-03-15 25:00",
        "15",
        "2024-03",
        "3/15/2024",
        "2024-03-15 13:00 PM",
        "2026-12-01 23",
        "12월 1일",
    ] {
        assert!(moment(&text(written), false).is_err(), "{written}");
    }
    assert_eq!(
        moment(&Cell::Number(45_371.999_988_425_92), false).map(|moment| moment.to_string()).as_deref(),
        Ok("2024-03-20 23:59:59")
    );
    assert_eq!(
        moment(&Cell::Number(20_240_315_100_005.0), false).map(|moment| moment.to_string()).as_deref(),
        Ok("2024-03-15 10:00:05")
    );
    assert!(moment(&Cell::Number(1.0), false).is_err());
}

#[test]
fn day_without_a_year_is_the_next_one() {
    let since = NaiveDate::from_ymd_opt(2026, 11, 27).expect("a day");
    let day = |written: &str| day_from(&text(written), since).map(|day| day.to_string());
    assert_eq!(day("12월 1일").as_deref(), Some("2026-12-01"));
    assert_eq!(day("1월 2일(토)").as_deref(), Some("2027-01-02"));
    assert_eq!(day("12월 1일 화요일").as_deref(), Some("2026-12-01"));
    for doubtful in ["11월 20일", "12월", "2월 30일", "12월 1일 이후", "12/1"] {
        assert_eq!(day(doubtful), None, "{doubtful}");
    }
}

#[test]
fn identifiers_are_validated() {
    let first = |cell: &Cell<'_>| phones(cell).map(|numbers| numbers.first);
    assert_eq!(first(&Cell::Number(1_012_345_678.0)).as_deref(), Ok("010-1234-5678"));
    assert!(first(&text("1.01235E+09")).is_err_and(|problem| problem.contains("지수")));
    assert_eq!(zip_code(&Cell::Number(4524.0)).as_deref(), Ok("04524"));
    assert_eq!(id(&Cell::Number(2.024_031_500_000_011e15)).as_deref(), Ok("2024031500000011"));
    assert!(id(&Cell::Number(1.5)).is_err());
    assert!(check_digits("2024031500000001", 10, 20).is_ok() && check_digits("20240318-ABC", 10, 20).is_err());
    assert_eq!(tracking_number(&text("451-6945-9705")).as_deref(), Ok("45169459705"));
    assert_eq!(tracking_number(&text("451–6945‑9705")).as_deref(), Ok("45169459705"), "dashes of a web page");
    assert_eq!(tracking_number(&text("EB123456789KR")).as_deref(), Ok("EB123456789KR"));
    assert!(tracking_number(&text("직접배송")).is_err());
}

#[test]
fn rounded_number_is_no_identifier() {
    for rounded in [
        "3.00002E+13",
        ".02611E+15",
        "7E+11",
        "2.02611e+15",
        "２.02611E+15",
        "1E-05",
        "3.00002000000001E13",
        "3,00002E+13",
        // What a formula or a program makes of a rounded number.
        "N-2.02611E+15",
        "2.02611E+15_03",
        "20261127002.02611E+15000011",
        "N7E+11",
        "N-2.02611E15",
        "6.1E8",
    ] {
        assert!(id(&text(rounded)).is_err_and(|problem| problem.contains("지수")), "{rounded}");
    }
    for code in [
        "BED-1E", "E12", "1E5A", "12E+", "ABE+12", "A1.5E+1", "A1.25E12", "2.5E-12A", "N7E11", "1E5", "1.0", "1,234",
        "V2.0",
    ] {
        assert_eq!(id(&text(code)).as_deref(), Ok(code));
    }
    let inexact = Cell::Number(2.026_112_700_000_01e15);
    assert!(is_inexact(&inexact) && id(&inexact).is_ok() && exact_id(&inexact) == Err(INEXACT));
    assert!(!is_inexact(&Cell::Number(2.026_112_700_000_011e15)) && !is_inexact(&Cell::Number(612_345_678_910.0)));
    assert!(tracking_number(&Cell::Number(1_234_567_890_123_450.0)).is_err());
}

#[test]
fn number_of_an_unknown_format_may_lack_its_first_zeros() {
    let unknown = NumberFormat::unknown();
    let number = Cell::Formatted(12_345_678_901.0, &unknown);
    assert_eq!(super::text(&number), "12345678901");
    assert!(is_inexact(&number) && exact_id(&number) == Err(UNFORMATTED) && id(&number).is_ok());
}

#[test]
fn long_numbers_are_found_within_a_composed_order_number() {
    let eleven_street = "7123-20261127012345600-30001-ab12cd";
    assert_eq!(long_parts(eleven_street).collect::<Vec<_>>(), [(1, "20261127012345600")]);
    assert_eq!(kept_prefix(eleven_street), Some("7123-202611270123456"));
    assert_eq!(kept_prefix("2026112700000010"), Some("202611270000001"));
    assert_eq!(kept_prefix("20261127-0000010-01"), None, "no part of it is that long");
    assert_eq!(kept_prefix("2026112700000011"), None);
}

#[test]
fn number_that_a_program_wrote_has_its_digits() {
    assert_eq!(id(&text("30000200000001.0")).as_deref(), Ok("30000200000001"));
    assert_eq!(id(&text("30,000,200,000,001")).as_deref(), Ok("30000200000001"));
    assert_eq!(key(&text("3.0")).as_deref(), Ok("3"), "a sequence number within an order");
    assert!(is_inexact(&text("2026112700000010.0")) && is_inexact(&text("2,026,112,700,000,010")));
    assert!(!is_inexact(&text("2026112700000010")) && !is_inexact(&text("2026112700000011.0")));
    assert!(is_rounded("2026112700000010") && is_rounded("20261127000001200") && !is_rounded("20261127000001210"));
    assert!(!is_rounded("202611270000010"));
}

#[test]
fn order_number_names_something() {
    for none in ["'", "\u{200b}", "-", "—", "없음", "nan", "null", "(null)", "None", "undefined", "<NA>", "0", "N/A"]
    {
        assert_eq!(key(&text(none)), Err(NO_KEY), "{none}");
    }
    for error in ["#N/A", "#REF!", "########"] {
        assert_eq!(key(&text(error)), Err(ERROR_VALUE), "{error}");
    }
    assert!(key(&Cell::Number(0.0)).is_err());
    assert_eq!(key(&text("20261127–0000011‑01")).as_deref(), Ok("20261127-0000011-01"));
    assert_eq!(key(&text("\u{200b}A-1\u{2069}")).as_deref(), Ok("A-1"));
}

#[test]
fn identifier_is_what_the_person_saw() {
    let shown = |code: &str, number: f64| {
        let format = NumberFormat::parse(code);
        id(&Cell::Formatted(number, &format))
    };
    assert_eq!(shown("00000", 123.0).as_deref(), Ok("00123"));
    assert_eq!(shown("000-0000-0000", 1_012_345_678.0).as_deref(), Ok("010-1234-5678"));
    assert_eq!(shown("\"BED-\"000", 7.0).as_deref(), Ok("BED-007"));
    assert_eq!(shown("#,##0", 1_234_567.0).as_deref(), Ok("1234567"));
    assert_eq!(shown("0.00E+00", 2_026_112_700_011.0).as_deref(), Ok("2026112700011"));
    assert!(shown("yyyy-mm-dd", 46_085.0).is_err() && shown("0%", 0.5).is_err());
}

#[test]
fn signs_for_none_are_known() {
    for nothing in
        ["-", "--", "0", "없음", "해당 없음", "N/A", "－", "nan", "NaN", "(null)", "undefined", "None", "#N/A"]
    {
        assert!(is_nothing(&text(nothing)), "{nothing}");
    }
    assert!(!is_nothing(&text("10")) && is_nothing(&Cell::Number(0.0)));
    let format = NumberFormat::parse("0000");
    assert!(is_nothing(&Cell::Formatted(0.0, &format)) && !is_nothing(&Cell::Formatted(7.0, &format)));
    assert!(!is_nothing(&text("NA")) && !is_nothing(&text("nano")));
}
