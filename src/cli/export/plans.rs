//! `mukkeum export plans`: prints the plan of a day.

use std::io::{self, Write};

use super::{CliError, CommandResult, Outcome, block_on, open_existing};
use crate::access::{self, AccessedOrders, Accessor};
use crate::config::Config;
use crate::districts::DistrictCache;
use crate::plans::board;
use crate::plans::export::DayExport;
use crate::storage::{StorageError, Tx};
use crate::time::parse_date;

#[derive(clap::Args)]
pub(in crate::cli) struct Plans {
    /// 날짜, YYYY-MM-DD [기본값: 오늘]
    #[arg(long, value_name = "DATE")]
    day: Option<String>,
    /// 용도. 접속기록에 남아요
    #[arg(long, value_name = "WORDS", default_value = "")]
    purpose: String,
    /// JSON으로 출력해요
    #[arg(long)]
    json: bool,
}

impl Plans {
    pub(super) fn run(self, config: &Config) -> CommandResult {
        let day = match self.day.as_deref() {
            None => None,
            Some(text) => match parse_date(text) {
                Some(day) => Some(day),
                None => return Err(CliError(format!("--day '{text}': 2026-12-01처럼 입력해 주세요."))),
            },
        };
        let storage = open_existing(config)?;
        let day = day.unwrap_or_else(|| storage.clock().now().date());
        let (export, text) = block_on(async {
            let districts = DistrictCache::default();
            let read = storage.read_replica(move |tx| {
                let districts = districts.current(tx)?;
                let board = board::load(tx, &districts, day)?;
                let accessed: AccessedOrders = board.order_ids().collect();
                let export = DayExport::from(&board);
                let text = export.to_text(&board);
                Ok::<_, StorageError>((export, text, accessed))
            });
            let (export, text, accessed) = read.await?;
            let (source, note) = (format!("/plans?day={day}"), self.purpose);
            let record = move |tx: &mut dyn Tx| {
                access::record_download(tx, Accessor::CommandLine, &source, &note, accessed.clone())
            };
            storage.write(record).await?;
            Ok::<_, CliError>((export, text))
        })?;
        let mut out = io::stdout().lock();
        if self.json {
            serde_json::to_writer(&mut out, &export).map_err(io::Error::from)?;
            writeln!(out)?;
        } else {
            writeln!(out, "{text}")?;
        }
        Ok(Outcome::Complete)
    }
}
