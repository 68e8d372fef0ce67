//! Mapping of a file that no profile matches: which column has which field of an order.
//!
//! The fields are those of [`FIELDS`] that a file can have. A mapping becomes a [`Profile`] of the shop, which recognises
//! the next file by its headers.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::pipeline::spawn_blocking;
use super::{UploadError, Uploads, store};
use crate::channels::{
    ColumnRole, ColumnSample, Field, FileError, FileKind, MAX_NAME_CHARS, Profile, Profiles, StatusEffect,
    check_header, column_samples, suggest_roles,
};
use crate::orders::fields::{FIELDS, OrderField};
use crate::sheets::{self, SheetPreview};
use crate::text::{fold_word, one_line};

/// Rows below the header that the page shows.
const SAMPLE_ROWS: usize = 3;
/// Longest header in characters; longer cells are text, not headers.
const MAX_HEADER_CHARS: usize = 40;

/// A field that a column can have.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MappedField {
    /// meaning of the column
    pub role: ColumnRole,
    /// name in forms
    pub code: String,
    /// Korean label
    pub label: &'static str,
    /// whether a list of orders cannot be read without it
    pub is_needed: bool,
}

/// Fields without which a row is no order, beside its number and address.
const NEEDED: [Field; 5] =
    [Field::RecipientName, Field::RecipientTel1, Field::ProductName, Field::Quantity, Field::PlacedAt];

/// The fields that a column of a list of orders can have, in the order of [`FIELDS`].
pub fn mapped_fields() -> Vec<MappedField> {
    FIELDS.iter().flat_map(roles_of).collect()
}

/// The columns of a file from which a column of `orders` is read, with their labels.
fn roles_of(field: &OrderField) -> Vec<MappedField> {
    let of = |field: Field, label: &'static str| (ColumnRole::Field(field), label);
    let roles = match field.column {
        "order_number" => vec![(ColumnRole::OrderNumber, field.label)],
        "channel_order_number" => vec![of(Field::ChannelOrderNumber, field.label)],
        "product_id" => vec![
            of(Field::ProductName, "상품명"),
            of(Field::ProductNumber, "판매자 상품코드"),
            of(Field::ChannelProductNumber, "판매채널의 상품번호"),
        ],
        "delivery_id" => vec![of(Field::BundleNumber, "묶음배송번호")],
        "options" => vec![of(Field::Options, field.label)],
        "quantity" => vec![of(Field::Quantity, field.label)],
        "price" => vec![of(Field::Price, field.label)],
        "customer_name" => vec![of(Field::CustomerName, field.label)],
        "customer_tel" => vec![of(Field::CustomerTel, field.label)],
        "customer_message" => vec![of(Field::CustomerMessage, field.label)],
        "recipient_name" => vec![of(Field::RecipientName, field.label)],
        "recipient_tel1" => vec![of(Field::RecipientTel1, field.label)],
        "recipient_tel2" => vec![of(Field::RecipientTel2, field.label)],
        "recipient_zip_code" => vec![of(Field::ZipCode, field.label)],
        "recipient_address1" => vec![(ColumnRole::Address, field.label)],
        "recipient_address2" => vec![(ColumnRole::AddressDetail, field.label)],
        "shipping_method" => vec![of(Field::ShippingMethod, field.label)],
        "charge_type" => vec![of(Field::ChargeType, field.label)],
        "tracking_number" => vec![of(Field::TrackingNumber, field.label)],
        "courier" => vec![of(Field::Courier, field.label)],
        "dispatch_deadline" => vec![of(Field::DispatchDeadline, field.label)],
        "preferred_shipping_date" => vec![of(Field::PreferredShippingDate, field.label)],
        "placed_at" => vec![of(Field::PlacedAt, field.label)],
        "claim" => vec![of(Field::Claim, "주문상태")],
        _ => Vec::new(),
    };
    let mapped = |(role, label)| {
        let (code, is_needed) = match role {
            ColumnRole::OrderNumber => ("order_number".to_owned(), true),
            ColumnRole::Address => ("address".to_owned(), true),
            ColumnRole::AddressDetail => ("address_detail".to_owned(), false),
            ColumnRole::Field(field) => (field.code(), NEEDED.contains(&field)),
        };
        MappedField { role, code, label, is_needed }
    };
    roles.into_iter().map(mapped).collect()
}

