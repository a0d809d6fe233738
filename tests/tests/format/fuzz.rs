//! The fuzz targets for a moment: every seed, and mutations that are the same in every run.

#[path = "../../fuzz/src/lib.rs"]
#[allow(unreachable_pub, reason = "a crate of its own where it is fuzzed")]
mod targets;

use crate::random::Random;

/// Larger seeds are run as they are; a mutation of one costs as much as ten of a small one.
const SMALL_BYTES: usize = 20_000;
const MUTATIONS: usize = 400;

/// Some changes of the kinds that fuzzers make.
fn mutated(seed: &[u8], other: &[u8], random: &mut Random) -> Vec<u8> {
    let mut bytes = seed.to_vec();
    for _ in 0..=random.below(4) {
        let at = random.below(bytes.len() + 1);
        let size = random.below(40).min(bytes.len() - at);
        match random.below(6) {
            0 => bytes.truncate(at),
            1 => drop(bytes.drain(at..at + size)),
            2 => bytes[at..at + size].fill(0xff),
            3 => {
                let from = random.below(other.len() + 1);
                let piece = &other[from..(from + size).min(other.len())];
                bytes.splice(at..at, piece.iter().copied());
            }
            4 => {
                let count = size.min(8);
                bytes.splice(at..at + count, random.bytes(count));
            }
            _ if at < bytes.len() => bytes[at] ^= 1 << random.below(8),
            _ => bytes.push(random.byte()),
        }
    }
    bytes
}

fn run(name: &str) {
    let (_, target) = targets::TARGETS
        .into_iter()
        .find(|(target, _)| *target == name)
        .unwrap();
    let seeds = targets::seeds(name);
    for seed in &seeds {
        target(seed);
    }
    let small: Vec<_> = seeds
        .iter()
        .filter(|seed| seed.len() < SMALL_BYTES)
        .collect();
    assert!(small.len() > 4, "{name}: too little to begin with");
    let mut random = Random(11);
    for _ in 0..MUTATIONS {
        let seed = small[random.below(small.len())];
        let other = small[random.below(small.len())];
        target(&mutated(seed, other, &mut random));
    }
}

#[test]
fn the_reader() {
    run("reader");
}

#[test]
fn the_table_of_unix_sockets() {
    run("unix_table");
}

#[test]
fn the_tables_of_internet_sockets() {
    run("inet_table");
}

#[test]
fn the_dumps_of_sock_diag() {
    run("netlink");
}

#[test]
fn the_map() {
    run("map");
}

/// Every target of the fuzzer is one of these.
#[test]
fn every_target_is_run_here() {
    let folder = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("fuzz/fuzz_targets");
    let mut files: Vec<String> = std::fs::read_dir(folder)
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .collect();
    files.sort();
    let expected = targets::TARGETS.map(|(name, _)| format!("{name}.rs"));
    assert_eq!(files, expected);
}
