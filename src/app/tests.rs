//! The routes of all rooms: their list in `docs/ROUTES.md`, and the files of their handlers.

use std::collections::BTreeSet;
use std::fmt::Write;
use std::path::{Path, PathBuf};

use super::rooms;
use crate::web::{Access, PageAction, PageKind, RouteSpec, Routes};

/// Files of handlers named by the action instead of a segment of the URL.
const ACTION_FILES: [&str; 6] = ["list", "show", "new", "bulk", "update", "receive"];

/// Names of handlers that act on the room as a whole.
const ACTIONS: [&str; 8] = ["list", "show", "new", "create", "update", "bulk", "download", "delete"];

fn routes() -> Vec<RouteSpec> {
    rooms().iter().flat_map(Routes::specs).cloned().collect()
}

/// `["orders", "pages", "show"]` for a handler `mukkeum::orders::pages::show::update`.
fn module(route: &RouteSpec) -> Vec<&'static str> {
    let mut parts: Vec<&str> = route.handler.split("::").skip(1).collect();
    parts.pop();
    parts
}

/// The file of the handler, from the root of the repository.
pub(crate) fn source_file(route: &RouteSpec) -> String {
    format!("src/{}.rs", module(route).join("/"))
}

/// The room of a URL: its first segment, with these exceptions.
fn room(first_segment: &str) -> &str {
    match first_segment {
        "" | "first-steps" => "today",
        "login" | "logout" | "account" | "password" => "members",
        "addresses" => "orders",
        "downloads" => "audit",
        "other-devices" | "phones" => "server",
        "settings" => "config",
        room => room,
    }
}

/// Why a handler is not in the file that the path of its URL names; `has_file` tells whether a file `pages/<name>.rs` of
/// its room exists.
fn misplacement(path: &str, handler: &str, has_file: impl Fn(&str) -> bool) -> Option<String> {
    let parts: Vec<&str> = handler.split("::").skip(1).collect();
    let [room_of_handler, "pages", files @ .., function] = parts.as_slice() else {
        return Some(format!("{handler} is not in a module of pages"));
    };
    let segments: Vec<&str> = path.split('/').skip(1).collect();
    if *room_of_handler != room(segments[0]) {
        return Some(format!("{path} is in the room {room_of_handler}"));
    }
    let fixed = |segments: &[&str]| -> Vec<String> {
        let fixed = segments.iter().filter(|segment| !segment.starts_with('{'));
        fixed.map(|segment| segment.split('.').next().unwrap_or_default().replace('-', "_")).collect()
    };
    if files.is_empty() {
        // The single file of a room: the function is named by the action, or by the last segment below the room.
        let below = fixed(&segments[1..]);
        if let Some(file) = below.iter().find(|name| has_file(name)) {
            return Some(format!("{path} is in pages.rs, though there is a pages/{file}.rs"));
        }
        let is_named = below.last().map_or(ACTIONS.contains(function), |name| function.contains(name.as_str()));
        return (!is_named).then(|| format!("{path} is handled by {function} in pages.rs"));
    }
    let whole = segments.join("_").replace('-', "_").replace("addresses", "address");
    let names: BTreeSet<String> =
        fixed(&segments).into_iter().chain(ACTION_FILES.map(str::to_owned)).chain([whole]).collect();
    let other = files.iter().find(|file| !names.contains(**file));
    other.map(|file| format!("{path} is in the file {file}"))
}

#[test]
fn handlers_are_in_files_named_by_their_url() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    for route in routes() {
        let room_of_handler = module(&route)[0];
        let has_file = |name: &str| root.join(format!("{room_of_handler}/pages/{name}.rs")).is_file();
        assert_eq!(misplacement(route.path, route.handler, has_file), None, "{}", route.method);
        let path = root.join(source_file(&route).trim_start_matches("src/"));
        assert!(path.is_file(), "{}", path.display());
    }
}

#[test]
fn misplaced_handlers_are_found() {
    let fault = |path, handler| misplacement(path, handler, |name| name == "unknown").is_some();
    assert!(!fault("/shop", "mukkeum::shop::pages::update"));
    assert!(!fault("/backup/{index}/take-over", "mukkeum::backup::pages::take_over"));
    assert!(!fault("/backup/key", "mukkeum::backup::pages::create_key"));
    assert!(!fault("/districts/unknown", "mukkeum::districts::pages::unknown::show"));

    assert!(fault("/shop", "mukkeum::backup::pages::show"), "another room");
    assert!(fault("/shop", "mukkeum::shop::store::show"), "no page");
    assert!(fault("/shop", "mukkeum::shop::pages::whatever"), "no action");
    assert!(fault("/shop/logo", "mukkeum::shop::pages::show"), "not named by its URL");
    assert!(fault("/districts/unknown", "mukkeum::districts::pages::show_unknown"), "has a file");
    assert!(fault("/districts/unknown", "mukkeum::districts::pages::import::show"), "another file");
}

