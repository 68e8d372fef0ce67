//! A file whose columns have other names and another order is read as before, once they are taught.

use proptest::prelude::*;
use proptest::test_runner::TestRunner;

use crate::channels::tests::profiles;
use crate::channels::{ColumnDrift, Profile, Profiles};
use crate::id::ProfileId;
use crate::sheets::tests::{fixture, sheet_package};
use crate::sheets::{Limits, open};
use crate::uploads::parse::{ParsedRows, parse};
use crate::uploads::{ImportOptions, ParsedFile};

/// The header and the rows below it of a fixture, as text.
fn table(name: &str) -> (Vec<String>, Vec<Vec<String>>) {
    let mut workbook = open(fixture(name), None, Limits::default()).expect("opens");
    let found = profiles().recognise_any(&mut workbook).expect("recognised");
    let (previews, _) = workbook.previews();
    let rows = previews.into_iter().filter(|preview| preview.sheet == found.sheet).flat_map(|preview| preview.rows);
    let rows = rows.filter(|(number, _)| *number > found.header_row).map(|(_, cells)| cells).collect();
    (found.headers, rows)
}

fn read(
    profiles: &Profiles,
    headers: &[String],
    rows: &[Vec<String>],
) -> Result<ParsedFile, crate::channels::FileError> {
    let lines: Vec<Vec<&str>> = std::iter::once(headers)
        .chain(rows.iter().map(Vec::as_slice))
        .map(|row| row.iter().map(String::as_str).collect())
        .collect();
    let lines: Vec<&[&str]> = lines.iter().map(Vec::as_slice).collect();
    parse(profiles, sheet_package(&lines), None, &ImportOptions::default(), Limits::default())
}

/// What the rows say, without the headers that reasons name.
fn orders(file: &ParsedFile) -> Vec<String> {
    let ParsedRows::Orders(rows) = &file.rows else { panic!("an order file") };
    let order = |row: &crate::uploads::check::CheckedRow<crate::orders::model::NewOrder>| match &row.outcome {
        crate::uploads::check::RowCheck::Valid(order, warnings) => format!("{order:?} {}", warnings.len()),
        other => format!("{} {}", row.key, matches!(other, crate::uploads::check::RowCheck::Rejected(_))),
    };
    rows.iter().map(order).collect()
}

/// Header, rows, and the former and new name of the renamed columns.
type RenamedTable = (Vec<String>, Vec<Vec<String>>, Vec<(String, String)>);

/// The columns of a sample in another order, some of those that the profile reads with another name.
fn changed(headers: &[String], rows: &[Vec<String>], order: &[usize], renamed: &[bool]) -> RenamedTable {
    let mut names: Vec<String> = headers.to_vec();
    let mut pairs = Vec::new();
    for (place, name) in names.iter_mut().enumerate() {
        let is_unique = headers.iter().filter(|header| *header == name).count() == 1 && !name.trim().is_empty();
        if renamed.get(place).copied().unwrap_or_default() && is_unique {
            let new = format!("바뀐 열 {place}");
            pairs.push((std::mem::replace(name, new.clone()), new));
        }
    }
    let permuted =
        |row: &[String]| order.iter().map(|&at| row.get(at).cloned().unwrap_or_default()).collect::<Vec<_>>();
    (permuted(&names), rows.iter().map(|row| permuted(row)).collect(), pairs)
}

#[test]
fn taught_names_in_any_order_give_the_same_orders() {
    for (name, code) in
        [("01_smartstore_orders_72col.xlsx", "SMART_STORE"), ("12_coupang_deliverylist.xlsx", "COUPANG")]
    {
        let (headers, rows) = table(name);
        let shipped = profiles();
        let profile = shipped.find(crate::channels::FileKind::Orders, code).expect("a profile");
        let before = orders(&read(&shipped, &headers, &rows).expect("is read"));
        assert!(!before.is_empty());
        let count = headers.len();
        let change = (
            Just((0..count).collect::<Vec<usize>>()).prop_shuffle(),
            proptest::collection::vec(prop::bool::weighted(0.3), count),
        );
        let mut runner = TestRunner::new(ProptestConfig { cases: 24, ..ProptestConfig::default() });
        let read_as_before = |(order, renamed): (Vec<usize>, Vec<bool>)| {
            let (headers, rows, pairs) = changed(&headers, &rows, &order, &renamed);
            let pairs: Vec<(String, String)> = pairs
                .into_iter()
                .filter(|(header, _)| profile.with_renamed_columns(&[(header.clone(), "새 열".to_owned())]).is_ok())
                .collect();
            let taught =
                if pairs.is_empty() { profile.clone() } else { profile.with_renamed_columns(&pairs).expect("taught") };
            let own = Profile {
                own_id: Some(ProfileId::from_raw(1)),
                ..Profile::parse(code, &taught.to_toml()).expect("its text")
            };
            let file = read(&shipped.with_own([own]), &headers, &rows).expect("is read once it is taught");
            prop_assert_eq!(&file.profile.code, code);
            prop_assert_eq!(orders(&file), before.clone());
            Ok(())
        };
        runner.run(&change, read_as_before).expect("the same orders");
    }
}

#[test]
fn missing_needed_column_is_found_and_suggested() {
    let (mut headers, rows) = table("01_smartstore_orders_72col.xlsx");
    for header in &mut headers {
        match header.as_str() {
            "수취인명" => *header = "받는 사람 이름".to_owned(),
            "상품명" => *header = "판매 상품명".to_owned(),
            _ => {}
        }
    }
    let shipped = profiles();
    assert!(read(&shipped, &headers, &rows).is_err());
    let mut workbook = {
        let lines: Vec<Vec<&str>> =
            std::iter::once(&headers).chain(&rows).map(|row| row.iter().map(String::as_str).collect()).collect();
        let lines: Vec<&[&str]> = lines.iter().map(Vec::as_slice).collect();
        open(sheet_package(&lines), None, Limits::default()).expect("opens")
    };
    let ColumnDrift { code, missing, .. } = shipped.nearest_drift(&mut workbook, None, None).expect("스마트스토어");
    assert_eq!(code, "SMART_STORE");
    let suggested: Vec<(&str, Option<&str>)> = missing
        .iter()
        .filter(|column| column.is_needed)
        .map(|column| (column.header(), column.suggestion.as_deref()))
        .collect();
    assert!(suggested.contains(&("수취인명", Some("받는 사람 이름"))), "{suggested:?}");
    assert!(suggested.contains(&("상품명", Some("판매 상품명"))), "{suggested:?}");
}
