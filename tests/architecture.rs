//! Rooms (the top-level modules) depend on each other in one direction only.
//!
//! Reads the sources of `src/` as tokens, without building the program. Comments and test code are left out.
//! The map with the purpose of each room is `src/lib.rs`; where new code goes is in CONTRIBUTING.md.

#![expect(clippy::expect_used, reason = "a test says what it expected")]

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use proc_macro2::{Delimiter, TokenStream, TokenTree};

/// Every room, in order. A room may use those before it. `pages` is one layer: the `pages` modules of all rooms, which
/// may use every room before it, but no pages of another room.
///
/// Still to come: `drive` (the driver's phone) after `plans`;
/// `privacy` (retention, requests of data subjects) after `access`; `collecting` (orders by a channel's API)
/// after `uploads`.
const ROOMS: &[&str] = &[
    "time",
    "id",
    "random",
    "text",
    "vault",
    "storage",
    "sheets",
    "districts",
    "routing",
    "config",
    "audit",
    "access",
    "flash",
    "shop",
    "products",
    "channels",
    "sessions",
    "members",
    "search",
    "orders",
    "uploads",
    "reconcile",
    "deliveries",
    "trucks",
    "plans",
    "actions",
    "backup",
    "server",
    "demo",
    "practice",
    "today",
    "help",
    "setup",
    "web",
    PAGES,
    "app",
    "sandbox",
    "cli",
];

/// The layer of all `pages` modules.
const PAGES: &str = "pages";

/// Maximum number of public types with one name, outside of `pages`.
const MAX_TYPES_OF_ONE_NAME: usize = 2;

/// A source file that is part of the program, not of its tests.
struct Source {
    path: PathBuf,
    /// `["orders", "pages", "list"]` for `src/orders/pages/list.rs`
    module: Vec<String>,
    /// The tokens without test code.
    tokens: Vec<TokenTree>,
}

impl Source {
    fn room(&self) -> &str {
        &self.module[0]
    }

    fn is_page(&self) -> bool {
        is_page(&self.module)
    }

    /// The place of the file in the order of rooms.
    fn rank(&self) -> usize {
        rank(&self.module)
    }

    fn name(&self) -> std::path::Display<'_> {
        self.path.display()
    }

    /// The modules that the file names, from the crate's root: `["storage", "Tx"]`.
    fn uses(&self) -> BTreeSet<Vec<String>> {
        uses(&self.tokens, &self.module)
    }
}

fn is_page(path: &[String]) -> bool {
    path.get(1).is_some_and(|part| part == PAGES)
}

fn rank(path: &[String]) -> usize {
    layer_rank(if is_page(path) { PAGES } else { &path[0] })
}

/// Whether a module may use what is at `target`. Pages use the pages of their own room alone, and no other file of a room
/// uses its pages.
fn may_use(module: &[String], target: &[String]) -> bool {
    if !target.first().is_some_and(|room| ROOMS.contains(&room.as_str())) {
        return false;
    }
    let is_same_room = target[0] == module[0] && (is_page(module) || !is_page(target));
    is_same_room || rank(target) < rank(module)
}

fn layer_rank(layer: &str) -> usize {
    let found = ROOMS.iter().position(|room| *room == layer);
    found.unwrap_or_else(|| panic!("src/{layer} is not in ROOMS: give the room its place in the order"))
}

/// The files of the program, but for `lib.rs` and `main.rs`.
fn sources() -> Vec<Source> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let mut found = BTreeMap::new();
    let mut tests = BTreeSet::new();
    read_folder(&root, "rs", &mut found);
    let sources: Vec<Source> = found
        .into_iter()
        .map(|(path, text)| {
            let mut module: Vec<String> = path
                .strip_prefix(&root)
                .expect("below src")
                .with_extension("")
                .iter()
                .map(|part| part.to_string_lossy().into_owned())
                .collect();
            if module.len() > 1 && module.last().is_some_and(|name| name == "mod") {
                module.pop();
            }
            let stream: TokenStream = text.parse().unwrap_or_else(|error| panic!("{}: {error}", path.display()));
            let tokens = without_tests(stream, &module, &mut tests);
            Source { path: path.strip_prefix(&root).expect("below src").to_owned(), module, tokens }
        })
        .collect();
    let is_test = |module: &[String]| (1..=module.len()).any(|depth| tests.contains(&module[..depth]));
    sources.into_iter().filter(|source| !matches!(source.room(), "lib" | "main") && !is_test(&source.module)).collect()
}

