//! Refused forms, also without JavaScript: the title says 오류, and the fields to correct are listed with links at the top. Done
//! once for all pages, from what their templates mark: `aria-invalid`, and notices with `role="alert"`.

use axum::http::StatusCode;

/// What a title begins with on a page that refuses something.
const TITLE_MARK: &str = "오류: ";

/// Where the list of fields stands.
const MAIN: &str = "<main id=\"main\" tabindex=\"-1\">";

/// A field to correct.
#[derive(Debug, PartialEq, Eq)]
struct InvalidField {
    id: String,
    label: String,
}

/// Marks a rendered page whose form was refused; any other page stays as it is.
pub(super) fn mark(status: StatusCode, mut html: String) -> String {
    let fields = name_invalid_fields(&mut html);
    let has_alert = html.contains("<div class=\"notice danger\" role=\"alert\"");
    if fields.is_empty() && !has_alert && status != StatusCode::UNPROCESSABLE_ENTITY {
        return html;
    }
    if let Some(at) = html.find("<title>").map(|at| at + "<title>".len())
        && !html[at..].starts_with(TITLE_MARK)
    {
        html.insert_str(at, TITLE_MARK);
    }
    // The only one has the focus; a list of it would say the same twice.
    if let [_, _, ..] = fields.as_slice()
        && let Some(at) = html.find(MAIN).map(|at| at + MAIN.len())
    {
        html.insert_str(at, &list(&fields));
    }
    html
}

fn list(fields: &[InvalidField]) -> String {
    let link = |field: &InvalidField| format!("<li><a href=\"#{}\">{}</a></li>", field.id, field.label);
    let links: String = fields.iter().map(link).collect();
    format!(
        "\n<nav class=\"notice danger wrong-fields\" aria-label=\"확인할 곳\"><p>확인할 곳이 {}군데 있어요.</p><ul>{links}</ul></nav>",
        fields.len()
    )
}

/// The fields with `aria-invalid`, from top to bottom. The first one gets the focus, and each without an identifier gets one.
fn name_invalid_fields(html: &mut String) -> Vec<InvalidField> {
    const INVALID: &str = " aria-invalid=\"true\"";
    let (mut fields, mut from) = (Vec::new(), 0);
    while let Some(found) = html[from..].find(INVALID).map(|at| from + at) {
        let start = html[..found].rfind('<').unwrap_or(found);
        let end = html[found..].find('>').map_or(html.len(), |at| found + at);
        let tag = &html[start..end];
        let name = attribute(tag, "name").unwrap_or_default().to_owned();
        let (id, is_new) = match attribute(tag, "id") {
            Some(id) => (id.to_owned(), false),
            None => (format!("wrong-{}", fields.len()), true),
        };
        let label = attribute(tag, "aria-label").map(str::to_owned);
        let label = label.or_else(|| label_for(html.as_str(), &id)).or_else(|| label_around(html.as_str(), start, end));
        let named = if is_new { format!(" id=\"{id}\"") } else { String::new() };
        let focused = if fields.is_empty() && !tag.contains(" autofocus") { " autofocus" } else { "" };
        let added = named + focused;
        from = found + INVALID.len() + added.len();
        html.insert_str(found + INVALID.len(), &added);
        fields.push(InvalidField { id, label: label.unwrap_or(name) });
    }
    fields
}

/// The value of an attribute of a tag, escaped as it is.
fn attribute<'t>(tag: &'t str, name: &str) -> Option<&'t str> {
    let (_, rest) = tag.split_once(&format!(" {name}=\""))?;
    rest.split('"').next()
}

/// The text of the label that names the field by its identifier.
fn label_for(html: &str, id: &str) -> Option<String> {
    let (_, rest) = html.split_once(&format!(" for=\"{id}\""))?;
    let (_, rest) = rest.split_once('>')?;
    words(rest.split("</label>").next()?)
}

/// The text of the label that the field is in, before it or after it.
fn label_around(html: &str, start: usize, end: usize) -> Option<String> {
    let open = html[..start].rfind("<label")?;
    if html[..start].rfind("</label>").is_some_and(|close| close > open) {
        return None;
    }
    let before = html[open..start].split_once('>').and_then(|(_, text)| words(text));
    before.or_else(|| words(html[end..].split_once('>')?.1.split("</label>").next()?))
}

/// The text without tags; None without any.
fn words(html: &str) -> Option<String> {
    let mut text = String::new();
    for (index, part) in html.split('<').enumerate() {
        let part = if index == 0 { part } else { part.split_once('>').map_or("", |(_, after)| after) };
        text.push_str(part);
    }
    let text = text.split_whitespace().collect::<Vec<_>>().join(" ");
    (!text.is_empty()).then_some(text)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn page(title: &str, main: &str) -> String {
        format!("<title>{title} · 묶음</title>{MAIN}{main}</main>")
    }

    #[test]
    fn page_without_errors_stays_as_it_is() {
        let plain =
            page("주문", "<p>오류가 없어요</p><div class=\"notice warning\" role=\"alert\"><p>오래됐어요</p></div>");
        assert_eq!(mark(StatusCode::OK, plain.clone()), plain);
    }

    #[test]
    fn fields_are_listed_with_links_in_their_order() {
        let form = "<label for=\"name\">이름 <b>(필수)</b></label><input id=\"name\" aria-invalid=\"true\">\
                    <label><span>수량</span><input name=\"quantity\" aria-invalid=\"true\"></label>\
                    <td><input name=\"memo-1\" aria-label=\"메모\" aria-invalid=\"true\"></td>";
        let marked = mark(StatusCode::UNPROCESSABLE_ENTITY, page("상담주문", form));
        assert!(marked.starts_with("<title>오류: 상담주문"), "{marked}");
        let links = "<ul><li><a href=\"#name\">이름 (필수)</a></li><li><a href=\"#wrong-1\">수량</a></li>\
                     <li><a href=\"#wrong-2\">메모</a></li></ul>";
        assert!(marked.contains("확인할 곳이 3군데") && marked.contains(links), "{marked}");
        assert!(marked.contains("name=\"quantity\" aria-invalid=\"true\" id=\"wrong-1\">"), "{marked}");
        assert_eq!(marked.matches(" autofocus").count(), 1, "{marked}");
    }

    #[test]
    fn single_field_has_the_focus_and_no_list() {
        let form = "<label for=\"name\">이름</label><input id=\"name\" aria-invalid=\"true\">";
        let marked = mark(StatusCode::OK, page("회원", form));
        assert!(
            marked.contains("<title>오류: 회원") && marked.contains("aria-invalid=\"true\" autofocus>"),
            "{marked}"
        );
        assert!(!marked.contains("wrong-fields"), "{marked}");
    }

    #[test]
    fn refusal_without_a_field_is_in_the_title_once() {
        let notice = "<div class=\"notice danger\" role=\"alert\"><p>읽지 못했어요</p></div>";
        assert!(mark(StatusCode::OK, page("업로드", notice)).starts_with("<title>오류: 업로드"));
        let twice = mark(StatusCode::UNPROCESSABLE_ENTITY, page("오류: 설정", notice));
        assert!(twice.starts_with("<title>오류: 설정"), "{twice}");
    }
}
