//! Profiles: layouts of the files of channels and couriers, as data.
//!
//! A profile is a TOML file in `assets/channels` or `assets/couriers`, or a text of the same form that the shop taught
//! (table `channel_profiles`). Headers and words are compared as a whole, in the form of [`fold_word`]; a search within
//! cells would match the info text above SmartStore's header, which names four columns. `A|B` means column A, or B if
//! there is no A.

use std::collections::BTreeMap;

use rust_embed::RustEmbed;
use serde::{Deserialize, Serialize};

use super::model::{ChargeType, ShippingMethod};
use crate::id::ProfileId;
use crate::text::{coded, fold_word};

/// Limit of a code in characters, as in `sales_channels`.
const MAX_CODE_CHARS: usize = 32;
/// Limit of the name of a channel in characters, as in `sales_channels`.
pub const MAX_NAME_CHARS: usize = 64;

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
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
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

impl Field {
    /// The name in profiles, which is that of the column of `orders` where there is one.
    pub fn code(self) -> String {
        toml::Value::try_from(self).ok().and_then(|value| value.as_str().map(str::to_owned)).unwrap_or_default()
    }
}

/// Pattern that every cell of a column matches, in a file without header.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
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
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
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
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
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
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
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
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
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
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
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
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Profile {
    /// identifier of a profile that the shop taught; none for one of the program
    #[serde(skip)]
    pub own_id: Option<ProfileId>,
    /// kind of file
    pub kind: FileKind,
    /// code, such as `SMART_STORE`
    pub code: String,
    /// Korean name, such as 스마트스토어
    pub name: String,
    /// sheet names that identify the file
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub sheets: Vec<String>,
    /// headers that must be present
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub detect: Vec<String>,
    /// headers of which one must be present when the kind of file is not given
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub markers: Vec<String>,
    /// for a file without header: column letters and the patterns of their cells
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub letters: BTreeMap<String, CellPattern>,
    /// the row below the header is skipped when a cell equals one of these
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub helper_words: Vec<String>,
    /// headers of the cells that form the order number, joined with `-`; `#A` adds a short digest of A
    pub key: Vec<String>,
    /// the key consists of digits: minimum and maximum length
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub key_digits: Option<[usize; 2]>,
    /// syntax of the options text
    #[serde(default)]
    pub options: OptionSyntax,
    /// pairs of headers (address, detail), in order of preference
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub address: Vec<Vec<String>>,
    /// address headers that cause a warning: 통합배송지
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub doubtful_address: Vec<String>,
    /// headers of each field; the first non-empty cell is used
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub columns: BTreeMap<Field, Vec<String>>,
    /// fields whose column must be present
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub required: Vec<Field>,
    /// translation of words
    #[serde(default)]
    pub values: ChannelWords,
    /// values for missing columns and empty cells
    #[serde(default)]
    pub defaults: ProfileDefaults,
    /// status words of the claim columns of an order file, or of a status file
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub changes: Vec<StatusRule>,
    /// headers of which one must be present for a file to tell which orders customers want to cancel: the lists of claims,
    /// or the columns of an order file whose words name an open request. A file without any neither closes a claim nor
    /// counts as news of claims
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub claim_headers: Vec<String>,
    /// courier of all rows, if the file has no column for it
    #[serde(default, skip_serializing_if = "Option::is_none")]
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
    /// Loads the profiles of the program.
    ///
    /// # Errors
    /// The first invalid file.
    pub fn shipped() -> Result<Self, ProfileError> {
        let mut profiles = Vec::new();
        for file in ChannelFiles::iter().chain(CourierFiles::iter()) {
            let bytes =
                ChannelFiles::get(&file).or_else(|| CourierFiles::get(&file)).map(|file| file.data).unwrap_or_default();
            profiles.push(Profile::parse(&file, &String::from_utf8_lossy(&bytes))?);
        }
        Ok(Self(profiles))
    }

    /// These profiles and those that the shop taught, which are preferred.
    #[must_use]
    pub fn with_own(&self, own: impl IntoIterator<Item = Profile>) -> Self {
        Self(own.into_iter().chain(self.0.iter().cloned()).collect())
    }

    /// All profiles: those of the shop first.
    pub fn all(&self) -> &[Profile] {
        &self.0
    }

    /// The profile of a kind and code; that of the shop before that of the program.
    pub fn find(&self, kind: FileKind, code: &str) -> Option<&Profile> {
        self.0.iter().find(|profile| profile.kind == kind && profile.code == code)
    }

    /// Code and name of each channel with an order file.
    pub fn channels(&self) -> impl Iterator<Item = (&str, &str)> {
        self.0.iter().filter(|profile| profile.kind == FileKind::Orders).map(|profile| (&*profile.code, &*profile.name))
    }
}

