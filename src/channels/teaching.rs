//! Columns that a file has under another name: what differs from the profile, and teaching it.
//!
//! A channel renames a column, a seller hides one. [`ColumnDrift`] has both sides: the columns that the profile reads and
//! the file lacks, and those of the file that nobody reads. [`Profile::with_renamed_columns`] teaches that one is the
//! other: wherever the profile has the header `A`, it then has `A|B`, so that files with either name are read.

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};

use super::profile::{Field, FileKind, MAX_PROFILE_BYTES, Profile, Profiles};
use super::suggestion::{ColumnSample, suggest_columns};
use super::table::HeaderIndex;
use crate::text::{fold_word, one_line};

/// Longest header that is taught, in characters.
const MAX_HEADER_CHARS: usize = 100;

/// A column that the profile reads and the file lacks.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct MissingColumn {
    /// its headers in the profile, the usual one first
    pub headers: Vec<String>,
    /// whether the file cannot be read without it
    pub is_needed: bool,
    /// the column of the file that it probably is
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub suggestion: Option<String>,
}

impl MissingColumn {
    /// The usual header.
    pub fn header(&self) -> &str {
        self.headers.first().map_or("", String::as_str)
    }
}

/// How the columns of a file differ from those of its profile.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ColumnDrift {
    /// kind of the profile
    pub kind: FileKind,
    /// its code
    pub code: String,
    /// name of the channel or courier
    pub name: String,
    /// columns that the profile reads and the file lacks; needed ones first
    pub missing: Vec<MissingColumn>,
    /// columns of the file that nobody reads
    pub unread: Vec<String>,
}

impl ColumnDrift {
    /// Compares the columns of a file with those of a profile. `profiles` know the names that other channels have for the
    /// same field.
    pub fn find(profiles: &Profiles, profile: &Profile, columns: &[ColumnSample]) -> Self {
        let headers: Vec<String> = columns.iter().map(|column| column.header.clone()).collect();
        let index = HeaderIndex::new(&headers);
        let expected = expected_columns(profile);
        let read: BTreeSet<String> = read_headers(profile).iter().map(|header| fold_word(header)).collect();
        let mut unread: Vec<&ColumnSample> = Vec::new();
        for column in columns {
            let header = fold_word(&column.header);
            let is_known = unread.iter().any(|known| fold_word(&known.header) == header);
            if !header.is_empty() && !read.contains(&header) && !is_known {
                unread.push(column);
            }
        }
        let missing: Vec<ExpectedColumn> =
            expected.into_iter().filter(|column| !column.headers.iter().any(|header| index.contains(header))).collect();
        let suggested = suggest_columns(profiles, &missing, &unread);
        let mut missing: Vec<MissingColumn> = missing
            .into_iter()
            .zip(suggested)
            .map(|(column, suggestion)| MissingColumn {
                headers: column.headers.iter().flat_map(|header| header.split('|')).map(one_line).collect(),
                is_needed: column.is_needed,
                suggestion,
            })
            .collect();
        missing.sort_by_key(|column| !column.is_needed);
        let unread = unread.into_iter().map(|column| one_line(&column.header)).collect();
        Self { kind: profile.kind, code: profile.code.clone(), name: profile.name.clone(), missing, unread }
    }

    /// Whether there is something to teach.
    pub fn is_teachable(&self) -> bool {
        !self.missing.is_empty() && !self.unread.is_empty()
    }

    /// Whether a column that is not needed probably has another name.
    pub fn has_suggestion(&self) -> bool {
        self.missing.iter().any(|column| column.suggestion.is_some())
    }
}

/// A column that a profile reads.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ExpectedColumn {
    /// what it means; none for a column that only identifies the file
    pub role: Option<ColumnRole>,
    /// its headers, in order of preference; each may be `A|B`
    pub headers: Vec<String>,
    /// whether a file without it is not read
    pub is_needed: bool,
}

/// Meaning of an expected column.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum ColumnRole {
    /// the order number, or a part of it
    OrderNumber,
    /// the address
    Address,
    /// its second part
    AddressDetail,
    /// when the order came into its state
    Moment,
    /// another field
    Field(Field),
}

