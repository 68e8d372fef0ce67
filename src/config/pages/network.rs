//! `POST /settings/network`: who can connect, and at which port.

use std::io;
use std::net::{IpAddr, Ipv4Addr, SocketAddr, TcpListener};

use askama::Template;
use axum::extract::State;
use axum::http::{HeaderValue, header};
use serde::Deserialize;

use super::Context;
use super::show::SettingsPage;
use crate::audit::MemberActor;
use crate::config::Config;
use crate::server::Endpoints;
use crate::server::plain_http::PHONES_PATH;
use crate::web::{Form, Layout, PageResult, page};

#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct NetworkForm {
    /// `others` if other devices can connect
    pub(super) access: String,
    pub(super) port: String,
    /// withdraws what the page has saved
    pub(super) reset: Option<String>,
}

impl NetworkForm {
    pub(super) fn of(config: &Config, port: u16) -> Self {
        let is_local = config.listen.ip().to_canonical().is_loopback();
        let access = if is_local { "local" } else { "others" };
        Self { access: access.to_owned(), port: port.to_string(), reset: None }
    }

    pub(super) fn is_for_others(&self) -> bool {
        self.access == "others"
    }

    /// The address to listen at.
    fn address(&self) -> Result<SocketAddr, String> {
        let port = self.port.trim().parse::<u16>().ok().filter(|port| *port > 0);
        let port = port.ok_or_else(|| "포트는 1에서 65535 사이의 숫자로 입력해 주세요. 보통 8080이에요.".to_owned())?;
        let ip = if self.is_for_others() { Ipv4Addr::UNSPECIFIED } else { Ipv4Addr::LOCALHOST };
        Ok(SocketAddr::new(IpAddr::V4(ip), port))
    }
}

/// The server restarts at another URL, to which the page leads.
#[derive(Template)]
#[template(path = "config/restarting.html")]
struct RestartingPage {
    layout: Layout,
    /// URL on this computer
    local_url: String,
    lan_urls: Vec<String>,
    /// URL of 휴대전화 준비
    phones_url: Option<String>,
    warns: bool,
    demands_totp: bool,
}

/// `POST /settings/network`
pub(super) async fn update(
    State(context): State<Context>,
    layout: Layout,
    actor: MemberActor,
    Form(form): Form<NetworkForm>,
) -> PageResult {
    context.check_real_shop()?;
    let config = &context.config;
    let is_reset = form.reset.is_some();
    let problem = if config.layers.source("listen").is_fixed() {
        Err("실행할 때의 옵션이나 환경 변수가 접속 주소를 정했어요. 그것을 빼고 프로그램을 다시 켠 다음 바꿔 주세요."
            .to_owned())
    } else if is_reset {
        Ok(None)
    } else {
        form.address().and_then(|address| try_to_bind(address, &context.endpoints).map(|()| Some(address)))
    };
    let saved = match problem {
        Ok(address) => {
            // A certificate of one's own or a proxy encrypts already.
            let offers_ca = !config.behind_tls || config.uses_shop_ca();
            let change = |page: &mut crate::config::PageSettings| {
                page.listen = address.map(|address| address.to_string());
                page.tls = address.filter(|_| offers_ca).map(|address| !address.ip().is_loopback());
            };
            context.save(actor, change).await?
        }
        Err(problem) => Err(problem),
    };
    let next = match saved {
        Ok(Some(next)) => next,
        Ok(None) => return context.redirect(actor, "바뀐 것이 없어요.").await,
        Err(problem) => {
            let mut shown = SettingsPage::new(&context, layout).await?;
            (shown.network, shown.network_problem) = (form, Some(problem));
            return Ok(shown.unprocessable());
        }
    };
    let before = Endpoints::of(config);
    let after = Endpoints::of(&next);
    if before.local_url() == after.local_url() && before.is_public() == after.is_public() {
        return context.redirect(actor, "설정을 저장하고 프로그램을 다시 켰어요.").await;
    }
    let uses_ca = next.uses_shop_ca();
    let warns = uses_ca && !config.uses_shop_ca();
    let local_url = after.local_url();
    // A browser that warns must be led by a person.
    let refresh =
        (!warns).then(|| HeaderValue::from_str(&format!("3; url={local_url}/other-devices"))).and_then(Result::ok);
    let phones_url = if uses_ca { after.plain_url() } else { after.lan_urls().into_iter().next() };
    let mut response = page(RestartingPage {
        layout,
        lan_urls: after.lan_urls(),
        phones_url: phones_url.map(|url| format!("{url}{PHONES_PATH}")),
        warns,
        demands_totp: next.demands_admin_totp(after.is_public()) && !config.demands_admin_totp(before.is_public()),
        local_url,
    });
    if let Some(refresh) = refresh {
        response.headers_mut().insert(header::REFRESH, refresh);
    }
    Ok(response)
}

/// Tries whether the address can be bound. The port that this server holds cannot be tried.
fn try_to_bind(address: SocketAddr, endpoints: &Endpoints) -> Result<(), String> {
    if endpoints.is_inherited && address != endpoints.address {
        return Err(format!(
            "systemd가 {} 주소로 접속을 받고 있어서 여기서는 주소를 바꿀 수 없어요. 이 컴퓨터의 터미널에서 \
             sudo mukkeum service install --listen {address}를 실행하면 바뀌어요.",
            endpoints.address
        ));
    }
    if address.port() == endpoints.address.port() {
        return Ok(());
    }
    let port = address.port();
    match TcpListener::bind(address) {
        Ok(_) => Ok(()),
        Err(error) => Err(match error.kind() {
            io::ErrorKind::AddrInUse => {
                format!("{port}번 포트를 다른 프로그램이 쓰고 있어요. 다른 번호를 입력해 주세요. 예: {}", suggest(port))
            }
            io::ErrorKind::PermissionDenied => {
                format!("{port}번 포트를 쓸 권한이 없어요. 1024보다 큰 번호를 입력해 주세요. 예: 8080")
            }
            _ => format!("{port}번 포트를 열지 못했어요 ({error}). 다른 번호를 입력해 주세요."),
        }),
    }
}

/// A port near `port` that is free at present.
fn suggest(port: u16) -> u16 {
    let mut near = (1..20).filter_map(|step| port.checked_add(step));
    near.find(|port| TcpListener::bind((Ipv4Addr::LOCALHOST, *port)).is_ok()).unwrap_or(8080)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn address_of_a_socket_of_systemd_is_not_changed_here() {
        let address: SocketAddr = "127.0.0.1:8080".parse().expect("an address");
        let inherited = Endpoints { is_inherited: true, ..Endpoints::new(address, false, false) };
        assert_eq!(try_to_bind(address, &inherited), Ok(()), "the encryption can be changed");
        let other = "0.0.0.0:8080".parse().expect("an address");
        let refused = try_to_bind(other, &inherited).expect_err("another address");
        assert!(refused.contains("systemd") && refused.contains("--listen 0.0.0.0:8080"), "{refused}");
        assert_eq!(try_to_bind(other, &Endpoints { is_inherited: false, ..inherited }), Ok(()), "the own port");
    }
}
