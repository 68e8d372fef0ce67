//! Edit conflict: an order that another member changed while its page was open. Both values of each field are
//! shown, and the member chooses one.

use std::collections::BTreeMap;

use super::Inputs;

/// Field with two new values.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Conflict {
    /// name of the form field
    pub field: String,
    /// value that the other member saved
    pub stored: String,
    /// value of this form
    pub typed: String,
    /// whether to preselect the stored value: the form has the old value, so this member did not change it
    pub prefers_stored: bool,
}

/// Fields whose values differ because another member changed them. `was` has the value before that change for
/// each of these fields, if known.
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

/// Normalises line breaks, which browsers send as CRLF.
fn same_lines(text: &str) -> String {
    text.trim().replace("\r\n", "\n")
}

/// Replaces the fields for which the member chose the stored value.
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
    fn field_changed_by_one_member_is_no_conflict() {
        let (stored, typed) = (inputs("문 앞", "김견본"), inputs("문 앞", "김표본"));
        assert_eq!(conflicts(&stored, &typed, &was(&[("shipping_memo", "")])), []);
    }

    #[test]
    fn field_changed_by_both_prefers_the_typed_value() {
        let (stored, typed) = (inputs("문 앞", "김견본"), inputs("경비실", "김견본"));
        let found = conflicts(&stored, &typed, &was(&[("shipping_memo", "")]));
        assert_eq!((found[0].stored.as_str(), found[0].typed.as_str()), ("문 앞", "경비실"));
        assert!(!found[0].prefers_stored);
    }

    #[test]
    fn field_changed_by_the_other_prefers_the_stored_value() {
        let (stored, typed) = (inputs("문 앞", "김견본"), inputs("", "김견본"));
        let found = conflicts(&stored, &typed, &was(&[("shipping_memo", "")]));
        assert!(found[0].prefers_stored);
        let mut mended = typed;
        take_stored(&mut mended, &stored, &["shipping_memo".to_owned()]);
        assert_eq!(mended, stored);
    }
}
