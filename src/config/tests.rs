//! Settings: precedence, validation, secrets.

use super::*;

fn none(_: &str) -> Option<String> {
    None
}

#[test]
fn flags_override_the_file_and_the_file_overrides_defaults() {
    let folder = tempfile::tempdir().expect("a folder");
    std::fs::write(folder.path().join(CONFIG_FILE), "listen = '0.0.0.0:1'\nupload_max_mb = 7\n").expect("writes");
    let given = Settings {
        data: Some(folder.path().to_owned()),
        listen: Some("127.0.0.1:2".to_owned()),
        ..Settings::default()
    };
    let config = Config::load(given, none).expect("is right");
    assert_eq!(config.listen.port(), 2);
    assert_eq!(config.upload_max_bytes, 7 * 1024 * 1024);
    assert_eq!(config.upload_keep_days, 90);
}

#[test]
fn unknown_setting_is_rejected_with_its_name() {
    let folder = tempfile::tempdir().expect("a folder");
    std::fs::write(folder.path().join(CONFIG_FILE), "lisen = '0.0.0.0:1'\n").expect("writes");
    let given = Settings { data: Some(folder.path().to_owned()), ..Settings::default() };
    let refused = Config::load(given, none).expect_err("a typing mistake");
    assert!(refused.to_string().contains("lisen"), "{refused}");
}

#[test]
fn sample_of_the_file_names_every_setting_and_changes_none() {
    let folder = tempfile::tempdir().expect("a folder");
    let config = Config::defaults(folder.path()).expect("valid");
    config.write_sample().expect("writes");
    let path = folder.path().join(CONFIG_FILE);
    assert_eq!(read_file(&path).expect("parses"), Settings::default());
    let is_setting = |line: &&str| line.starts_with("# ") && line.contains(" = ") && line.is_ascii();
    let settings = CONFIG_SAMPLE.lines().filter(|line| is_setting(line) || line.starts_with("# tls_"));
    let uncommented = settings.map(|line| &line[2..]).collect::<Vec<_>>().join("\n");
    let all: Settings = toml::from_str(&uncommented).expect("parses");
    for name in Settings::NAMES.iter().filter(|name| !["config", "data"].contains(name)) {
        assert!(all.has(name), "{name}");
    }
    std::fs::write(&path, "# mine").expect("writes");
    config.write_sample().expect("leaves it");
    assert_eq!(std::fs::read_to_string(&path).expect("reads"), "# mine");
}

#[test]
fn port_is_optional_and_certificate_requires_key() {
    let check = |settings: Settings| Config::validate(settings).map_err(|error| error.to_string());
    let listen = |address: &str| check(Settings { listen: Some(address.to_owned()), ..Settings::default() });
    assert_eq!(listen("0.0.0.0").expect("is right").listen, SocketAddr::from(([0, 0, 0, 0], 8080)));
    assert_eq!(listen("[::]:81").expect("is right").listen.port(), 81);
    assert!(listen("가게").expect_err("no address").contains("listen"));

    let shop_ca = check(Settings { tls: Some(true), ..Settings::default() }).expect("is right");
    assert!(shop_ca.behind_tls && shop_ca.uses_shop_ca());
    let (cert, key) = (PathBuf::from("cert"), PathBuf::from("key"));
    let own = Settings { tls_cert: Some(cert.clone()), tls_key: Some(key.clone()), ..Settings::default() };
    let own = check(own).expect("is right");
    assert!(own.behind_tls && !own.uses_shop_ca() && own.tls == Some(TlsSource::Files { cert: cert.clone(), key }));
    let half = check(Settings { tls_cert: Some(cert), ..Settings::default() });
    assert!(half.expect_err("no key").contains("tls_key"));
}

#[test]
fn base_path_is_a_plain_path() {
    assert_eq!(base_path(Some("/oms/")).expect("a path"), "/oms");
    assert_eq!(base_path(Some("/shop/oms")).expect("a path"), "/shop/oms");
    assert_eq!(base_path(Some("/")).expect("the root"), "");
    for path in ["oms", "//oms", "/a\"b", "/oms?x", "https://a/oms"] {
        assert!(base_path(Some(path)).is_err(), "{path}");
    }
}

#[test]
fn secrets_are_read_from_files() {
    let folder = tempfile::tempdir().expect("a folder");
    let secret = folder.path().join("secret");
    std::fs::write(&secret, "sqlite:/elsewhere.db\n").expect("writes");
    let variable = |name: &str| (name == "MUKKEUM_DATABASE_FILE").then(|| secret.display().to_string());
    let config = Config::load(Settings::default(), variable).expect("is right");
    assert_eq!(config.database, Database::Sqlite(PathBuf::from("/elsewhere.db")));
}

#[test]
fn errors_do_not_reveal_the_database_password() {
    let given = |url: &str| Settings { database: Some(url.to_owned()), ..Settings::default() };
    let config = Config::load(given("mysql://user:secret@db1,db2/name"), none).expect("is right");
    assert!(!format!("{config:?}").contains("secret"));
    let refused = Config::load(given("mysql://user:secret@host/name?tsl=on"), none).expect_err("a typing mistake");
    let refused = refused.to_string();
    assert!(refused.contains("tsl=on") && !refused.contains("secret"), "{refused}");
}