/// Size limit of a profile as text, in bytes. The longest of the program has 5 kB.
pub const MAX_PROFILE_BYTES: usize = 48 * 1024;

impl Profile {
    /// Parses and validates the text of a profile; `file` names it in the error.
    ///
    /// # Errors
    /// The text is too long, is no TOML, or describes no profile.
    pub fn parse(file: &str, text: &str) -> Result<Self, ProfileError> {
        let wrong = |problem: String| ProfileError { file: file.to_owned(), problem };
        if text.len() > MAX_PROFILE_BYTES {
            return Err(wrong(format!("{}kB보다 커요", MAX_PROFILE_BYTES / 1024)));
        }
        let mut profile: Self = toml::from_str(text).map_err(|error| wrong(error.to_string()))?;
        profile.validate().map_err(wrong)?;
        profile.fold_words();
        Ok(profile)
    }

    /// A profile of order files that reads nothing yet.
    pub fn empty() -> Self {
        Self {
            own_id: None,
            kind: FileKind::Orders,
            code: String::new(),
            name: String::new(),
            sheets: Vec::new(),
            detect: Vec::new(),
            markers: Vec::new(),
            letters: BTreeMap::new(),
            helper_words: Vec::new(),
            key: Vec::new(),
            key_digits: None,
            options: OptionSyntax::default(),
            address: Vec::new(),
            doubtful_address: Vec::new(),
            columns: BTreeMap::new(),
            required: Vec::new(),
            values: ChannelWords::default(),
            defaults: ProfileDefaults::default(),
            changes: Vec::new(),
            claim_headers: Vec::new(),
            courier: None,
        }
    }

    /// The text of the profile, which [`Self::parse`] reads.
    pub fn to_toml(&self) -> String {
        toml::to_string(self).unwrap_or_default()
    }

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
        if self.code.len() > MAX_CODE_CHARS {
            return Err(format!("code: {MAX_CODE_CHARS}자까지 쓸 수 있어요"));
        }
        if self.name.trim().is_empty() {
            return Err("name: 비어 있어요".into());
        }
        if self.name.chars().count() > MAX_NAME_CHARS || self.name.chars().any(char::is_control) {
            return Err(format!("name: 한 줄, {MAX_NAME_CHARS}자까지 쓸 수 있어요"));
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
        let error =
            Profile::parse("mine.toml", "kind = \"orders\"\ncode = \"X\"\nname = \"x\"\nkey = [\"a\"]\nfoo = 1");
        let error = error.expect_err("foo is unknown");
        assert!(error.to_string().starts_with("mine.toml: ") && error.problem.contains("foo"), "{error}");
        let error = Profile::parse("mine.toml", "kind = \"tracking\"\ncode = \"x\"\nname = \"x\"\nkey = [\"a\"]");
        assert!(error.expect_err("small letters").problem.starts_with("code: "));
        let error = Profile::parse("mine.toml", &"#".repeat(MAX_PROFILE_BYTES + 1));
        assert!(error.expect_err("too long").problem.contains("커요"));
    }

    #[test]
    fn text_of_a_profile_is_read_as_the_same_profile() {
        for profile in Profiles::shipped().expect("the embedded profiles").all() {
            let again = Profile::parse(&profile.code, &profile.to_toml()).expect("its own text");
            assert_eq!(&again, profile);
        }
    }

    #[test]
    fn order_profiles_name_the_columns_that_can_have_a_claim() {
        for profile in Profiles::shipped().expect("the embedded profiles").all() {
            if profile.kind == FileKind::Orders {
                let claim = &profile.columns[&Field::Claim];
                let is_column = |header: &String| claim.contains(header);
                assert!(!profile.claim_headers.is_empty(), "{}", profile.code);
                assert!(profile.claim_headers.iter().all(is_column), "{}: {:?}", profile.code, profile.claim_headers);
            }
        }
    }

    #[test]
    fn profile_of_the_shop_is_found_before_that_of_the_program() {
        let shipped = Profiles::shipped().expect("the embedded profiles");
        let text = "kind = \"tracking\"\ncode = \"LOGEN\"\nname = \"우리 로젠\"\nkey = [\"번호\"]\n[columns]\ntracking_number = [\"송장\"]";
        let profiles = shipped.with_own([Profile::parse("logen.toml", text).expect("a profile")]);
        assert_eq!(profiles.find(FileKind::Tracking, "LOGEN").map(|found| found.name.as_str()), Some("우리 로젠"));
        assert_eq!(profiles.all().len(), shipped.all().len() + 1, "the program's own is still tried");
    }
}
