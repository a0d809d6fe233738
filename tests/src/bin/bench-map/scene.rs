//! One load, captured twice, and the cost of each query.

use std::ffi::OsStr;
use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::{Context as _, Result};
use whotalks_tests::bench::args::Options;
use whotalks_tests::bench::load::{Load, Size};
use whotalks_tests::bench::measure::{Peer, Program, median, peer};
use whotalks_tests::protocol::Usage;

use crate::plain;

/// Timeout of a query.
const TIMEOUT: Duration = Duration::from_secs(300);

/// Commands of the peers equivalent to `list --sockets`, and the factor by which capture plus query
/// should be faster.
pub(crate) const PEERS: [(&[&str], f64); 3] = [
    (&["lsfd"], 5.0),
    (&["ss", "-xpa"], 30.0),
    (&["lsof", "-nP", "-U", "+E"], 50.0),
];

/// Programs and folders.
pub(crate) struct Tools<'a> {
    pub(crate) options: &'a Options,
    pub(crate) collector: &'a Path,
    pub(crate) analyzer: &'a Path,
    /// Runs a program and measures it.
    pub(crate) helper: &'a Path,
    /// A folder for the snapshots.
    pub(crate) scratch: &'a Path,
}

/// Results of a scene.
pub(crate) struct Seen {
    pub(crate) descriptors: u64,
    pub(crate) sockets: u64,
    /// Size of the decoded blocks in bytes.
    pub(crate) decoded_bytes: u64,
    pub(crate) collect: Usage,
    pub(crate) load: Usage,
    pub(crate) zstd: Option<Usage>,
    pub(crate) list: Usage,
    pub(crate) check: Usage,
    pub(crate) diff: Usage,
    /// The peers that ran, in the order of [`PEERS`].
    pub(crate) peers: Vec<Option<Usage>>,
}

/// Creates the load of a scene, measures, and prints a line for each program.
pub(crate) fn measure(tools: &Tools<'_>, title: &str, size: Size, peers: bool) -> Result<Seen> {
    let _load = Load::new(size)?;
    let descriptors = (size.processes * (size.own + size.inherited)) as u64;
    let sockets = (size.processes * size.own + size.inherited) as u64;
    println!(
        "\n{title}: {} processes, {descriptors} descriptors of {sockets} sockets",
        size.processes
    );
    println!(
        "{:<28}{:>5}{:>9}{:>9}{:>10}",
        "", "runs", "wall s", "cpu s", "peak MB"
    );
    let file = |name: &str| tools.scratch.join(name);
    let (old, new, plain_file) = (
        file("old.whotalks"),
        file("new.whotalks"),
        file("plain.zst"),
    );
    let capture = |to: &PathBuf| {
        let arguments = [OsStr::new("-q"), OsStr::new("--force"), OsStr::new("-o")];
        let arguments = [&arguments[..], &[to.as_os_str()]].concat();
        Program::at("whotalks-collect", tools.collector, &arguments)
    };
    several(tools, &capture(&old))?;
    let collect = shown(tools, &capture(&new))?;
    let decoded_bytes = plain::recompress(&new, &plain_file)?;
    let ask = |words: &[&str], files: &[&PathBuf]| {
        let words = words.iter().map(OsStr::new);
        let files = files.iter().map(|file| file.as_os_str());
        let arguments: Vec<&OsStr> = words.clone().chain(files).collect();
        let texts: Vec<_> = words.map(|word| word.to_string_lossy()).collect();
        let title = format!("whotalks {}", texts.join(" "));
        shown(tools, &Program::at(&title, tools.analyzer, &arguments))
    };
    let own = std::env::current_exe()?;
    let rows = Program::at(
        "blocks to typed rows",
        &own,
        &[OsStr::new("--load"), new.as_os_str()],
    );
    let zstd = Program::at(
        "zstd -dc, the same data",
        "zstd".as_ref(),
        &[OsStr::new("-dc"), plain_file.as_os_str()],
    );
    let zstd = zstd.exists().then(|| shown(tools, &zstd)).transpose()?;
    let load = shown(tools, &rows)?;
    let list = ask(&["list", "--sockets"], &[&new])?;
    for words in [
        &["list"][..],
        &["hubs"],
        &["waits"],
        &["export"],
        &["draw", "-o", "-"],
    ] {
        ask(words, &[&new])?;
    }
    let check = ask(&["check"], &[&new])?;
    let diff = ask(&["diff"], &[&old, &new])?;
    let mut of_peers = Vec::new();
    for (words, _) in PEERS.iter().filter(|_| peers && tools.options.peers) {
        of_peers.push(one_peer(tools, &Program::of(words))?);
    }
    Ok(Seen {
        descriptors,
        sockets,
        decoded_bytes,
        collect,
        load,
        zstd,
        list,
        check,
        diff,
        peers: of_peers,
    })
}

/// Captures this machine as often as a day has minutes, and prints the cost of its trend.
pub(crate) fn trend(tools: &Tools<'_>) -> Result<Usage> {
    let series = tools.scratch.join("day.whotalks");
    let words = [
        "-q",
        "--force",
        "--count",
        "1440",
        "--interval",
        "10ms",
        "-o",
    ]
    .map(OsStr::new);
    let arguments = [&words[..], &[series.as_os_str()]].concat();
    println!("\n1,440 captures of this machine");
    let collector = Program::at("whotalks-collect", tools.collector, &arguments);
    collector.run(tools.helper, TIMEOUT)?;
    let arguments = [OsStr::new("trend"), series.as_os_str()];
    shown(
        tools,
        &Program::at("whotalks trend", tools.analyzer, &arguments),
    )
}

/// Measures a program and prints its medians.
fn shown(tools: &Tools<'_>, program: &Program) -> Result<Usage> {
    let usage = several(tools, program)?;
    print(program, tools.options.runs, &usage);
    Ok(usage)
}

/// Medians of the runs of a program, after one to warm up.
fn several(tools: &Tools<'_>, program: &Program) -> Result<Usage> {
    let mut runs = Vec::new();
    for turn in 0..=tools.options.runs {
        let usage = program.run(tools.helper, TIMEOUT)?;
        let usage = usage.with_context(|| format!("{}: does not end", program.shown))?;
        if turn > 0 {
            runs.push(usage);
        }
    }
    median(&runs).context("no runs")
}

fn one_peer(tools: &Tools<'_>, program: &Program) -> Result<Option<Usage>> {
    let (runs, limit) = (tools.options.runs, tools.options.limit);
    Ok(match peer(program, tools.helper, runs, limit)? {
        Peer::Missing => {
            println!("{:<28} not installed", program.shown);
            None
        }
        Peer::TooSlow(after) => {
            println!("{:<28} ended after {} s", program.shown, after.as_secs());
            None
        }
        Peer::Ran(runs, usage) => {
            print(program, runs, &usage);
            Some(usage)
        }
    })
}

fn print(program: &Program, runs: usize, usage: &Usage) {
    println!(
        "{:<28}{runs:>5}{:>9.2}{:>9.2}{:>10.1}",
        program.shown,
        usage.wall_us as f64 / 1e6,
        (usage.user_us + usage.system_us) as f64 / 1e6,
        usage.peak_kb as f64 / 1e3,
    );
}
