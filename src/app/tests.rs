//! The routes of all rooms: their list in `docs/ROUTES.md`, and the files of their handlers.

use std::collections::BTreeSet;
use std::fmt::Write;
use std::path::{Path, PathBuf};

use super::rooms;
use crate::web::{Access, RouteSpec, Routes};

/// Files of handlers named by the action instead of a segment of the URL.
const ACTION_FILES: [&str; 6] = ["list", "show", "new", "bulk", "update", "receive"];

fn routes() -> Vec<RouteSpec> {
    rooms().iter().flat_map(Routes::specs).cloned().collect()
}

/// `["orders", "pages", "show"]` for a handler `mukkeum::orders::pages::show::update`.
fn module(route: &RouteSpec) -> Vec<&'static str> {
    let mut parts: Vec<&str> = route.handler.split("::").skip(1).collect();
    parts.pop();
    parts
}

fn source_file(route: &RouteSpec) -> String {
    format!("src/{}.rs", module(route).join("/"))
}

/// The room of a URL: its first segment, with these exceptions.
fn room(first_segment: &str) -> &str {
    match first_segment {
        "" => "today",
        "login" | "logout" | "account" | "password" => "members",
        "addresses" => "orders",
        "downloads" => "audit",
        "other-devices" => "server",
        room => room,
    }
}

#[test]
fn handlers_are_in_files_named_by_their_url() {
    for route in routes() {
        let segments: Vec<&str> = route.path.split('/').skip(1).collect();
        let [room_of_handler, "pages", files @ ..] = &*module(&route) else {
            panic!("{} is not in a module of pages", route.handler);
        };
        assert_eq!(*room_of_handler, room(segments[0]), "{} {}", route.method, route.path);
        let names: BTreeSet<String> = segments
            .iter()
            .filter(|segment| !segment.starts_with('{'))
            .map(|segment| segment.split('.').next().unwrap_or_default().replace('-', "_"))
            .chain(ACTION_FILES.map(str::to_owned))
            .chain([segments.join("_").replace('-', "_").replace("addresses", "address")])
            .collect();
        for file in files {
            assert!(names.contains(*file), "{} {} is in {}", route.method, route.path, source_file(&route));
        }
        let path = Path::new(env!("CARGO_MANIFEST_DIR")).join(source_file(&route));
        assert!(path.is_file(), "{}", path.display());
    }
}

fn label(access: Access) -> &'static str {
    match access {
        Access::Public => "public",
        Access::PasswordChange => "member, also with a one-time password",
        Access::Member => "member",
        Access::Admin => "administrator",
        Access::AdminReauthenticated => "administrator, re-authenticated",
    }
}

fn table() -> String {
    let mut text = "# Routes\n\n\
        Every page with the access it requires and the file of its handler. The test `routes_are_listed_in_docs` compares this list\n\
        with the program; `UPDATE_DOCS=1 cargo test --lib app::` writes it.\n\n\
        | method | path | access | source |\n| --- | --- | --- | --- |\n"
        .to_owned();
    for route in routes() {
        let (method, path, access) = (route.method.as_str(), route.path, label(route.access));
        // Writing to a `String` does not fail.
        let _ = writeln!(text, "| {method} | `{path}` | {access} | `{}` |", source_file(&route));
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