/// The columns that a profile reads: the key, the address, the fields, and what identifies the file.
pub(super) fn expected_columns(profile: &Profile) -> Vec<ExpectedColumn> {
    let mut columns: Vec<ExpectedColumn> = Vec::new();
    let mut add = |role, headers: Vec<String>, is_needed| {
        let shares = |known: &&mut ExpectedColumn| {
            known.headers.iter().any(|header| headers.iter().any(|other| fold_word(other) == fold_word(header)))
        };
        match columns.iter_mut().find(shares) {
            // One column of the file has several meanings: 발송기한 identifies a file, and is the deadline.
            Some(known) => {
                known.is_needed |= is_needed;
                known.role = known.role.or(role);
            }
            None => columns.push(ExpectedColumn { role, headers, is_needed }),
        }
    };
    for header in &profile.key {
        let (header, is_needed) = header.strip_prefix('#').map_or((header.as_str(), true), |header| (header, false));
        add(Some(ColumnRole::OrderNumber), vec![header.to_owned()], is_needed);
    }
    for (field, headers) in &profile.columns {
        add(Some(ColumnRole::Field(*field)), headers.clone(), profile.required.contains(field));
    }
    let part = |index: usize| profile.address.iter().filter_map(|pair| pair.get(index).cloned()).collect::<Vec<_>>();
    for (role, headers, is_needed) in
        [(ColumnRole::Address, part(0), true), (ColumnRole::AddressDetail, part(1), false)]
    {
        if !headers.is_empty() {
            add(Some(role), headers, is_needed);
        }
    }
    for header in &profile.detect {
        add(None, vec![header.clone()], true);
    }
    columns
}

/// Every header that a profile has a use for.
fn read_headers(profile: &Profile) -> Vec<&str> {
    let lists = [&profile.key, &profile.detect, &profile.markers, &profile.claim_headers];
    let moments = profile.changes.iter().map(|rule| &rule.moments);
    let all = lists.into_iter().chain(profile.columns.values()).chain(&profile.address).chain(moments);
    all.flatten().flat_map(|header| header.strip_prefix('#').unwrap_or(header).split('|')).collect()
}

/// Why a column cannot be taught.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum TeachError {
    /// no column was chosen
    #[error("선택한 열이 없어요. 어느 열인지 선택해 주세요.")]
    Nothing,
    /// one column was chosen for two
    #[error("‘{0}’ 열을 두 곳에 선택했어요. 한 곳에만 선택해 주세요.")]
    ChosenTwice(String),
    /// the profile does not read such a column
    #[error("‘{0}’ 열은 이 양식에 없어요. 화면을 새로고침하고 다시 선택해 주세요.")]
    UnknownExpected(String),
    /// the file does not have such a column
    #[error("‘{0}’ 열은 이 파일에 없어요. 화면을 새로고침하고 다시 선택해 주세요.")]
    UnknownColumn(String),
    /// the header has a sign with a meaning in profiles, or is too long
    #[error("‘{0}’ 열은 이름에 | 나 # 이 있거나 너무 길어서 쓸 수 없어요. 파일에서 열 이름을 바꿔 주세요.")]
    UnusableHeader(String),
    /// the profile became too long
    #[error("이 양식에 알려 준 열이 너무 많아요. 설정의 양식에서 쓰지 않는 이름을 지워 주세요.")]
    TooLong,
}

/// Checks that a header can be part of a profile.
///
/// # Errors
/// It has a sign with a meaning in profiles, or is too long.
pub fn check_header(header: &str) -> Result<(), TeachError> {
    let is_usable = !header.contains('|') && !header.starts_with('#') && header.chars().count() <= MAX_HEADER_CHARS;
    if is_usable { Ok(()) } else { Err(TeachError::UnusableHeader(header.to_owned())) }
}

impl Profile {
    /// The columns that this profile reads.
    pub fn expected_columns(&self) -> Vec<ExpectedColumn> {
        expected_columns(self)
    }

    /// This profile with other names for its columns: pairs of a header of the profile and the header of the file.
    ///
    /// # Errors
    /// Nothing is taught, or a pair is impossible.
    pub fn with_renamed_columns(&self, pairs: &[(String, String)]) -> Result<Self, TeachError> {
        if pairs.is_empty() {
            return Err(TeachError::Nothing);
        }
        let mut taught = self.clone();
        for (place, (header, name)) in pairs.iter().enumerate() {
            check_header(name)?;
            if pairs[..place].iter().any(|(_, other)| fold_word(other) == fold_word(name)) {
                return Err(TeachError::ChosenTwice(name.clone()));
            }
            if !taught.add_name(header, name) {
                return Err(TeachError::UnknownExpected(header.clone()));
            }
        }
        if taught.to_toml().len() > MAX_PROFILE_BYTES { Err(TeachError::TooLong) } else { Ok(taught) }
    }