/// Effects that words of a state column can be given.
pub const WORD_EFFECTS: [(StatusEffect, &str, &str); 4] = [
    (StatusEffect::Ship, "ship", "보낸 주문의 낱말"),
    (StatusEffect::Cancel, "cancel", "취소된 주문의 낱말"),
    (StatusEffect::Refund, "refund", "반품된 주문의 낱말"),
    (StatusEffect::SetClaim, "set_claim", "취소·반품을 요청한 주문의 낱말"),
];

/// What a member stated about the columns of a file.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ColumnMapping {
    /// name of the channel
    pub name: String,
    /// header and code of the field of each column that has one
    pub columns: Vec<(String, String)>,
    /// words of the state column, separated by commas, by the code of their effect
    pub words: BTreeMap<String, String>,
}

/// A wrong or missing statement of a mapping.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum MappingProblem {
    /// about the name
    Name(String),
    /// about a column, by its header
    Column(String, String),
    /// about the mapping as a whole
    Missing(String),
}

impl ColumnMapping {
    /// The profile of the shop with the code `code`. `shipped` has the words that all channels use.
    ///
    /// # Errors
    /// All problems of the mapping.
    pub fn profile(&self, code: &str, shipped: &Profiles) -> Result<Profile, Vec<MappingProblem>> {
        let fields = mapped_fields();
        let name = one_line(&self.name);
        let mut problems = Vec::new();
        if name.is_empty() {
            problems.push(MappingProblem::Name("판매채널이나 거래처 이름을 입력해 주세요.".to_owned()));
        } else if name.chars().count() > MAX_NAME_CHARS {
            problems.push(MappingProblem::Name(format!("이름은 {MAX_NAME_CHARS}자까지 입력할 수 있어요.")));
        }
        let mut headers: BTreeMap<ColumnRole, String> = BTreeMap::new();
        for (header, code) in &self.columns {
            let Some(field) = fields.iter().find(|field| field.code == *code) else { continue };
            if let Err(problem) = check_header(header) {
                problems.push(MappingProblem::Column(header.clone(), problem.to_string()));
                continue;
            }
            if let Some(other) = headers.get(&field.role) {
                let message =
                    format!("‘{}’ 항목은 ‘{other}’ 열에 이미 선택했어요. 한 열만 선택해 주세요.", field.label);
                problems.push(MappingProblem::Column(header.clone(), message));
                continue;
            }
            headers.insert(field.role, header.clone());
        }
        let missing: Vec<&str> = fields
            .iter()
            .filter(|field| field.is_needed && !headers.contains_key(&field.role))
            .map(|field| field.label)
            .collect();
        if !missing.is_empty() {
            let message = format!("꼭 필요한 항목의 열이 없어요: {}. 어느 열인지 선택해 주세요.", missing.join(", "));
            problems.push(MappingProblem::Missing(message));
        }
        if !problems.is_empty() {
            return Err(problems);
        }
        let base = shipped.find(FileKind::Orders, "SMART_STORE");
        let mut profile = Profile {
            code: code.to_owned(),
            name,
            required: NEEDED.to_vec(),
            values: base.map(|base| base.values.clone()).unwrap_or_default(),
            changes: base.map(|base| base.changes.clone()).unwrap_or_default(),
            ..Profile::empty()
        };
        profile.changes.iter_mut().for_each(|rule| rule.moments.clear());
        profile.key.extend(headers.remove(&ColumnRole::OrderNumber));
        let address: Vec<String> =
            [ColumnRole::Address, ColumnRole::AddressDetail].iter().filter_map(|role| headers.remove(role)).collect();
        profile.address.push(address);
        for (role, header) in headers {
            if let ColumnRole::Field(field) = role {
                profile.columns.insert(field, vec![header]);
            }
        }
        for (effect, code, _) in WORD_EFFECTS {
            let words = self.words.get(code).map_or("", String::as_str);
            let words: Vec<String> = words.split(',').map(fold_word).filter(|word| !word.is_empty()).collect();
            for rule in &mut profile.changes {
                rule.words.retain(|word| !words.contains(word));
                if rule.change == effect {
                    rule.words.extend(words.iter().cloned());
                }
            }
        }
        Ok(profile)
    }
}

/// The columns of a file below a row that may be its header.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FileSample {
    /// names of its sheets
    pub sheets: Vec<String>,
    /// index of the shown sheet
    pub sheet: usize,
    /// numbers and beginnings of the rows that may be the header
    pub rows: Vec<(u32, String)>,
    /// number of the row that is taken for the header
    pub header_row: u32,
    /// columns with a header, their first values, and the code of the field that they probably have
    pub columns: Vec<(ColumnSample, Option<String>)>,
}

