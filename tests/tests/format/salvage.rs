//! Damaged files: all intact data is read, all damage is reported, nothing is invented.

use whotalks::load::load;
use whotalks::model::build;
use whotalks_snapshot::block::{BLOCK_HEADER_BYTES, FILE_HEADER_BYTES};
use whotalks_snapshot::records::{CaptureEnd, Host, Process, RawHeader, User};
use whotalks_snapshot::{
    BlockKind, Encoder, Error, Limits, RawStream, Reader, RecordBlock, Writer,
};

use crate::evolution::Forge;
use crate::random::Random;
use crate::{document, read};

/// Where each block of an intact file begins, and where the last one ends.
pub(crate) fn starts(file: &[u8]) -> Vec<usize> {
    let mut starts = vec![FILE_HEADER_BYTES];
    while let Some(at) = starts.last().copied().filter(|at| *at < file.len()) {
        let stored = u32::from_le_bytes(file[at + 20..at + 24].try_into().unwrap());
        starts.push(at + BLOCK_HEADER_BYTES + stored as usize);
    }
    starts
}

/// A capture of some hundred blocks: stored, compressed and transposed ones.
fn large() -> Vec<u8> {
    let mut random = Random(7);
    let mut encoder = Encoder::new(1).unwrap();
    let mut writer = Writer::with_mark(Vec::new(), 0xfeed_beef).unwrap();
    let host = Host {
        hostname: b"large".to_vec(),
        byte_order: 1,
        ..Host::default()
    };
    writer
        .write(&encoder.record(BlockKind::Host, &host).unwrap())
        .unwrap();
    for pid in 1..=40 {
        let mut block = RecordBlock::new(BlockKind::Processes);
        for part in 0..random.below(20) {
            let cmdline = random.bytes(40);
            let stat = format!("{pid} (p{part}) S 1 1 1 0 -1 4194304 0 0 0 0 0 0 0 0 20 0 1 0 9 0");
            let process = Process {
                pid,
                stat: stat.into_bytes(),
                cmdline,
                ..Process::default()
            };
            assert!(block.push(&process, &mut encoder).unwrap().is_none());
        }
        if let Some(block) = block.take(&mut encoder).unwrap() {
            writer.write(&block).unwrap();
        }
        let source = if pid % 2 == 0 {
            "diag/unix"
        } else {
            "net/unix"
        };
        let header = RawHeader {
            source: source.into(),
            netns: pid.into(),
            ..RawHeader::default()
        };
        let mut raw = RawStream::new(header);
        for row in 0..random.below(100) {
            let piece = match source {
                "net/unix" => format!("0000: 00000002 0 0 0001 01 {row:05}\n").into_bytes(),
                _ => [[32, 0, 0, 0, 20, 0, 2, 0].as_slice(), &random.bytes(24)].concat(),
            };
            assert!(raw.push(&piece, &mut encoder).unwrap().is_none());
        }
        writer
            .write(&raw.finish(0, 0, &mut encoder).unwrap())
            .unwrap();
    }
    let user = User {
        uid: 1,
        name: random.bytes(3_000),
    };
    writer
        .write(&encoder.record(BlockKind::Users, &user).unwrap())
        .unwrap();
    writer
        .write(
            &encoder
                .record(BlockKind::End, &CaptureEnd::default())
                .unwrap(),
        )
        .unwrap();
    writer.finish().unwrap()
}

#[test]
fn a_cut_at_any_byte_keeps_everything_before_it() {
    keeps_what_is_before_cuts(&document::example());
}

#[test]
fn a_cut_of_a_sample_at_any_byte_keeps_everything_before_it() {
    keeps_what_is_before_cuts(&crate::samples::small());
}

