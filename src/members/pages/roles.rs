//! `/members/roles`: which role may do and see what, from [`may`] and [`sight`].

use askama::Template;
use axum::extract::State;

use crate::members::model::Role;
use crate::members::model::rights::{PageAction, PageKind, Sight, Surface, may, sight};
use crate::shop;
use crate::storage::Storage;
use crate::web::{Layout, PageResult, page};

#[derive(Template)]
#[template(path = "members/roles.html")]
struct RolesPage {
    layout: Layout,
    masks_lists: bool,
}

impl RolesPage {
    /// Each role with what it may do on a kind of page.
    #[expect(clippy::unused_self, clippy::trivially_copy_pass_by_ref, reason = "the template calls it")]
    fn actions(&self, page: &PageKind) -> Vec<(Role, String)> {
        let labels = |role| {
            let allowed = PageAction::ALL.iter().filter(|action| may(role, *page, **action));
            allowed.map(|action| action.label()).collect::<Vec<_>>().join(", ")
        };
        Role::ALL.into_iter().map(|role| (role, labels(role))).collect()
    }

    /// Each role with what it sees on a surface.
    #[expect(clippy::trivially_copy_pass_by_ref, reason = "the template calls it")]
    fn sights(&self, surface: &Surface) -> Vec<(Role, Sight)> {
        Role::ALL.into_iter().map(|role| (role, sight(role, *surface, self.masks_lists))).collect()
    }
}

pub(super) async fn show(State(storage): State<Storage>, layout: Layout) -> PageResult {
    let masks_lists = storage.read(shop::store::masks_lists).await?;
    Ok(page(RolesPage { layout, masks_lists }))
}