fn read_folder(folder: &Path, extension: &str, found: &mut BTreeMap<PathBuf, String>) {
    for entry in std::fs::read_dir(folder).expect("a folder") {
        let path = entry.expect("an entry").path();
        if path.is_dir() {
            read_folder(&path, extension, found);
        } else if path.extension().is_some_and(|found| found == extension) {
            let text = std::fs::read_to_string(&path).expect("a text");
            found.insert(path, text);
        }
    }
}

/// The tokens of a module without its `#[cfg(test)]` items. `mod name;` among these goes to `tests`.
fn without_tests(stream: TokenStream, module: &[String], tests: &mut BTreeSet<Vec<String>>) -> Vec<TokenTree> {
    let all: Vec<TokenTree> = stream.into_iter().collect();
    let mut kept = Vec::new();
    let mut at = 0;
    while at < all.len() {
        if !is_cfg_test(&all[at..]) {
            kept.push(all[at].clone());
            at += 1;
            continue;
        }
        // An item ends with a semicolon or with its block.
        let end = all[at..]
            .iter()
            .position(|token| match token {
                TokenTree::Punct(punct) => punct.as_char() == ';',
                TokenTree::Group(group) => group.delimiter() == Delimiter::Brace,
                _ => false,
            })
            .map_or(all.len(), |offset| at + offset + 1);
        let words: Vec<String> = all[at..end].iter().map(ToString::to_string).collect();
        if let Some(mark) = words.iter().position(|word| word == "mod")
            && words.last().is_some_and(|word| word == ";")
        {
            tests.insert([module, &[words[mark + 1].clone()]].concat());
        }
        at = end;
    }
    kept
}

fn is_cfg_test(tokens: &[TokenTree]) -> bool {
    let [TokenTree::Punct(hash), TokenTree::Group(attribute), ..] = tokens else { return false };
    hash.as_char() == '#' && attribute.stream().to_string().replace(' ', "") == "cfg(test)"
}

/// Values that differ under test: `cfg!(test)`, and `#[cfg(not(test))]` with its other half.
fn test_switches(tokens: &[TokenTree], found: &mut Vec<String>) {
    for (at, token) in tokens.iter().enumerate() {
        let TokenTree::Group(group) = token else { continue };
        let inner: Vec<TokenTree> = group.stream().into_iter().collect();
        let is_macro = at > 1
            && matches!(&tokens[at - 1], TokenTree::Punct(mark) if mark.as_char() == '!')
            && matches!(&tokens[at - 2], TokenTree::Ident(name) if name == "cfg");
        let text = group.stream().to_string().replace(' ', "");
        let names_test = text.split(|c: char| !c.is_alphanumeric() && c != '_').any(|word| word == "test");
        let is_attribute = group.delimiter() == Delimiter::Bracket
            && matches!(inner.first(), Some(TokenTree::Ident(name)) if name == "cfg")
            && text != "cfg(test)";
        if names_test && (is_macro || is_attribute) {
            found.push(text);
        }
        test_switches(&inner, found);
    }
}

/// Crates and modules of the standard library that do I/O.
const IO: &[&[&str]] = &[
    &["std", "fs"],
    &["std", "io"],
    &["std", "net"],
    &["std", "env"],
    &["std", "process"],
    &["std", "thread"],
    &["tokio"],
    &["reqwest"],
    &["rusqlite"],
    &["mysql"],
    &["redis"],
    &["object_store"],
];

