//! Profiles: layouts of the files of channels and couriers, as data.
//!
//! A profile is a TOML file in `assets/channels`, in `assets/couriers` or in the shop's own folder, where a
//! profile replaces the built-in one of the same kind and code. Headers and words are compared as a whole, in
//! the form of [`fold_word`]; a search within cells would match the info text above SmartStore's header,
//! which names four columns. `A|B` means column A, or B if there is no A.

use crate::text::coded;
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use rust_embed::RustEmbed;
use serde::{Deserialize, Serialize};

use super::model::{ChargeType, ShippingMethod};
use crate::text::fold_word;

coded! {
    /// Kind of an uploaded file.
    #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
    #[serde(rename_all = "snake_case")]
    pub enum FileKind {
        /// 주문
        Orders = "orders" "주문",
        /// 택배 송장
        Tracking = "tracking" "송장",
        /// 구매확정, 취소, 반품, 교환
        States = "states" "주문상태",
        /// 정산: only for 마감 대조
        Settlement = "settlement" "정산",
    }
}

/// Meaning of a column.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Deserialize)]
#[serde(rename_all = "snake_case")]
#[expect(missing_docs, reason = "the names of orders::model")]
pub enum Field {
    ProductNumber,
    /// the channel's product number, used when the seller's is empty
    ChannelProductNumber,
    ProductName,
    Options,
    Quantity,
    Price,
    CustomerName,
    CustomerTel,
    RecipientName,
    RecipientTel1,
    RecipientTel2,
    ZipCode,
    CustomerMessage,
    ShippingMethod,
    ChargeType,
    BundleNumber,
    /// 주문번호 of the purchase, beside the key of its lines
    ChannelOrderNumber,
    PlacedAt,
    DispatchDeadline,
    PreferredShippingDate,
    /// 주문세부상태, 클레임상태
    Claim,
    /// 수량클레임 여부: Y
    QuantityClaim,
    Courier,
    TrackingNumber,
    /// status word of a status file, matched by [`StatusRule`]
    Status,
}

/// Pattern that every cell of a column matches, in a file without header.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum CellPattern {
    /// a date
    Date,
    /// digits, as many as `key_digits` allows
    OrderNumber,
    /// a courier's tracking number
    TrackingNumber,
}

/// Syntax of the options text.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum OptionSyntax {
    /// `색상: 아이보리 / 사이즈: 퀸`
    #[default]
    Pairs,
    /// `색상:아이보리/사이즈:퀸/1개`
    Slashes,
    /// `색상=아이보리, 사이즈=퀸`
    Equals,
    /// a single value
    Text,
}

/// Effect of a status word on an order.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum StatusEffect {
    /// 발송, 배송중, 배송완료
    Ship,
    /// 구매확정
    Confirm,
    /// 취소
    Cancel,
    /// 반품
    Refund,
    /// 교환
    Exchange,
    /// a pending claim
    SetClaim,
    /// the claim was withdrawn or refused
    ClearClaim,
    /// no effect
    Nothing,
}

/// Status words, their effect, and the columns of the date.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct StatusRule {
    /// their effect
    pub change: StatusEffect,
    /// words compared as a whole, without white space; `*요청` matches every word with that ending
    #[serde(default)]
    pub words: Vec<String>,
    /// headers of the date, in order of preference
    #[serde(default)]
    pub moments: Vec<String>,
    /// a date in one of `moments` has the effect by itself, in a file without status words
    #[serde(default)]
    pub is_dated: bool,
}

/// Translation of the channel's words.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct ChannelWords {
    /// word → method
    pub shipping_method: BTreeMap<String, ShippingMethod>,
    /// word → charge type
    pub charge_type: BTreeMap<String, ChargeType>,
    /// words that mean "no option"
    pub no_option: Vec<String>,
}

/// Values for missing columns and empty cells.
#[derive(Clone, Copy, Debug, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct ProfileDefaults {
    /// shipping method
    pub shipping_method: ShippingMethod,
    /// charge type
    pub charge_type: ChargeType,
}

impl Default for ProfileDefaults {
    fn default() -> Self {
        Self { shipping_method: ShippingMethod::Parcel, charge_type: ChargeType::Prepaid }
    }
}

