//! The files of the program as tokens, without their tests.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use proc_macro2::{Delimiter, TokenStream, TokenTree};

use super::paths::uses;
use super::{is_page, rank};

/// A source file that is part of the program, not of its tests.
pub(super) struct Source {
    pub(super) path: PathBuf,
    /// `["orders", "pages", "list"]` for `src/orders/pages/list.rs`
    pub(super) module: Vec<String>,
    /// The tokens without test code.
    pub(super) tokens: Vec<TokenTree>,
}

impl Source {
    pub(super) fn room(&self) -> &str {
        &self.module[0]
    }

    pub(super) fn is_page(&self) -> bool {
        is_page(&self.module)
    }

    /// The place of the file in the order of rooms.
    pub(super) fn rank(&self) -> usize {
        rank(&self.module)
    }

    pub(super) fn name(&self) -> std::path::Display<'_> {
        self.path.display()
    }

    /// The modules that the file names, from the crate's root: `["storage", "Tx"]`.
    pub(super) fn uses(&self) -> BTreeSet<Vec<String>> {
        uses(&self.tokens, &self.module)
    }
}

/// The files of the program, but for `lib.rs` and `main.rs`.
pub(super) fn sources() -> Vec<Source> {
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

pub(super) fn read_folder(folder: &Path, extension: &str, found: &mut BTreeMap<PathBuf, String>) {
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