/// Every path to a module of this crate, in code, macros and attributes: from `crate`, `super` or `self`, or from a name
/// that the file imports or declares.
fn uses(tokens: &[TokenTree], module: &[String]) -> BTreeSet<Vec<String>> {
    let mut paths = Paths { module, names: BTreeMap::new(), found: BTreeSet::new() };
    declared_modules(tokens, module, &mut paths.names);
    // An import may stand below its use, and another import may begin with its name.
    for _ in 0..3 {
        paths.collect(tokens);
    }
    paths.found
}

/// The paths in a file to what is outside of it.
fn io_uses(tokens: &[TokenTree]) -> BTreeSet<Vec<String>> {
    let roots = ["std", "tokio", "reqwest", "rusqlite", "mysql", "redis", "object_store"];
    let names = roots.map(|root| (root.to_owned(), vec![root.to_owned()])).into();
    let mut paths = Paths { module: &[], names, found: BTreeSet::new() };
    for _ in 0..3 {
        paths.collect(tokens);
    }
    let is_io =
        |path: &Vec<String>| IO.iter().any(|io| io.iter().zip(path).filter(|(a, b)| a == b).count() == io.len());
    paths.found.into_iter().filter(is_io).collect()
}

/// Adds `mod name;` and `mod name { … }`, whose names begin paths too.
fn declared_modules(tokens: &[TokenTree], module: &[String], names: &mut BTreeMap<String, Vec<String>>) {
    for pair in tokens.windows(2) {
        if let [TokenTree::Ident(word), TokenTree::Ident(name)] = pair
            && word == "mod"
        {
            names.insert(name.to_string(), [module, &[name.to_string()]].concat());
        }
    }
}

/// Collects paths.
struct Paths<'m> {
    module: &'m [String],
    /// what imported and declared names mean
    names: BTreeMap<String, Vec<String>>,
    found: BTreeSet<Vec<String>>,
}

impl Paths<'_> {
    fn collect(&mut self, tokens: &[TokenTree]) {
        let mut at = 0;
        while at < tokens.len() {
            match &tokens[at] {
                TokenTree::Group(group) => {
                    let inner: Vec<TokenTree> = group.stream().into_iter().collect();
                    if at > 0 && matches!(&tokens[at - 1], TokenTree::Punct(punct) if punct.as_char() == '#') {
                        self.collect_quoted(&inner);
                    }
                    self.collect(&inner);
                }
                TokenTree::Ident(word) if at < 2 || !is_colons(&tokens[at - 2..]) => {
                    if let Some(base) = self.base(&word.to_string(), &tokens[at + 1..]) {
                        let imports = at > 0 && matches!(&tokens[at - 1], TokenTree::Ident(word) if word == "use");
                        at = self.follow(tokens, at + 1, base, imports);
                        continue;
                    }
                }
                _ => {}
            }
            at += 1;
        }
    }

    /// Paths in the strings of an attribute: `#[serde(with = "crate::time")]`. Not in documentation.
    fn collect_quoted(&mut self, attribute: &[TokenTree]) {
        if matches!(attribute.first(), Some(TokenTree::Ident(word)) if word == "doc") {
            return;
        }
        let mut texts = Vec::new();
        literals(attribute, &mut texts);
        for text in texts.iter().filter(|text| text.contains("crate::") || text.contains("super::")) {
            if let Ok(stream) = text.trim_matches(['r', '#', '"']).parse::<TokenStream>() {
                self.collect(&stream.into_iter().collect::<Vec<_>>());
            }
        }
    }

    /// Where a path leads that begins with `word`; `rest` are the tokens behind it.
    fn base(&self, word: &str, rest: &[TokenTree]) -> Option<Vec<String>> {
        match word {
            "crate" => Some(Vec::new()),
            "super" => self.module.split_last().map(|(_, parents)| parents.to_vec()),
            "self" if is_colons(rest) => Some(self.module.to_vec()),
            _ if is_colons(rest) => self.names.get(word).cloned(),
            _ => None,
        }
    }

    /// Follows `::name::{…}` behind a path's beginning; answers where it ends. A path that is imported gives its name.
    fn follow(&mut self, tokens: &[TokenTree], mut at: usize, mut path: Vec<String>, imports: bool) -> usize {
        while is_colons(&tokens[at..]) {
            at += 2;
            match tokens.get(at) {
                Some(TokenTree::Ident(word)) => {
                    step(&mut path, &word.to_string());
                    at += 1;
                }
                Some(TokenTree::Group(group)) if group.delimiter() == Delimiter::Brace => {
                    let inner: Vec<TokenTree> = group.stream().into_iter().collect();
                    let branches =
                        inner.split(|token| matches!(token, TokenTree::Punct(punct) if punct.as_char() == ','));
                    for branch in branches.filter(|branch| !branch.is_empty()) {
                        let mut branch_path = path.clone();
                        if let TokenTree::Ident(word) = &branch[0] {
                            step(&mut branch_path, &word.to_string());
                        }
                        self.follow(branch, 1, branch_path, imports);
                    }
                    return at + 1;
                }
                _ => break,
            }
        }
        let alias = match (tokens.get(at), tokens.get(at + 1)) {
            (Some(TokenTree::Ident(word)), Some(TokenTree::Ident(alias))) if word == "as" => Some(alias.to_string()),
            _ => None,
        };
        // `use crate::*` and `use crate as …` hide what is used: an empty path is reported.
        let is_glob = matches!(tokens.get(at), Some(TokenTree::Punct(punct)) if punct.as_char() == '*');
        if imports && let Some(name) = alias.clone().or_else(|| path.last().cloned()).filter(|_| !is_glob) {
            self.names.insert(name, path.clone());
        }
        if !path.is_empty() || is_glob || alias.is_some() {
            self.found.insert(path);
        }
        at
    }
}

