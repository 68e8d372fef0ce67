//! Errors of a spreadsheet file as a whole. The messages are shown to the person who chose the file.

/// Why a spreadsheet file cannot be read.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SheetError {
    /// encrypted, and no password was given
    #[error("비밀번호가 걸린 파일이에요. 내려받을 때 정한 비밀번호를 입력해 주세요.")]
    PasswordRequired,
    /// encrypted with another password
    #[error("비밀번호가 맞지 않아요. 내려받을 때 정한 비밀번호를 다시 입력해 주세요.")]
    WrongPassword,
    /// an .xls with BIFF encryption
    #[error("비밀번호가 걸린 옛 엑셀(.xls) 파일이에요. 엑셀에서 비밀번호를 풀고 .xlsx로 다시 저장해 주세요.")]
    LegacyPassword,
    /// unsupported encryption
    #[error("읽을 수 없는 방식으로 암호화된 파일이에요({what}). 엑셀에서 비밀번호를 풀고 다시 저장해 주세요.")]
    UnsupportedEncryption {
        /// the algorithm, for support requests
        what: String,
    },
    /// zero bytes
    #[error("빈 파일이에요(0바이트). 다시 내려받아 주세요.")]
    Empty,
    /// the file exceeds the byte limit
    #[error("파일이 너무 커요. {limit_mib}MB까지 올릴 수 있어요. 기간을 나누어 내려받아 주세요.")]
    TooLarge {
        /// the limit in MiB
        limit_mib: u64,
    },
    /// the sheet exceeds the row limit
    #[error("행이 너무 많아요. 한 번에 {limit}행까지 올릴 수 있어요. 기간을 나누어 내려받아 주세요.")]
    TooManyRows {
        /// the limit
        limit: u32,
    },
    /// a line of text exceeds the limit
    #[error("{row}행이 너무 길어요. 줄바꿈이 빠진 파일일 수 있으니 다시 내려받아 올려 주세요.")]
    LineTooLong {
        /// its row number
        row: u32,
    },
    /// the file exceeds a limit of cells, sheets, texts or parts
    #[error("파일 안의 내용이 너무 많아요. 필요한 시트만 남겨 .xlsx로 다시 저장해 주세요.")]
    TooManyCells,
    /// truncated or corrupt
    #[error("파일이 손상되었어요. 다시 내려받아 올려 주세요.")]
    Damaged,
    /// another file type
    #[error("엑셀 파일이 아니에요({what}). 판매채널이나 택배사에서 받은 엑셀 파일을 올려 주세요.")]
    NotSpreadsheet {
        /// its type, in Korean
        what: String,
    },
    /// a web page without a table, such as a login page
    #[error("표가 없는 웹 페이지예요. 로그인이 풀렸을 수 있어요. 판매채널에 다시 로그인해 파일을 내려받아 주세요.")]
    Html,
}

impl SheetError {
    /// Stable code, for JSON.
    pub const fn code(&self) -> &'static str {
        match self {
            Self::PasswordRequired => "password_required",
            Self::WrongPassword => "wrong_password",
            Self::LegacyPassword => "legacy_password",
            Self::UnsupportedEncryption { .. } => "unsupported_encryption",
            Self::Empty => "empty",
            Self::TooLarge { .. } => "too_large",
            Self::TooManyRows { .. } => "too_many_rows",
            Self::LineTooLong { .. } => "line_too_long",
            Self::TooManyCells => "too_many_cells",
            Self::Damaged => "damaged",
            Self::NotSpreadsheet { .. } => "not_spreadsheet",
            Self::Html => "html",
        }
    }

    pub(super) fn not_spreadsheet(what: &str) -> Self {
        Self::NotSpreadsheet { what: what.to_owned() }
    }
}
