//! What stands in the tokens of a file: calls of the database, text, declared types, switches for tests.

use proc_macro2::{Delimiter, TokenTree};

/// Values that differ under test: `cfg!(test)`, and `#[cfg(not(test))]` with its other half.
pub(super) fn test_switches(tokens: &[TokenTree], found: &mut Vec<String>) {
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

/// The calls by which a file reads or writes the database: `tx.upsert`, and of whatever receiver where only a `Tx`
/// has such a method. A moment and a new identifier are no SQL.
pub(super) fn database_calls(tokens: &[TokenTree], found: &mut Vec<String>) {
    const HARMLESS: [&str; 4] = ["now", "new_id", "new_number", "new_code"];
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

/// Whether a function takes `State<AppState>`.
pub(super) fn takes_whole_state(tokens: &[TokenTree]) -> bool {
    let words: Vec<String> = tokens.iter().map(ToString::to_string).collect();
    let is_inside = |token: &TokenTree| {
        let TokenTree::Group(group) = token else { return false };
        takes_whole_state(&group.stream().into_iter().collect::<Vec<_>>())
    };
    words.windows(3).any(|part| part == ["State", "<", "AppState"]) || tokens.iter().any(is_inside)
}

/// The text of every string in the tokens.
pub(super) fn literals(tokens: &[TokenTree], found: &mut Vec<String>) {
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
pub(super) fn types(tokens: &[TokenTree], found: &mut Vec<(String, bool)>) {
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

/// Names of declarations like `order_id: i64` and `ids: &[i64]`.
pub(super) fn bare_identifiers(tokens: &[TokenTree], found: &mut Vec<String>) {
    let is_name = |name: &str| matches!(name, "id" | "ids") || name.ends_with("_id") || name.ends_with("_ids");
    for (at, token) in tokens.iter().enumerate() {
        match token {
            TokenTree::Group(group) => bare_identifiers(&group.stream().into_iter().collect::<Vec<_>>(), found),
            TokenTree::Ident(name) if is_name(&name.to_string()) && is_number(&tokens[at + 1..]) => {
                found.push(name.to_string());
            }
            _ => {}
        }
    }
}

/// Whether what follows a name declares it as a number, or as a collection of numbers.
fn is_number(rest: &[TokenTree]) -> bool {
    const AROUND: [&str; 7] = ["Option", "Vec", "BTreeSet", "HashSet", "Arc", "mut", "a"];
    let mut texts = rest.iter().map(ToString::to_string);
    if texts.next().as_deref() != Some(":") {
        return false;
    }
    let mut texts =
        texts.skip_while(|text| AROUND.contains(&text.as_str()) || matches!(text.as_str(), "&" | "<" | "'"));
    match texts.next() {
        Some(text) if text == "i64" => texts.next().is_none_or(|next| next != ":"),
        Some(text) => text.replace(' ', "").starts_with("[i64"),
        None => false,
    }
}