fn keeps_what_is_before_cuts(file: &[u8]) {
    let (whole, damages) = read(file);
    assert_eq!(damages, []);
    let starts = starts(file);
    assert_eq!(starts.len(), whole.len() + 1);
    for cut in 0..file.len() {
        let kept = &file[..cut];
        match Reader::new(kept, &Limits::default()) {
            Err(Error::Empty) => assert_eq!(cut, 0),
            Err(Error::HeaderCut { found, expected }) => {
                assert_eq!((found, expected), (cut, FILE_HEADER_BYTES));
            }
            Err(other) => panic!("cut at {cut}: {other}"),
            Ok(_) => {
                let before = starts[1..].iter().filter(|end| **end <= cut).count();
                let (blocks, damages) = read(kept);
                assert_eq!(blocks, whole[..before], "cut at {cut}");
                let last = damages
                    .last()
                    .unwrap_or_else(|| panic!("cut at {cut} is not said"));
                assert_eq!(
                    last.to_string(),
                    format!("at byte {cut}: the file ends before its capture was complete")
                );
                assert!(damages.len() <= 2, "cut at {cut}: {damages:?}");
            }
        }
    }
}

#[test]
fn any_flipped_bit_loses_one_block_and_is_reported() {
    let file = document::example();
    let (whole, _) = read(&file);
    let starts = starts(&file);
    for bit in 0..file.len() * 8 {
        let at = bit / 8;
        let mut flipped = file.clone();
        flipped[at] ^= 1 << (bit % 8);
        if at < FILE_HEADER_BYTES {
            assert!(
                Reader::new(&flipped, &Limits::default()).is_err(),
                "bit {bit}"
            );
            continue;
        }
        let hit = starts.iter().rposition(|start| *start <= at).unwrap();
        let (blocks, damages) = read(&flipped);
        let expected: Vec<_> = whole
            .iter()
            .filter(|(n, ..)| *n as usize != hit)
            .cloned()
            .collect();
        assert_eq!(blocks, expected, "bit {bit}");
        assert!(!damages.is_empty(), "bit {bit} is not said");
        assert!(
            damages
                .iter()
                .all(|damage| damage.offset <= file.len() as u64)
        );
    }
}

/// What happens to files: the damage, and the places of the intact file that it leaves as they are.
pub(crate) fn damage(
    file: &[u8],
    random: &mut Random,
) -> (Vec<u8>, Option<[std::ops::Range<usize>; 2]>) {
    let room = file.len() - FILE_HEADER_BYTES;
    let from = FILE_HEADER_BYTES + random.below(room);
    let size = match random.below(3) {
        0 => 1,
        1 => 1 + random.below(60),
        _ => 1 + random.below(room),
    };
    let to = (from + size).min(file.len());
    let (before, hit, after) = (&file[..from], &file[from..to], &file[to..]);
    let around = Some([0..from, to..file.len()]);
    match random.below(8) {
        0 => {
            let mut file = file.to_vec();
            file[from] ^= 1 << random.below(8);
            (
                file,
                Some([0..from, from + 1..before.len() + hit.len() + after.len()]),
            )
        }
        1 => ([before, &random.bytes(hit.len()), after].concat(), around),
        2 => ([before, &vec![0; hit.len()], after].concat(), around),
        3 => ([before, after].concat(), around),
        4 => (before.to_vec(), Some([0..from, file.len()..file.len()])),
        5 => {
            let size = random.below(5_000);
            let new = random.bytes(size);
            (
                [before, &new, hit, after].concat(),
                Some([0..from, from..file.len()]),
            )
        }
        // A piece twice, or moved: which of them is used may differ.
        6 => ([before, hit, hit, after].concat(), None),
        _ => {
            let middle = after.len() / 2;
            (
                [before, &after[..middle], hit, &after[middle..]].concat(),
                None,
            )
        }
    }
}

#[test]
fn ten_thousand_damages() {
    all_damage_is_reported(&large(), 10_000);
}

#[test]
fn ten_thousand_damages_of_a_sample() {
    all_damage_is_reported(&crate::samples::server(), 10_000);
}

