//! `mukkeum demo`: `serve` on a training shop, in a folder of its own.
//!
//! What is made anew is emptied first, so real data and practice never share a folder. A file marks
//! the folder of a training shop: without it `demo` leaves a database alone, with it `serve` does.

use crate::config::{Config, Database};
use crate::demo::{DemoError, DemoPlan, ResetSchedule};

use super::{Failure, Outcome, serve};

/// The folder of the training shop when `--data` names none.
pub(super) const FOLDER: &str = "demo-data";

/// The file that marks the folder of a training shop.
const MARKER: &str = "demo";

/// Orders of a shop that is open to everybody: so few that its copies are quickly made and no download
/// is a burden.
const PUBLIC_ORDERS: u64 = 5_000;

/// The largest file that such a shop takes.
const PUBLIC_UPLOAD_BYTES: u64 = 2 * 1024 * 1024;

const MARKER_WORDS: &str = "묶음의 교육용 가게예요. 여기 있는 데이터는 때가 되면 모두 지우고 새로 만들어요.\n";

#[derive(clap::Args)]
pub(super) struct Demo {
    /// 연습 주문의 수, 1~1000000 [기본값: 2000]
    #[arg(long, value_name = "N", default_value = "2000", hide_default_value = true,
        value_parser = clap::value_parser!(u64).range(1..=1_000_000))]
    orders: u64,
    /// 처음으로 되돌리는 간격: 30m(분), 24h(시간), 7d(일), never(되돌리지 않음) [기본값: 24h]
    #[arg(long, value_name = "TIME", default_value = "24h", hide_default_value = true)]
    reset_every: ResetSchedule,
    /// 누구나 들어오는 곳에 켤 때: 손님마다 작은 가게를 따로 주고, 요청과 업로드를 제한해요
    #[arg(long)]
    public: bool,
}

impl Demo {
    pub(super) fn run(self, config: Config) -> Outcome {
        let demo = Some(DemoPlan { orders: self.orders, reset_every: self.reset_every, is_public: self.public });
        if !self.public {
            return serve::run(&Config { demo, ..config }, false);
        }
        if self.orders > PUBLIC_ORDERS {
            return Err(Failure(format!(
                "누구나 들어오는 연습 가게의 주문은 {PUBLIC_ORDERS}건까지예요. --orders를 줄여 주세요."
            )));
        }
        let upload_max_bytes = config.upload_max_bytes.min(PUBLIC_UPLOAD_BYTES);
        serve::run(&Config { upload_max_bytes, demo, ..config }, false)
    }
}

impl From<DemoError> for Failure {
    fn from(error: DemoError) -> Self {
        match error {
            DemoError::Storage(error) => error.into(),
            other => Self(other.to_string()),
        }
    }
}

/// Refuses the folder of the other kind of shop, and marks that of a new training shop. Wants the
/// folder's lock.
pub(super) fn keep_apart(config: &Config) -> Result<(), Failure> {
    let (folder, marker) = (config.data.display(), config.data.join(MARKER));
    let file = match &config.database {
        Database::Sqlite(file) => Some(file),
        Database::MariaDb(_) => None,
    };
    if config.demo.is_none() {
        if marker.is_file() || file.is_some_and(|file| file.with_file_name(MARKER).is_file()) {
            return Err(Failure(format!(
                "교육용 가게의 폴더예요: {folder}\n연습하려면 mukkeum demo로 켜고, 진짜 가게라면 다른 폴더를 --data로 알려 주세요."
            )));
        }
        return Ok(());
    }
    if config.database != Database::of_folder(&config.data) {
        return Err(Failure(
            "교육용 가게는 자기 폴더에만 데이터를 둬요. --database(MUKKEUM_DATABASE) 설정을 빼 주세요.".to_owned(),
        ));
    }
    if marker.is_file() {
        return Ok(());
    }
    if file.is_some_and(|file| file.exists()) {
        return Err(Failure(format!(
            "교육용 가게가 아닌 데이터가 있는 폴더예요: {folder}\n교육용 가게는 데이터를 지우고 새로 만드니, 다른 폴더를 --data로 알려 주세요."
        )));
    }
    Ok(std::fs::write(marker, MARKER_WORDS)?)
}
