//! Topics of the manual: Markdown rendered to HTML, and the search. A topic is about a screen or about a job (일).

use pulldown_cmark::{Event, HeadingLevel, Options, Parser, Tag, TagEnd, html};
use rust_embed::Embed;

use crate::members::model::Role;

#[derive(Embed)]
#[folder = "assets/help"]
struct HelpFiles;

/// Topic names in the order of the list: file name without `.md` and last URL segment.
pub const TOPICS: [&str; 39] = [
    "job-orders",
    "job-factory",
    "job-phone",
    "job-parcel",
    "job-delivery",
    "job-driver",
    "job-claims",
    "job-close",
    "start",
    "today",
    "uploads",
    "profiles",
    "orders",
    "order",
    "counter",
    "downloads",
    "reconcile",
    "states",
    "deliveries",
    "slips",
    "plans",
    "notices",
    "drive",
    "trucks",
    "districts",
    "products",
    "access",
    "breaches",
    "requests",
    "members",
    "roles",
    "account",
    "shop",
    "settings",
    "other-devices",
    "phones",
    "backup",
    "trouble",
    "practice",
];

/// Names of the topics about jobs begin so.
const JOB_PREFIX: &str = "job-";

/// Characters of an excerpt before and after the match.
const EXCERPT_CONTEXT_CHARS: usize = 50;

/// Page of the manual.
#[derive(Clone, Debug)]
pub struct Topic {
    /// Last URL segment.
    pub name: &'static str,
    /// First heading.
    pub title: String,
    /// HTML below the first heading.
    pub html: String,
    /// Text before the first subheading: for a job, what it is for.
    pub lead: String,
    /// What one presses, in order: the bold words of the first numbered list.
    pub clicks: Vec<String>,
    /// Plain text by heading for the search; the first section is the text before the first subheading.
    sections: Vec<TopicSection>,
}

impl Topic {
    /// Whether the topic is about a job instead of a screen.
    pub fn is_job(&self) -> bool {
        self.name.starts_with(JOB_PREFIX)
    }

    /// The section of the list: `job` or `screen`.
    pub fn section(&self) -> &'static str {
        if self.is_job() { "job" } else { "screen" }
    }
}

/// The jobs of a role, in the order of the day.
pub fn jobs(topics: &[Topic], role: Role) -> Vec<&Topic> {
    let names: &[&str] = match role {
        Role::Admin | Role::Orders => {
            &["job-orders", "job-factory", "job-phone", "job-parcel", "job-delivery", "job-claims", "job-close"]
        }
        Role::Logistics => &["job-delivery", "job-driver"],
        Role::Support => &["job-phone", "job-claims"],
        Role::Viewer => &[],
        Role::Driver => &["job-driver"],
    };
    names.iter().filter_map(|name| find(topics, name)).collect()
}

#[derive(Clone, Debug, Default)]
struct TopicSection {
    title: String,
    text: String,
}

/// Search result: a section that contains all words.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SearchHit {
    /// URL: `/help/orders#s2`.
    pub href: String,
    /// Topic title, followed by the section's heading if it has one.
    pub title: String,
    /// Text around the first match.
    pub excerpt: String,
}

/// Parses all topics, in list order. `picture_url` maps the file name of a picture to its URL.
pub fn load(picture_url: impl Fn(&str) -> String) -> Vec<Topic> {
    TOPICS.into_iter().map(|name| parse(name, &picture_url)).collect()
}

/// Topic by name.
pub fn find<'t>(topics: &'t [Topic], name: &str) -> Option<&'t Topic> {
    topics.iter().find(|topic| topic.name == name)
}

/// Name of the topic about the screen at a path; `None` for paths that are not screens.
pub fn topic_for(path: &str) -> Option<&'static str> {
    let parts: Vec<&str> = path.trim_matches('/').split('/').collect();
    Some(match parts.as_slice() {
        [""] => "today",
        ["setup", ..] => "start",
        ["orders"] | ["orders", "columns"] | ["actions" | "search", ..] => "orders",
        ["orders", "new"] => "counter",
        ["orders", "download" | "files"] | ["downloads", ..] => "downloads",
        ["orders" | "consumer", ..] => "order",
        ["uploads", _, "form"] | ["channels", ..] => "profiles",
        ["uploads", ..] => "uploads",
        ["reconcile", ..] => "reconcile",
        ["deliveries", "slips"] | ["deliveries", _, "slip"] => "slips",
        ["deliveries", ..] => "deliveries",
        ["plans" | "sites", ..] => "plans",
        ["notices", ..] => "notices",
        ["drive", ..] => "drive",
        ["trucks" | "learning", ..] => "trucks",
        ["districts", ..] => "districts",
        ["products", ..] => "products",
        ["privacy", "breaches", ..] => "breaches",
        ["privacy", "people" | "requests", ..] => "requests",
        ["access" | "privacy", ..] => "access",
        ["members", "roles"] | ["masking", ..] => "roles",
        ["members", ..] => "members",
        ["login" | "account" | "password", ..] => "account",
        ["shop"] => "shop",
        ["settings", ..] => "settings",
        ["other-devices"] => "other-devices",
        ["phones", ..] => "phones",
        ["backup", ..] => "backup",
        ["practice", ..] => "practice",
        _ => return None,
    })
}