/// Layout of one kind of file of a channel or courier.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Profile {
    /// kind of file
    pub kind: FileKind,
    /// code, such as `SMART_STORE`
    pub code: String,
    /// Korean name, such as 스마트스토어
    pub name: String,
    /// sheet names that identify the file
    #[serde(default)]
    pub sheets: Vec<String>,
    /// headers that must be present
    #[serde(default)]
    pub detect: Vec<String>,
    /// headers of which one must be present when the kind of file is not given
    #[serde(default)]
    pub markers: Vec<String>,
    /// for a file without header: column letters and the patterns of their cells
    #[serde(default)]
    pub letters: BTreeMap<String, CellPattern>,
    /// the row below the header is skipped when a cell equals one of these
    #[serde(default)]
    pub helper_words: Vec<String>,
    /// headers of the cells that form the order number, joined with `-`; `#A` adds a short digest of A
    pub key: Vec<String>,
    /// the key consists of digits: minimum and maximum length
    #[serde(default)]
    pub key_digits: Option<[usize; 2]>,
    /// syntax of the options text
    #[serde(default)]
    pub options: OptionSyntax,
    /// pairs of headers (address, detail), in order of preference
    #[serde(default)]
    pub address: Vec<Vec<String>>,
    /// address headers that cause a warning: 통합배송지
    #[serde(default)]
    pub doubtful_address: Vec<String>,
    /// headers of each field; the first non-empty cell is used
    #[serde(default)]
    pub columns: BTreeMap<Field, Vec<String>>,
    /// fields whose column must be present
    #[serde(default)]
    pub required: Vec<Field>,
    /// translation of words
    #[serde(default)]
    pub values: ChannelWords,
    /// values for missing columns and empty cells
    #[serde(default)]
    pub defaults: ProfileDefaults,
    /// status words of the claim columns of an order file, or of a status file
    #[serde(default)]
    pub changes: Vec<StatusRule>,
    /// headers of a status file that tells which orders customers want to cancel
    #[serde(default)]
    pub claim_headers: Vec<String>,
    /// courier of all rows, if the file has no column for it
    #[serde(default)]
    pub courier: Option<String>,
}

/// An invalid profile.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{file}: {problem}")]
pub struct ProfileError {
    /// the file
    pub file: String,
    /// the invalid field and the reason
    pub problem: String,
}

/// All profiles of a shop.
#[derive(Clone, Debug)]
pub struct Profiles(Vec<Profile>);

#[derive(RustEmbed)]
#[folder = "assets/channels"]
#[prefix = "channels/"]
struct ChannelFiles;

#[derive(RustEmbed)]
#[folder = "assets/couriers"]
#[prefix = "couriers/"]
struct CourierFiles;

impl Profiles {
    /// Loads the built-in profiles and those of the shop's own folder, which may be missing.
    ///
    /// # Errors
    /// The first invalid or unreadable file.
    pub fn load(own: Option<&Path>) -> Result<Self, ProfileError> {
        let mut profiles = Self(Vec::new());
        for file in ChannelFiles::iter().chain(CourierFiles::iter()) {
            let bytes =
                ChannelFiles::get(&file).or_else(|| CourierFiles::get(&file)).map(|file| file.data).unwrap_or_default();
            profiles.add(&file, &String::from_utf8_lossy(&bytes))?;
        }
        for path in own.map(shop_files).transpose()?.unwrap_or_default() {
            let file = path.display().to_string();
            let text = std::fs::read_to_string(&path)
                .map_err(|error| ProfileError { file: file.clone(), problem: error.to_string() })?;
            profiles.add(&file, &text)?;
        }
        Ok(profiles)
    }

    /// All profiles.
    pub fn all(&self) -> &[Profile] {
        &self.0
    }

    /// Code and name of each channel with an order file.
    pub fn channels(&self) -> impl Iterator<Item = (&str, &str)> {
        self.0.iter().filter(|profile| profile.kind == FileKind::Orders).map(|profile| (&*profile.code, &*profile.name))
    }

    fn add(&mut self, file: &str, text: &str) -> Result<(), ProfileError> {
        let wrong = |problem: String| ProfileError { file: file.to_owned(), problem };
        let mut profile: Profile = toml::from_str(text).map_err(|error| wrong(error.to_string()))?;
        profile.validate().map_err(wrong)?;
        profile.fold_words();
        self.0.retain(|other| (other.kind, &other.code) != (profile.kind, &profile.code));
        self.0.push(profile);
        Ok(())
    }
}

fn shop_files(folder: &Path) -> Result<Vec<PathBuf>, ProfileError> {
    let wrong = |error: std::io::Error| ProfileError { file: folder.display().to_string(), problem: error.to_string() };
    let entries = match std::fs::read_dir(folder) {
        Ok(entries) => entries,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(Vec::new()),
        Err(error) => return Err(wrong(error)),
    };
    let mut files = Vec::new();
    for entry in entries {
        let path = entry.map_err(wrong)?.path();
        if path.extension().is_some_and(|extension| extension == "toml") {
            files.push(path);
        }
    }
    files.sort();
    Ok(files)
}

