//! The startup banner on the console: URLs, data folder, accounts of a demo, setup code of a new shop.

use std::io::{self, IsTerminal, Write};

use crate::demo::ACCOUNTS;
use crate::server::plain_http::PHONES_PATH;
use crate::web::{self, AppState};

/// Writes the banner. `is_new`: the shop has no members yet.
pub(super) fn write(out: &mut impl Write, state: &AppState, is_new: bool) -> io::Result<()> {
    let data = std::path::absolute(&state.config.data).unwrap_or_else(|_| state.config.data.clone());
    let lan_urls = state.urls.lan_urls();
    let demo_label = if state.demo.is_some() { " 교육용" } else { "" };
    writeln!(out, "묶음 {}{demo_label}", env!("CARGO_PKG_VERSION"))?;
    writeln!(out, "  주소          {}", state.urls.local_url())?;
    for url in &lan_urls {
        writeln!(out, "  다른 기기     {url}")?;
    }
    if let Some(certificate) = state.urls.certificate() {
        writeln!(out, "  인증서 지문   {}", certificate.fingerprint)?;
    }
    if let (Some(ca), Some(url)) = (state.urls.ca(), state.urls.plain_url()) {
        writeln!(out, "  가게 인증서   {}", ca.info.fingerprint)?;
        writeln!(out, "  휴대전화 준비 {url}{PHONES_PATH}")?;
    }
    writeln!(out, "  데이터 폴더   {}", data.display())?;
    writeln!(out, "  데이터베이스  {}", state.storage.describe())?;
    let qr_code = lan_urls.first().and_then(|url| web::qr::terminal(url));
    if let Some(qr_code) = qr_code.filter(|_| io::stdout().is_terminal()) {
        writeln!(out, "\n{qr_code}\n  휴대전화로 찍으면 열려요.")?;
    }
    if state.urls.is_insecure() {
        writeln!(out)?;
        writeln!(out, "  조심하세요: 다른 기기와 오가는 비밀번호와 주문이 암호화되지 않아요.")?;
        writeln!(out, "  --tls를 붙여 다시 켜면 암호화해요.")?;
        tracing::warn!(address = %state.urls.address, "다른 기기와 오가는 내용이 암호화되지 않아요");
    }
    if let Some(demo) = &state.demo {
        writeln!(out)?;
        writeln!(out, "  연습 데이터로 채운 교육용 가게예요. 실제 주문은 올리지 마세요.")?;
        for account in ACCOUNTS {
            writeln!(out, "  {}: 아이디 {}, 비밀번호 {}", account.role.label(), account.username, account.password)?;
        }
        if let Some(next_reset) = demo.next_reset_text(state.now()) {
            writeln!(out, "  {next_reset}")?;
        }
    }
    if is_new {
        writeln!(out)?;
        writeln!(out, "  아직 회원이 없어요. 이 주소를 열어 첫 관리자를 만들어 주세요.")?;
        writeln!(out, "  {}{}", state.urls.local_url(), state.setup_code.path())?;
        writeln!(out, "  다른 주소로 열면 설치 확인 번호를 입력해 주세요: {}", state.setup_code)?;
    }
    Ok(())
}