/// Parses the Markdown file of a topic. Headings get the ids `s1`, `s2`, … that search hits link to.
fn parse(name: &'static str, picture_url: &impl Fn(&str) -> String) -> Topic {
    let file = HelpFiles::get(&format!("{name}.md")).map(|file| file.data).unwrap_or_default();
    let text = String::from_utf8_lossy(&file);
    let mut sections = vec![TopicSection::default()];
    let (mut events, mut heading) = (Vec::new(), None);
    let mut clicks = Clicks::default();
    for event in Parser::new_ext(&text, Options::ENABLE_TABLES) {
        clicks.read(&event);
        match event {
            Event::Start(Tag::Heading { level: HeadingLevel::H1, .. }) => heading = Some(HeadingLevel::H1),
            Event::End(TagEnd::Heading(HeadingLevel::H1)) => heading = None,
            Event::Start(Tag::Heading { level, classes, attrs, .. }) => {
                let id = Some(format!("s{}", sections.len()).into());
                sections.push(TopicSection::default());
                heading = Some(level);
                events.push(Event::Start(Tag::Heading { level, id, classes, attrs }));
            }
            event => {
                if let (Event::Text(text) | Event::Code(text), Some(section)) = (&event, sections.last_mut()) {
                    if heading.is_some() { &mut section.title } else { &mut section.text }.push_str(text);
                }
                match event {
                    Event::End(TagEnd::Paragraph | TagEnd::Item | TagEnd::TableCell) => {
                        sections.last_mut().into_iter().for_each(|section| section.text.push(' '));
                    }
                    Event::End(TagEnd::Heading(_)) => heading = None,
                    _ => {}
                }
                if heading != Some(HeadingLevel::H1) {
                    events.push(with_picture_url(event, picture_url));
                }
            }
        }
    }
    let mut html = String::new();
    html::push_html(&mut html, events.into_iter());
    let lead = sections[0].text.trim().to_owned();
    Topic { name, title: sections[0].title.clone(), html, lead, clicks: clicks.words, sections }
}

/// The bold words of the first numbered list.
#[derive(Default)]
struct Clicks {
    words: Vec<String>,
    /// numbered lists so far
    lists: usize,
    is_in_list: bool,
    is_bold: bool,
}

impl Clicks {
    fn read(&mut self, event: &Event<'_>) {
        match event {
            Event::Start(Tag::List(Some(_))) => {
                self.lists += 1;
                self.is_in_list = self.lists == 1;
            }
            Event::End(TagEnd::List(true)) => self.is_in_list = false,
            Event::Start(Tag::Strong) => self.is_bold = true,
            Event::End(TagEnd::Strong) => self.is_bold = false,
            Event::Text(text)
                if self.is_in_list && self.is_bold && self.words.last().is_none_or(|last| **last != **text) =>
            {
                self.words.push(text.to_string());
            }
            _ => {}
        }
    }
}

/// Replaces the file name of a picture by its URL.
fn with_picture_url<'e>(event: Event<'e>, picture_url: &impl Fn(&str) -> String) -> Event<'e> {
    match event {
        Event::Start(Tag::Image { link_type, dest_url, title, id }) => {
            Event::Start(Tag::Image { link_type, dest_url: picture_url(&dest_url).into(), title, id })
        }
        other => other,
    }
}

/// Sections that are answered where none has every word.
const MAX_PARTIAL_HITS: usize = 10;

/// Finds the sections that contain every word of the query; matches in a heading rank first. If there are none, those with
/// the most words, or their beginnings: `잃어버림` is in the manual as `잃어버렸을 때`.
pub fn search(topics: &[Topic], query: &str) -> Vec<SearchHit> {
    let words: Vec<String> = query.split_whitespace().map(str::to_lowercase).collect();
    if words.is_empty() {
        return Vec::new();
    }
    let whole = sections_with(topics, &words, words.len());
    if !whole.is_empty() {
        return whole;
    }
    let stems: Vec<String> = words.iter().map(|word| stem(word)).collect();
    let mut fewer = (1..=stems.len()).rev().map(|least| sections_with(topics, &stems, least));
    fewer.find(|found| !found.is_empty()).into_iter().flatten().take(MAX_PARTIAL_HITS).collect()
}

/// A word without its last syllable, which may be an ending, if two are left.
fn stem(word: &str) -> String {
    let letters = word.chars().count();
    word.chars().take(if letters > 2 { letters - 1 } else { letters }).collect()
}

