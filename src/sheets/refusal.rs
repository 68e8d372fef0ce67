//! Why a file as a whole is refused. The text is for the person who chose the file.

use super::profile::Kind;

/// A file that cannot be used. Nothing of it was taken.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    /// encrypted, and no password was given
    #[error("암호가 걸린 파일이에요. 내려받을 때 정한 비밀번호를 입력해 주세요.")]
    PasswordRequired,
    /// encrypted with another password
    #[error("비밀번호가 맞지 않아요. 내려받을 때 정한 비밀번호를 다시 입력해 주세요.")]
    WrongPassword,
    /// an .xls with a password of its own
    #[error("암호가 걸린 옛 엑셀(.xls) 파일이에요. 엑셀에서 암호를 풀고 .xlsx로 다시 저장해 주세요.")]
    LegacyPassword,
    /// encrypted in a way that is not read here
    #[error("읽을 수 없는 방식으로 암호화된 파일이에요({what}). 엑셀에서 암호를 풀고 다시 저장해 주세요.")]
    UnsupportedEncryption {
        /// the way, for support
        what: String,
    },
    /// no bytes at all
    #[error("빈 파일이에요(0바이트). 다시 내려받아 주세요.")]
    Empty,
    /// more bytes than are taken
    #[error("파일이 너무 커요. {limit_mib}MB까지 올릴 수 있어요. 기간을 나누어 내려받아 주세요.")]
    TooLarge {
        /// what is taken, in MiB
        limit_mib: u64,
    },
    /// more rows than are taken
    #[error("행이 너무 많아요. 한 번에 {limit}행까지 올릴 수 있어요. 기간을 나누어 내려받아 주세요.")]
    TooManyRows {
        /// what is taken
        limit: u32,
    },
    /// more cells, sheets, texts or parts than a real file has
    #[error("파일 안의 내용이 너무 많아요. 필요한 시트만 남겨 .xlsx로 다시 저장해 주세요.")]
    TooManyCells,
    /// cut off or broken
    #[error("파일이 손상되었어요. 다시 내려받아 올려 주세요.")]
    Damaged,
    /// another kind of file
    #[error("엑셀 파일이 아니에요({what}). 판매채널이나 택배사에서 받은 엑셀 파일을 올려 주세요.")]
    NotSpreadsheet {
        /// what it is
        what: String,
    },
    /// a web page saved as .xls
    #[error("HTML로 저장된 파일이에요. 엑셀에서 열어 .xlsx로 다시 저장해 주세요.")]
    Html,
    /// Excel 2003 XML
    #[error("XML로 저장된 엑셀 파일이에요. 엑셀에서 열어 .xlsx로 다시 저장해 주세요.")]
    SpreadsheetXml,
    /// text with commas whose header is that of no known file
    #[error("엑셀 파일이 아니에요(CSV). 판매채널이나 택배사에서 받은 엑셀 파일을 그대로 올려 주세요.")]
    Csv,
    /// no sheet holds a header
    #[error("제목 줄을 찾지 못했어요. 시트가 비어 있거나 아는 양식이 아니에요. 받은 파일을 고치지 말고 올려 주세요.")]
    NoHeader,
    /// nearly a known file
    #[error("{name} {} 파일에 필요한 열이 없어요: {}. 열을 모두 넣어 다시 내려받아 주세요.", .kind.label(), .columns.join(", "))]
    MissingColumns {
        /// name of the channel or courier
        name: String,
        /// what the file was taken for
        kind: Kind,
        /// headers that are not there
        columns: Vec<String>,
    },
    /// a channel was asked for that has no profile
    #[error("모르는 판매채널이에요: {0}.")]
    UnknownChannel(String),
}

impl Refusal {
    /// A stable name for programs.
    pub const fn code(&self) -> &'static str {
        match self {
            Self::PasswordRequired => "password_required",
            Self::WrongPassword => "wrong_password",
            Self::LegacyPassword => "legacy_password",
            Self::UnsupportedEncryption { .. } => "unsupported_encryption",
            Self::Empty => "empty",
            Self::TooLarge { .. } => "too_large",
            Self::TooManyRows { .. } => "too_many_rows",
            Self::TooManyCells => "too_many_cells",
            Self::Damaged => "damaged",
            Self::NotSpreadsheet { .. } => "not_spreadsheet",
            Self::Html => "html",
            Self::SpreadsheetXml => "spreadsheet_xml",
            Self::Csv => "csv",
            Self::NoHeader => "no_header",
            Self::MissingColumns { .. } => "missing_columns",
            Self::UnknownChannel(_) => "unknown_channel",
        }
    }

    pub(super) fn not_spreadsheet(what: &str) -> Self {
        Self::NotSpreadsheet { what: what.to_owned() }
    }
}
