//! Pagination: page numbers of a list, and links that keep all other query parameters.

pub use crate::text::grouped;

/// Page sizes to choose from, in rows.
pub const PAGE_SIZES: [u32; 4] = [5, 10, 25, 50];

/// Page numbers in a bar.
const MAX_LINKS: u64 = 5;

/// Page number and size of a list; a handler takes `Query<PageQuery>` besides its own query.
#[derive(Clone, Copy, Debug, Default, serde::Deserialize)]
pub struct PageQuery {
    page: Option<u64>,
    size: Option<u32>,
}

impl PageQuery {
    /// Page number, from 1.
    pub fn page(self) -> u64 {
        self.page.unwrap_or(1).max(1)
    }

    /// Rows a page: one of [`PAGE_SIZES`], 25 by default.
    pub fn size(self) -> u32 {
        self.size.filter(|size| PAGE_SIZES.contains(size)).unwrap_or(25)
    }
}

/// Pagination bar of a list: `{% call paging::bar(pages) %}`.
#[derive(Clone, Debug)]
pub struct PageBar {
    /// rows in the list
    pub total: u64,
    /// current page, from 1, at most the last
    pub page: u64,
    /// rows a page
    pub size: u32,
    /// whether `total` is a lower bound
    pub at_least: bool,
    path: String,
    /// query parameters other than `page`, `size` and `done`
    kept: Vec<(String, String)>,
}

impl PageBar {
    /// The bar of a list of `total` rows at `uri`.
    pub fn new(uri: &axum::http::Uri, query: PageQuery, total: u64) -> Self {
        let pairs: Vec<(String, String)> =
            serde_html_form::from_str(uri.query().unwrap_or_default()).unwrap_or_default();
        let kept = pairs
            .into_iter()
            .filter(|(name, value)| !["page", "size", "done"].contains(&name.as_str()) && !value.is_empty())
            .collect();
        let size = query.size();
        let page = query.page().min(total.div_ceil(size.into()).max(1));
        Self { total, page, size, at_least: false, path: uri.path().to_owned(), kept }
    }

    /// Rows before this page.
    pub fn offset(&self) -> u64 {
        (self.page - 1) * u64::from(self.size)
    }

    /// Number of the last page, at least 1.
    pub fn last(&self) -> u64 {
        self.total.div_ceil(self.size.into()).max(1)
    }

    /// The page numbers in the bar, around the current one.
    pub fn numbers(&self) -> std::ops::RangeInclusive<u64> {
        let first = self.page.saturating_sub(MAX_LINKS / 2).min(self.last().saturating_sub(MAX_LINKS - 1)).max(1);
        first..=self.last().min(first + MAX_LINKS - 1)
    }

    /// Query parameters that a form on the list must preserve.
    pub fn kept(&self) -> &[(String, String)] {
        &self.kept
    }

    /// Page sizes to choose from.
    pub fn sizes(&self) -> [u32; 4] {
        PAGE_SIZES
    }

    /// URL of page `page`.
    pub fn href(&self, page: &u64) -> String {
        self.with(&[("page", page.to_string()), ("size", self.size.to_string())])
    }

    /// URL of the first page with `size` rows.
    pub fn href_of_size(&self, size: &u32) -> String {
        self.with(&[("size", size.to_string())])
    }

    /// URL of this page.
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

#[cfg(test)]
mod tests {
    use super::*;

    fn bar(page: u64, total: u64) -> PageBar {
        let uri = "/orders?state=1&state=2&q=%EA%B9%80&page=9&size=5&done=X&empty=".parse().expect("a uri");
        PageBar::new(&uri, PageQuery { page: Some(page), size: Some(10) }, total)
    }

    #[test]
    fn links_keep_filters_including_repeated_parameters() {
        assert_eq!(bar(2, 100).href(&3), "/orders?state=1&state=2&q=%EA%B9%80&page=3&size=10");
        assert_eq!(bar(2, 100).href_of_size(&50), "/orders?state=1&state=2&q=%EA%B9%80&size=50");
    }

    #[test]
    fn page_numbers_surround_the_current_page() {
        assert_eq!(bar(1, 0).numbers(), 1..=1);
        assert_eq!(bar(1, 100).numbers(), 1..=5);
        assert_eq!(bar(6, 100).numbers(), 4..=8);
        assert_eq!(bar(10, 100).numbers(), 6..=10);
        assert_eq!(bar(99, 100).page, 10, "never past the last");
        assert_eq!(bar(3, 100).offset(), 20);
    }

    #[test]
    fn unknown_page_sizes_fall_back_to_the_default() {
        assert_eq!(PageQuery { page: Some(0), size: Some(1_000_000) }.size(), 25);
        assert_eq!(PageQuery { page: Some(0), size: None }.page(), 1);
    }
}
