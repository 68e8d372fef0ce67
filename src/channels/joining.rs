//! One profile for two layouts of a channel's lists of states.
//!
//! A channel has one list for cancellations and another for returns, and the shop has one profile of a kind and channel.
//! Where their columns have other names, the profile reads either.

use super::profile::{MAX_PROFILE_BYTES, Profile};
use crate::text::fold_word;

impl Profile {
    /// A profile that reads the files of this one and those of `other`, which is of the same kind and channel. What both
    /// have a word for is as in `other`. None if their keys or marks are different in number, or it became too
    /// long.
    #[must_use]
    pub fn joined_with(&self, other: &Self) -> Option<Self> {
        let is_alike = self.key.len() == other.key.len() && self.detect.len() == other.detect.len();
        if !is_alike || self.key.iter().chain(&other.key).any(|key| key.starts_with('#')) {
            return None;
        }
        let mut joined = other.clone();
        joined.key = self.key.iter().zip(&other.key).map(|(one, two)| either(one, two)).collect();
        joined.detect = self.detect.iter().zip(&other.detect).map(|(one, two)| either(one, two)).collect();
        joined.required.retain(|field| self.required.contains(field));
        for (field, headers) in &self.columns {
            add(joined.columns.entry(*field).or_default(), headers);
        }
        add(&mut joined.claim_headers, &self.claim_headers);
        for rule in &self.changes {
            let mut words = rule.words.clone();
            words.retain(|word| !joined.changes.iter().any(|known| known.words.contains(word)));
            match joined.changes.iter_mut().find(|known| known.change == rule.change) {
                Some(known) => {
                    known.words.append(&mut words);
                    add(&mut known.moments, &rule.moments);
                }
                None => joined.changes.push(super::StatusRule { words, ..rule.clone() }),
            }
        }
        (joined.to_toml().len() <= MAX_PROFILE_BYTES).then_some(joined)
    }
}

/// `A|B`, with each name once.
fn either(one: &str, two: &str) -> String {
    let mut names: Vec<&str> = one.split('|').collect();
    names.extend(two.split('|').filter(|name| !one.split('|').any(|known| fold_word(known) == fold_word(name))));
    names.join("|")
}

/// Adds the headers that are not there yet.
fn add(headers: &mut Vec<String>, more: &[String]) {
    for header in more {
        if !headers.iter().any(|known| fold_word(known) == fold_word(header)) {
            headers.push(header.clone());
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::channels::{Field, FileKind, StatusEffect};

    fn list(key: &str, status: &str, moment: &str, word: &str) -> Profile {
        let text = format!(
            "kind = \"states\"\ncode = \"COUPANG\"\nname = \"쿠팡\"\nkey = [\"{key}\"]\nrequired = [\"status\"]\n\
             [columns]\nstatus = [\"{status}\"]\n[[changes]]\nchange = \"cancel\"\nwords = [\"취소완료\", \"{word}\"]\n\
             moments = [\"{moment}\"]"
        );
        Profile::parse("list.toml", &text).expect("a profile")
    }

    #[test]
    fn joined_profile_reads_the_columns_and_words_of_both() {
        let joined =
            list("주문번호", "취소상태", "취소일", "거둠").joined_with(&list("번호", "반품상태", "반품일", "돌려줌"));
        let joined = joined.expect("one profile");
        assert_eq!((joined.kind, joined.key.as_slice()), (FileKind::States, &["주문번호|번호".to_owned()][..]));
        assert_eq!(joined.columns[&Field::Status], ["반품상태", "취소상태"]);
        assert_eq!(joined.changes[0].moments, ["반품일", "취소일"]);
        for word in ["거둠", "돌려줌", "취소완료"] {
            assert_eq!(joined.status_rule(word).map(|rule| rule.change), Some(StatusEffect::Cancel), "{word}");
        }
        assert_eq!(joined.joined_with(&joined).as_ref(), Some(&joined), "the same list again adds nothing");
    }

    #[test]
    fn keys_of_several_cells_are_not_joined() {
        let mut other = list("번호", "상태", "날", "거둠");
        other.key.push("순번".to_owned());
        assert_eq!(list("번호", "상태", "날", "거둠").joined_with(&other), None);
    }
}
