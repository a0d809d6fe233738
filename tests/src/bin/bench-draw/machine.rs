//! A load of processes that communicate over real sockets, captured.
//!
//! Every process listens, connects to some others and accepts as many. All of them wait for the
//! end of one pipe, so that none survives the benchmark.

use std::io::{Read as _, Write as _};
use std::os::linux::net::SocketAddrExt as _;
use std::os::unix::net::{SocketAddr, UnixListener, UnixStream};
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::Duration;

use anyhow::{Context as _, Result, ensure};

/// Processes of one name.
const OF_A_KIND: usize = 50;

/// Starts `processes` with `sockets` each, and captures the machine into `file`.
pub(crate) fn capture(processes: usize, sockets: usize, file: &Path) -> Result<()> {
    let own = std::env::current_exe()?;
    let (mut ready, told) = std::io::pipe()?;
    let (end, alive) = std::io::pipe()?;
    let name = format!("bench-draw-{}", std::process::id());
    let calls = sockets.saturating_sub(1) / 2;
    let mut members = Vec::new();
    for at in 0..processes {
        let mut member = Command::new(&own);
        member.arg("--member").arg(&name);
        member.args([at, processes, calls].map(|number| number.to_string()));
        member.stdin(end.try_clone()?).stdout(told.try_clone()?);
        members.push(member.stderr(Stdio::null()).spawn()?);
    }
    drop((told, end));
    let mut said = vec![0; processes];
    let made = ready.read_exact(&mut said);
    let captured = made
        .context("not every process came to be (limits on processes or descriptors?)")
        .and_then(|()| whole(&own.with_file_name("whotalks-collect"), file));
    drop(alive);
    for mut member in members {
        member.wait()?;
    }
    captured
}

/// Captures this machine.
pub(crate) fn whole(collector: &Path, file: &Path) -> Result<()> {
    let mut collect = Command::new(collector);
    let status = collect.args(["-q", "--force", "-o"]).arg(file).status();
    let status = status.with_context(|| collector.display().to_string())?;
    ensure!(status.success(), "{}: {status}", collector.display());
    Ok(())
}

/// Process number `at` of `all`, which connects to `calls` others.
pub(crate) fn member(name: &str, at: usize, all: usize, calls: usize) -> Result<()> {
    std::fs::write("/proc/self/comm", format!("svc{}", at / OF_A_KIND))?;
    let address = |of: usize| SocketAddr::from_abstract_name(format!("{name}/{of}"));
    let listener = UnixListener::bind_addr(&address(at)?)?;
    let mut held = Vec::new();
    for call in 1..=calls {
        // The partners of all processes are at the same offsets, so each accepts as many connections as
        // it opens; square offsets connect processes of different names.
        let other = address((at + call * call) % all.max(1))?;
        let stream = loop {
            match UnixStream::connect_addr(&other) {
                Ok(stream) => break stream,
                // Not listening yet.
                Err(_) => std::thread::sleep(Duration::from_millis(20)),
            }
        };
        held.push(stream);
    }
    for _ in 0..calls {
        held.push(listener.accept()?.0);
    }
    std::io::stdout().write_all(b"!")?;
    std::io::stdout().flush()?;
    // Until the benchmark ends in any way.
    std::io::stdin().read_to_end(&mut Vec::new())?;
    Ok(())
}