/// The row that probably is the header: the one with the most short texts.
fn header_row(rows: &[(u32, Vec<String>)]) -> Option<u32> {
    let is_header = |cell: &&String| {
        let length = cell.trim().chars().count();
        length > 0 && length <= MAX_HEADER_CHARS && !cell.bytes().any(|byte| byte.is_ascii_digit() && length > 6)
    };
    let score = |cells: &[String]| cells.iter().filter(is_header).count();
    let mut best: Option<(usize, u32)> = None;
    for (number, cells) in rows {
        let score = score(cells);
        if best.is_none_or(|(most, _)| score > most) {
            best = Some((score, *number));
        }
    }
    best.map(|(_, number)| number)
}

/// The columns of one sheet; `sheet` and `row` are what a member chose.
fn sample(
    profiles: &Profiles,
    previews: &[SheetPreview],
    sheet: Option<usize>,
    row: Option<u32>,
) -> Option<FileSample> {
    let preview = match sheet {
        Some(sheet) => previews.iter().find(|preview| preview.sheet == sheet),
        None => previews.iter().max_by_key(|preview| (preview.rows.len(), std::cmp::Reverse(preview.sheet))),
    }?;
    let is_known = |row: &u32| preview.rows.iter().any(|(number, _)| number == row);
    let header_row = row.filter(is_known).or_else(|| header_row(&preview.rows))?;
    let headers = &preview.rows.iter().find(|(number, _)| *number == header_row)?.1;
    let mut columns = column_samples(headers, (preview.sheet, header_row), previews);
    let mut seen: Vec<String> = Vec::new();
    columns.retain(|column| {
        let header = fold_word(&column.header);
        let is_new = !header.is_empty() && !seen.contains(&header);
        seen.push(header);
        is_new
    });
    let fields = mapped_fields();
    let roles: Vec<(ColumnRole, &str)> = fields.iter().map(|field| (field.role, field.label)).collect();
    let meanings = suggest_roles(profiles, &roles, &columns);
    let code = |role| fields.iter().find(|field| field.role == role).map(|field| field.code.clone());
    for column in &mut columns {
        column.header = one_line(&column.header);
        column.values.retain(|value| !value.trim().is_empty());
        column.values.truncate(SAMPLE_ROWS);
    }
    let beginning = |cells: &[String]| {
        let filled: Vec<String> = cells.iter().map(|cell| one_line(cell)).filter(|cell| !cell.is_empty()).collect();
        filled.join(" · ").chars().take(MAX_HEADER_CHARS).collect::<String>()
    };
    Some(FileSample {
        sheets: Vec::new(),
        sheet: preview.sheet,
        rows: preview.rows.iter().map(|(number, cells)| (*number, beginning(cells))).collect(),
        header_row,
        columns: columns.into_iter().zip(meanings).map(|(column, role)| (column, role.and_then(code))).collect(),
    })
}

