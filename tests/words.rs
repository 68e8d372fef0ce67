//! The Korean of the program: templates, messages, the command line's help, scripts and the manual.
//!
//! One thing has one name on all screens. The words that screens do not use are a table of `docs/GLOSSARY.md`, which
//! [`no_text_has_a_forbidden_word`] reads. All texts in one list, to read them through:
//!
//! ```sh
//! cargo test --test words all_texts -- --nocapture
//! ```

#![expect(clippy::expect_used, reason = "a test says what it expected")]

use std::fmt;
use std::path::{Path, PathBuf};

use proc_macro2::{Delimiter, TokenStream, TokenTree};

/// Files whose Korean words are data of other systems: headers and states of channels, files of them, passwords that people
/// use. They have no sentence for a screen.
const WORDS_OF_OTHERS: [&str; 7] = [
    "src/channels/suggestion.rs",
    "src/demo/files.rs",
    "src/members/model/common_passwords.rs",
    "src/orders/claim.rs",
    "src/orders/export/purchase_order.rs",
    "src/practice/files.rs",
    "src/text/sensitive.rs",
];

/// Words that the program understands in files and settings, but never writes.
const UNDERSTOOD_WORDS: [&str; 1] = ["src/orders/model.rs: 환불"];

/// Files whose documentation comments are the help of the command line.
const HELP_IN_COMMENTS: [&str; 2] = ["src/cli/", "src/config/"];

/// A text that users read.
struct ScreenText {
    file: String,
    line: usize,
    text: String,
}

impl fmt::Display for ScreenText {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}: {}", self.file, self.line, self.text)
    }
}

/// A row of the table of forbidden words: `=모두 | 전체 | `.
struct ForbiddenWord {
    word: String,
    /// whether only the whole text is forbidden, such as a heading or the label of a button
    is_whole: bool,
    instead: String,
    /// words that contain it and are right
    but: Vec<String>,
}

impl ForbiddenWord {
    fn is_in(&self, text: &str) -> bool {
        if self.is_whole {
            return text == self.word;
        }
        let rest = self.but.iter().fold(text.to_owned(), |rest, allowed| rest.replace(allowed.as_str(), ""));
        rest.contains(&self.word)
    }
}

fn root() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR"))
}

fn forbidden_words() -> Vec<ForbiddenWord> {
    let glossary = std::fs::read_to_string(root().join("docs/GLOSSARY.md")).expect("the glossary");
    let (_, section) = glossary.split_once("### Words that screens do not use").expect("the table");
    let section = section.split("\n#").next().unwrap_or_default();
    let rows = section.lines().filter(|line| line.starts_with("| ") && is_korean(line));
    rows.map(|line| {
        let mut cells = line.trim_matches('|').split('|').map(str::trim);
        let word = cells.next().expect("a word");
        let instead = cells.next().expect("a better word").to_owned();
        let but = cells.next().unwrap_or_default();
        ForbiddenWord {
            word: word.trim_start_matches('=').to_owned(),
            is_whole: word.starts_with('='),
            instead,
            but: but.split(',').map(str::trim).filter(|word| !word.is_empty()).map(str::to_owned).collect(),
        }
    })
    .collect()
}

fn is_korean(text: &str) -> bool {
    text.chars().any(|c| ('가'..='힣').contains(&c))
}

/// All files below a folder with that extension, in order.
fn files(folder: &str, extension: &str) -> Vec<(String, String)> {
    fn read(folder: &Path, extension: &str, found: &mut Vec<PathBuf>) {
        for entry in std::fs::read_dir(folder).expect("a folder") {
            let path = entry.expect("an entry").path();
            if path.is_dir() {
                read(&path, extension, found);
            } else if path.extension().is_some_and(|found| found == extension) {
                found.push(path);
            }
        }
    }
    let mut found = Vec::new();
    read(&root().join(folder), extension, &mut found);
    found.sort();
    let name = |path: &Path| path.strip_prefix(root()).expect("below the root").to_string_lossy().replace('\\', "/");
    let text = |path: &Path| std::fs::read_to_string(path).expect("a text");
    found.iter().map(|path| (name(path), text(path))).collect()
}

