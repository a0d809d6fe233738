//! A capture without what names people, machines, programs and places, from which the same map comes.
//!
//! Only what is understood is copied, field by field; everything else is left out and recorded as not
//! captured. What names something gets a pseudonym, the same for the same name wherever it occurs, so
//! that a bound path still meets its listener, and a command line its script.
//!
//! Kept: numbers that the kernel gave (pids, inodes, ports, sizes, times, user ids), the kernel's own
//! words, [words](words::KNOWN) that every machine has.

mod addresses;
mod messages;
mod names;
mod process;
mod sources;
pub mod tables;
mod words;

use whotalks_snapshot::bundle::Member;
use whotalks_snapshot::descriptors::{DescriptorTable, Link, TableBuilder};
use whotalks_snapshot::netlink::ByteOrder;
use whotalks_snapshot::records::{BoundPath, Host, Netns, RawHeader, User};
use whotalks_snapshot::wire::put_record;
use whotalks_snapshot::{BlockKind, Record};

pub use names::{Keep, Names};
pub use words::KNOWN as KNOWN_WORDS;

use crate::load::Capture;

/// `ECANCELED`: what the format says of things that were not wanted.
const NOT_WANTED: u16 = 125;

/// The redacted blocks of a capture but its end, in the order in which they are written.
pub fn redact(capture: &Capture, names: &mut Names) -> Vec<Member> {
    let mut members = Vec::new();
    let order = capture.byte_order();
    if let Some(record) = &capture.host {
        put(&mut members, BlockKind::Host, [host(record, names)]);
    }
    let namespaces = capture.namespaces.iter().map(|record| Netns {
        path: names.text(&record.path),
        found_by: word(&record.found_by),
        ..record.clone()
    });
    put(
        &mut members,
        BlockKind::Namespaces,
        namespaces.collect::<Vec<_>>(),
    );
    let processes = capture.processes.iter();
    let processes = processes.map(|record| process::process(record, names));
    put(
        &mut members,
        BlockKind::Processes,
        processes.collect::<Vec<_>>(),
    );
    let tables = capture.tables.iter().map(|record| table(record, names));
    put(
        &mut members,
        BlockKind::Descriptors,
        tables.collect::<Vec<_>>(),
    );
    let infos = capture.descriptor_infos.iter().map(process::info);
    put(
        &mut members,
        BlockKind::DescriptorInfo,
        infos.collect::<Vec<_>>(),
    );
    let waits = capture
        .waits
        .iter()
        .map(|record| process::wait(record, names));
    put(&mut members, BlockKind::Waits, waits.collect::<Vec<_>>());
    let users = capture.users.iter().map(|record| User {
        uid: record.uid,
        name: names.text(&record.name),
    });
    put(&mut members, BlockKind::Users, users.collect::<Vec<_>>());
    let paths = capture.paths.iter().map(|record| BoundPath {
        path: names.text(&record.path),
        found_by: word(&record.found_by),
        ..record.clone()
    });
    put(&mut members, BlockKind::Paths, paths.collect::<Vec<_>>());
    for source in &capture.raw {
        members.extend(raw(source, order, names));
    }
    members
}

/// Records in blocks that are no larger than blocks should be.
fn put<R: Record>(
    members: &mut Vec<Member>,
    kind: BlockKind,
    records: impl IntoIterator<Item = R>,
) {
    let mut payload = Vec::new();
    for record in records {
        put_record(&record, &mut payload);
        if payload.len() >= whotalks_snapshot::writer::BLOCK_TARGET_BYTES {
            let payload = std::mem::take(&mut payload);
            members.push(Member { kind, payload });
        }
    }
    if !payload.is_empty() {
        members.push(Member { kind, payload });
    }
}

/// One of the collector's own words, or nothing: what a stranger put in its place is not copied.
fn word(text: &[u8]) -> Vec<u8> {
    let own: [&[u8]; 7] = [
        b"process",
        b"mount",
        b"descriptor",
        b"socket",
        b"bound",
        b"walk",
        b"exe",
    ];
    own.iter()
        .find(|word| **word == text)
        .map_or_else(Vec::new, |word| word.to_vec())
}

