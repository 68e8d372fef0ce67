//! Description of a browser by its `User-Agent`, for members to recognise their devices. Nothing else depends on it.

/// Substrings of user agents and the names of their devices. The first match wins: an iPad may claim to be a Mac, and
/// Android phones claim to be Linux.
const DEVICES: [(&str, &str); 9] = [
    ("iPhone", "아이폰"),
    ("iPad", "아이패드"),
    ("Android", "안드로이드"),
    ("Windows", "윈도우 컴퓨터"),
    ("Macintosh", "맥"),
    ("CrOS", "크롬북"),
    ("Linux", "리눅스 컴퓨터"),
    ("curl/", "프로그램"),
    ("Wget/", "프로그램"),
];

/// The same for browsers, nearly all of which also claim to be Chrome and Safari.
const BROWSERS: [(&str, &str); 12] = [
    ("KAKAOTALK", "카카오톡"),
    ("NAVER(", "네이버 앱"),
    ("Whale/", "웨일"),
    ("SamsungBrowser/", "삼성 인터넷"),
    ("Edg", "엣지"),
    ("OPR/", "오페라"),
    ("Firefox/", "파이어폭스"),
    ("FxiOS/", "파이어폭스"),
    ("CriOS/", "크롬"),
    ("HeadlessChrome/", "크롬"),
    ("Chrome/", "크롬"),
    ("Safari/", "사파리"),
];

/// Device and browser: `윈도우 컴퓨터 · 크롬`.
pub(super) fn describe(user_agent: &str) -> String {
    let find = |names: &[(&str, &'static str)]| {
        names.iter().find(|(substring, _)| user_agent.contains(substring)).map(|(_, name)| *name)
    };
    let device = match find(&DEVICES) {
        Some("안드로이드") if user_agent.contains("Mobile") => Some("안드로이드 휴대전화"),
        Some("안드로이드") => Some("안드로이드 태블릿"),
        device => device,
    };
    match (device, find(&BROWSERS)) {
        (Some(device), Some(browser)) => format!("{device} · {browser}"),
        (Some(one), None) | (None, Some(one)) => one.to_owned(),
        (None, None) => "알 수 없는 기기".to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::describe;

    #[test]
    fn common_browsers_are_described() {
        for (user_agent, description) in [
            (
                "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/142.0.0.0 Safari/537.36",
                "윈도우 컴퓨터 · 크롬",
            ),
            (
                "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/142.0.0.0 Safari/537.36 Edg/142.0.0.0",
                "윈도우 컴퓨터 · 엣지",
            ),
            (
                "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/134.0.0.0 Whale/4.31.304.16 Safari/537.36",
                "윈도우 컴퓨터 · 웨일",
            ),
            (
                "Mozilla/5.0 (iPhone; CPU iPhone OS 18_7 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/26.0 Mobile/15E148 Safari/604.1",
                "아이폰 · 사파리",
            ),
            (
                "Mozilla/5.0 (Linux; Android 10; K) AppleWebKit/537.36 (KHTML, like Gecko) SamsungBrowser/29.0 Chrome/136.0.0.0 Mobile Safari/537.36",
                "안드로이드 휴대전화 · 삼성 인터넷",
            ),
            (
                "Mozilla/5.0 (Linux; Android 15; SM-X910) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/142.0.0.0 Safari/537.36",
                "안드로이드 태블릿 · 크롬",
            ),
            ("Mozilla/5.0 (Macintosh; Intel Mac OS X 10.15; rv:145.0) Gecko/20100101 Firefox/145.0", "맥 · 파이어폭스"),
            ("curl/8.14.1", "프로그램"),
            ("", "알 수 없는 기기"),
        ] {
            assert_eq!(describe(user_agent), description, "{user_agent}");
        }
    }
}