/// Appends a component to a path; `self` and `super` mean what they mean in `use`.
fn step(path: &mut Vec<String>, word: &str) {
    match word {
        "self" => {}
        "super" => drop(path.pop()),
        word => path.push(word.to_owned()),
    }
}

fn is_colons(tokens: &[TokenTree]) -> bool {
    matches!(tokens, [first, second, ..] if is_colon(first) && is_colon(second))
}

fn is_colon(token: &TokenTree) -> bool {
    matches!(token, TokenTree::Punct(punct) if punct.as_char() == ':')
}

/// The calls by which a file reads or writes the database: `tx.upsert`, and of whatever receiver where only a `Tx`
/// has such a method. A moment and a new identifier are no SQL.
fn database_calls(tokens: &[TokenTree], found: &mut Vec<String>) {
    const HARMLESS: [&str; 2] = ["now", "new_id"];
    const OF_TX_ONLY: [&str; 8] =
        ["exec", "exec_many", "query_one", "scalar", "count_up_to", "upsert", "delete_batch", "index_hint"];
    for (at, token) in tokens.iter().enumerate() {
        if let TokenTree::Group(group) = token {
            database_calls(&group.stream().into_iter().collect::<Vec<_>>(), found);
        }
        let [TokenTree::Punct(dot), TokenTree::Ident(method), TokenTree::Group(_)] =
            &tokens[at..(at + 3).min(tokens.len())]
        else {
            continue;
        };
        if dot.as_char() != '.' {
            continue;
        }
        let method = method.to_string();
        let is_of_tx = at > 0 && matches!(&tokens[at - 1], TokenTree::Ident(receiver) if receiver == "tx");
        if OF_TX_ONLY.contains(&method.as_str()) || is_of_tx && !HARMLESS.contains(&method.as_str()) {
            found.push(format!(".{method}(…)"));
        }
    }
}

