//! FORMAT.md against the crate: its tables, its examples, its hex dump.

use std::collections::{BTreeMap, BTreeSet};

use whotalks_snapshot::block::{BlockKind, FileHeader};
use whotalks_snapshot::descriptors::{DescriptorTable, Link, TableBuilder};
use whotalks_snapshot::limits::MAX_BLOCK_BYTES;
use whotalks_snapshot::records::{
    BoundPath, CaptureEnd, DescriptorInfo, Host, MemoryRead, Netns, Process, RawHeader, ReadError,
    User, Wait,
};
use whotalks_snapshot::wire::take_record;
use whotalks_snapshot::{Encoder, RawStream, Record, Writer, records, transpose};

use crate::read;

const DOCUMENT: &str = include_str!("../../../snapshots/FORMAT.md");

/// The text below a heading, up to the next one.
fn section(heading: &str) -> &'static str {
    let start = DOCUMENT.find(&format!("\n{heading}\n"));
    let start = start.unwrap_or_else(|| panic!("no heading {heading}")) + heading.len() + 2;
    let rest = &DOCUMENT[start..];
    &rest[..rest.find("\n#").unwrap_or(rest.len())]
}

/// The first table of a section, row by row, without its head.
fn table(section: &str) -> Vec<Vec<&str>> {
    let lines = section.lines().skip_while(|line| !line.starts_with('|'));
    let rows = lines.take_while(|line| line.starts_with('|')).skip(2);
    rows.map(|row| row.trim_matches('|').split(" | ").map(str::trim).collect())
        .collect()
}

/// The bytes of the dump after a marker: on each line an address, 47 columns of them, a comment.
fn bytes(marker: &str) -> Vec<u8> {
    let marker = format!("<!-- {marker} -->\n```\n");
    let start = DOCUMENT
        .find(&marker)
        .unwrap_or_else(|| panic!("no {marker}"))
        + marker.len();
    let block = &DOCUMENT[start..start + DOCUMENT[start..].find("```").unwrap()];
    let mut bytes = Vec::new();
    for line in block.lines().filter(|line| !line.is_empty()) {
        let (at, rest) = line.split_once("  ").unwrap();
        assert_eq!(usize::from_str_radix(at, 16), Ok(bytes.len()), "{line}");
        let hex = rest.get(..47).unwrap_or(rest).split_whitespace();
        bytes.extend(hex.map(|byte| u8::from_str_radix(byte, 16).unwrap()));
    }
    bytes
}

fn check_record<R: Record>(name: &str) {
    let written: Vec<(String, String)> = R::FIELDS
        .iter()
        .map(|(field, kind)| {
            let kind = match kind.replace(' ', "").as_str() {
                "Vec<u8>" => "bytes".to_owned(),
                "Option<Vec<u8>>" => "option bytes".to_owned(),
                other => match other.split_once('<') {
                    Some(("Option", of)) => format!("option {}", of.trim_end_matches('>')),
                    Some(("Vec", of)) => format!("list of {}", of.trim_end_matches('>')),
                    _ => other.to_owned(),
                },
            };
            (format!("`{field}`"), kind)
        })
        .collect();
    let rows = table(section(&format!("### {name}")));
    let documented: Vec<(String, String)> = rows
        .iter()
        .map(|row| (row[0].to_owned(), row[1].to_owned()))
        .collect();
    assert_eq!(documented, written, "FORMAT.md, {name}");
    assert!(
        rows.iter().all(|row| row[2..].concat().len() > 3),
        "{name}: a field without words"
    );
}

#[test]
fn every_record_is_documented_field_by_field() {
    check_record::<Host>("Host");
    check_record::<CaptureEnd>("CaptureEnd");
    check_record::<ReadError>("ReadError");
    check_record::<Process>("Process");
    check_record::<DescriptorTable>("DescriptorTable");
    check_record::<DescriptorInfo>("DescriptorInfo");
    check_record::<Wait>("Wait");
    check_record::<MemoryRead>("MemoryRead");
    check_record::<Netns>("Netns");
    check_record::<RawHeader>("RawHeader");
    check_record::<User>("User");
    check_record::<BoundPath>("BoundPath");
}

#[test]
fn every_block_type_is_documented() {
    let documented: BTreeMap<u16, String> = table(section("## Block types"))
        .iter()
        .filter(|row| !row[0].contains('–'))
        .map(|row| {
            let number = u16::from_str_radix(row[0].trim_start_matches("0x"), 16).unwrap();
            (number, row[1].trim_matches('`').to_owned())
        })
        .collect();
    let known: BTreeMap<u16, String> = (0..=u16::MAX)
        .map(BlockKind::from_number)
        .filter(|kind| !matches!(kind, BlockKind::Unknown(_)))
        .map(|kind| (kind.number(), kind.name()))
        .collect();
    assert_eq!(documented, known);
    assert!(known.keys().all(|number| (1..0x8000).contains(number)));
}

#[test]
fn the_limit_is_the_documented_one() {
    let digits: String = section("## Limits")
        .lines()
        .find(|line| line.contains("decoded bytes"))
        .unwrap()[..]
        .split("MiB")
        .next()
        .unwrap()
        .split('|')
        .nth(2)
        .unwrap()
        .split('(')
        .next()
        .unwrap()
        .chars()
        .filter(char::is_ascii_digit)
        .collect();
    assert_eq!(digits.parse::<u32>().unwrap(), MAX_BLOCK_BYTES);
}

