//! One load, and the time of every program on it.

use std::ffi::OsStr;
use std::path::Path;
use std::time::Duration;

use anyhow::{Context as _, Result};
use whotalks_tests::bench::args::Options;
use whotalks_tests::bench::load::{Load, Size};
use whotalks_tests::bench::measure::{Peer, Program, median, peer};
use whotalks_tests::protocol::Usage;

/// Timeout of the reference loops and the collector.
const TIMEOUT: Duration = Duration::from_secs(300);

/// Programs and folders.
pub(crate) struct Tools<'a> {
    pub(crate) options: &'a Options,
    pub(crate) collector: &'a Path,
    /// Runs a program and measures it.
    pub(crate) helper: &'a Path,
    /// A folder for the snapshots.
    pub(crate) scratch: &'a Path,
}

/// A load, and the measurements on it.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Scene {
    pub(crate) title: &'static str,
    pub(crate) size: Size,
    /// Whether the peers are measured as well.
    pub(crate) peers: bool,
}

/// Medians of a scene.
#[derive(Debug)]
pub(crate) struct Medians {
    pub(crate) descriptors: u64,
    pub(crate) sockets: u64,
    pub(crate) links: Usage,
    pub(crate) same: Usage,
    pub(crate) collector: Usage,
    pub(crate) file_bytes: u64,
}

/// Creates the load of a scene, measures, and prints a line for each program.
pub(crate) fn measure(tools: &Tools<'_>, scene: Scene) -> Result<Medians> {
    let size = scene.size;
    let _load = Load::new(size)?;
    let descriptors = (size.processes * (size.own + size.inherited)) as u64;
    let sockets = size.processes * size.own + size.inherited;
    println!(
        "\n{}: {} processes, {descriptors} descriptors of {sockets} sockets",
        scene.title, size.processes
    );
    let file = tools.scratch.join("machine.whotalks");
    let jobs = tools.options.jobs.to_string();
    // Inherited sockets: fdinfo of a sample of their holders is read.
    let shared = if size.inherited > 0 {
        size.inherited
    } else {
        usize::MAX
    };
    let shared = shared.to_string();
    let own = std::env::current_exe()?;
    let bare = |what: &str| {
        let arguments = ["--bare", &jobs, what, &shared].map(OsStr::new);
        Program::at(&format!("bare system calls, {what}"), &own, &arguments)
    };
    let capture = [OsStr::new("-q"), OsStr::new("--force"), OsStr::new("-j")];
    let capture = [
        &capture[..],
        &[jobs.as_ref(), OsStr::new("-o"), file.as_ref()],
    ]
    .concat();
    let ours = [
        bare("links"),
        bare("same"),
        Program::at("whotalks-collect", tools.collector, &capture),
    ];
    let mut runs: [Vec<Usage>; 3] = Default::default();
    // Interleaved, so that a busy moment of the machine affects all programs. The first round warms up.
    for turn in 0..=tools.options.runs {
        for (program, runs) in ours.iter().zip(&mut runs) {
            let usage = program.run(tools.helper, TIMEOUT)?;
            let usage = usage.with_context(|| format!("{}: does not end", program.shown))?;
            anyhow::ensure!(usage.success, "{}: failed", program.shown);
            if turn > 0 {
                runs.push(usage);
            }
        }
    }
    let [links, same, collector] = runs.each_ref().map(|runs| median(runs).context("no runs"));
    let (links, same, collector) = (links?, same?, collector?);
    println!(
        "{:<28}{:>5}{:>9}{:>9}{:>10}{:>8}{:>8}",
        "", "runs", "wall s", "cpu s", "peak MB", "×links", "×same"
    );
    let print = |program: &Program, runs: usize, usage: &Usage| {
        println!(
            "{:<28}{runs:>5}{:>9.2}{:>9.2}{:>10.1}{:>8.2}{:>8.2}",
            program.shown,
            usage.wall_us as f64 / 1e6,
            (usage.user_us + usage.system_us) as f64 / 1e6,
            usage.peak_kb as f64 / 1e3,
            usage.wall_us as f64 / links.wall_us as f64,
            usage.wall_us as f64 / same.wall_us as f64,
        );
    };
    for (program, usage) in ours.iter().zip([&links, &same, &collector]) {
        print(program, tools.options.runs, usage);
    }
    if scene.peers && tools.options.peers {
        for words in [&["lsfd"][..], &["ss", "-xpa"], &["lsof", "-nP", "-U", "+E"]] {
            let program = Program::of(words);
            let limit = tools.options.limit;
            match peer(&program, tools.helper, tools.options.runs, limit)? {
                Peer::Missing => println!("{:<28} not installed", program.shown),
                Peer::TooSlow(after) => {
                    println!("{:<28} ended after {} s", program.shown, after.as_secs());
                }
                Peer::Ran(runs, usage) => print(&program, runs, &usage),
            }
        }
    }
    let file_bytes = std::fs::metadata(&file)?.len();
    println!(
        "file of {:.2} MB: {:.2} bytes for each descriptor",
        file_bytes as f64 / 1e6,
        file_bytes as f64 / descriptors as f64
    );
    Ok(Medians {
        descriptors,
        sockets: sockets as u64,
        links,
        same,
        collector,
        file_bytes,
    })
}