fn host(record: &Host, names: &mut Names) -> Host {
    let mut parts = record.uname.split(|byte| *byte == 0);
    let (system, release) = (parts.next(), parts.next().unwrap_or_default());
    let machine = parts.nth(1).unwrap_or_default();
    let number = |byte: &&u8| byte.is_ascii_digit() || **byte == b'.';
    let release: Vec<u8> = release.iter().take_while(number).copied().collect();
    let system = names.text(system.unwrap_or_default());
    // An architecture is one that many have, and a plain word.
    let plain = |byte: &u8| byte.is_ascii_alphanumeric() || *byte == b'_';
    let machine = match machine.len() <= 8 && machine.iter().all(plain) {
        true => machine.to_vec(),
        false => names.text(machine),
    };
    let uname = [&system, &release[..], b"", &machine].map(|part| [part, b"\0"].concat());
    let os_release = record.os_release.split(|byte| *byte == b'\n');
    let os_release = os_release
        .filter_map(|line| line.strip_prefix(b"VERSION_ID="))
        .find(|version| {
            version
                .iter()
                .all(|byte| byte.is_ascii_digit() || b"\".".contains(byte))
        })
        .map_or_else(Vec::new, |version| {
            [b"NAME=Linux\nVERSION_ID=".as_slice(), version, b"\n"].concat()
        });
    Host {
        hostname: names.text(&record.hostname),
        boot_id: names.uuid(&record.boot_id),
        machine_id: names.hexadecimal(&record.machine_id),
        uname: uname.concat(),
        os_release,
        collector: number_only(&record.collector),
        arguments: Vec::new(),
        note: None,
        ..record.clone()
    }
}

/// A version, as far as it is digits and points.
fn number_only(text: &[u8]) -> Vec<u8> {
    let number = |byte: &&u8| byte.is_ascii_digit() || **byte == b'.';
    text.iter().take_while(number).copied().collect()
}

fn table(record: &DescriptorTable, names: &mut Names) -> DescriptorTable {
    let mut builder = TableBuilder::new(record.clone());
    let mut whole = true;
    for entry in record.entries() {
        let Ok((fd, link)) = entry else {
            whole = false;
            break;
        };
        let text = match link {
            Link::Other { text } => names.link(text),
            Link::Fifo { text, .. } => names.text(text),
            _ => Vec::new(),
        };
        let link = match link {
            Link::Other { .. } => Link::Other { text: &text },
            Link::Fifo {
                dev, inode, access, ..
            } => Link::Fifo {
                text: &text,
                dev,
                inode,
                access,
            },
            other => other,
        };
        builder.push(fd, link);
    }
    let mut table = builder.finish();
    // What could not be read is as if it had been cut.
    table.last &= whole;
    table
}

/// A raw source as blocks; one that is not understood without its bytes.
fn raw(source: &crate::load::RawSource, order: ByteOrder, names: &mut Names) -> Vec<Member> {
    let bytes = sources::redact(&source.header, &source.bytes, order, names);
    let mut header = source.header.clone();
    let Some(name) = sources::known_name(&header.source) else {
        return Vec::new();
    };
    header.source = name;
    header.last = !source.gaps;
    header.part = 0;
    let bytes = bytes.unwrap_or_else(|| {
        if !source.bytes.is_empty() {
            (header.errno, header.flags) = (NOT_WANTED, 0);
        }
        Vec::new()
    });
    // Pieces that must stay together are cut nowhere: a source of a few megabytes is one block.
    let mut members = Vec::new();
    let last = header.last;
    let pieces = sources::pieces(&header.source, &bytes, order);
    let count = pieces.len();
    for (place, piece) in pieces.into_iter().enumerate() {
        header.part = u32::try_from(place).unwrap_or(u32::MAX);
        header.last = last && place + 1 == count;
        let mut payload = Vec::with_capacity(piece.len() + 64);
        put_record::<RawHeader>(&header, &mut payload);
        payload.extend_from_slice(piece);
        members.push(Member {
            kind: BlockKind::Raw,
            payload,
        });
    }
    members
}