#[test]
fn every_source_of_a_capture_is_documented() {
    let mut known = BTreeSet::new();
    for row in table(section("## Raw sources")) {
        known.extend(
            row[0]
                .split(", ")
                .map(|name| name.trim_matches('`').to_owned()),
        );
    }
    let world = whotalks_tests::World::new();
    let file = std::fs::read(world.snapshot()).unwrap();
    let mut sources = BTreeSet::new();
    for (_, kind, payload) in read(&file).0 {
        if kind == BlockKind::Raw {
            let header: RawHeader = take_record(&mut payload.as_slice()).unwrap();
            sources.insert(String::from_utf8(header.source).unwrap());
        }
    }
    assert!(
        sources.contains("diag/unix") && sources.contains("net/unix"),
        "{sources:?}"
    );
    let documented = |source: &String| {
        known.contains(source)
            || (source.starts_with("net/") && known.contains("net/NAME"))
            || (source.starts_with("sys/") && known.contains("sys/…"))
    };
    let unknown: Vec<_> = sources
        .iter()
        .filter(|source| !documented(source))
        .collect();
    assert!(unknown.is_empty(), "not in FORMAT.md: {unknown:?}");
}

/// The file of the dump.
pub(crate) fn example() -> Vec<u8> {
    let mut encoder = Encoder::new(3).unwrap();
    let mut writer = Writer::with_mark(Vec::new(), 0x5eed_2a17).unwrap();
    let host = Host {
        hostname: b"web1".to_vec(),
        uname: b"Linux\x006.18.0\0#1\0x86_64\0".to_vec(),
        byte_order: 1,
        pointer_bits: 64,
        page_bytes: 4096,
        ticks_per_second: 100,
        started_realtime_ns: 1_700_000_000_123_456_789,
        started_boottime_ns: 3_600_000_000_000,
        euid: 1000,
        egid: 1000,
        collector: b"0.1.0".to_vec(),
        note: Some(b"example".to_vec()),
        ..Host::default()
    };
    writer
        .write(&encoder.record(BlockKind::Host, &host).unwrap())
        .unwrap();
    let head = DescriptorTable {
        pid: 7,
        pass: 1,
        last: true,
        ..DescriptorTable::default()
    };
    let mut table = TableBuilder::new(head);
    for (fd, link) in ENTRIES {
        table.push(fd, link);
    }
    writer
        .write(
            &encoder
                .record(BlockKind::Descriptors, &table.finish())
                .unwrap(),
        )
        .unwrap();
    let source = b"sys/kernel/pid_max".to_vec();
    let mut raw = RawStream::new(RawHeader {
        source,
        pass: 1,
        ..RawHeader::default()
    });
    assert!(raw.push(b"4194304\n", &mut encoder).unwrap().is_none());
    writer
        .write(&raw.finish(0, 0, &mut encoder).unwrap())
        .unwrap();
    let end = CaptureEnd {
        ended_realtime_ns: 1_700_000_000_200_000_000,
        ended_boottime_ns: 3_600_076_543_211,
        processes_seen: 1,
        descriptors: 5,
        started_realtime_ns: 1_700_000_000_123_456_789,
        ..CaptureEnd::default()
    };
    writer
        .write(&encoder.record(BlockKind::End, &end).unwrap())
        .unwrap();
    writer.finish().unwrap()
}

const ENTRIES: [(u32, Link<'static>); 5] = [
    (0, Link::Other { text: b"/dev/null" }),
    (
        1,
        Link::Pipe {
            inode: 70_000,
            access: 2,
        },
    ),
    (5, Link::Socket { inode: 70_001 }),
    (6, Link::Socket { inode: 70_002 }),
    (7, Link::Refused { errno: 13 }),
];

#[test]
fn the_dump_is_what_the_writer_makes_and_decodes() {
    let dump = bytes("dump");
    let made = example();
    if dump != made {
        let file = std::env::temp_dir().join("whotalks-format-example.whotalks");
        std::fs::write(&file, &made).unwrap();
        panic!(
            "the dump is not what the writer makes: python3 tests/format/reader.py dump {}",
            file.display()
        );
    }
    assert_eq!(FileHeader::parse(&dump).unwrap().mark, 0x5eed_2a17);
    let (blocks, damages) = read(&dump);
    assert_eq!(damages, []);
    let kinds: Vec<_> = blocks.iter().map(|(_, kind, _)| *kind).collect();
    assert_eq!(
        kinds,
        [
            BlockKind::Host,
            BlockKind::Descriptors,
            BlockKind::Raw,
            BlockKind::End
        ]
    );
    let host: Host = records(&blocks[0].2).next().unwrap().unwrap();
    assert_eq!(
        (host.hostname.as_slice(), host.note.as_deref()),
        (&b"web1"[..], Some(&b"example"[..]))
    );
    let table: DescriptorTable = records(&blocks[1].2).next().unwrap().unwrap();
    assert_eq!(
        table.entries().map(Result::unwrap).collect::<Vec<_>>(),
        ENTRIES
    );
    assert!(blocks[2].2.ends_with(b"4194304\n"));
}

#[test]
fn the_transposed_example_decodes() {
    let transposed = bytes("transposed: filter none");
    assert_eq!(
        transpose::decode(&transposed, 16).unwrap(),
        b"Haa\nbb\ncc\ndddd\nt"
    );
}