impl Uploads {
    /// The columns of the kept file of an upload; none if its sheet is empty.
    ///
    /// # Errors
    /// The upload's original was deleted, or cannot be read.
    pub async fn sample(
        &self,
        id: i64,
        sheet: Option<usize>,
        row: Option<u32>,
    ) -> Result<Option<FileSample>, UploadError> {
        let original =
            self.storage.read(move |tx| store::load_file(tx, id)?.ok_or(UploadError::OriginalDeleted)).await?;
        let password = original.sealed_password.as_ref().and_then(|sealed| self.vault.unseal(sealed));
        let (profiles, limits) = (self.profiles().await?, self.limits);
        spawn_blocking(move || {
            let mut workbook =
                sheets::open(Arc::new(original.bytes), password.as_deref(), limits).map_err(FileError::from)?;
            let (previews, failure) = workbook.previews();
            let found = sample(&profiles, &previews, sheet, row);
            if let (None, Some(failure)) = (&found, failure) {
                return Err(FileError::from(failure).into());
            }
            let names = workbook.sheets().iter().map(|sheet| sheet.name.clone()).collect();
            Ok(found.map(|found| FileSample { sheets: names, ..found }))
        })
        .await
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::channels::tests::profiles;

    fn mapping(columns: &[(&str, &str)]) -> ColumnMapping {
        ColumnMapping {
            name: "칠성 협력점".to_owned(),
            columns: columns.iter().map(|(header, code)| ((*header).to_owned(), (*code).to_owned())).collect(),
            words: BTreeMap::new(),
        }
    }

    const PARTNER: [(&str, &str); 7] = [
        ("접수번호", "order_number"),
        ("받는분", "recipient_name"),
        ("받는분 핸드폰", "recipient_tel1"),
        ("받는분 주소", "address"),
        ("품목명", "product_name"),
        ("갯수", "quantity"),
        ("접수일자", "placed_at"),
    ];

    #[test]
    fn every_field_of_an_order_file_can_be_mapped() {
        let fields = mapped_fields();
        for profile in profiles().all().iter().filter(|profile| profile.kind == FileKind::Orders) {
            for field in profile.columns.keys().filter(|field| **field != Field::QuantityClaim) {
                assert!(fields.iter().any(|mapped| mapped.role == ColumnRole::Field(*field)), "{field:?}");
            }
        }
        assert!(fields.iter().all(|field| !field.label.is_empty()));
        let needed: Vec<&str> = fields.iter().filter(|field| field.is_needed).map(|field| field.label).collect();
        assert_eq!(needed, ["상품주문번호", "상품명", "수량", "수취인명", "수취인연락처1", "주소", "주문일"]);
    }

    #[test]
    fn mapped_list_of_a_partner_is_a_profile_of_the_shop() {
        let profile = mapping(&PARTNER).profile("SHOP_1", &profiles()).expect("a profile");
        assert_eq!((profile.name.as_str(), profile.key.as_slice()), ("칠성 협력점", &["접수번호".to_owned()][..]));
        assert_eq!(profile.address, [["받는분 주소".to_owned()]]);
        assert_eq!(Profile::parse("SHOP_1", &profile.to_toml()).expect("valid"), profile);
        assert!(profile.status_rule("취소요청").is_some(), "the words that all channels use are known");
    }

    #[test]
    fn own_words_of_states_win_over_the_common_ones() {
        let words = [("cancel", "없던 일로, 접수확인"), ("ship", "나감")];
        let words = words.map(|(code, words)| (code.to_owned(), words.to_owned()));
        let mapping = ColumnMapping { words: BTreeMap::from(words), ..mapping(&PARTNER) };
        let profile = mapping.profile("SHOP_1", &profiles()).expect("a profile");
        let effect = |word: &str| profile.status_rule(word).map(|rule| rule.change);
        assert_eq!(effect("없던일로"), Some(StatusEffect::Cancel));
        assert_eq!(effect("나감"), Some(StatusEffect::Ship));
        assert_eq!(effect("취소완료"), Some(StatusEffect::Cancel));
    }

    #[test]
    fn all_problems_of_a_mapping_are_told_at_once() {
        let mut columns = PARTNER.to_vec();
        columns[0] = ("접수번호", "quantity");
        columns.push(("배송|주소", "address_detail"));
        let mapping = ColumnMapping { name: "  ".to_owned(), ..mapping(&columns) };
        let problems = mapping.profile("SHOP_1", &profiles()).expect_err("wrong");
        assert!(matches!(&problems[0], MappingProblem::Name(_)), "{problems:?}");
        let told = |wanted: &str| {
            problems.iter().any(|problem| match problem {
                MappingProblem::Column(_, message) | MappingProblem::Missing(message) => message.contains(wanted),
                MappingProblem::Name(_) => false,
            })
        };
        assert!(told("‘수량’ 항목은 ‘접수번호’ 열에 이미 선택했어요"), "{problems:?}");
        assert!(
            told("파일에서 열 이름을 바꿔 주세요") && told("꼭 필요한 항목의 열이 없어요: 상품주문번호"),
            "{problems:?}"
        );
    }

    #[test]
    fn header_below_a_title_is_found() {
        let row = |cells: &[&str]| cells.iter().map(|cell| (*cell).to_owned()).collect::<Vec<_>>();
        let rows = [
            (1, row(&["11월 27일 출고 요청"])),
            (3, row(&["접수번호", "받는분", "받는분 핸드폰", "품목명"])),
            (4, row(&["P-20261127-001", "홍길동", "010-1234-5678", "침대"])),
        ];
        assert_eq!(header_row(&rows), Some(3));
        let preview = SheetPreview { sheet: 0, rows: rows.to_vec() };
        let found = sample(&profiles(), &[preview], None, None).expect("columns");
        assert_eq!(found.header_row, 3);
        let codes: Vec<Option<&str>> = found.columns.iter().map(|(_, code)| code.as_deref()).collect();
        assert_eq!(codes, [Some("order_number"), Some("recipient_name"), Some("recipient_tel1"), Some("product_name")]);
    }
}
