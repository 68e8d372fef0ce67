//! Errors of an uploaded file as a whole. The messages are shown to the person who chose the file.

use super::profile::FileKind;
use crate::sheets::SheetError;

/// Why a file is rejected as a whole. None of its rows are imported.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum FileError {
    /// the file is no readable spreadsheet
    #[error(transparent)]
    Sheet(#[from] SheetError),
    /// a CSV without a known header
    #[error("엑셀 파일이 아니에요(CSV). 판매채널이나 택배사에서 받은 엑셀 파일을 그대로 올려 주세요.")]
    Csv,
    /// no sheet has a known header
    #[error(
        "제목 줄을 찾지 못했어요. 시트가 비어 있거나 아는 양식이 아니에요. 받은 파일을 그대로 올리거나, 업로드 화면에서 새 양식을 만들어 주세요."
    )]
    NoHeader,
    /// columns of the most similar profile are missing
    #[error("{name} {} 파일에 필요한 열이 없어요: {}. 열을 모두 넣어 다시 내려받거나, 이름이 바뀐 열이면 업로드 화면에서 어느 열인지 알려 주세요.", .kind.label(), .columns.join(", "))]
    MissingColumns {
        /// name of the channel or courier
        name: String,
        /// its file kind
        kind: FileKind,
        /// missing headers
        columns: Vec<String>,
    },
    /// a courier's list where a channel's own is wanted
    #[error("택배사의 송장 목록이에요. 대조할 수 없으니 업로드 화면에 올려 주세요.")]
    TrackingList,
    /// the requested channel has no profile
    #[error("모르는 판매채널이에요: {0}.")]
    UnknownChannel(String),
}

impl FileError {
    /// Stable code, for JSON.
    pub const fn code(&self) -> &'static str {
        match self {
            Self::Sheet(error) => error.code(),
            Self::Csv => "csv",
            Self::NoHeader => "no_header",
            Self::MissingColumns { .. } => "missing_columns",
            Self::TrackingList => "tracking_list",
            Self::UnknownChannel(_) => "unknown_channel",
        }
    }

    /// Whether the file can be read, but no profile matches it: its columns can be taught.
    pub const fn is_unknown_form(&self) -> bool {
        matches!(self, Self::Csv | Self::NoHeader | Self::MissingColumns { .. })
    }

    /// Whether the file can be opened with a (different) password.
    pub const fn needs_password(&self) -> bool {
        matches!(self, Self::Sheet(SheetError::PasswordRequired | SheetError::WrongPassword))
    }
}