/// The text of every string in the tokens.
fn literals(tokens: &[TokenTree], found: &mut Vec<String>) {
    for (at, token) in tokens.iter().enumerate() {
        match token {
            TokenTree::Group(group) => {
                let is_attribute = at > 0 && matches!(&tokens[at - 1], TokenTree::Punct(p) if p.as_char() == '#');
                if !is_attribute {
                    let inner: Vec<TokenTree> = group.stream().into_iter().collect();
                    literals(&inner, found);
                }
            }
            TokenTree::Literal(literal) => found.push(literal.to_string()),
            _ => {}
        }
    }
}

/// The names of the types that a file declares, and whether they are public. Associated types have the name that their
/// trait gives them.
fn types(tokens: &[TokenTree], found: &mut Vec<(String, bool)>) {
    types_in(tokens, false, found);
}

fn types_in(tokens: &[TokenTree], is_impl: bool, found: &mut Vec<(String, bool)>) {
    let mut is_impl_ahead = false;
    for (at, token) in tokens.iter().enumerate() {
        match token {
            TokenTree::Group(group) if group.delimiter() == Delimiter::Brace => {
                let inner: Vec<TokenTree> = group.stream().into_iter().collect();
                types_in(&inner, std::mem::take(&mut is_impl_ahead), found);
            }
            TokenTree::Punct(punct) if punct.as_char() == ';' => is_impl_ahead = false,
            TokenTree::Ident(word) => {
                let word = word.to_string();
                is_impl_ahead |= word == "impl" || word == "trait";
                let is_declaration = matches!(word.as_str(), "struct" | "enum" | "trait") || word == "type" && !is_impl;
                if is_declaration && let Some(TokenTree::Ident(name)) = tokens.get(at + 1) {
                    found.push((name.to_string(), is_public(&tokens[..at])));
                }
            }
            _ => {}
        }
    }
}

/// Whether the tokens end with `pub` or `pub(…)`.
fn is_public(before: &[TokenTree]) -> bool {
    before[before.len().saturating_sub(2)..]
        .iter()
        .any(|token| matches!(token, TokenTree::Ident(word) if word == "pub"))
}

fn report(rule: &str, faults: &[String]) {
    assert!(faults.is_empty(), "{rule}\n  {}\n{} in all", faults.join("\n  "), faults.len());
}

#[test]
fn rooms_use_only_rooms_before_them() {
    let mut faults = Vec::new();
    for source in sources() {
        let forbidden = source.uses().into_iter().filter(|target| !may_use(&source.module, target));
        faults.extend(forbidden.map(|target| format!("{} uses {}", source.name(), target.join("::"))));
    }
    report("A room uses only rooms that stand before it in ROOMS:", &faults);
}

/// Templates belong to the pages of the room whose folder they are in. They name constants and functions by path.
#[test]
fn templates_use_only_their_room_and_rooms_before_the_pages() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("templates");
    let mut found = BTreeMap::new();
    read_folder(&root, "html", &mut found);
    assert!(!found.is_empty());
    let mut faults = Vec::new();
    for (path, text) in found {
        let name = path.strip_prefix(&root).expect("below templates");
        let own_room = name.iter().next().expect("a name").to_string_lossy().into_owned();
        for used in text.split("crate::").skip(1) {
            let is_word = |letter: char| letter.is_alphanumeric() || letter == '_';
            let target: Vec<String> = used
                .split("::")
                .map(|part| part.split(|c| !is_word(c)).next().unwrap_or_default().to_owned())
                .take(2)
                .collect();
            if target[0] != own_room && rank(&target) >= layer_rank(PAGES) {
                faults.push(format!("{} uses {}", name.display(), target.join("::")));
            }
        }
    }
    report("A template uses only its own room and rooms that stand before the pages:", &faults);
}

#[test]
fn every_room_is_in_the_list_once() {
    let found: BTreeSet<String> = sources().iter().map(|source| source.room().to_owned()).collect();
    let mut listed: Vec<&str> = ROOMS.iter().copied().filter(|room| *room != PAGES).collect();
    listed.sort_unstable();
    assert_eq!(listed, Vec::from_iter(&found));
}

