//! Profiles: what a channel's or courier's file looks like, as data.
//!
//! A profile is one TOML file in `assets/channels` or `assets/couriers`, or in the shop's own folder,
//! where one of the same kind and code replaces ours. Headers are compared whole, in NFKC and without
//! white space; the info text above SmartStore's header names four columns, so a search within cells
//! would find them there. `A|B` means A, or else B.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use rust_embed::RustEmbed;
use serde::{Deserialize, Serialize};

use crate::orders::model::{ChargeType, ShippingMethod};

/// What a file brings.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Kind {
    /// 주문
    Orders,
    /// 택배 송장
    Tracking,
    /// 구매확정, 취소, 반품, 교환
    States,
}

impl Kind {
    /// The word on the screen.
    pub const fn label(self) -> &'static str {
        match self {
            Self::Orders => "주문",
            Self::Tracking => "송장",
            Self::States => "주문상태",
        }
    }

    /// The name in code, JSON and the command line.
    pub const fn code(self) -> &'static str {
        match self {
            Self::Orders => "orders",
            Self::Tracking => "tracking",
            Self::States => "states",
        }
    }
}

/// What a column is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Deserialize)]
#[serde(rename_all = "snake_case")]
#[expect(missing_docs, reason = "the names of orders::model, and what the variants say")]
pub enum Field {
    ProductNumber,
    /// the channel's own number, where the seller's is empty
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
    PlacedAt,
    DispatchDeadline,
    PreferredShippingDate,
    /// 주문세부상태, 클레임상태
    Claim,
    /// 수량클레임 여부: Y
    QuantityClaim,
    Courier,
    TrackingNumber,
    /// the word that decides, in a list of states
    Status,
}

/// What stands in every cell of a column, in a file without a header.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Shape {
    /// a date
    Date,
    /// digits, as many as the key has
    OrderNumber,
    /// a parcel's number
    TrackingNumber,
}

/// How options are written.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum OptionStyle {
    /// `색상: 아이보리 / 사이즈: 퀸`
    #[default]
    Pairs,
    /// `색상:아이보리/사이즈:퀸/1개`
    Slashes,
    /// `색상=아이보리, 사이즈=퀸`
    Equals,
    /// one text
    Text,
}

/// What a word of a state list does.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ChangeKind {
    /// 구매확정
    Confirm,
    /// 취소
    Cancel,
    /// 반품
    Refund,
    /// 교환
    Exchange,
    /// a wish of the customer that is pending
    SetClaim,
    /// a wish that was withdrawn or refused
    ClearClaim,
    /// nothing that concerns us
    Nothing,
}

/// Words, what they do, and the columns with the moment.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Change {
    /// what they do
    pub change: ChangeKind,
    /// whole words; `*요청` stands for every word that ends so
    pub words: Vec<String>,
    /// headers of the moment, in order
    #[serde(default)]
    pub moments: Vec<String>,
}

/// Words of the channel.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Values {
    /// word → method
    pub shipping_method: BTreeMap<String, ShippingMethod>,
    /// word → charge
    pub charge_type: BTreeMap<String, ChargeType>,
    /// words that mean "no option"
    pub no_option: Vec<String>,
    /// words of the claim columns that mean: this line is over already
    pub cancelled: Vec<String>,
}

/// What holds where the channel has no column, or an empty cell.
#[derive(Clone, Copy, Debug, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Defaults {
    /// how it travels
    pub shipping_method: ShippingMethod,
    /// who pays
    pub charge_type: ChargeType,
}

impl Default for Defaults {
    fn default() -> Self {
        Self { shipping_method: ShippingMethod::Parcel, charge_type: ChargeType::Prepaid }
    }
}

/// A kind of file.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Profile {
    /// what it brings
    pub kind: Kind,
    /// `SMART_STORE`
    pub code: String,
    /// 스마트스토어
    pub name: String,
    /// names of the sheet, where the file has a telling one
    #[serde(default)]
    pub sheets: Vec<String>,
    /// headers that must be there
    #[serde(default)]
    pub detect: Vec<String>,
    /// headers of which one must be there when nobody said what the file is
    #[serde(default)]
    pub markers: Vec<String>,
    /// the file has no header: its columns are named by these letters, and hold this
    #[serde(default)]
    pub letters: BTreeMap<String, Shape>,
    /// the row below the header is left out when it holds one of these
    #[serde(default)]
    pub helper_words: Vec<String>,
    /// headers whose cells make the order number, joined with `-`; `#A` adds a short digest of A
    pub key: Vec<String>,
    /// the key is of digits, so many to so many
    #[serde(default)]
    pub key_digits: Option<[usize; 2]>,
    /// how options are written
    #[serde(default)]
    pub options: OptionStyle,
    /// pairs of headers (address, detail), in order
    #[serde(default)]
    pub address: Vec<Vec<String>>,
    /// address headers that bring a warning: 통합배송지
    #[serde(default)]
    pub doubtful_address: Vec<String>,
    /// headers of each field, in order; the first that is not empty counts
    #[serde(default)]
    pub columns: BTreeMap<Field, Vec<String>>,
    /// fields that must have a column
    #[serde(default)]
    pub required: Vec<Field>,
    /// words
    #[serde(default)]
    pub values: Values,
    /// what holds without a word
    #[serde(default)]
    pub defaults: Defaults,
    /// changes of a state list
    #[serde(default)]
    pub changes: Vec<Change>,
    /// the courier of all rows, where the file has no column for it
    #[serde(default)]
    pub courier: Option<String>,
}

