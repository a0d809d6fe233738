//! Series: the cost of later captures, the effect of damage on them, and that no row is decoded
//! against the wrong base.

use std::process::Command;

use whotalks::check::needed;
use whotalks::load::index::index;
use whotalks::load::{Capture, Loaded, load, load_some, load_summary};
use whotalks::model::{At, build_at};
use whotalks_snapshot::block::{BLOCK_HEADER_BYTES, FILE_HEADER_BYTES};
use whotalks_snapshot::bundle::{Member, pack};
use whotalks_snapshot::records::{CaptureEnd, Host, Process, RawHeader};
use whotalks_snapshot::wire::put_record;
use whotalks_snapshot::{BlockKind, Codec, Encoder, Limits, Record, Series, Writer};
use whotalks_tests::World;
use whotalks_tests::programs::{programs, run};

use crate::evolution::Forge;
use crate::read;

const MINUTE_NS: u64 = 60_000_000_000;

fn member(kind: BlockKind, records: impl Iterator<Item = impl Record>) -> Member {
    let mut payload = Vec::new();
    records.for_each(|record| put_record(&record, &mut payload));
    Member { kind, payload }
}

/// A machine of some processes, each with its own text, and a table whose rows all count up.
fn machine(processes: u32, minute: u64) -> Vec<Member> {
    let now = 1_000_000_000_000 + minute * MINUTE_NS;
    let host = Host {
        hostname: b"quiet".to_vec(),
        boot_id: b"b".to_vec(),
        byte_order: 1,
        started_realtime_ns: now,
        ..Host::default()
    };
    let process = |pid: u32| Process {
        pid,
        stat: format!("{pid} (p{pid}) S 1 1 1 0 -1 4194304 0 0 0 0 0 0 0 0 20 0 1 0 9 0").into(),
        status: format!("Name:\tp{pid}\nUmask:\t0022\nVmRSS:\t{} kB\n", pid * 7_919).into(),
        // As much unique data as a process of a real machine has.
        cmdline: (1..10_u64)
            .map(|n| {
                format!(
                    "{:x}\0",
                    (u64::from(pid) * n).wrapping_mul(0x9e37_79b9_7f4a_7c15)
                )
            })
            .collect::<String>()
            .into(),
        at_boottime_ns: (now + u64::from(pid) * 200_000 + minute * 7_001).next_multiple_of(1 << 20),
        ..Process::default()
    };
    let header = RawHeader {
        source: b"diag/tcp".to_vec(),
        pass: 1,
        last: true,
        at_boottime_ns: now,
        ..RawHeader::default()
    };
    let mut table = member(BlockKind::Raw, std::iter::once(header));
    for row in 0..processes {
        table.payload.extend(40_u32.to_le_bytes());
        table.payload.extend([20, 0, 2, 0].repeat(3));
        table
            .payload
            .extend(row.wrapping_mul(2_654_435_761).to_le_bytes());
        // The counters of an idle connection: milliseconds.
        let silent = minute as u32 * 60_000 + row % 5;
        table.payload.extend(silent.to_le_bytes().repeat(5));
    }
    // Two decoding threads, which share the work differently each time.
    let (one, other): (Vec<u32>, Vec<u32>) =
        (1..=processes).partition(|pid| (u64::from(*pid) * 31 + minute).is_multiple_of(3));
    vec![
        member(BlockKind::Host, std::iter::once(host)),
        member(BlockKind::Processes, other.into_iter().map(process)),
        table,
        member(BlockKind::Processes, one.into_iter().map(process)),
    ]
}

/// A file of so many captures, and where each of them ends.
fn file(processes: u32, captures: u64) -> (Vec<u8>, Vec<usize>) {
    let mut encoder = Encoder::new(3).unwrap();
    let mut series = Series::default();
    let mut writer = Writer::with_mark(Vec::new(), 0xfeed_0001).unwrap();
    let mut ends = Vec::new();
    for minute in 0..captures {
        let bundle = series.encode(machine(processes, minute), writer.next_sequence());
        writer.write(&bundle.unwrap()).unwrap();
        let end = CaptureEnd {
            started_realtime_ns: 1_000_000_000_000 + minute * MINUTE_NS,
            processes_seen: processes.into(),
            ..CaptureEnd::default()
        };
        writer
            .write(&encoder.record(BlockKind::End, &end).unwrap())
            .unwrap();
        ends.push(writer.written_bytes() as usize);
        writer.next_capture();
    }
    (writer.finish().unwrap(), ends)
}

