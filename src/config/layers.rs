//! The layers of the settings, and which of them a value comes from.
//!
//! In this order: flag, environment variable, page 설정, file `mukkeum.toml`, default. The page stands above the file because it
//! says at once what is in force; it shows a value of the file, and its own value can be withdrawn there. What a flag or a
//! variable has fixed, the page cannot change.

use std::collections::BTreeMap;
use std::fmt;
use std::io::Write;
use std::path::Path;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde::{Deserialize, Serialize};

use super::{ConfigError, Settings, StoreCredentials, read};
use crate::vault::Vault;

/// File of the values that the page 설정 has saved, in the data folder. A file of its own, so that comments and order of
/// `mukkeum.toml` stay as their author left them.
pub const PAGE_FILE: &str = "settings.toml";

const PAGE_FILE_HEADER: &str =
    "# 설정 화면에서 저장한 값이에요. 직접 수정하지 말고 설정 화면에서 바꾸세요.\n# mukkeum.toml보다 먼저 쓰여요.\n\n";

/// Where the value of a setting comes from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SettingSource {
    /// a flag of the command line
    Flag,
    /// an environment variable
    Variable,
    /// the page 설정
    Page,
    /// `mukkeum.toml`
    File,
    /// nowhere: the default
    Default,
}

impl SettingSource {
    /// Whether the page 설정 cannot change the value.
    pub fn is_fixed(self) -> bool {
        matches!(self, Self::Flag | Self::Variable)
    }
}

/// The settings that the page 설정 can change.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct PageSettings {
    /// as [`Settings::listen`]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub listen: Option<String>,
    /// as [`Settings::tls`]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub tls: Option<bool>,
    /// as [`Settings::session_idle_minutes`]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub session_idle_minutes: Option<u32>,
    /// as [`Settings::upload_max_mb`]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub upload_max_mb: Option<u32>,
    /// as [`Settings::upload_keep_days`]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub upload_keep_days: Option<u32>,
    /// as [`Settings::order_seal_days`]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub order_seal_days: Option<u32>,
    /// as [`Settings::backup`]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub backup: Option<Vec<String>>,
    /// Credentials of backup targets by address: options of the store as JSON, sealed by the vault, in base64.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub credentials: BTreeMap<String, String>,
}

impl PageSettings {
    /// Reads the file of a data folder; without one, nothing has been saved.
    ///
    /// # Errors
    /// The file cannot be read, or does not have this form.
    pub fn load(data: &Path) -> Result<Self, ConfigError> {
        let path = data.join(PAGE_FILE);
        if !path.exists() {
            return Ok(Self::default());
        }
        toml::from_str(&read(&path)?).map_err(|error| ConfigError::InvalidFile { path, reason: error.to_string() })
    }

    /// Writes the file of a data folder, readable by its owner only.
    ///
    /// # Errors
    /// The folder cannot be written to.
    pub fn save(&self, data: &Path) -> std::io::Result<()> {
        let text = toml::to_string(self).map_err(std::io::Error::other)?;
        let mut file = tempfile::NamedTempFile::new_in(data)?;
        file.write_all(PAGE_FILE_HEADER.as_bytes())?;
        file.write_all(text.as_bytes())?;
        file.as_file().sync_all()?;
        file.persist(data.join(PAGE_FILE))?;
        Ok(())
    }

    /// Saves sealed credentials of a backup target: options of the store as a JSON array of pairs.
    pub fn set_credentials(&mut self, address: &str, sealed: &[u8]) {
        self.credentials.insert(address.to_owned(), STANDARD.encode(sealed));
    }

    /// The credentials in the clear. Those that another key has sealed are left out; their target reports that it has none.
    pub(super) fn unseal(&self, vault: &Vault) -> StoreCredentials {
        let unseal = |sealed: &String| serde_json::from_str(&vault.unseal(&STANDARD.decode(sealed).ok()?)?).ok();
        let pairs = self.credentials.iter();
        StoreCredentials::new(pairs.filter_map(|(address, sealed)| Some((address.clone(), unseal(sealed)?))).collect())
    }

    /// What differs in `after`, as `key = value`; without credentials.
    pub fn changes(&self, after: &Self) -> Vec<String> {
        let values = |page: &Self| {
            let page = Self { credentials: BTreeMap::new(), ..page.clone() };
            toml::Table::try_from(page).unwrap_or_default()
        };
        let (before, after) = (values(self), values(after));
        let keys: std::collections::BTreeSet<&String> = before.keys().chain(after.keys()).collect();
        let changed = keys.into_iter().filter(|key| before.get(*key) != after.get(*key));
        changed
            .map(|key| after.get(key).map_or_else(|| format!("{key} 지움"), |value| format!("{key} = {value}")))
            .collect()
    }

    pub(super) fn to_settings(&self) -> Settings {
        Settings {
            listen: self.listen.clone(),
            tls: self.tls,
            session_idle_minutes: self.session_idle_minutes,
            upload_max_mb: self.upload_max_mb,
            upload_keep_days: self.upload_keep_days,
            order_seal_days: self.order_seal_days,
            backup: self.backup.clone(),
            ..Settings::default()
        }
    }
}

/// The layers that have become a [`super::Config`].
#[derive(Clone, Default)]
pub struct SettingsLayers {
    /// flags and variables
    pub(super) given: Settings,
    /// the page 설정
    pub page: PageSettings,
    /// `mukkeum.toml`
    pub(super) file: Settings,
}