impl Profile {
    /// Brings the words into the form in which they are compared.
    fn fold_words(&mut self) {
        let fold = |words: &mut Vec<String>| words.iter_mut().for_each(|word| *word = fold_word(word));
        fold(&mut self.helper_words);
        fold(&mut self.values.no_option);
        self.changes.iter_mut().for_each(|rule| fold(&mut rule.words));
        let values = &mut self.values;
        values.shipping_method = values.shipping_method.iter().map(|(word, it)| (fold_word(word), *it)).collect();
        values.charge_type = values.charge_type.iter().map(|(word, it)| (fold_word(word), *it)).collect();
    }

    /// The rule of a status word: one that names the word, or else one that names its ending.
    pub fn status_rule(&self, word: &str) -> Option<&StatusRule> {
        let word = fold_word(word);
        let ending =
            |rule: &&StatusRule| rule.words.iter().filter_map(|of| of.strip_prefix('*')).any(|of| word.ends_with(of));
        self.changes.iter().find(|rule| rule.words.contains(&word)).or_else(|| self.changes.iter().find(ending))
    }

    /// Validates what the types do not express.
    fn validate(&self) -> Result<(), String> {
        let code = |letter: char| letter.is_ascii_uppercase() || letter.is_ascii_digit() || letter == '_';
        if self.code.is_empty() || !self.code.chars().all(code) {
            return Err(format!("code: 대문자, 숫자, _만 쓸 수 있어요: {:?}", self.code));
        }
        if self.name.trim().is_empty() {
            return Err("name: 비어 있어요".into());
        }
        if self.key.is_empty() {
            return Err("key: 열이 하나는 있어야 해요".into());
        }
        if let Some(field) = self.required.iter().find(|field| !self.columns.contains_key(field)) {
            return Err(format!("required: {field:?}의 열 이름이 columns에 없어요"));
        }
        if let Some((field, _)) = self.columns.iter().find(|(_, headers)| headers.is_empty()) {
            return Err(format!("columns: {field:?}에 열 이름이 없어요"));
        }
        if self.address.iter().any(|pair| !(1..=2).contains(&pair.len())) {
            return Err("address: 열 이름은 하나나 둘이어야 해요".into());
        }
        let needs: &[Field] = match self.kind {
            FileKind::Orders => &[Field::ProductName, Field::Quantity, Field::RecipientName, Field::PlacedAt],
            FileKind::Tracking => &[Field::TrackingNumber],
            FileKind::States => &[Field::Status],
            FileKind::Settlement => &[Field::Price],
        };
        if let Some(field) = needs.iter().find(|field| !self.columns.contains_key(field)) {
            return Err(format!("columns: {field:?}의 열 이름이 없어요"));
        }
        if self.kind == FileKind::Orders && self.address.is_empty() {
            return Err("address: 주소 열이 없어요".into());
        }
        if self.kind == FileKind::States && self.changes.is_empty() {
            return Err("changes: 상태 낱말이 없어요".into());
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn invalid_profile_is_reported_with_file_and_field() {
        let mut profiles = Profiles(Vec::new());
        let error = profiles.add("mine.toml", "kind = \"orders\"\ncode = \"X\"\nname = \"x\"\nkey = [\"a\"]\nfoo = 1");
        let error = error.expect_err("foo is unknown");
        assert!(error.to_string().starts_with("mine.toml: ") && error.problem.contains("foo"), "{error}");
        let error = profiles.add("mine.toml", "kind = \"tracking\"\ncode = \"x\"\nname = \"x\"\nkey = [\"a\"]");
        assert!(error.expect_err("small letters").problem.starts_with("code: "));
    }

    #[test]
    fn shop_profile_replaces_the_built_in_one() {
        let folder = tempfile::tempdir().expect("a folder");
        let text = "kind = \"tracking\"\ncode = \"LOGEN\"\nname = \"우리 로젠\"\nkey = [\"번호\"]\n[columns]\ntracking_number = [\"송장\"]";
        std::fs::write(folder.path().join("logen.toml"), text).expect("written");
        let profiles = Profiles::load(Some(folder.path())).expect("right");
        let logen: Vec<_> = profiles.all().iter().filter(|profile| profile.code == "LOGEN").collect();
        assert_eq!(logen.len(), 1);
        assert_eq!(logen[0].name, "우리 로젠");
        assert!(Profiles::load(Some(&folder.path().join("absent"))).is_ok());
    }
}