fn loaded(file: &[u8]) -> Loaded {
    load(file, &Limits::default()).unwrap()
}

fn messages(loaded: &Loaded) -> Vec<String> {
    loaded.damages.iter().map(ToString::to_string).collect()
}

#[test]
fn later_captures_cost_what_changed() {
    let (file, ends) = file(200, 70);
    let cost: Vec<usize> = std::iter::once(ends[0] - FILE_HEADER_BYTES)
        .chain(ends.windows(2).map(|pair| pair[1] - pair[0]))
        .collect();
    let alone: Vec<usize> = (0..70).filter(|at| cost[*at] > cost[0] / 2).collect();
    assert_eq!(alone, [0, 64], "a key every so often: {cost:?}");
    for (at, cost_bytes) in cost.iter().enumerate() {
        let share = cost_bytes * 100 / cost[0];
        assert!(alone.contains(&at) || share < 3, "capture {at}: {share} %");
    }
    let loaded = loaded(&file);
    assert_eq!(messages(&loaded), Vec::<String>::new());
    for (minute, capture) in (0..).zip(&loaded.captures) {
        assert_eq!(capture.processes.len(), 200);
        let mut expected = machine(200, minute);
        let table = expected.remove(2).payload;
        assert!(table.ends_with(&capture.raw[0].bytes), "capture {minute}");
        for process in &capture.processes {
            let mut again = Vec::new();
            put_record(process, &mut again);
            let there = |member: &Member| {
                member
                    .payload
                    .windows(again.len())
                    .any(|window| window == again)
            };
            assert!(
                expected.iter().any(there),
                "capture {minute}: {}",
                process.pid
            );
        }
    }
}

#[test]
fn what_changed_much_becomes_a_key() {
    let mut series = Series::default();
    let mut costs = Vec::new();
    // A machine that grows steadily: coded against the first capture alone, each costs more.
    for minute in 0..30 {
        let members = machine(50 + 10 * minute as u32, minute);
        let block = series.encode(members, minute as u32).unwrap();
        costs.push(block.stored_bytes());
    }
    let all: usize = costs.iter().sum();
    let whole: usize = (0..30_u32)
        .map(|minute| {
            let members = machine(50 + 10 * minute, minute.into());
            Series::default().encode(members, 0).unwrap().stored_bytes()
        })
        .sum();
    assert!(all < whole / 2, "{all} of {whole}: {costs:?}");
}

#[test]
fn a_cut_at_any_byte_keeps_all_complete_captures() {
    let (file, ends) = file(3, 4);
    let whole = loaded(&file);
    for cut in FILE_HEADER_BYTES..file.len() {
        let complete = ends.iter().filter(|end| **end <= cut).count();
        let kept = loaded(&file[..cut]);
        let ended = kept.captures.iter().filter(|capture| capture.end.is_some());
        assert_eq!(ended.count(), complete, "cut at {cut}");
        for number in 0..complete {
            let (one, other) = (&kept.captures[number], &whole.captures[number]);
            assert_eq!(one.processes, other.processes, "cut at {cut}");
            assert!(complete == 1 || one.damages.is_empty(), "cut at {cut}");
        }
        // A file that is cut between two captures is a shorter series.
        assert_eq!(kept.damages.is_empty(), ends.contains(&cut), "cut at {cut}");
    }
}