/// Every Korean text that users read.
fn texts() -> Vec<ScreenText> {
    let mut found = Vec::new();
    for (file, text) in files("templates", "html") {
        template_texts(&file, &text, &mut found);
    }
    for (file, text) in files("src", "rs") {
        let is_test = file.contains("/tests") || file.ends_with("testing.rs");
        if !is_test && !WORDS_OF_OTHERS.contains(&file.as_str()) {
            let has_help = HELP_IN_COMMENTS.iter().any(|folder| file.starts_with(folder));
            let stream: TokenStream = text.parse().unwrap_or_else(|error| panic!("{file}: {error}"));
            let before = found.len();
            rust_texts(&file, stream, has_help, &mut found);
            for literal in &mut found[before..] {
                literal.line = text.find(first_words(&literal.text)).map_or(0, |at| text[..at].lines().count());
            }
        }
    }
    for (file, text) in files("assets/help", "md") {
        line_texts(&file, &text, |line| line, &mut found);
    }
    let settings = "assets/mukkeum.toml";
    let text = std::fs::read_to_string(root().join(settings)).expect("the file of the settings");
    line_texts(settings, &text, |line| line, &mut found);
    for (file, text) in files("assets/web", "js") {
        line_texts(&file, &text, |line| line.split("//").next().unwrap_or_default(), &mut found);
    }
    found
}

/// The beginning of a literal, which stands in one line of its file.
fn first_words(text: &str) -> &str {
    text.char_indices().nth(12).map_or(text, |(end, _)| &text[..end])
}

fn line_texts(file: &str, text: &str, visible: fn(&str) -> &str, found: &mut Vec<ScreenText>) {
    for (line, text) in text.lines().enumerate() {
        let text = visible(text).trim();
        if is_korean(text) {
            found.push(ScreenText { file: file.to_owned(), line: line + 1, text: text.to_owned() });
        }
    }
}

/// The text between the tags of a template, and the texts in the tags: attributes and literals.
fn template_texts(file: &str, template: &str, found: &mut Vec<ScreenText>) {
    let mut in_comment = false;
    for (line, mut rest) in template.lines().enumerate() {
        let mut push = |text: &str| {
            let text = text.trim();
            if is_korean(text) {
                found.push(ScreenText { file: file.to_owned(), line: line + 1, text: text.to_owned() });
            }
        };
        // A sentence with a value in it is one text: `총 {}건`.
        let mut sentence = String::new();
        while !rest.is_empty() {
            if in_comment {
                let Some((_, after)) = rest.split_once("#}") else { break };
                (in_comment, rest) = (false, after);
                continue;
            }
            let Some(start) = rest.find(['<', '{']) else {
                sentence.push_str(rest);
                break;
            };
            let (text, tag) = rest.split_at(start);
            sentence.push_str(text);
            if tag.starts_with("{{") {
                sentence.push_str("{}");
            } else if tag.starts_with('<') || tag.starts_with("{% e") {
                push(&std::mem::take(&mut sentence));
            }
            let end = match tag.as_bytes().get(1) {
                Some(b'#') => {
                    in_comment = true;
                    2
                }
                Some(b'%') => tag.find("%}").map_or(tag.len(), |end| end + 2),
                Some(b'{') => tag.find("}}").map_or(tag.len(), |end| end + 2),
                _ => tag.find('>').map_or(tag.len(), |end| end + 1),
            };
            tag[..end].split('"').skip(1).step_by(2).for_each(&mut push);
            rest = &tag[end..];
        }
        push(&sentence);
    }
}

/// The string literals of a file without its tests.
fn rust_texts(file: &str, stream: TokenStream, has_help: bool, found: &mut Vec<ScreenText>) {
    let tokens: Vec<TokenTree> = stream.into_iter().collect();
    let mut at = 0;
    while at < tokens.len() {
        match &tokens[at..] {
            [TokenTree::Punct(hash), TokenTree::Group(attribute), ..] if hash.as_char() == '#' => {
                let text = attribute.stream().to_string().replace(' ', "");
                if text == "cfg(test)" {
                    let ends = |token: &TokenTree| match token {
                        TokenTree::Punct(punct) => punct.as_char() == ';',
                        TokenTree::Group(group) => group.delimiter() == Delimiter::Brace,
                        _ => false,
                    };
                    at += tokens[at..].iter().position(ends).map_or(tokens.len(), |end| end + 1);
                    continue;
                }
                if has_help || !text.starts_with("doc=") {
                    rust_texts(file, attribute.stream(), has_help, found);
                }
                at += 2;
            }
            [TokenTree::Group(group), ..] => {
                rust_texts(file, group.stream(), has_help, found);
                at += 1;
            }
            [TokenTree::Literal(literal), ..] => {
                let text = literal.to_string();
                if is_korean(&text) {
                    let text = text.trim_matches(['r', '#', '"', ' ']).replace("\\\n", "");
                    let text = text.split_whitespace().collect::<Vec<_>>().join(" ");
                    found.push(ScreenText { file: file.to_owned(), line: 0, text });
                }
                at += 1;
            }
            _ => at += 1,
        }
    }
}

