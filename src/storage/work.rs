//! Work of a transaction without its types.
//!
//! Some five hundred closures run in transactions. An engine that were generic over each of them, with the task that tokio
//! makes of it, would be compiled five hundred times; so the closure writes its answer into a slot, and the engine sees one
//! type.

use std::sync::{Arc, Mutex};

use super::blocking::lock;
use super::{Result, StorageError, Tx};

/// The work of a transaction. It may run several times.
pub(super) type BoxedWork = Box<dyn Fn(&mut dyn Tx) -> Result<(), Abort> + Send>;

/// Why a transaction is not committed.
#[derive(Debug)]
pub(super) enum Abort {
    /// the work has answered with an error
    Work,
    /// the engine has failed
    Engine(StorageError),
}

impl From<StorageError> for Abort {
    fn from(error: StorageError) -> Self {
        Self::Engine(error)
    }
}

/// The answer of a [`BoxedWork`].
pub(super) struct WorkAnswer<T, E>(Arc<Mutex<Option<Result<T, E>>>>);

/// Boxes the work of a transaction.
pub(super) fn boxed<T, E>(work: impl Fn(&mut dyn Tx) -> Result<T, E> + Send + 'static) -> (BoxedWork, WorkAnswer<T, E>)
where
    T: Send + 'static,
    E: Send + 'static,
{
    let slot = Arc::new(Mutex::new(None));
    let answer = WorkAnswer(Arc::clone(&slot));
    let work = move |tx: &mut dyn Tx| {
        let answer = work(tx);
        let ended = answer.as_ref().map(|_| ()).map_err(|_| Abort::Work);
        *lock(&slot) = Some(answer);
        ended
    };
    (Box::new(work), answer)
}

impl<T, E: From<StorageError>> WorkAnswer<T, E> {
    /// The answer of the work after the engine has `ended` the transaction.
    ///
    /// # Errors
    /// The error of the work, or of the engine.
    pub(super) fn after(self, ended: Result<(), Abort>) -> Result<T, E> {
        match ended {
            Err(Abort::Engine(error)) => Err(error.into()),
            Ok(()) | Err(Abort::Work) => lock(&self.0)
                .take()
                .unwrap_or_else(|| Err(StorageError::Inconsistent("the work has not run".to_owned()).into())),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn answer(ended: Result<(), Abort>, answer: Result<i64>) -> Result<i64> {
        WorkAnswer(Arc::new(Mutex::new(Some(answer)))).after(ended)
    }

    #[test]
    fn error_of_the_engine_replaces_the_answer() {
        let full = || StorageError::DiskFull("full".to_owned());
        assert!(matches!(answer(Err(Abort::Engine(full())), Ok(1)), Err(StorageError::DiskFull(_))));
        assert_eq!(answer(Ok(()), Ok(1)).expect("the answer"), 1);
        assert!(matches!(answer(Err(Abort::Work), Err(full())), Err(StorageError::DiskFull(_))));
    }
}