#[test]
fn a_damaged_base_takes_its_captures_with_it_and_no_others() {
    let (file, ends) = file(3, 67);
    let mut damaged = file.clone();
    damaged[FILE_HEADER_BYTES + BLOCK_HEADER_BYTES + 60] ^= 1;
    let loaded = loaded(&damaged);
    let said = messages(&loaded);
    assert!(
        said[0].contains("block 0 (bundle): checksum "),
        "{}",
        said[0]
    );
    assert_eq!(said.len(), 64);
    assert!(said[1].ends_with("block 2 (bundle) is coded against block 0, which is lost"));
    for (at, capture) in loaded.captures.iter().enumerate() {
        assert_eq!(capture.processes.is_empty(), at < 64, "capture {at}");
        assert_eq!(capture.damages.is_empty(), at >= 64, "capture {at}");
        assert!(capture.end.is_some());
    }
    // The map of a capture that is lost is not one of a machine without processes.
    let files = [loaded];
    let lost = build_at(&files, At::Number(5)).unwrap();
    assert!(lost.hosts.len() == 1 && !lost.hosts[0].coverage.complete);
    let kept = build_at(&files, At::Last).unwrap();
    assert_eq!((kept.hosts.len(), kept.processes.len()), (1, 3));
    assert!(kept.hosts[0].coverage.damage.is_empty());
    // All of them together lack what any of them does.
    let all = build_at(&files, At::All).unwrap();
    assert_eq!(all.hosts[0].coverage.damage, said);
    assert!(!all.hosts[0].coverage.complete && all.processes.len() == 3);

    // Of a later capture only itself.
    let mut damaged = file;
    damaged[ends[0] + BLOCK_HEADER_BYTES + 20] ^= 1;
    let loaded = self::loaded(&damaged);
    assert_eq!(loaded.damages.len(), 1);
    let lost: Vec<_> = (0..67)
        .filter(|at| loaded.captures[*at].processes.is_empty())
        .collect();
    assert_eq!(lost, [1]);
}

/// Every checksum of the file is right, and yet the base is another than the writer's.
#[test]
fn nothing_is_decoded_after_the_wrong_bytes() {
    let bundles = |minute| pack(&machine(40, minute));
    let mut series = Series::default();
    let mut writer = Writer::with_mark(Vec::new(), 0x00c0_ffee).unwrap();
    for minute in 0..2 {
        let block = series.encode(machine(40, minute), minute as u32).unwrap();
        writer.write(&block).unwrap();
    }
    let honest = writer.finish().unwrap();
    let (blocks, _) = read(&honest);
    let later = honest.len() - {
        let first = u32::from_le_bytes(honest[44..48].try_into().unwrap()) as usize;
        FILE_HEADER_BYTES + BLOCK_HEADER_BYTES + first
    };
    let stored = &honest[honest.len() - later + BLOCK_HEADER_BYTES..];
    let decoded = u32::try_from(blocks[1].2.len()).unwrap();
    for wrong in [
        bundles(7),
        b"\0\0".to_vec(),
        blocks[0].2[..blocks[0].2.len() - 1].to_vec(),
    ] {
        let mut forged = Forge::new(1, 1);
        forged.stored(BlockKind::Bundle, &wrong);
        forged.after(0, BlockKind::Bundle, Codec::Prefixed, decoded, stored);
        let (blocks, damages) = read(&forged.end());
        assert_eq!(blocks.len(), 2, "the base, and the end");
        assert!(
            damages[0]
                .to_string()
                .contains("block 1 (bundle) does not decompress: "),
            "{damages:?}"
        );
    }
    // A base that is none, comes later, or is no bundle.
    for base in [1, 2, 77] {
        let mut forged = Forge::new(1, 1);
        forged.stored(BlockKind::Bundle, &blocks[0].2);
        forged.after(base, BlockKind::Bundle, Codec::Prefixed, decoded, stored);
        let (_, damages) = read(&forged.end());
        let why = format!("block 1 (bundle) is coded against block {base}, which is lost");
        assert!(damages[0].to_string().ends_with(&why), "{damages:?}");
    }
    // A frame without a checksum of its content could decode to anything.
    let mut forged = Forge::new(1, 1);
    forged.stored(BlockKind::Bundle, &blocks[0].2);
    let unchecked = zstd::bulk::compress(&blocks[1].2, 3).unwrap();
    forged.after(0, BlockKind::Bundle, Codec::Prefixed, decoded, &unchecked);
    let (_, damages) = read(&forged.end());
    assert!(
        damages[0]
            .to_string()
            .ends_with("the frame has no checksum"),
        "{damages:?}"
    );
}

