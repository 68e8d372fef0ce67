//! `mukkeum version`.

use std::io::{self, Write};

use serde_json::json;

use super::{Done, Outcome};
use crate::storage::schema;

#[derive(clap::Args)]
pub(super) struct Version {
    /// 다른 프로그램이 읽을 수 있게 JSON으로
    #[arg(long)]
    json: bool,
}

impl Version {
    pub(super) fn run(&self) -> Outcome {
        let version = env!("CARGO_PKG_VERSION");
        let mut out = io::stdout().lock();
        if self.json {
            writeln!(out, "{}", json!({ "name": "mukkeum", "version": version, "schema": schema::VERSION }))?;
        } else {
            writeln!(out, "mukkeum {version} (데이터 버전 {})", schema::VERSION)?;
        }
        Ok(Done::Whole)
    }
}
