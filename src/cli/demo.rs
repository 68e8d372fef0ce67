//! `mukkeum demo`: runs the server on a demo shop in a separate data folder.

use crate::config::{Config, DemoPlan, ResetSchedule};
use crate::demo::DemoError;

use super::{CliError, CommandResult, serve};

/// Maximum number of orders in a public demo: copies stay fast and exports small.
const MAX_PUBLIC_ORDERS: u64 = 5_000;

/// Maximum size of an uploaded file in a public demo, in bytes.
const MAX_PUBLIC_UPLOAD_BYTES: u64 = 2 * 1024 * 1024;

#[derive(clap::Args)]
pub(super) struct Demo {
    /// 연습 주문의 수, 1~1000000 [기본값: 2000]
    #[arg(long, value_name = "N", default_value = "2000",
        value_parser = clap::value_parser!(u64).range(1..=1_000_000))]
    orders: u64,
    /// 처음 상태로 되돌리는 간격: 30m(분), 24h(시간), 7d(일), never(되돌리지 않음) [기본값: 24h]
    #[arg(long, value_name = "TIME", default_value = "24h")]
    reset_every: ResetSchedule,
    /// 인터넷에 공개할 때: 방문자마다 작은 가게를 따로 만들고, 요청과 업로드를 제한해요
    #[arg(long)]
    public: bool,
}

impl Demo {
    /// `opens_browser`: unless the demo is public, whose server has nobody in front of it.
    pub(super) fn run(self, config: Config, opens_browser: bool) -> CommandResult {
        let demo = Some(DemoPlan { orders: self.orders, reset_every: self.reset_every, is_public: self.public });
        if !self.public {
            return serve::run(&Config { demo, ..config }, opens_browser);
        }
        if self.orders > MAX_PUBLIC_ORDERS {
            return Err(CliError(format!(
                "누구나 들어오는 연습 가게의 주문은 {MAX_PUBLIC_ORDERS}건까지예요. --orders를 줄여 주세요."
            )));
        }
        let upload_max_bytes = config.upload_max_bytes.min(MAX_PUBLIC_UPLOAD_BYTES);
        serve::run(&Config { upload_max_bytes, demo, ..config }, false)
    }
}

impl From<DemoError> for CliError {
    fn from(error: DemoError) -> Self {
        match error {
            DemoError::Storage(error) => error.into(),
            other => Self(other.to_string()),
        }
    }
}
