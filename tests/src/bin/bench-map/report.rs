//! Measures each scene, and compares the analyzer with its targets.

use std::path::Path;

use anyhow::Result;
use whotalks_tests::bench::args::Options;
use whotalks_tests::bench::load::Size;
use whotalks_tests::bench::{Target, built, in_scratch, print_targets};
use whotalks_tests::protocol::Usage;

use crate::scene::{PEERS, Seen, Tools, measure, trend};

/// Maximum for `list --sockets` of 200,000 sockets: seconds, and MB.
const LIST: (f64, f64) = (0.3, 200.0);
/// Maximum for `check` without loading, in seconds.
const CHECK_S: f64 = 0.5;
/// Maximum for `diff` of two such captures: seconds, and MB.
const DIFF: (f64, f64) = (1.0, 400.0);
/// Maximum for `trend` of a day of captures a minute apart: seconds, and MB.
const TREND: (f64, f64) = (2.0, 300.0);
/// Maximum time of loading relative to plain decompression, and memory relative to the decoded bytes.
const LOAD: (f64, f64) = (2.0, 3.0);
/// Maximum growth for a machine ten times as large.
const GROWTH: f64 = 11.0;

/// Measures and prints everything.
pub(crate) fn run(options: &Options) -> Result<()> {
    in_scratch("bench-map", |scratch| run_in(options, scratch))
}

fn run_in(options: &Options, scratch: &Path) -> Result<()> {
    let collector = options.collector()?;
    let (helper, analyzer) = (built::helper()?, built::analyzer()?);
    let tools = Tools {
        options,
        collector: &collector,
        analyzer: &analyzer,
        helper: &helper,
        scratch,
    };
    println!("medians of {} runs", options.runs);
    let size = |processes: usize, own, inherited| Size {
        processes: (processes * options.percent / 100).max(1),
        own,
        inherited,
        threads: 0,
    };
    let many = measure(&tools, "many sockets", size(2_000, 100, 0), true)?;
    let mut targets = vec![
        within("list --sockets", &many.list, LIST),
        within("diff", &many.diff, DIFF),
        beyond_loading(&many),
    ];
    targets.extend(loading(&many));
    targets.extend(against_peers(&many));
    targets.push(within("trend of a day", &trend(&tools)?, TREND));
    if !options.quick {
        let few = measure(&tools, "a tenth", size(200, 100, 0), false)?;
        let shared = measure(&tools, "shared sockets", size(2_000, 0, 1_000), false)?;
        targets.extend(growth(&few, &many));
        targets.extend(growth(&many, &shared));
    }
    print_targets(targets);
    Ok(())
}

fn seconds(usage: &Usage) -> f64 {
    usage.wall_us as f64 / 1e6
}

fn within(what: &str, usage: &Usage, (most_s, most_mb): (f64, f64)) -> Target {
    let (wall, peak) = (seconds(usage), usage.peak_kb as f64 / 1e3);
    let text = format!("{what}: {wall:.2} s, {peak:.0} MB (at most {most_s} s, {most_mb} MB)");
    (wall <= most_s && peak <= most_mb, text)
}

fn beyond_loading(seen: &Seen) -> Target {
    let beyond = seconds(&seen.check) - seconds(&seen.load);
    let text = format!("check: {beyond:.2} s beyond loading (at most {CHECK_S} s)");
    (beyond <= CHECK_S, text)
}

fn loading(seen: &Seen) -> Vec<Target> {
    let memory = seen.load.peak_kb as f64 * 1e3 / seen.decoded_bytes as f64;
    let (most_time, most_memory) = LOAD;
    let text =
        format!("blocks to typed rows: {memory:.1} of the decoded size (at most {most_memory})");
    let mut targets = vec![(memory <= most_memory, text)];
    if let Some(zstd) = &seen.zstd {
        let time = seconds(&seen.load) / seconds(zstd);
        let text = format!("blocks to typed rows: {time:.1} × zstd -dc (at most {most_time} ×)");
        targets.push((time <= most_time, text));
    }
    targets
}

fn against_peers(seen: &Seen) -> Vec<Target> {
    let ours = seconds(&seen.collect) + seconds(&seen.list);
    let one = |((words, least), usage): (&(&[&str], f64), &Option<Usage>)| {
        let faster = seconds(usage.as_ref()?) / ours;
        let peer = words.join(" ");
        let text = format!(
            "capture and list --sockets ({ours:.2} s): {faster:.1} × faster than {peer} (at least {least} ×)"
        );
        Some((faster >= *least, text))
    };
    PEERS.iter().zip(&seen.peers).filter_map(one).collect()
}

fn growth(few: &Seen, many: &Seen) -> Vec<Target> {
    let larger = many.descriptors as f64 / few.descriptors as f64;
    let most = larger * GROWTH / 10.0;
    let of = |what: &str, few_run: &Usage, many_run: &Usage| {
        let wall = seconds(many_run) / seconds(few_run);
        let text = format!(
            "{what}: {wall:.1} × from {} descriptors of {} sockets to {} of {} (at most {most:.0} ×)",
            few.descriptors, few.sockets, many.descriptors, many.sockets
        );
        (wall <= most, text)
    };
    vec![
        of("list --sockets", &few.list, &many.list),
        of("check", &few.check, &many.check),
        of("diff", &few.diff, &many.diff),
    ]
}