fn label(access: Access) -> String {
    let right = |page: PageKind, action: PageAction| format!("{} of {}", action.code(), page.code());
    let fixed = match access {
        Access::Page(page, action) => return right(page, action),
        Access::Reauthenticated(page, action) => return format!("{}, re-authenticated", right(page, action)),
        Access::Public => "public",
        Access::PasswordChange => "member, also with a one-time password",
        Access::Driver => "member, also a driver",
        Access::Admin => "administrator",
        Access::AdminReauthenticated => "administrator, re-authenticated",
    };
    fixed.to_owned()
}

/// A page struct of a room and its template.
struct PageTemplate {
    room: String,
    page: String,
    template: String,
}

/// The templates of all page structs, found in the source.
fn page_templates() -> Vec<PageTemplate> {
    const ATTRIBUTE: &str = "#[template(path = \"";
    let mut found = Vec::new();
    for file in source_files(&Path::new(env!("CARGO_MANIFEST_DIR")).join("src")) {
        let text = std::fs::read_to_string(&file).unwrap_or_default();
        for after in text.split(ATTRIBUTE).skip(1) {
            let (Some((template, _)), Some((_, declared))) = (after.split_once('"'), after.split_once("struct "))
            else {
                continue;
            };
            let page = declared.split(|letter: char| !letter.is_alphanumeric()).next().unwrap_or_default();
            let room = room_of(&file);
            found.push(PageTemplate { room, page: page.to_owned(), template: template.to_owned() });
        }
    }
    found
}

fn source_files(folder: &Path) -> Vec<PathBuf> {
    let entries = std::fs::read_dir(folder).expect("a folder").filter_map(Result::ok).map(|entry| entry.path());
    let (folders, files): (Vec<PathBuf>, Vec<PathBuf>) = entries.partition(|path| path.is_dir());
    files.into_iter().chain(folders.iter().flat_map(|folder| source_files(folder))).collect()
}

/// `orders` for `…/src/orders/pages/show.rs`.
fn room_of(file: &Path) -> String {
    let inside = file.strip_prefix(Path::new(env!("CARGO_MANIFEST_DIR")).join("src")).expect("a source file");
    inside.iter().next().unwrap_or_default().to_string_lossy().into_owned()
}

/// The templates of the pages that a file of handlers names, or a dash where it renders none.
fn templates_of(file: &str, pages: &[PageTemplate]) -> String {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join(file);
    let (room, text) = (room_of(&path), std::fs::read_to_string(&path).unwrap_or_default());
    let words: BTreeSet<&str> = text.split(|letter: char| !letter.is_alphanumeric()).collect();
    let own = format!("{room}/");
    let is_rendered = |page: &&PageTemplate| page.room == room && words.contains(page.page.as_str());
    // Pages of one room that share a name are told apart by the file that declares them.
    let declared: Vec<&PageTemplate> =
        pages.iter().filter(is_rendered).filter(|page| text.contains(&format!("\"{}\"", page.template))).collect();
    let is_named_here = |page: &&PageTemplate| declared.iter().any(|known| known.page == page.page);
    let elsewhere = pages.iter().filter(is_rendered).filter(|page| !is_named_here(page));
    let imported = elsewhere
        .filter(|page| pages.iter().filter(|other| other.room == room && other.page == page.page).count() == 1);
    let names: BTreeSet<String> = declared
        .iter()
        .copied()
        .chain(imported)
        .map(|page| format!("`{}`", page.template.trim_start_matches(&own)))
        .collect();
    if names.is_empty() { "–".to_owned() } else { names.into_iter().collect::<Vec<_>>().join(", ") }
}

#[test]
fn handlers_that_render_a_page_have_its_template() {
    let pages = page_templates();
    assert!(pages.len() > 50, "{} templates", pages.len());
    let of = |file| templates_of(file, &pages);
    assert_eq!(of("src/orders/pages/show.rs"), "`show.html`");
    assert_eq!(of("src/members/pages/new.rs"), "`issued.html`, `new.html`");
    assert_eq!(of("src/districts/pages/of.rs"), "–", "it answers with JSON");
}

fn table() -> String {
    let pages = page_templates();
    let mut text = "# Routes\n\n\
        Every page with the access it requires, the file of its handler, and the templates that this file renders, in\n\
        `templates/<room>`; a dash where it renders none itself. The test `routes_are_listed_in_docs`\n\
        compares this list with the program; `UPDATE_DOCS=1 cargo test --lib app::` writes it.\n\n\
        | method | path | access | source | template |\n| --- | --- | --- | --- | --- |\n"
        .to_owned();
    for route in routes() {
        let (method, path, access) = (route.method.as_str(), route.path, label(route.access));
        let source = source_file(&route);
        let templates = templates_of(&source, &pages);
        // Writing to a `String` does not fail.
        let _ = writeln!(text, "| {method} | `{path}` | {access} | `{source}` | {templates} |");
    }
    text
}

#[test]
fn routes_are_listed_in_docs() {
    let file = PathBuf::from(concat!(env!("CARGO_MANIFEST_DIR"), "/docs/ROUTES.md"));
    if std::env::var_os("UPDATE_DOCS").is_some() {
        std::fs::write(&file, table()).expect("writes the list");
    }
    let listed = std::fs::read_to_string(&file).unwrap_or_default();
    assert!(listed == table(), "docs/ROUTES.md is outdated: UPDATE_DOCS=1 cargo test --lib app::");
}
