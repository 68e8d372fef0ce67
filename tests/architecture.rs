//! Rooms (the top-level modules) depend on each other in one direction only.
//!
//! Reads the sources of `src/` as tokens, without building the program. Comments and test code are left out.
//! The map with the purpose of each room is `src/lib.rs`; where new code goes is in CONTRIBUTING.md.

#![expect(clippy::expect_used, reason = "a test says what it expected")]

#[path = "architecture/paths.rs"]
mod paths;
#[path = "architecture/sources.rs"]
mod sources;
#[path = "architecture/tokens.rs"]
mod tokens;

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use proc_macro2::{TokenStream, TokenTree};

use paths::{io_uses, uses};
use sources::{read_folder, sources};
use tokens::{bare_identifiers, database_calls, literals, takes_whole_state, test_switches, types};

/// Every room, in order. A room may use those before it. `pages` is one layer: the `pages` modules of all rooms, which
/// may use every room before it, but no pages of another room.
///
/// Still to come: `collecting` (orders by a channel's API) after `uploads`.
const ROOMS: &[&str] = &[
    "time",
    "id",
    "random",
    "text",
    "vault",
    "storage",
    "sheets",
    "documents",
    "districts",
    "routing",
    "config",
    "objects",
    "audit",
    "access",
    "flash",
    "shop",
    "products",
    "channels",
    "sessions",
    "members",
    "masking",
    "search",
    "orders",
    "uploads",
    "reconcile",
    "deliveries",
    "trucks",
    "sites",
    "plans",
    "proofs",
    "drive",
    "notices",
    "learning",
    "consumer",
    "evidence",
    "actions",
    "privacy",
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

/// A page whose template names buyers or recipients states whose data it shows, so that `personal_page` can record it.
#[test]
fn pages_that_name_people_state_whose_data_they_show() {
    /// What a member types about a new order is nobody's data yet.
    const EXCEPT: &str = "orders/new.html";
    const WORDS: [&str; 6] = ["recipient.", "customer.", "recipient_", "customer_", "address1", ".tel1"];
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let (mut templates, mut files) = (BTreeMap::new(), BTreeMap::new());
    read_folder(&root.join("templates"), "html", &mut templates);
    read_folder(&root.join("src"), "rs", &mut files);
    let (mut faults, mut personal) = (Vec::new(), 0);
    for (path, text) in &files {
        for rest in text.split("#[template(path = \"").skip(1) {
            let (template, rest) = rest.split_once('"').expect("a path");
            let name = rest.split_once("struct ").expect("a page struct").1;
            let name = name.split(|c: char| !c.is_alphanumeric()).next().expect("a name");
            let shown = expressions(&root.join("templates"), template, &templates);
            if template == EXCEPT || !WORDS.iter().any(|word| shown.contains(word)) {
                continue;
            }
            personal += 1;
            if !text.contains(&format!("impl PersonalData for {name} ")) {
                faults.push(format!("{}: {name}", path.strip_prefix(root).expect("below the root").display()));
            }
        }
    }
    assert!(personal > 10, "{personal}");
    report("A page that names people implements PersonalData and is rendered by personal_page:", &faults);
}

/// The expressions and statements of a template and of the fragments that it includes.
fn expressions(root: &Path, template: &str, templates: &BTreeMap<std::path::PathBuf, String>) -> String {
    let Some(text) = templates.get(&root.join(template)) else { return String::new() };
    let mut shown = String::new();
    let parts = [("{{", "}}"), ("{%", "%}")].into_iter().flat_map(|(open, close)| {
        text.split(open).skip(1).map(move |code| code.split(close).next().unwrap_or_default())
    });
    for code in parts {
        shown.push_str(code);
        let include = code.trim_start_matches(['-', ' ']).strip_prefix("include \"");
        if let Some((fragment, _)) = include.and_then(|rest| rest.split_once('"')) {
            shown.push_str(&expressions(root, fragment, templates));
        }
    }
    shown
}

/// `docs/LAW.md` names the test that shows what the program does about each duty.
#[test]
fn tests_that_the_law_names_exist() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut sources = BTreeMap::new();
    read_folder(&root.join("src"), "rs", &mut sources);
    read_folder(&root.join("tests"), "rs", &mut sources);
    let law = std::fs::read_to_string(root.join("docs/LAW.md")).expect("a text");
    let rows = law.lines().filter(|line| line.starts_with("| ") && line.matches(" | ").count() == 2);
    let names: Vec<&str> =
        rows.filter_map(|row| row.rsplit(" | ").next()).flat_map(|shown| shown.split('`').skip(1).step_by(2)).collect();
    assert!(names.len() > 90, "{}", names.len());
    let is_there = |name: &str| {
        let (place, last) = name.rsplit_once("::").unwrap_or(("", name));
        let file = |path: &str| {
            let path = root.join("src").join(path.replace("::", "/"));
            sources.get(&path.with_added_extension("rs")).or_else(|| sources.get(&path.join("mod.rs")))
        };
        name.starts_with("tests/") && root.join(name).exists()
            || sources.values().any(|text| text.contains(&format!("fn {last}(")))
            || file(name).is_some()
            || last == "tests" && file(place).is_some_and(|text| text.contains("mod tests"))
    };
    let faults: Vec<String> = names.into_iter().filter(|name| !is_there(name)).map(str::to_owned).collect();
    report("docs/LAW.md names tests that do not exist:", &faults);
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

/// An identifier is an `Id` of its kind, so that an order's is not passed where a delivery's is meant.
#[test]
fn identifiers_are_typed() {
    /// Columns, the index of documents and the object of an audit entry are numbers of any kind.
    const NUMBERS: [&str; 6] = ["id", "storage", "search::postings", "search::tokenizer", "search::store", "audit"];
    let mut faults = Vec::new();
    for source in sources() {
        let module = source.module.join("::");
        if NUMBERS
            .iter()
            .any(|place| module == *place || *place != "audit" && module.starts_with(&format!("{place}::")))
        {
            continue;
        }
        let mut found = Vec::new();
        bare_identifiers(&source.tokens, &mut found);
        faults.extend(found.iter().map(|name| format!("{}: {name}: i64", source.name())));
    }
    report("An identifier is an Id<…>, see src/id.rs:", &faults);
}

/// A handler or middleware declares what it uses: `State<Storage>`, or a context of its room with `FromRef<AppState>`.
#[test]
fn handlers_take_the_states_that_they_use() {
    let faults: Vec<String> = sources()
        .iter()
        .filter(|source| takes_whole_state(&source.tokens))
        .map(|source| format!("{} takes State<AppState>", source.name()))
        .collect();
    report("A handler takes sub-states, not the whole application:", &faults);
}

#[test]
fn bare_identifiers_are_found_in_declarations() {
    let found = |text: &str| {
        let mut found = Vec::new();
        bare_identifiers(&parse(text), &mut found);
        found
    };
    assert_eq!(found("fn f(id: i64, order_ids: &[i64]) { let ids: Vec<i64> = a; }"), ["id", "order_ids", "ids"]);
    assert_eq!(found("struct A { pub member_id: Option<i64>, width: i64 }"), ["member_id"]);
    assert_eq!(found("fn f(id: OrderId) { A { id: i64::from(1), order_id: id } }"), [""; 0]);
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

fn parse(text: &str) -> Vec<TokenTree> {
    text.parse::<TokenStream>().expect("tokens").into_iter().collect()
}

/// The forbidden uses in a file of that module.
fn forbidden(module: &str, text: &str) -> Vec<String> {
    let module: Vec<String> = module.split("::").map(str::to_owned).collect();
    let uses = uses(&parse(text), &module).into_iter();
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
    let io = |text: &str| io_uses(&parse(text)).into_iter().map(|path| path.join("::")).collect::<Vec<_>>();
    assert_eq!(io("fn f() { std::fs::read(x) }"), ["std::fs::read"]);
    assert_eq!(io("use std::{fmt, net::TcpStream};"), ["std::net::TcpStream"]);
    assert_eq!(io("use std::fmt; async fn f() { tokio::time::sleep(x) }"), ["tokio::time::sleep"]);
    assert_eq!(io("use std::collections::BTreeMap;"), [""; 0]);
}

#[test]
fn checker_sees_handlers_of_the_whole_state() {
    assert!(takes_whole_state(&parse("async fn list(State(state): State<AppState>, layout: Layout) {}")));
    assert!(!takes_whole_state(&parse(
        "impl FromRef<AppState> for Context { fn from_ref(state: &AppState) -> Self {} }"
    )));
}

#[test]
fn checker_sees_calls_of_a_transaction() {
    let calls = |text: &str| {
        let mut found = Vec::new();
        database_calls(&parse(text), &mut found);
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
    types(&parse("pub type Made = i64; impl Layer for A { type Service = B; fn f() { struct Kept; } }"), &mut found);
    assert_eq!(found, [("Made".to_owned(), true), ("Kept".to_owned(), false)]);
}
