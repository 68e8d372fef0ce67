//! The executable: the global allocator and the command line.

use std::process::ExitCode;

/// Limits fragmentation of long-running servers, and replaces the slow allocator of musl in static builds.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> ExitCode {
    mukkeum::cli::run()
}
