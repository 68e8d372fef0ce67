//! The paths in a file: which modules it uses, and which crates that do I/O.

use std::collections::{BTreeMap, BTreeSet};

use proc_macro2::{Delimiter, TokenStream, TokenTree};

use super::tokens::literals;

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
pub(super) fn uses(tokens: &[TokenTree], module: &[String]) -> BTreeSet<Vec<String>> {
    let mut paths = Paths { module, names: BTreeMap::new(), found: BTreeSet::new() };
    declared_modules(tokens, module, &mut paths.names);
    // An import may stand below its use, and another import may begin with its name.
    for _ in 0..3 {
        paths.collect(tokens);
    }
    paths.found
}

/// The paths in a file to what is outside of it.
pub(super) fn io_uses(tokens: &[TokenTree]) -> BTreeSet<Vec<String>> {
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