#[test]
fn one_capture_is_read_without_the_others() {
    let (file, _) = file(20, 5);
    let entries = index(&file, &Limits::default()).unwrap();
    let alone: Vec<bool> = entries.iter().map(|entry| entry.alone).collect();
    assert_eq!(alone, [true, false, false, false, false]);
    assert!(
        entries
            .iter()
            .all(|entry| entry.host && entry.started_ns().is_some())
    );
    let some = load_some(&file, &Limits::default(), &|number| number == 3).unwrap();
    let whole = loaded(&file);
    for (at, capture) in some.captures.iter().enumerate() {
        assert_eq!(capture.processes.is_empty(), at != 3);
    }
    assert_eq!(some.captures[3].processes, whole.captures[3].processes);
    for number in [4, -2] {
        let at = At::Number(number);
        let (one, all) = (
            build_at(std::slice::from_ref(&some), at),
            build_at(std::slice::from_ref(&whole), at),
        );
        assert_eq!(one.unwrap().processes.len(), all.unwrap().processes.len());
    }
}

#[test]
fn a_course_takes_little_of_each_capture() {
    let (mut file, ends) = file(20, 5);
    file[ends[2] + BLOCK_HEADER_BYTES + 20] ^= 1;
    let whole = loaded(&file);
    let thin = load_summary(&file, &Limits::default()).unwrap();
    assert_eq!(messages(&thin), messages(&whole));
    assert_eq!(
        (&thin.numbers[..], thin.captures.len()),
        (&[0, 1, 2, 3, 4][..], 5)
    );
    for (thin, whole) in thin.captures.iter().zip(&whole.captures) {
        assert_eq!((&thin.host, &thin.end), (&whole.host, &whole.end));
        let stats = |capture: &Capture| -> Vec<(u32, Vec<u8>)> {
            let processes = capture.processes.iter();
            processes.map(|one| (one.pid, one.stat.clone())).collect()
        };
        assert_eq!(stats(thin), stats(whole));
        assert!(thin.raw.is_empty());
        assert!(thin.processes.iter().all(|one| one.cmdline.is_empty()));
    }
    // The latest, and the first where none is known to be old enough to compare with.
    assert_eq!(
        needed(std::slice::from_ref(&thin), At::Last),
        [[true, false, false, false, true]]
    );
}

#[test]
fn a_series_of_this_machine() {
    let world = World::new();
    let actor = world.actor();
    let (one, _) = actor.pair(whotalks_tests::Kind::Stream);
    let file = world.snapshot_with(&["--interval", "100ms", "--count", "3"]);
    let mut info = Command::new(&programs().analyze);
    let info = run(
        info.args(["info", "--verify", "--format", "json"])
            .arg(&file),
        b"",
    );
    let info = info.succeeds().json();
    let series = info["files"][0]["series"].as_array().unwrap();
    assert_eq!(series.len(), 3);
    let cost = |at: usize| series[at]["stored_bytes"].as_u64().unwrap();
    assert!(cost(1) < cost(0) / 2 && cost(2) < cost(0) / 2, "{series:?}");
    assert!(series.iter().all(|capture| capture["whole"] == true));
    for at in ["1", "2", "-1", "last"] {
        let mut export = Command::new(&programs().analyze);
        let map = run(export.args(["export", "--at", at]).arg(&file), b"").json();
        let sockets = map["sockets"].as_array().unwrap();
        let there = sockets.iter().any(|socket| socket["inode"] == one.inode);
        assert!(there, "--at {at}");
    }
    let mut beyond = Command::new(&programs().analyze);
    run(beyond.args(["export", "--at", "4"]).arg(&file), b"").exits(1);
}
