//! The demo shop that the setup page opens to practise in, before there is a shop: `mukkeum demo` as a child process on a
//! port of this computer, with a data folder of its own. It ends with this program.

use std::io::{self, BufRead, BufReader};
use std::net::{Ipv4Addr, TcpListener};
use std::path::Path;
use std::process::{Child, ChildStdout, Command, Stdio};
use std::sync::{Arc, Mutex, PoisonError};

/// Data folder of the demo shop, in that of the new shop.
const FOLDER: &str = "practice";

/// Why the demo shop does not run.
#[derive(Debug, thiserror::Error)]
pub enum PracticeError {
    /// it could not be started
    #[error(transparent)]
    Io(#[from] io::Error),
    /// it ended before it was ready
    #[error("the demo shop ended before it was ready")]
    Ended,
}

/// The demo shop to practise in; cheap to clone. The last clone ends it.
#[derive(Clone, Default)]
pub struct PracticeShop(Arc<Mutex<Option<RunningDemo>>>);

/// The child process. It writes its banner when it is ready, and nothing else to its output, which stays open.
struct RunningDemo {
    child: Child,
    url: String,
    output: BufReader<ChildStdout>,
}

impl Drop for RunningDemo {
    fn drop(&mut self) {
        // Its data is thrown away, so it need not end gracefully. An error means that it has ended.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

impl PracticeShop {
    /// Starts the demo shop, unless it runs, and waits until it is ready. Its URL on this computer. Blocks for seconds.
    ///
    /// # Errors
    /// The program cannot be started again, or the demo shop does not become ready.
    pub fn start(&self, data: &Path) -> Result<String, PracticeError> {
        self.start_program(&std::env::current_exe()?, data)
    }

    fn start_program(&self, program: &Path, data: &Path) -> Result<String, PracticeError> {
        let mut running = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(demo) = running.as_mut()
            && demo.child.try_wait()?.is_none()
        {
            return Ok(demo.url.clone());
        }
        *running = None;
        let address = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?.local_addr()?;
        let mut command = Command::new(program);
        command.args(["demo", "--listen", &address.to_string(), "--data"]).arg(data.join(FOLDER));
        // The settings of the real shop, such as its database, are not those of the demo shop; and this page links to it,
        // so it opens no browser itself.
        let is_removed = |name: &str| name.starts_with("MUKKEUM_") || ["DISPLAY", "WAYLAND_DISPLAY"].contains(&name);
        for (name, _) in std::env::vars_os().filter(|(name, _)| is_removed(&name.to_string_lossy())) {
            command.env_remove(name);
        }
        let mut child = command.stdin(Stdio::null()).stdout(Stdio::piped()).spawn()?;
        let Some(output) = child.stdout.take() else { return Err(PracticeError::Ended) };
        let mut demo = RunningDemo { child, url: format!("http://{address}"), output: BufReader::new(output) };
        let mut banner = String::new();
        if demo.output.read_line(&mut banner)? == 0 {
            return Err(PracticeError::Ended);
        }
        Ok(running.insert(demo).url.clone())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn program_that_cannot_be_started_is_an_error() {
        let folder = tempfile::tempdir().expect("a folder");
        let practice = PracticeShop::default();
        let missing = practice.start_program(&folder.path().join("mukkeum"), folder.path());
        assert!(matches!(missing, Err(PracticeError::Io(_))), "{missing:?}");
    }

    #[cfg(unix)]
    #[test]
    fn program_that_ends_at_once_is_an_error() {
        let folder = tempfile::tempdir().expect("a folder");
        let ended = PracticeShop::default().start_program(Path::new("/bin/false"), folder.path());
        assert!(matches!(ended, Err(PracticeError::Ended)), "{ended:?}");
    }
}