#[test]
fn no_text_has_a_forbidden_word() {
    let (words, texts) = (forbidden_words(), texts());
    assert!(words.len() > 50 && texts.len() > 2000, "{} words, {} texts", words.len(), texts.len());
    let is_understood =
        |text: &&ScreenText| UNDERSTOOD_WORDS.contains(&format!("{}: {}", text.file, text.text).as_str());
    let faults: Vec<String> = texts
        .iter()
        .filter(|text| !is_understood(text))
        .flat_map(|text| words.iter().filter(|word| word.is_in(&text.text)).map(move |word| (text, word)))
        .map(|(text, word)| format!("{text}\n    {} → {}", word.word, word.instead))
        .collect();
    assert!(faults.is_empty(), "{} texts have a word of another name:\n{}", faults.len(), faults.join("\n"));
}

#[test]
fn reader_sees_the_texts_of_a_template() {
    let mut found = Vec::new();
    let template = "{# 설명 #}<p title=\"단추\">모두 {{ f(\"저절로\") }}건</p>\n{#- 여러\n줄 -#}<b>때</b>";
    template_texts("x.html", template, &mut found);
    let texts: Vec<&str> = found.iter().map(|text| text.text.as_str()).collect();
    assert_eq!(texts, ["단추", "저절로", "모두 {}건", "때"]);
}

#[test]
fn reader_leaves_out_comments_and_tests_of_the_program() {
    let text = "/// 설명\nfn f() { g(\"단추 {}\"); }\n#[cfg(test)]\nmod tests { fn t() { g(\"까닭\"); } }\nconst C: &str = \"판\";";
    let mut found = Vec::new();
    rust_texts("x.rs", text.parse().expect("tokens"), false, &mut found);
    assert_eq!(found.iter().map(|text| text.text.as_str()).collect::<Vec<_>>(), ["단추 {}", "판"]);
}

/// Bold words of the manual that are on the screens of a phone instead of ours.
const WORDS_OF_PHONES: [&str; 3] = ["사용자 인증서", "VPN 및 기기 관리", "인증서 관리"];

/// The parts of a text between numbers and between what a template fills in: `바꾼`, `건 보기`.
fn fixed_parts(text: &str) -> Vec<String> {
    let parts = text.split(|c: char| c.is_ascii_digit() || ",{}".contains(c));
    parts.map(|part| part.split_whitespace().collect::<Vec<_>>().join(" ")).filter(|part| !part.is_empty()).collect()
}

/// The words between `**` of a text.
fn bold_words(text: &str) -> Vec<&str> {
    text.split("**").skip(1).step_by(2).collect()
}

/// The manual names buttons, links and fields in bold, as they are on screen.
#[test]
fn bold_words_of_the_manual_are_on_the_screens() {
    let screens: Vec<String> = texts()
        .iter()
        .filter(|text| !text.file.starts_with("assets/help"))
        .map(|text| fixed_parts(&text.text).join(" "))
        .collect();
    let screens = screens.join("\n");
    let mut faults = Vec::new();
    for (file, text) in files("assets/help", "md") {
        for word in bold_words(&text).into_iter().filter(|word| !WORDS_OF_PHONES.contains(word)) {
            if fixed_parts(word).iter().any(|part| !screens.contains(part.as_str())) {
                faults.push(format!("{file}: {word}"));
            }
        }
    }
    assert!(faults.is_empty(), "no screen has these words:\n{}", faults.join("\n"));
}

/// Prints the list, which the test runner hides unless it is asked for it.
#[test]
fn all_texts_are_in_one_list() {
    let texts = texts();
    for text in &texts {
        println!("{text}");
    }
    assert!(texts.len() > 1_000, "{} texts", texts.len());
}

/// The messages of log lines, which an owner sees in the window of the program.
fn log_messages(stream: TokenStream, found: &mut Vec<String>) {
    let tokens: Vec<TokenTree> = stream.into_iter().collect();
    for (at, token) in tokens.iter().enumerate() {
        let TokenTree::Group(group) = token else { continue };
        let before = |back: usize| at.checked_sub(back).map(|at| tokens[at].to_string()).unwrap_or_default();
        let is_log =
            before(1) == "!" && ["info", "warn", "error"].contains(&before(2).as_str()) && before(5) == "tracing";
        if is_log {
            found.push(group.stream().to_string());
        }
        log_messages(group.stream(), found);
    }
}

/// Fields of a log line are English names for machines; its sentence is for the owner of the shop.
#[test]
fn log_lines_are_korean_sentences() {
    let (mut count, mut faults) = (0, Vec::new());
    for (file, text) in files("src", "rs") {
        let mut messages = Vec::new();
        log_messages(text.parse().unwrap_or_else(|error| panic!("{file}: {error}")), &mut messages);
        count += messages.len();
        faults.extend(messages.into_iter().filter(|text| !is_korean(text)).map(|text| format!("{file}: {text}")));
    }
    assert!(count > 50, "{count} log lines");
    assert!(faults.is_empty(), "say in Korean what happened and what to do:\n{}", faults.join("\n"));
}
