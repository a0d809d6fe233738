//! Measures each scene, and compares the collector with its targets.

use std::path::Path;

use anyhow::{Context as _, Result};

use crate::memory;
use crate::scene::{Medians, Scene, Tools, measure};
use whotalks_tests::bench::args::Options;
use whotalks_tests::bench::load::Size;
use whotalks_tests::bench::{Target, built, in_scratch, print_targets};

/// Maximum wall time relative to the same system calls.
const WALL: f64 = 1.15;
/// Maximum peak memory in the two large scenes.
const PEAK_MB: [f64; 2] = [16.0, 32.0];
/// Maximum file size in bytes per socket and per descriptor.
const FILE_BYTES: f64 = 5.0;
/// Maximum growth of wall time for ten times the descriptors.
const GROWTH: f64 = 11.0;
/// Maximum size of the program relative to an empty one.
const SIZE: f64 = 1.25;

/// Measures and prints everything.
pub(crate) fn run(options: &Options) -> Result<()> {
    in_scratch("bench-collect", |scratch| run_in(options, scratch))
}

fn run_in(options: &Options, scratch: &Path) -> Result<()> {
    let collector = options.collector()?;
    let helper = built::helper()?;
    let tools = Tools {
        options,
        collector: &collector,
        helper: &helper,
        scratch,
    };
    println!("{} threads, medians of {} runs", options.jobs, options.runs);
    let of = |number: usize| (number * options.percent / 100).max(1);
    let scene = |title, processes, own, inherited, peers| Scene {
        title,
        size: Size {
            processes: of(processes),
            own,
            inherited,
            threads: 0,
        },
        peers,
    };
    let many = measure(&tools, scene("many sockets", 2_000, 100, 0, true))?;
    let mut targets = vec![wall("many sockets", &many), peak(&many, PEAK_MB[0])];
    targets.push(file(&many));
    if !options.quick {
        let few = measure(&tools, scene("a tenth", 200, 100, 0, false))?;
        let shared = measure(&tools, scene("shared sockets", 2_000, 0, 1_000, true))?;
        targets.push(wall("shared sockets", &shared));
        targets.push(peak(&shared, PEAK_MB[1]));
        targets.push(growth(&few, &many));
        targets.push(growth(&many, &shared));
    }
    targets.push(memory::measure(&tools, of(2_000))?);
    targets.push(program_size(&collector, scratch)?);
    print_targets(targets);
    Ok(())
}

fn wall(title: &str, scene: &Medians) -> Target {
    let ratio = |to: u64| scene.collector.wall_us as f64 / to as f64;
    let (links, same) = (ratio(scene.links.wall_us), ratio(scene.same.wall_us));
    let text = format!(
        "{title}: wall {same:.2} of the system calls for the same data (at most {WALL}); \
         {links:.2} of the links alone"
    );
    (same <= WALL, text)
}

fn peak(scene: &Medians, most: f64) -> Target {
    let peak = scene.collector.peak_kb as f64 / 1e3;
    let text = format!(
        "peak {peak:.1} MB at {} descriptors (at most {most} MB)",
        scene.descriptors
    );
    (peak <= most, text)
}

fn file(scene: &Medians) -> Target {
    let each = scene.file_bytes as f64 / (scene.sockets + scene.descriptors) as f64;
    let text = format!(
        "file {each:.2} bytes for each socket and descriptor (at most {FILE_BYTES}), {:.2} MB",
        scene.file_bytes as f64 / 1e6
    );
    (each <= FILE_BYTES, text)
}

fn growth(few: &Medians, many: &Medians) -> Target {
    let descriptors = many.descriptors as f64 / few.descriptors as f64;
    let wall = many.collector.wall_us as f64 / few.collector.wall_us as f64;
    let text = format!(
        "wall grows {wall:.1} × from {} to {} descriptors (at most {:.0} ×)",
        few.descriptors,
        many.descriptors,
        descriptors * GROWTH / 10.0
    );
    (wall <= descriptors * GROWTH / 10.0, text)
}

fn program_size(collector: &Path, scratch: &Path) -> Result<Target> {
    let context = || format!("{}", collector.display());
    let ours = std::fs::metadata(collector).with_context(context)?.len();
    let (empty, alike) = (built::size(scratch, false)?, built::size(scratch, true)?);
    let ratio = ours as f64 / empty as f64;
    let text = format!(
        "program of {:.2} MB: {ratio:.2} of an empty static one of the same profile, which has \
         {:.2} MB (at most {SIZE}); {:.2} of one that is linked with all its flags",
        ours as f64 / 1e6,
        empty as f64 / 1e6,
        ours as f64 / alike as f64
    );
    Ok((ratio <= SIZE, text))
}
