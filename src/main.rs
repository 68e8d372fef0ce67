//! The executable: an allocator and the command line, nothing else.

use std::process::ExitCode;

/// Keeps memory flat over months, and makes up for musl's allocator in static builds.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> ExitCode {
    mukkeum::cli::run()
}