/// Without values: some are addresses with passwords.
impl fmt::Debug for SettingsLayers {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let given = Settings::NAMES.iter().filter(|name| self.source(name) != SettingSource::Default);
        out.debug_map().entries(given.map(|name| (name, self.source(name)))).finish()
    }
}

impl SettingsLayers {
    /// Where the value of the setting with this key comes from.
    pub fn source(&self, key: &str) -> SettingSource {
        if self.given.has(key) {
            return if self.given.flags.contains(&key) { SettingSource::Flag } else { SettingSource::Variable };
        }
        match (self.page.to_settings().has(key), self.file.has(key)) {
            (true, _) => SettingSource::Page,
            (false, true) => SettingSource::File,
            (false, false) => SettingSource::Default,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::Config;
    use super::*;

    fn load(data: &Path, given: Settings) -> Config {
        Config::load(Settings { data: Some(data.to_owned()), ..given }, |_| None).expect("is right")
    }

    #[test]
    fn flag_precedes_variable_page_file_and_default() {
        let folder = tempfile::tempdir().expect("a folder");
        let data = folder.path();
        let of = |config: &Config| (config.upload_max_bytes >> 20, config.layers.source("upload_max_mb"));
        assert_eq!(of(&load(data, Settings::default())), (30, SettingSource::Default));
        std::fs::write(data.join("mukkeum.toml"), "# mine\nupload_max_mb = 7\nupload_keep_days = 9\n").expect("writes");
        assert_eq!(of(&load(data, Settings::default())), (7, SettingSource::File));
        let page = PageSettings { upload_max_mb: Some(8), ..PageSettings::default() };
        page.save(data).expect("writes");
        assert_eq!(of(&load(data, Settings::default())), (8, SettingSource::Page));
        let variable = Settings { upload_max_mb: Some(9), ..Settings::default() };
        assert_eq!(of(&load(data, variable.clone())), (9, SettingSource::Variable));
        let flag = Settings { flags: vec!["upload_max_mb"], ..variable };
        let config = load(data, flag);
        assert_eq!(of(&config), (9, SettingSource::Flag));
        assert_eq!((config.upload_keep_days, config.layers.source("upload_keep_days")), (9, SettingSource::File));
        assert!(SettingSource::Variable.is_fixed() && !SettingSource::Page.is_fixed());
        assert!(std::fs::read_to_string(data.join("mukkeum.toml")).expect("reads").starts_with("# mine"));
    }

    #[test]
    fn saved_settings_take_effect_when_they_are_loaded_again() {
        let folder = tempfile::tempdir().expect("a folder");
        let before = load(folder.path(), Settings { upload_keep_days: Some(3), ..Settings::default() });
        let page = PageSettings {
            listen: Some("0.0.0.0:9000".to_owned()),
            tls: Some(true),
            upload_keep_days: Some(8),
            ..PageSettings::default()
        };
        let announced = before.with_page(page.clone()).expect("is right");
        page.save(folder.path()).expect("writes");
        let after = before.reload().expect("is right");
        assert_eq!((after.listen, after.tls.clone()), (announced.listen, announced.tls));
        assert_eq!((after.listen.port(), after.uses_shop_ca(), after.upload_keep_days), (9000, true, 3));
        let invalid = PageSettings { listen: Some("가게".to_owned()), ..PageSettings::default() };
        assert!(before.with_page(invalid).is_err());
    }

    #[test]
    fn announced_settings_have_the_file_as_it_is_now() {
        let folder = tempfile::tempdir().expect("a folder");
        let before = load(folder.path(), Settings::default());
        std::fs::write(folder.path().join("mukkeum.toml"), "upload_keep_days = 9\n").expect("writes");
        let announced = before.with_page(PageSettings::default()).expect("is right");
        assert_eq!(announced.upload_keep_days, 9);
    }

    #[test]
    fn credentials_are_sealed_and_readable_with_the_key_of_the_shop_only() {
        let folder = tempfile::tempdir().expect("a folder");
        let vault = Vault::open(&folder.path().join("secret.key")).expect("a key");
        let mut page = PageSettings { backup: Some(vec!["s3://bucket/shop".to_owned()]), ..PageSettings::default() };
        let sealed = vault.seal(r#"[["AWS_SECRET_ACCESS_KEY","geheim"]]"#).expect("seals");
        page.set_credentials("s3://bucket/shop", &sealed);
        page.save(folder.path()).expect("writes");
        let saved = std::fs::read_to_string(folder.path().join(PAGE_FILE)).expect("reads");
        assert!(!saved.contains("geheim"));
        let config = load(folder.path(), Settings::default());
        let options = config.backup.credentials.of("s3://bucket/shop");
        assert_eq!(options, [("AWS_SECRET_ACCESS_KEY".to_owned(), "geheim".to_owned())]);
        assert!(!format!("{config:?}").contains("geheim"));
        let stranger = Vault::with_key(&[7; 32]).expect("a key");
        assert!(page.unseal(&stranger).of("s3://bucket/shop").is_empty());
        let changes = PageSettings::default().changes(&page);
        assert_eq!(changes, [r#"backup = ["s3://bucket/shop"]"#]);
        assert_eq!(page.changes(&PageSettings::default()), ["backup 지움"]);
    }
}
