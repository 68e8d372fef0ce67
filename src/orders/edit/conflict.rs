//! An order that somebody else changed while its page was open: both values of each field, and
//! which of them to take.

use std::collections::BTreeMap;

use super::Inputs;

/// A field that two people filled in.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Conflict {
    /// the field's name
    pub field: String,
    /// what the other person saved
    pub stored: String,
    /// what was typed here
    pub typed: String,
    /// whether to propose the stored value: nothing was typed here, only the page was old
    pub prefers_stored: bool,
}

/// The fields whose values differ because somebody else changed them. `was` has, for each of these,
/// what it said before that, as far as that is known.
pub fn conflicts(stored: &Inputs, typed: &Inputs, was: &BTreeMap<String, Option<String>>) -> Vec<Conflict> {
    let differing = |(field, stored): (&str, &str)| {
        let (typed, was) = (typed.get(field), was.get(field)?);
        (same_lines(stored) != same_lines(typed)).then(|| Conflict {
            field: field.to_owned(),
            stored: stored.to_owned(),
            typed: typed.to_owned(),
            prefers_stored: was.as_deref().is_none_or(|was| same_lines(was) == same_lines(typed)),
        })
    };
    stored.iter().filter_map(differing).collect()
}

/// Browsers send line breaks in their own way.
fn same_lines(text: &str) -> String {
    text.trim().replace("\r\n", "\n")
}

/// Puts the stored value into every field for which that was chosen.
pub fn take_stored(typed: &mut Inputs, stored: &Inputs, fields: &[String]) {
    for field in fields {
        typed.set(field, stored.get(field));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn inputs(memo: &str, name: &str) -> Inputs {
        let mut inputs = Inputs::default();
        inputs.set("shipping_memo", memo);
        inputs.set("recipient_name", name);
        inputs
    }

    fn was(fields: &[(&str, &str)]) -> BTreeMap<String, Option<String>> {
        fields.iter().map(|(field, was)| ((*field).to_owned(), Some((*was).to_owned()))).collect()
    }

    #[test]
    fn what_only_one_of_both_changed_is_no_conflict_of_the_other() {
        let (stored, typed) = (inputs("문 앞", "김견본"), inputs("문 앞", "김표본"));
        assert_eq!(conflicts(&stored, &typed, &was(&[("shipping_memo", "")])), []);
    }

    #[test]
    fn what_both_changed_shows_both_and_keeps_mine() {
        let (stored, typed) = (inputs("문 앞", "김견본"), inputs("경비실", "김견본"));
        let found = conflicts(&stored, &typed, &was(&[("shipping_memo", "")]));
        assert_eq!((found[0].stored.as_str(), found[0].typed.as_str()), ("문 앞", "경비실"));
        assert!(!found[0].prefers_stored);
    }

    #[test]
    fn what_only_the_other_changed_is_shown_and_proposed() {
        let (stored, typed) = (inputs("문 앞", "김견본"), inputs("", "김견본"));
        let found = conflicts(&stored, &typed, &was(&[("shipping_memo", "")]));
        assert!(found[0].prefers_stored);
        let mut mended = typed;
        take_stored(&mut mended, &stored, &["shipping_memo".to_owned()]);
        assert_eq!(mended, stored);
    }
}
