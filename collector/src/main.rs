//! `whotalks-collect`: records what the kernel knows about every socket and descriptor of a
//! machine.
//!
//! It records raw kernel data and does not interpret it, and it changes nothing that it reads. What
//! it may not read is recorded as such: an unprivileged capture succeeds with less data.

use rustix::process::{Resource, getrlimit, setrlimit};
use std::ffi::OsString;
use std::io::{self, Write};
use std::num::NonZero;
use std::process::ExitCode;
use std::sync::Mutex;
use std::time::{Duration, Instant};

use args::{Command, Config};
use capture::{Run, Summary};
use output::{Output, cause};

// In groups: the program, the steps of a capture, what is read, the way into the file, helpers.
mod args;
mod output;
mod signals;

mod capture;
mod discovered;
mod holders;
mod second_look;

mod bound_paths;
mod cgroup_ids;
mod container_names;
mod diag;
mod file_stat;
mod host;
mod ipc;
mod kernel_modules;
mod mountinfo;
mod namespace_files;
mod namespace_users;
mod netns;
mod netns_open;
mod orphan_netns;
mod proc;
mod proc_net;
mod resolve_beneath;
mod shared_files;
mod system_tables;
mod unlisted_sockets;
mod users;

mod block_channel;
mod queue;
mod series_writer;

mod clock;
mod inode_counters;
mod insert_each;
mod messages;
mod sys;
mod timeout;

fn main() -> ExitCode {
    raise_descriptor_limit();
    let arguments: Vec<OsString> = std::env::args_os().skip(1).collect();
    let done = match args::parse(arguments.iter().cloned()) {
        Ok(Command::Capture(config)) => run(&config, &arguments),
        Ok(Command::Help) => print_stdout(args::HELP),
        Ok(Command::Version) => print_stdout(concat!(
            "whotalks-collect ",
            env!("CARGO_PKG_VERSION"),
            "\n"
        )),
        Err(message) => Err(format!("{message} (try --help)")),
    };
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(message) => {
            messages::print(&message);
            ExitCode::from(2)
        }
    }
}

/// Raises the limit of open files to the hard limit. If descriptors ran out, reading would fail for
/// processes that exist.
fn raise_descriptor_limit() {
    let mut limit = getrlimit(Resource::Nofile);
    limit.current = limit.maximum;
    // The old limit is used if this is refused.
    let _ = setrlimit(Resource::Nofile, limit);
}

fn print_stdout(text: &str) -> Result<(), String> {
    let written = io::stdout().write_all(text.as_bytes());
    written.map_err(|error| format!("standard output: {}", cause(&error)))
}

/// Writes the snapshot.
fn run(config: &Config, arguments: &[OsString]) -> Result<(), String> {
    let started = Instant::now();
    sys::use_one_malloc_arena();
    signals::spawn_handler();
    if config.count.is_none() {
        signals::finish_series_on_signal();
    }
    let root =
        proc::open_root().map_err(|error| format!("cannot read /proc: {}", cause(&error)))?;
    let cores = || std::thread::available_parallelism().map_or(1, NonZero::get);
    let run = Run {
        root: root.into(),
        uname: rustix::system::uname(),
        config,
        arguments,
        jobs: config.jobs.map_or_else(cores, |jobs| jobs.get() as usize),
        stuck: Mutex::default(),
    };
    let output = Output::open(config, run.uname.nodename().to_bytes())?;
    let display_name = output.display_name().to_owned();
    let write_error = |error: &io::Error| {
        signals::remove_temporary();
        format!("cannot write {display_name}: {}", cause(error))
    };

    let series = config.count.is_none_or(|count| count.get() > 1);
    if series {
        clock::round_read_times();
    }
    let (blocks, receiver) = block_channel::channel(series);
    let writer = std::thread::Builder::new().spawn(move || receiver.write_to(output));
    let writer = writer.map_err(|error| write_error(&error))?;
    let captured = capture_series(&run, &blocks);
    drop(blocks);
    // If the writer thread failed, the readers failed because of that: report its error.
    let written = writer
        .join()
        .map_err(|_| write_error(&io::ErrorKind::Other.into()))?;
    let (output, bytes) = written.map_err(|error| write_error(&error))?;
    let (captures, summary) = captured.map_err(|error| {
        signals::remove_temporary();
        format!("capture failed: {}", cause(&error))
    })?;
    output.publish()?;
    if !config.quiet {
        messages::print(&summarize(
            &display_name,
            captures,
            &summary,
            started.elapsed(),
            bytes,
        ));
    }
    Ok(())
}

/// Takes all captures. Returns their number, and the summary of the last one.
fn capture_series(
    run: &Run<'_>,
    blocks: &block_channel::BlockSender,
) -> io::Result<(u32, Summary)> {
    let mut due = Instant::now();
    let mut captures = 0;
    loop {
        let summary = capture::capture(run, blocks)?;
        captures += 1;
        if run
            .config
            .count
            .is_some_and(|count| captures >= count.get())
        {
            return Ok((captures, summary));
        }
        due = (due + run.config.interval).max(Instant::now());
        while let Some(rest) = due.checked_duration_since(Instant::now())
            && !signals::series_ended()
        {
            std::thread::sleep(rest.min(Duration::from_millis(50)));
        }
        if signals::series_ended() {
            return Ok((captures, summary));
        }
        blocks.next_capture()?;
    }
}

/// Formats the summary line.
fn summarize(
    display_name: &str,
    captures: u32,
    summary: &Summary,
    took: Duration,
    bytes: u64,
) -> String {
    let tally = &summary.tally;
    let mut line = format!("{display_name}: ");
    if captures > 1 {
        line += &format!("{captures} captures, in the last ");
    }
    let count = |number: u64, one: &str, many: &str| {
        format!("{number} {}", if number == 1 { one } else { many })
    };
    // Counted as the analyzer does: kernel threads have no descriptors, and vanished processes are
    // listed separately.
    let holding_nothing = tally.kernel_threads + tally.vanished;
    let processes = tally.processes.saturating_sub(holding_nothing);
    line += &[
        count(processes, "process", "processes"),
        count(tally.descriptors, "descriptor", "descriptors"),
        count(summary.unix_sockets, "unix socket", "unix sockets"),
        count(
            summary.namespaces,
            "network namespace",
            "network namespaces",
        ),
    ]
    .join(", ");
    let missing: Vec<_> = [
        (tally.denied, "denied"),
        (tally.partial, "partial"),
        (tally.vanished, "vanished"),
        (
            summary.namespaces - summary.entered,
            "namespaces not entered",
        ),
    ]
    .iter()
    .filter(|(number, _)| *number > 0)
    .map(|(number, what)| format!("{number} {what}"))
    .collect();
    if !missing.is_empty() {
        line += &format!(" ({})", missing.join(", "));
    }
    let size = match bytes {
        0..1_000 => format!("{bytes} bytes"),
        1_000..1_000_000 => format!("{} kB", bytes.div_ceil(1_000)),
        _ => {
            let tenths = bytes.div_ceil(100_000);
            format!("{}.{} MB", tenths / 10, tenths % 10)
        }
    };
    // Integers only: formatting floating-point numbers would add two percent to the program.
    let (seconds, hundredths) = (took.as_secs(), took.subsec_millis() / 10);
    format!("{line}; {seconds}.{hundredths:02} s, {size}")
}