/// SQL stands in `store` modules, and in the two kinds of modules that only query: `list` and `log`.
#[test]
fn sql_stands_in_stores() {
    const FIRST_WORDS: [&str; 10] =
        ["SELECT ", "INSERT ", "UPDATE ", "DELETE ", "WITH ", "PRAGMA ", "CREATE ", "REPLACE ", "DROP ", "VACUUM"];
    let mut faults = Vec::new();
    for source in sources().iter().filter(|source| source.room() != "storage") {
        let mut texts = Vec::new();
        literals(&source.tokens, &mut texts);
        let is_sql = |text: &String| {
            let text = text.trim_start_matches(['r', '#', '"', ' ', '\n']);
            FIRST_WORDS.iter().any(|word| text.starts_with(word))
        };
        let is_store = source.module[1..].iter().any(|part| matches!(part.as_str(), "store" | "list" | "log"));
        let is_noun = source.rank() < layer_rank("web") || source.room() == "cli";
        if !is_store || !is_noun {
            let mut calls = Vec::new();
            database_calls(&source.tokens, &mut calls);
            faults.extend(calls.iter().map(|call| format!("{}: {call}", source.name())));
            faults.extend(texts.iter().filter(|text| is_sql(text)).map(|text| format!("{}: {text}", source.name())));
        }
    }
    report("SQL belongs into a store:", &faults);
}

/// A test runs the program that users run. Limits are a value with a default, and a test passes its own.
#[test]
fn no_value_differs_under_test() {
    let mut faults = Vec::new();
    for source in sources() {
        let mut found = Vec::new();
        test_switches(&source.tokens, &mut found);
        faults.extend(found.iter().map(|text| format!("{}: {text}", source.name())));
    }
    report("A constant has one value; pass limits instead:", &faults);
}

#[test]
fn models_do_no_io() {
    let faults: Vec<String> = sources()
        .iter()
        .filter(|source| source.module.iter().any(|part| part == "model"))
        .flat_map(|source| {
            let io = |target: &Vec<String>| {
                target.first().is_some_and(|room| room == "web")
                    || target.iter().any(|part| matches!(part.as_str(), "Tx" | "Storage" | "store"))
            };
            let uses = source.uses().into_iter().filter(io);
            let uses = uses.chain(io_uses(&source.tokens));
            uses.map(|target| format!("{} uses {}", source.name(), target.join("::"))).collect::<Vec<_>>()
        })
        .collect();
    report("A model holds types and pure rules:", &faults);
}

#[test]
fn type_names_are_telling() {
    /// One word in its past or present participle says what happened to a thing, not what the thing is.
    const IRREGULAR: [&str; 22] = [
        "Asked", "Begun", "Bound", "Brought", "Done", "Found", "Given", "Gone", "Held", "Kept", "Known", "Left",
        "Lost", "Made", "Said", "Seen", "Sent", "Shown", "Taken", "Told", "Written", "There",
    ];
    /// Nouns of the field that look like participles.
    const NOUNS: [&str; 2] = ["Listing", "Posting"];
    let (mut places, mut faults) = (BTreeMap::<String, Vec<String>>::new(), Vec::new());
    for source in sources() {
        let mut found = Vec::new();
        types(&source.tokens, &mut found);
        for (name, public) in found {
            let one_word = name.chars().filter(|letter| letter.is_uppercase()).count() == 1;
            let participle = IRREGULAR.contains(&name.as_str()) || name.ends_with("ed") || name.ends_with("ing");
            if one_word && participle && !NOUNS.contains(&name.as_str()) {
                faults.push(format!("{}: {name} is a bare participle", source.name()));
            }
            if public && !source.is_page() {
                places.entry(name).or_default().push(source.name().to_string());
            }
        }
    }
    let shared = places.iter().filter(|(_, files)| files.len() > MAX_TYPES_OF_ONE_NAME);
    faults.extend(shared.map(|(name, files)| format!("{name} names {} types: {}", files.len(), files.join(", "))));
    report("A type's name says what it is, and one name is one thing:", &faults);
}

