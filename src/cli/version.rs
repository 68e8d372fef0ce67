//! `mukkeum version`: name, version and schema version.

use std::io::{self, Write};

use serde_json::json;

use super::{CommandResult, Outcome};
use crate::storage::schema;

#[derive(clap::Args)]
pub(super) struct Version {
    /// JSON으로 출력해요
    #[arg(long)]
    json: bool,
}

impl Version {
    pub(super) fn run(&self) -> CommandResult {
        let version = env!("CARGO_PKG_VERSION");
        let mut out = io::stdout().lock();
        if self.json {
            writeln!(out, "{}", json!({ "name": "mukkeum", "version": version, "schema": schema::VERSION }))?;
        } else {
            writeln!(out, "mukkeum {version} (데이터 버전 {})", schema::VERSION)?;
        }
        Ok(Outcome::Complete)
    }
}