/// The sections that contain at least so many of the words.
fn sections_with(topics: &[Topic], words: &[String], least: usize) -> Vec<SearchHit> {
    let mut hits = Vec::new();
    for topic in topics {
        for (index, section) in topic.sections.iter().enumerate() {
            let headings = format!("{} {}", topic.title, section.title).to_lowercase();
            let text = section.text.to_lowercase();
            let found = words.iter().filter(|word| headings.contains(*word) || text.contains(*word)).count();
            if found < least {
                continue;
            }
            let in_heading = words.iter().any(|word| headings.contains(word));
            let (anchor, title) = match index {
                0 => (String::new(), topic.title.clone()),
                index => (format!("#s{index}"), format!("{} · {}", topic.title, section.title)),
            };
            let href = format!("/help/{}{anchor}", topic.name);
            hits.push((!in_heading, SearchHit { href, title, excerpt: excerpt(&section.text, words) }));
        }
    }
    hits.sort_by_key(|(in_text, _)| *in_text);
    hits.into_iter().map(|(_, hit)| hit).collect()
}

fn excerpt(text: &str, words: &[String]) -> String {
    let letters: Vec<char> = text.trim().chars().collect();
    let lower: String = letters.iter().map(|letter| letter.to_lowercase().next().unwrap_or(*letter)).collect();
    let at = words.iter().filter_map(|word| lower.find(word.as_str())).min();
    let at = at.map_or(0, |bytes| lower[..bytes].chars().count());
    let (from, to) = (at.saturating_sub(EXCERPT_CONTEXT_CHARS), (at + 2 * EXCERPT_CONTEXT_CHARS).min(letters.len()));
    let part: String = letters[from..to].iter().collect();
    format!("{}{}{}", if from > 0 { "…" } else { "" }, part.trim(), if to < letters.len() { "…" } else { "" })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::app::rooms;
    use crate::web::assets;

    fn topics() -> Vec<Topic> {
        load(assets::url)
    }

    #[test]
    fn topics_and_texts_correspond() {
        for topic in &topics() {
            assert!(!topic.title.is_empty() && topic.sections.len() > 1, "{}", topic.name);
            assert!(topic.sections.iter().all(|section| !section.title.is_empty()), "{}", topic.name);
        }
        let texts = HelpFiles::iter().filter(|name| name.ends_with(".md")).count();
        assert_eq!(texts, TOPICS.len());
    }

    #[test]
    fn each_role_has_jobs_whose_clicks_are_known() {
        let topics = topics();
        for role in Role::ALL {
            let jobs = jobs(&topics, role);
            assert_eq!(jobs.is_empty(), role == Role::Viewer, "{role:?}");
            assert!(jobs.iter().all(|job| job.is_job() && !job.lead.is_empty() && job.clicks.len() > 1), "{jobs:?}");
        }
        let factory = find(&topics, "job-factory").expect("a topic");
        assert_eq!(factory.clicks, ["주문", "검색", "전체", "발주로 바꾸기", "발주서 받기", "내려받기"]);
    }

    #[test]
    fn every_screen_has_a_topic() {
        let topics = topics();
        let no_screens = ["/addresses/search", "/practice/files/{file}"];
        for route in rooms().iter().flat_map(crate::web::Routes::specs) {
            if route.method == axum::http::Method::GET
                && !no_screens.contains(&route.path)
                && !route.path.starts_with("/help")
            {
                assert!(topic_for(route.path).is_some_and(|name| find(&topics, name).is_some()), "{}", route.path);
            }
        }
    }

    #[test]
    fn links_and_pictures_have_targets() {
        let topics = topics();
        for topic in &topics {
            for link in topic.html.split("href=\"").skip(1).filter_map(|rest| rest.split('"').next()) {
                let name = link.strip_prefix("/help/").map(|rest| rest.split('#').next().unwrap_or_default());
                match name {
                    Some(name) => assert!(find(&topics, name).is_some(), "{}: {link}", topic.name),
                    None => assert!(link.starts_with("http"), "{}: {link}", topic.name),
                }
            }
            for picture in topic.html.split("src=\"").skip(1).filter_map(|rest| rest.split('"').next()) {
                assert!(!picture.starts_with("/assets/missing/"), "{}: {picture}", topic.name);
            }
            assert!(!topic.html.contains("alt=\"\""), "{}: a picture says what it shows", topic.name);
        }
    }

    #[test]
    fn search_needs_all_words_and_ranks_headings_first() {
        let topics = topics();
        let search = |query| search(&topics, query);
        let hits = search("비밀번호 잊");
        assert!(hits.iter().any(|hit| hit.href.starts_with("/help/account")), "{hits:?}");
        assert!(hits.iter().all(|hit| !hit.excerpt.is_empty()));
        assert!(search("송장").first().is_some_and(|hit| hit.title.contains("송장")));
        assert!(search("csv CSV").len() == search("CSV").len() && !search("CSV").is_empty());
        assert_eq!(search("없는말이에요"), []);
        assert!(!search("잃어버림").is_empty());
        let hits = search("임시 비밀번호 잃어버림");
        assert!(
            hits.len() <= MAX_PARTIAL_HITS && hits.iter().any(|hit| hit.href.starts_with("/help/account")),
            "{hits:?}"
        );
        assert!(search("취소한 주문 마감").iter().any(|hit| hit.title.contains("마감")));
        assert_eq!(search("  "), []);
    }
}