/// A profile that cannot be used.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{file}: {problem}")]
pub struct ProfileError {
    /// the file
    pub file: String,
    /// the field and what is wrong with it
    pub problem: String,
}

/// Every profile known.
#[derive(Clone, Debug)]
pub struct Profiles(Vec<Profile>);

#[derive(RustEmbed)]
#[folder = "$CARGO_MANIFEST_DIR/assets/channels"]
#[prefix = "channels/"]
struct Channels;

#[derive(RustEmbed)]
#[folder = "$CARGO_MANIFEST_DIR/assets/couriers"]
#[prefix = "couriers/"]
struct Couriers;

impl Profiles {
    /// The embedded profiles, and those of the shop's own folder. A folder that is not there is empty.
    ///
    /// # Errors
    /// The first file that is wrong, and what is wrong with it.
    pub fn load(own: Option<&Path>) -> Result<Self, ProfileError> {
        let mut profiles = Self(Vec::new());
        for file in Channels::iter().chain(Couriers::iter()) {
            let bytes = Channels::get(&file).or_else(|| Couriers::get(&file)).map(|file| file.data).unwrap_or_default();
            profiles.add(&file, &String::from_utf8_lossy(&bytes))?;
        }
        for path in own.map(own_files).transpose()?.unwrap_or_default() {
            let file = path.display().to_string();
            let text = std::fs::read_to_string(&path)
                .map_err(|error| ProfileError { file: file.clone(), problem: error.to_string() })?;
            profiles.add(&file, &text)?;
        }
        Ok(profiles)
    }

    /// All of them.
    pub fn all(&self) -> &[Profile] {
        &self.0
    }

    /// The channels that orders may come from: code and name.
    pub fn channels(&self) -> impl Iterator<Item = (&str, &str)> {
        self.0.iter().filter(|profile| profile.kind == Kind::Orders).map(|profile| (&*profile.code, &*profile.name))
    }

    fn add(&mut self, file: &str, text: &str) -> Result<(), ProfileError> {
        let wrong = |problem: String| ProfileError { file: file.to_owned(), problem };
        let profile: Profile = toml::from_str(text).map_err(|error| wrong(error.to_string()))?;
        profile.check().map_err(wrong)?;
        self.0.retain(|other| (other.kind, &other.code) != (profile.kind, &profile.code));
        self.0.push(profile);
        Ok(())
    }
}

fn own_files(folder: &Path) -> Result<Vec<PathBuf>, ProfileError> {
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
    /// What the types do not say.
    fn check(&self) -> Result<(), String> {
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
            Kind::Orders => &[Field::ProductName, Field::Quantity, Field::RecipientName, Field::PlacedAt],
            Kind::Tracking => &[Field::TrackingNumber],
            Kind::States => &[Field::Status],
        };
        if let Some(field) = needs.iter().find(|field| !self.columns.contains_key(field)) {
            return Err(format!("columns: {field:?}의 열 이름이 없어요"));
        }
        if self.kind == Kind::Orders && self.address.is_empty() {
            return Err("address: 주소 열이 없어요".into());
        }
        if self.kind == Kind::States && self.changes.is_empty() {
            return Err("changes: 상태 낱말이 없어요".into());
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_wrong_profile_says_which_file_and_field() {
        let mut profiles = Profiles(Vec::new());
        let error = profiles.add("mine.toml", "kind = \"orders\"\ncode = \"X\"\nname = \"x\"\nkey = [\"a\"]\nfoo = 1");
        let error = error.expect_err("foo is unknown");
        assert!(error.to_string().starts_with("mine.toml: ") && error.problem.contains("foo"), "{error}");
        let error = profiles.add("mine.toml", "kind = \"tracking\"\ncode = \"x\"\nname = \"x\"\nkey = [\"a\"]");
        assert!(error.expect_err("small letters").problem.starts_with("code: "));
    }

    #[test]
    fn a_shop_may_replace_and_add() {
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
