//! `/privacy/people`: finds a person by name or telephone number.

use askama::Template;
use axum::extract::State;
use serde::Deserialize;

use crate::id::OrderId;
use crate::privacy::person::FoundPerson;
use crate::privacy::store::people;
use crate::storage::Storage;
use crate::web::{Layout, PageResult, PersonalData, Query, personal_page};

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(crate) struct PeopleQuery {
    q: String,
}

#[derive(Template)]
#[template(path = "privacy/people/list.html")]
struct ListPage {
    layout: Layout,
    q: String,
    found: Vec<FoundPerson>,
    is_cut: bool,
}

impl ListPage {
    #[expect(clippy::unused_self, reason = "the template calls it")]
    fn href(&self, found: &FoundPerson) -> String {
        format!("/privacy/people/{}?role={}", found.order_id, found.role.code())
    }
}

impl PersonalData for ListPage {
    fn orders(&self) -> Vec<OrderId> {
        self.found.iter().map(|found| found.order_id).collect()
    }
}

pub(crate) async fn list(
    State(storage): State<Storage>,
    layout: Layout,
    Query(query): Query<PeopleQuery>,
) -> PageResult {
    let q = query.q.trim().to_owned();
    let asked = q.clone();
    let read = move |tx: &mut dyn crate::storage::Tx| {
        if asked.is_empty() { Ok((Vec::new(), false)) } else { people::find_people(tx, &asked) }
    };
    let (found, is_cut) = storage.read(read).await?;
    Ok(personal_page(ListPage { layout, q, found, is_cut }))
}
