//! Browsers from which a member has logged in before.
//!
//! Anybody can fail to log in as any member, and the throttle then keeps the member out too. A browser in which the member
//! has entered the right password before has a counter of its own, which others cannot use up. It proves that by a cookie,
//! sealed with the key of the shop. The cookie grants nothing else.
//! Source: OWASP, "Slow Down Online Guessing Attacks with Device Cookies".

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;

use crate::id::{Id, MemberId};
use crate::vault::Vault;

/// Members that a browser remembers; the last ones of a shared computer.
const MAX_MEMBERS: usize = 8;

/// First word of the sealed text. The vault also seals other secrets.
const PURPOSE: &str = "known-browser";

/// A browser and the members who have logged in from it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KnownBrowser {
    /// random identifier of the browser
    id: String,
    /// latest login first
    members: Vec<MemberId>,
}

impl KnownBrowser {
    /// The browser after a login of a member. `id` is its identifier if it was unknown.
    pub fn with_member(before: Option<&Self>, member_id: MemberId, id: String) -> Self {
        let (id, earlier) = before.map_or((id, [].as_slice()), |known| (known.id.clone(), &known.members));
        let others = earlier.iter().copied().filter(|other| *other != member_id);
        Self { id, members: [member_id].into_iter().chain(others).take(MAX_MEMBERS).collect() }
    }

    /// The counter of failed logins as this member; None if the member has never logged in from this browser.
    pub fn throttle_subject(&self, member_id: MemberId) -> Option<String> {
        self.members.contains(&member_id).then(|| format!("browser:{}:{}", self.id, member_id))
    }

    /// The value of the cookie. None when the operating system provides no randomness.
    pub fn seal(&self, vault: &Vault) -> Option<String> {
        let members = self.members.iter().map(ToString::to_string);
        let words: Vec<String> = [PURPOSE.to_owned(), self.id.clone()].into_iter().chain(members).collect();
        vault.seal(&words.join(" ")).map(|sealed| URL_SAFE_NO_PAD.encode(sealed))
    }

    /// Parses the value of a cookie; None unless [`Self::seal`] has made it.
    pub fn unseal(vault: &Vault, value: &str) -> Option<Self> {
        let text = vault.unseal(&URL_SAFE_NO_PAD.decode(value).ok()?)?;
        let mut words = text.split(' ');
        if words.next() != Some(PURPOSE) {
            return None;
        }
        Some(Self { id: words.next()?.to_owned(), members: words.map(Id::parse).collect::<Option<_>>()? })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn browser_proves_the_members_who_logged_in_from_it() {
        let vault = Vault::with_key(&[7; 32]).expect("a key");
        let first = KnownBrowser::with_member(None, MemberId::from_raw(1), "id".to_owned());
        let both = KnownBrowser::with_member(Some(&first), MemberId::from_raw(2), "other".to_owned());
        let sent = both.seal(&vault).expect("seals");
        let parsed = KnownBrowser::unseal(&vault, &sent).expect("its own");
        assert_eq!(parsed, both);
        assert!(
            parsed.throttle_subject(MemberId::from_raw(1)).is_some()
                && parsed.throttle_subject(MemberId::from_raw(3)).is_none()
        );
        assert_ne!(
            parsed.throttle_subject(MemberId::from_raw(1)),
            parsed.throttle_subject(MemberId::from_raw(2)),
            "one member cannot use the other's counter"
        );
        assert_eq!(KnownBrowser::unseal(&Vault::with_key(&[8; 32]).expect("a key"), &sent), None);
        let password = URL_SAFE_NO_PAD.encode(vault.seal("password of a file").expect("seals"));
        assert_eq!(KnownBrowser::unseal(&vault, &password), None, "another secret of the vault");
    }

    #[test]
    fn browser_remembers_a_limited_number_of_members() {
        let many = (1..20).fold(None, |before, member| {
            Some(KnownBrowser::with_member(before.as_ref(), MemberId::from_raw(member), "id".to_owned()))
        });
        assert_eq!(many.expect("known").members, [19, 18, 17, 16, 15, 14, 13, 12].map(MemberId::from_raw));
    }
}
