//! The causes of an error, for people who look for them.

use std::error::Error;

/// The message of an error and of each of its sources, for a log or an administrator. A source that the text quotes already is
/// left out: transparent errors have the message of their source, and many others include it.
pub fn error_chain(error: &(dyn Error + 'static)) -> String {
    let mut text = error.to_string();
    let mut source = error.source();
    while let Some(cause) = source {
        let message = cause.to_string();
        if !text.contains(&message) {
            text = format!("{text}: {message}");
        }
        source = cause.source();
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Debug, thiserror::Error)]
    #[error("{message}")]
    struct Failure {
        message: &'static str,
        source: Option<Box<Failure>>,
    }

    fn failure(message: &'static str, source: Option<Failure>) -> Failure {
        Failure { message, source: source.map(Box::new) }
    }

    #[test]
    fn chain_names_each_cause_once() {
        let refused = failure("connection refused", None);
        let sent = failure("error sending request", Some(refused));
        let target = failure("S3: error sending request", Some(sent));
        assert_eq!(error_chain(&target), "S3: error sending request: connection refused");
        assert_eq!(error_chain(&failure("alone", None)), "alone");
    }
}
