//! A line on the terminal while long work runs: what is done, and for how long.

use std::future::Future;
use std::io::{self, IsTerminal, Write};
use std::sync::mpsc::{self, RecvTimeoutError};
use std::time::{Duration, Instant};

use super::{CliError, block_on};

/// Interval of the updates; shorter work shows nothing.
const UPDATE_INTERVAL: Duration = Duration::from_secs(1);

/// Runs `work` to its end. Shows `label` with the seconds on the error stream, if that is a terminal and `is_json` does not
/// ask for output to be read by a program.
///
/// # Errors
/// Those of `work`.
pub(super) fn block_on_showing<T>(
    label: &str,
    is_json: bool,
    work: impl Future<Output = Result<T, CliError>>,
) -> Result<T, CliError> {
    if is_json || !io::stderr().is_terminal() {
        return block_on(work);
    }
    let (done, running) = mpsc::channel::<()>();
    std::thread::scope(|scope| {
        scope.spawn(move || show(label, &running));
        let result = block_on(work);
        drop(done);
        result
    })
}

/// Shows the seconds until the other end of the channel is dropped.
fn show(label: &str, running: &mpsc::Receiver<()>) {
    let started = Instant::now();
    let mut is_shown = false;
    while running.recv_timeout(UPDATE_INTERVAL) == Err(RecvTimeoutError::Timeout) {
        // The progress is optional: continue if stderr is closed.
        let _ = write!(io::stderr(), "\r{label} {}초", started.elapsed().as_secs());
        is_shown = true;
    }
    if is_shown {
        let _ = writeln!(io::stderr());
    }
}
