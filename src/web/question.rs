//! The page that asks before an unusual action. It repeats the submitted form with the answer in the field
//! [`ANSWER_FIELD`], so that it works without JavaScript.

use askama::Template;

use super::Layout;
use crate::text::coded;

/// Name of the field with the answer; the form of a list does not have it.
pub const ANSWER_FIELD: &str = "answer";

coded! {
    /// The answer to a question about some of the chosen rows.
    #[derive(Clone, Copy, Debug, PartialEq, Eq)]
    pub enum Answer {
        /// do it for all rows
        All = "all",
        /// leave out the rows that the question is about
        Rest = "rest",
        /// do nothing, and show the form as it was
        Back = "back",
    }
}

impl Answer {
    /// The answer in a submitted form; none if it has not been asked yet.
    pub fn of(pairs: &[(String, String)]) -> Option<Self> {
        pairs.iter().find(|(name, _)| name == ANSWER_FIELD).and_then(|(_, value)| Self::from_code(value))
    }
}

/// A question about rows of a submitted form.
#[derive(Template)]
#[template(path = "web/question.html")]
pub struct QuestionPage {
    /// menu and CSRF token
    pub layout: Layout,
    /// the heading, a question
    pub title: String,
    /// what is unusual, one sentence each
    pub reasons: Vec<String>,
    /// URL of the form
    pub action: String,
    /// its fields, repeated
    pub fields: Vec<(String, String)>,
    /// answers and the texts of their buttons, the safest first, which is the main one
    pub choices: Vec<(Answer, String)>,
    /// what the way back leaves as it is; the main button where no answer is safe
    pub stay: String,
    /// whether the way back is the main button
    pub stays_first: bool,
    /// URL of the list; none if the form has typed values, which are shown again with [`Answer::Back`]
    pub back: Option<String>,
}