fn tokens(text: &str) -> Vec<TokenTree> {
    text.parse::<TokenStream>().expect("tokens").into_iter().collect()
}

/// The forbidden uses in a file of that module.
fn forbidden(module: &str, text: &str) -> Vec<String> {
    let module: Vec<String> = module.split("::").map(str::to_owned).collect();
    let uses = uses(&tokens(text), &module).into_iter();
    uses.filter(|target| !may_use(&module, target)).map(|target| target.join("::")).collect()
}

#[test]
fn checker_sees_pages_through_an_imported_room() {
    assert_eq!(
        forbidden("uploads::apply", "use crate::orders; fn f() { orders::pages::show() }"),
        ["orders::pages::show"]
    );
    assert_eq!(forbidden("uploads::apply", "use crate::orders as o; fn f() { o::pages::x() }"), ["orders::pages::x"]);
    assert_eq!(forbidden("uploads::apply", "use crate::{id, orders::{self}}; use orders::pages;"), ["orders::pages"]);
    assert_eq!(forbidden("orders", "pub mod pages; pub use pages::show;"), ["orders::pages::show"]);
    assert_eq!(forbidden("orders", "pub mod pages; pub use self::pages::show;"), ["orders::pages::show"]);
    assert_eq!(
        forbidden("orders::pages::show", "use crate::orders; use crate::web; fn f() { orders::pages::x() }"),
        [""; 0]
    );
}

#[test]
fn checker_sees_later_rooms_globs_and_paths_in_attributes() {
    assert_eq!(forbidden("id", "use crate::web::page;"), ["web::page"]);
    assert_eq!(forbidden("orders::model", "use crate::*;"), [""]);
    assert_eq!(forbidden("orders::model", "#[serde(with = \"crate::web::date\")] struct A;"), ["web::date"]);
    assert_eq!(forbidden("orders::model", "#[derive(crate::web::Page)] struct A;"), ["web::Page"]);
    assert_eq!(forbidden("orders::model", "/// [`crate::web::page`]\nstruct A;"), [""; 0]);
}

#[test]
fn checker_sees_input_and_output() {
    let io = |text: &str| io_uses(&tokens(text)).into_iter().map(|path| path.join("::")).collect::<Vec<_>>();
    assert_eq!(io("fn f() { std::fs::read(x) }"), ["std::fs::read"]);
    assert_eq!(io("use std::{fmt, net::TcpStream};"), ["std::net::TcpStream"]);
    assert_eq!(io("use std::fmt; async fn f() { tokio::time::sleep(x) }"), ["tokio::time::sleep"]);
    assert_eq!(io("use std::collections::BTreeMap;"), [""; 0]);
}

#[test]
fn checker_sees_calls_of_a_transaction() {
    let calls = |text: &str| {
        let mut found = Vec::new();
        database_calls(&tokens(text), &mut found);
        found
    };
    assert_eq!(calls("fn f() { tx.upsert(\"orders\", keys, values) }"), [".upsert(…)"]);
    assert_eq!(calls("fn f() { self.tx.increment(table, keys, column, 1) }"), [".increment(…)"]);
    assert_eq!(calls("fn f() { storage.read(|t| t.scalar(sql, &[])) }"), [".scalar(…)"]);
    assert_eq!(calls("fn f() { counter.increment(1); tx.now(); tx.new_id() }"), [""; 0]);
}

#[test]
fn checker_sees_type_aliases_but_not_associated_types() {
    let mut found = Vec::new();
    types(&tokens("pub type Made = i64; impl Layer for A { type Service = B; fn f() { struct Kept; } }"), &mut found);
    assert_eq!(found, [("Made".to_owned(), true), ("Kept".to_owned(), false)]);
}
