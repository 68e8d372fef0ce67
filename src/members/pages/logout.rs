//! Logout.

use crate::web::{BrowserSession, FormPairs, PageResult, redirect};

pub(super) async fn log_out(browser: BrowserSession, _: FormPairs) -> PageResult {
    let cookie = browser.log_out().await?;
    Ok(cookie.add_to(redirect("/login?bye=1")))
}