/// Random damage: data read equals data written, intact data is read, all damage is reported.
fn all_damage_is_reported(file: &[u8], rounds: u32) {
    let (whole, damages) = read(file);
    assert_eq!(damages, []);
    let starts = starts(file);
    assert!(whole.len() > 40 && starts.len() == whole.len() + 1);
    let mut random = Random(10_000);
    let (mut kept, mut lost) = (0, 0);
    for round in 0..rounds {
        let (damaged, intact) = damage(file, &mut random);
        if damaged == file {
            continue;
        }
        let (blocks, damages) = read(&damaged);
        assert!(!damages.is_empty(), "round {round}: nothing is said");
        assert!(
            blocks.is_sorted_by(|one, other| one.0 < other.0),
            "round {round}"
        );
        for block in &blocks {
            assert_eq!(
                block, &whole[block.0 as usize],
                "round {round}: not what was written"
            );
        }
        if let Some(intact) = intact {
            let untouched = |number: &usize| {
                let block = starts[*number]..starts[*number + 1];
                intact
                    .iter()
                    .any(|range| range.start <= block.start && block.end <= range.end)
            };
            for number in (0..whole.len()).filter(untouched) {
                let there = blocks.iter().any(|block| block.0 as usize == number);
                assert!(
                    there,
                    "round {round}: block {number} is untouched, and lost"
                );
            }
        }
        kept += blocks.len();
        lost += whole.len() - blocks.len();
    }
    let rounds = rounds as usize;
    assert!(kept > 10 * rounds && lost > 5 * rounds, "{kept} {lost}");
}

/// The whole way to the map: never a panic, and never "complete" with something lost.
#[test]
fn maps_of_damaged_files_say_so() {
    let file = large();
    let mut random = Random(300);
    for round in 0..300 {
        let (damaged, _) = damage(&file, &mut random);
        if damaged == file {
            continue;
        }
        let loaded = load(&damaged, &Limits::default()).unwrap();
        assert!(!loaded.damages.is_empty(), "round {round}");
        let map = build(&[loaded]);
        assert!(
            map.hosts.iter().all(|host| !host.coverage.complete),
            "round {round}"
        );
    }
}

#[test]
fn captured_bytes_are_no_blocks() {
    // A process whose arguments are a forged block, correct except for the mark.
    let mut forged = Forge::new(1, 0);
    forged.mark = 0;
    forged.sequence = 1_000;
    forged.record(
        BlockKind::Users,
        &User {
            uid: 0,
            name: b"mallory".to_vec(),
        },
    );
    let cmdline = forged.bytes[FILE_HEADER_BYTES..].to_vec();
    let mut file = Forge::new(1, 0);
    file.host();
    let at = file.bytes.len();
    file.record(
        BlockKind::Processes,
        &Process {
            pid: 9,
            cmdline,
            ..Process::default()
        },
    );
    let ann = User {
        uid: 7,
        name: b"ann".to_vec(),
    };
    file.record(BlockKind::Users, &ann);
    let mut file = file.end();
    assert_eq!(read(&file).1, []);
    file[at + 8] ^= 1;
    let loaded = load(&file, &Limits::default()).unwrap();
    assert_eq!(loaded.captures[0].users, [ann]);
    assert!(loaded.captures[0].processes.is_empty());
}

#[test]
fn two_files_in_one_are_the_first() {
    let one = document::example();
    let mut other = Forge::new(1, 0);
    let other = other
        .host()
        .record(BlockKind::Users, &User::default())
        .end();
    let (whole, _) = read(&one);
    let (blocks, damages) = read(&[one.as_slice(), &other].concat());
    assert_eq!(blocks, whole);
    let said = format!(
        "at byte {}: {} bytes that belong to no block",
        one.len(),
        other.len()
    );
    assert_eq!(damages[0].to_string(), said);
    // The same file twice: its blocks come again.
    let (blocks, damages) = read(&[one.as_slice(), &one].concat());
    assert_eq!(blocks, whole);
    assert_eq!(damages.len(), 1 + whole.len(), "{damages:?}");
    assert!(
        damages[1]
            .to_string()
            .ends_with("block 0 (host) comes after block 3")
    );
}

#[test]
fn damage_beyond_the_limit_is_reported() {
    let mut file = Forge::new(1, 0);
    for _ in 0..3_000 {
        file.stored(BlockKind::Users, b"").bytes.push(0);
    }
    let (blocks, damages) = read(&file.end());
    assert!(blocks.len() < 1_100);
    assert_eq!(damages.len(), 1_001);
    let said = damages.last().unwrap().to_string();
    assert!(
        said.ends_with("1000 places are damaged: the rest of the file is not read"),
        "{said}"
    );
}
