//! Turning pages: which ones a bar offers, and addresses that keep every other parameter.

/// How many rows a page may have.
pub const SIZES: [u32; 4] = [5, 10, 25, 50];

/// How many page numbers a bar shows.
const NUMBERS: u64 = 5;

/// What a list is asked for besides its search: a handler takes `Query<Paging>` beside its own.
#[derive(Clone, Copy, Debug, Default, serde::Deserialize)]
pub struct Paging {
    page: Option<u64>,
    size: Option<u32>,
}

impl Paging {
    /// The page, from 1.
    pub fn page(self) -> u64 {
        self.page.unwrap_or(1).max(1)
    }

    /// Rows of a page: one of [`SIZES`], 25 if none was asked for.
    pub fn size(self) -> u32 {
        self.size.filter(|size| SIZES.contains(size)).unwrap_or(25)
    }
}

/// The bar below a list: `{% call paging::bar(pages) %}`.
#[derive(Clone, Debug)]
pub struct PageBar {
    /// rows of the whole list
    pub total: u64,
    /// the page that is shown, from 1, never past the last
    pub page: u64,
    /// rows of a page
    pub size: u32,
    /// nobody counted further: there may be more rows than `total`
    pub at_least: bool,
    path: String,
    /// every parameter but `page`, `size` and `done`
    kept: Vec<(String, String)>,
}

impl PageBar {
    /// The bar of a list of `total` rows that was asked for by `uri`.
    pub fn new(uri: &axum::http::Uri, paging: Paging, total: u64) -> Self {
        let pairs: Vec<(String, String)> =
            serde_html_form::from_str(uri.query().unwrap_or_default()).unwrap_or_default();
        let kept = pairs
            .into_iter()
            .filter(|(name, value)| !["page", "size", "done"].contains(&name.as_str()) && !value.is_empty())
            .collect();
        let size = paging.size();
        let page = paging.page().min(total.div_ceil(size.into()).max(1));
        Self { total, page, size, at_least: false, path: uri.path().to_owned(), kept }
    }

    /// Rows before this page's first.
    pub fn offset(&self) -> u64 {
        (self.page - 1) * u64::from(self.size)
    }

    /// The number of pages, at least 1.
    pub fn last(&self) -> u64 {
        self.total.div_ceil(self.size.into()).max(1)
    }

    /// The numbers the bar shows, this page among them.
    pub fn numbers(&self) -> std::ops::RangeInclusive<u64> {
        let first = self.page.saturating_sub(NUMBERS / 2).min(self.last().saturating_sub(NUMBERS - 1)).max(1);
        first..=self.last().min(first + NUMBERS - 1)
    }

    /// Every parameter that a form of the list has to carry along.
    pub fn kept(&self) -> &[(String, String)] {
        &self.kept
    }

    /// The sizes to choose from.
    pub fn sizes(&self) -> [u32; 4] {
        SIZES
    }

    /// The address of page `page`.
    pub fn href(&self, page: &u64) -> String {
        self.with(&[("page", page.to_string()), ("size", self.size.to_string())])
    }

    /// The address of the first page with `size` rows.
    pub fn href_of_size(&self, size: &u32) -> String {
        self.with(&[("size", size.to_string())])
    }

    /// The address of this very page.
    pub fn here(&self) -> String {
        self.href(&self.page)
    }

    fn with(&self, more: &[(&str, String)]) -> String {
        let kept = self.kept.iter().map(|(name, value)| (name.as_str(), value.clone()));
        let pairs: Vec<(&str, String)> = kept.chain(more.iter().cloned()).collect();
        let query = serde_html_form::to_string(pairs).unwrap_or_default();
        format!("{}?{query}", self.path)
    }
}

/// `1,234,000`: how a count or an amount is written.
pub fn grouped(number: impl std::fmt::Display) -> String {
    let text = number.to_string();
    let (sign, digits) = text.strip_prefix('-').map_or(("", text.as_str()), |digits| ("-", digits));
    let groups: Vec<&str> =
        digits.as_bytes().rchunks(3).rev().map(|group| std::str::from_utf8(group).unwrap_or_default()).collect();
    format!("{sign}{}", groups.join(","))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn bar(page: u64, total: u64) -> PageBar {
        let uri = "/orders?state=1&state=2&q=%EA%B9%80&page=9&size=5&done=X&empty=".parse().expect("a uri");
        PageBar::new(&uri, Paging { page: Some(page), size: Some(10) }, total)
    }

    #[test]
    fn addresses_keep_the_search_and_repeat_what_was_repeated() {
        assert_eq!(bar(2, 100).href(&3), "/orders?state=1&state=2&q=%EA%B9%80&page=3&size=10");
        assert_eq!(bar(2, 100).href_of_size(&50), "/orders?state=1&state=2&q=%EA%B9%80&size=50");
    }

    #[test]
    fn numbers_stay_inside_and_around_the_page() {
        assert_eq!(bar(1, 0).numbers(), 1..=1);
        assert_eq!(bar(1, 100).numbers(), 1..=5);
        assert_eq!(bar(6, 100).numbers(), 4..=8);
        assert_eq!(bar(10, 100).numbers(), 6..=10);
        assert_eq!(bar(99, 100).page, 10, "never past the last");
        assert_eq!(bar(3, 100).offset(), 20);
    }

    #[test]
    fn numbers_are_grouped_by_threes() {
        assert_eq!(grouped(0), "0");
        assert_eq!(grouped(999), "999");
        assert_eq!(grouped(1_234_000_u64), "1,234,000");
        assert_eq!(grouped(-1_000_i64), "-1,000");
    }

    #[test]
    fn a_size_nobody_offers_is_not_taken() {
        assert_eq!(Paging { page: Some(0), size: Some(1_000_000) }.size(), 25);
        assert_eq!(Paging { page: Some(0), size: None }.page(), 1);
    }
}
