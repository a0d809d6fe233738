//! Redacts a capture: removes the names of people, machines, programs and paths, so that the same map
//! can still be built from it.
//!
//! Only data that is understood is copied, field by field; the rest is left out and recorded as not
//! captured. A name is replaced by a pseudonym, the same wherever it occurs: a bound path still matches
//! its listener, and a command line its script.
//!
//! Kept are numbers assigned by the kernel (pids, inodes, ports, sizes, times, user ids), the kernel's
//! own words, and [words](words::KNOWN) that many machines have.
//!
//! Each file imports only files above it in this list: `words`, `key`, `addresses`, `names`,
//! `pointers`, `blocked_call`, `process`, `messages`, `tables`, `sources`.

mod addresses;
mod blocked_call;
mod key;
mod messages;
mod names;
mod number_tables;
mod pointers;
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
use process::NOT_WANTED;
pub use words::KNOWN as KNOWN_WORDS;

use crate::load::Capture;

/// The redacted blocks of a capture without its end, in the order of the file.
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
    put(&mut members, BlockKind::Namespaces, namespaces);
    let processes = capture.processes.iter();
    let processes = processes.map(|record| process::process(record, names));
    put(&mut members, BlockKind::Processes, processes);
    let tables = capture.tables.iter().map(|record| table(record, names));
    put(&mut members, BlockKind::Descriptors, tables);
    let infos = capture.descriptor_infos.iter().map(process::info);
    put(&mut members, BlockKind::DescriptorInfo, infos);
    let uname = capture.host.as_ref().map(|host| &host.uname[..]);
    let arch = uname.and_then(|uname| uname.split(|byte| *byte == 0).nth(3));
    let arch = arch.unwrap_or_default();
    let waits = capture.waits.iter();
    let waits = waits.map(|record| process::wait(record, arch, order, names));
    put(&mut members, BlockKind::Waits, waits);
    let users = capture.users.iter().map(|record| User {
        uid: record.uid,
        name: names.text(&record.name),
    });
    put(&mut members, BlockKind::Users, users);
    let paths = capture.paths.iter().map(|record| BoundPath {
        path: names.text(&record.path),
        found_by: word(&record.found_by),
        ..record.clone()
    });
    put(&mut members, BlockKind::Paths, paths);
    for source in &capture.raw {
        members.extend(raw(source, order, names));
    }
    members
}

/// Appends records in blocks of about the target size.
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

/// A word of the collector. Empty if it is none: a forged file may have anything in its place.
fn word(text: &[u8]) -> Vec<u8> {
    let words = b"process mount descriptor socket bound walk exe";
    let mut words = words.split(|byte| *byte == b' ');
    words
        .find(|word| *word == text)
        .unwrap_or_default()
        .to_vec()
}

fn host(record: &Host, names: &mut Names) -> Host {
    let mut parts = record.uname.split(|byte| *byte == 0);
    let system = names.text(parts.next().unwrap_or_default());
    let release = version_number(parts.next().unwrap_or_default());
    let machine = parts.nth(1).unwrap_or_default();
    // The architecture: a short plain word.
    let is_plain = |byte: &u8| byte.is_ascii_alphanumeric() || *byte == b'_';
    let machine = match machine.len() <= 8 && machine.iter().all(is_plain) {
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
        collector: version_number(&record.collector),
        arguments: Vec::new(),
        note: None,
        ..record.clone()
    }
}

/// The leading digits and points of a version.
fn version_number(text: &[u8]) -> Vec<u8> {
    let number = |byte: &&u8| byte.is_ascii_digit() || **byte == b'.';
    text.iter().take_while(number).copied().collect()
}

fn table(record: &DescriptorTable, names: &mut Names) -> DescriptorTable {
    let mut builder = TableBuilder::new(record.clone());
    let mut complete = true;
    for entry in record.entries() {
        let Ok((fd, link)) = entry else {
            complete = false;
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
    // A table with an unreadable entry is recorded as cut off.
    table.last &= complete;
    table
}

/// The blocks of a raw source. A source that is not understood keeps its header only.
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
    let mut members = Vec::new();
    let last = header.last;
    let pieces = sources::pieces(&header.source, &bytes, order);
    let count = pieces.len();
    for (index, piece) in pieces.into_iter().enumerate() {
        header.part = u32::try_from(index).unwrap_or(u32::MAX);
        header.last = last && index + 1 == count;
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