    /// Adds `name` wherever the profile has `header`; false if it has it nowhere.
    fn add_name(&mut self, header: &str, name: &str) -> bool {
        let header = fold_word(header);
        let mut is_known = false;
        let mut extend = |entries: &mut Vec<String>| {
            for entry in entries {
                let names = entry.strip_prefix('#').unwrap_or(entry);
                if names.split('|').any(|known| fold_word(known) == header) {
                    is_known = true;
                    if !names.split('|').any(|known| fold_word(known) == fold_word(name)) {
                        entry.push('|');
                        entry.push_str(&one_line(name));
                    }
                }
            }
        };
        for entries in
            [&mut self.key, &mut self.detect, &mut self.markers, &mut self.doubtful_address, &mut self.claim_headers]
        {
            extend(entries);
        }
        self.columns.values_mut().for_each(&mut extend);
        self.address.iter_mut().for_each(&mut extend);
        self.changes.iter_mut().for_each(|rule| extend(&mut rule.moments));
        is_known
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::channels::tests::profiles;

    fn columns(headers: &[&str]) -> Vec<ColumnSample> {
        let sample = |header: &&str| ColumnSample { header: (*header).to_owned(), values: Vec::new() };
        headers.iter().map(sample).collect()
    }

    const SMART_STORE: [&str; 11] = [
        "상품주문번호",
        "수취인명",
        "수취인연락처1",
        "우편번호",
        "기본배송지",
        "상세배송지",
        "상품명",
        "옵션정보",
        "수량",
        "주문일시",
        "발송기한",
    ];

    fn drift(headers: &[&str]) -> ColumnDrift {
        let profiles = profiles();
        let profile = profiles.find(FileKind::Orders, "SMART_STORE").expect("스마트스토어");
        ColumnDrift::find(&profiles, profile, &columns(headers))
    }

    #[test]
    fn renamed_column_is_missing_under_its_old_name_and_unread_under_the_new() {
        let mut headers = SMART_STORE;
        headers[0] = "상품 주문 고유번호";
        headers[10] = "발송 마감일";
        let drift = drift(&headers);
        let needed: Vec<&str> =
            drift.missing.iter().filter(|column| column.is_needed).map(MissingColumn::header).collect();
        assert_eq!(needed, ["상품주문번호", "발송기한"]);
        assert_eq!(drift.unread, ["상품 주문 고유번호", "발송 마감일"]);
        assert!(drift.is_teachable());
    }

    #[test]
    fn column_that_nobody_reads_is_listed_once() {
        let headers: Vec<&str> = SMART_STORE.into_iter().chain(["고객 등급", "고객등급", ""]).collect();
        let drift = drift(&headers);
        assert_eq!(drift.unread, ["고객 등급"]);
        assert!(!drift.missing.iter().any(|column| column.is_needed), "{drift:?}");
    }

    #[test]
    fn taught_profile_reads_the_old_and_the_new_name() {
        let profiles = profiles();
        let profile = profiles.find(FileKind::Orders, "SMART_STORE").expect("스마트스토어");
        let pairs = [("통합배송지", "받는 곳"), ("상품주문번호", "고유번호"), ("발송기한", "마감일")];
        let pairs = pairs.map(|(header, name)| (header.to_owned(), name.to_owned()));
        let taught = profile.with_renamed_columns(&pairs).expect("taught");
        assert_eq!(taught.key, ["상품주문번호|고유번호"]);
        let both = ["발송기한|마감일".to_owned()];
        assert_eq!(taught.detect, both);
        assert_eq!(taught.columns[&Field::DispatchDeadline], both);
        assert_eq!(taught.doubtful_address, ["통합배송지|받는 곳"], "it still causes a warning");
        let again = taught.with_renamed_columns(&[("고유번호".into(), "주문품목번호".into())]).expect("taught again");
        assert_eq!(again.key, ["상품주문번호|고유번호|주문품목번호"]);
        assert_eq!(Profile::parse("own", &again.to_toml()).expect("its text"), again);
    }

    #[test]
    fn impossible_lessons_are_refused_with_the_reason() {
        let profiles = profiles();
        let profile = profiles.find(FileKind::Orders, "SMART_STORE").expect("스마트스토어");
        let refused = |pairs: &[(&str, &str)]| {
            let pairs: Vec<_> = pairs.iter().map(|(header, name)| ((*header).into(), (*name).into())).collect();
            profile.with_renamed_columns(&pairs).expect_err("refused").to_string()
        };
        assert!(refused(&[]).contains("선택한 열이 없어요"));
        assert!(refused(&[("수량", "개수"), ("상품명", "개 수")]).contains("두 곳에"));
        assert!(refused(&[("없는 열", "개수")]).contains("이 양식에 없어요"));
        assert!(refused(&[("수량", "개수|갯수")]).contains("바꿔 주세요"));
    }
}
