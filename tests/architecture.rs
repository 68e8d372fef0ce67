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
/// Still to come: `trucks` (points, travel times, route engine) and `plans` (days, routes) after `deliveries`;
/// `privacy` (access log, retention, requests of data subjects) after `audit`; `collecting` (orders by a channel's API)
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
    "config",
    "audit",
    "shop",
    "products",
    "channels",
    "sessions",
    "members",
    "search",
    "orders",
    "uploads",
    "deliveries",
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
        let mut uses = BTreeSet::new();
        collect_uses(&self.tokens, &self.module, &mut uses);
        uses
    }
}

fn is_page(path: &[String]) -> bool {
    path.get(1).is_some_and(|part| part == PAGES)
}

fn rank(path: &[String]) -> usize {
    layer_rank(if is_page(path) { PAGES } else { &path[0] })
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

/// Every path that begins with `crate` or leads out of the file by `super`, in code and in macros. Attributes, and with
/// them doc comments, are left out.
fn collect_uses(tokens: &[TokenTree], module: &[String], uses: &mut BTreeSet<Vec<String>>) {
    let mut at = 0;
    while at < tokens.len() {
        match &tokens[at] {
            TokenTree::Punct(punct) if punct.as_char() == '#' && is_group(tokens.get(at + 1), Delimiter::Bracket) => {
                at += 1;
            }
            TokenTree::Group(group) => {
                let inner: Vec<TokenTree> = group.stream().into_iter().collect();
                collect_uses(&inner, module, uses);
            }
            TokenTree::Ident(word) if word == "crate" || word == "super" => {
                let base = if word == "crate" { Vec::new() } else { module[..module.len() - 1].to_vec() };
                at = follow_path(tokens, at + 1, base, uses);
                continue;
            }
            _ => {}
        }
        at += 1;
    }
}

/// Follows `::name::{…}` behind a path's beginning; answers where it ends.
fn follow_path(tokens: &[TokenTree], mut at: usize, mut path: Vec<String>, uses: &mut BTreeSet<Vec<String>>) -> usize {
    while is_colons(&tokens[at..]) {
        at += 2;
        match tokens.get(at) {
            Some(TokenTree::Ident(word)) if word == "super" => {
                path.pop();
                at += 1;
            }
            Some(TokenTree::Ident(word)) => {
                path.push(word.to_string());
                at += 1;
            }
            Some(TokenTree::Group(group)) if group.delimiter() == Delimiter::Brace => {
                let inner: Vec<TokenTree> = group.stream().into_iter().collect();
                let branches = inner.split(|token| matches!(token, TokenTree::Punct(punct) if punct.as_char() == ','));
                for branch in branches.filter(|branch| !branch.is_empty()) {
                    let mut branch_path = path.clone();
                    match &branch[0] {
                        TokenTree::Ident(word) if word == "super" => drop(branch_path.pop()),
                        TokenTree::Ident(word) => branch_path.push(word.to_string()),
                        _ => {}
                    }
                    follow_path(branch, 1, branch_path, uses);
                }
                return at + 1;
            }
            _ => break,
        }
    }
    // `use crate::*` and `use crate as …` hide what is used: an empty path is reported.
    let hides = matches!(tokens.get(at), Some(TokenTree::Punct(punct)) if punct.as_char() == '*')
        || matches!(tokens.get(at), Some(TokenTree::Ident(word)) if word == "as");
    if !path.is_empty() || hides {
        uses.insert(path);
    }
    at
}

fn is_colons(tokens: &[TokenTree]) -> bool {
    let is_colon = |token: &TokenTree| matches!(token, TokenTree::Punct(punct) if punct.as_char() == ':');
    matches!(tokens, [first, second, ..] if is_colon(first) && is_colon(second))
}

fn is_group(token: Option<&TokenTree>, delimiter: Delimiter) -> bool {
    matches!(token, Some(TokenTree::Group(group)) if group.delimiter() == delimiter)
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

/// The names of the types that a file declares, and whether they are public.
fn types(tokens: &[TokenTree], found: &mut Vec<(String, bool)>) {
    for (at, token) in tokens.iter().enumerate() {
        match token {
            TokenTree::Group(group) if group.delimiter() == Delimiter::Brace => {
                let inner: Vec<TokenTree> = group.stream().into_iter().collect();
                types(&inner, found);
            }
            TokenTree::Ident(word) if word == "struct" || word == "enum" || word == "trait" => {
                if let Some(TokenTree::Ident(name)) = tokens.get(at + 1) {
                    let before = &tokens[at.saturating_sub(2)..at];
                    let public = before.iter().any(|token| matches!(token, TokenTree::Ident(word) if word == "pub"));
                    found.push((name.to_string(), public));
                }
            }
            _ => {}
        }
    }
}

fn report(rule: &str, faults: &[String]) {
    assert!(faults.is_empty(), "{rule}\n  {}\n{} in all", faults.join("\n  "), faults.len());
}

#[test]
fn rooms_use_only_rooms_before_them() {
    let mut faults = Vec::new();
    for source in sources() {
        for target in source.uses() {
            if !target.first().is_some_and(|room| ROOMS.contains(&room.as_str())) {
                faults.push(format!("{} uses crate::{}, which is no room", source.name(), target.join("::")));
                continue;
            }
            let same_room = target[0] == source.room();
            // Pages use the pages of their own room alone, and no other file of a room uses its pages.
            let allowed = if source.is_page() || !is_page(&target) {
                same_room || rank(&target) < source.rank()
            } else {
                rank(&target) < source.rank()
            };
            if !allowed {
                faults.push(format!("{} uses {}", source.name(), target.join("::")));
            }
        }
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
            faults.extend(texts.iter().filter(|text| is_sql(text)).map(|text| format!("{}: {text}", source.name())));
        }
    }
    report("SQL belongs into a store:", &faults);
}

#[test]
fn models_do_no_io() {
    let faults: Vec<String> = sources()
        .iter()
        .filter(|source| source.module.iter().any(|part| part == "model"))
        .flat_map(|source| {
            let io = |target: &Vec<String>| {
                target[0] == "web" || target.iter().any(|part| matches!(part.as_str(), "Tx" | "Storage" | "store"))
            };
            let uses = source.uses().into_iter().filter(io);
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
    const NOUNS: [&str; 1] = ["Posting"];
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
