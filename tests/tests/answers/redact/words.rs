//! Words that identify a machine or user, and words that do not.

use std::collections::BTreeSet;

use whotalks::check::vocabulary;
use whotalks::load::{Capture, proc_net_unix};
use whotalks::redact::KNOWN_WORDS;
use whotalks_snapshot::descriptors::Link;

fn is_part(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || byte == b'_' || byte >= 0x80
}

pub(super) fn words(text: &[u8]) -> BTreeSet<Vec<u8>> {
    let words = text.split(|byte| !is_part(*byte));
    words.map(<[u8]>::to_vec).collect()
}

/// Everything in a capture that names a person, a machine, a program or a place; but for words that
/// every machine has, and those that the kernel and the collector have put into this one.
pub(super) fn named(capture: &Capture) -> BTreeSet<Vec<u8>> {
    let mut texts: Vec<Vec<u8>> = Vec::new();
    let host = capture.host.as_ref().unwrap();
    texts.extend([
        host.hostname.clone(),
        host.boot_id.clone(),
        host.machine_id.clone(),
    ]);
    texts.push(host.arguments.clone());
    texts.extend(host.note.clone());
    for process in &capture.processes {
        texts.extend(
            [&process.cmdline, &process.exe, &process.cwd, &process.root].map(Clone::clone),
        );
        let comm = process.stat.split(|byte| *byte == b'(').nth(1).unwrap();
        texts.push(comm.split(|byte| *byte == b')').next().unwrap().to_vec());
        texts.push(
            process
                .cgroup
                .rsplit(|byte| *byte == b':')
                .next()
                .unwrap()
                .to_vec(),
        );
    }
    for table in &capture.tables {
        for entry in table.entries() {
            if let Link::Other { text } | Link::Fifo { text, .. } = entry.unwrap().1
                && text.starts_with(b"/")
                && !text.starts_with(b"/proc/")
            {
                texts.push(text.to_vec());
            }
        }
    }
    texts.extend(capture.waits.iter().map(|wait| wait.comm.clone()));
    texts.extend(capture.users.iter().map(|user| user.name.clone()));
    texts.extend(capture.paths.iter().map(|path| path.path.clone()));
    texts.extend(capture.namespaces.iter().map(|space| space.path.clone()));
    for raw in &capture.raw {
        if raw.header.source == b"net/unix" {
            texts.extend(proc_net_unix::rows(&raw.bytes).map(|row| row.name.to_vec()));
        }
    }
    let own = own(capture);
    texts
        .iter()
        .flat_map(|text| words(text))
        .filter(|word| word.len() > 3 && !word.iter().all(u8::is_ascii_digit))
        .filter(|word| !own.contains(word))
        .filter(|word| {
            let known = |known: &str| known.as_bytes() == &word[..];
            !KNOWN_WORDS.iter().any(|word| known(word))
        })
        .filter(|word| !vocabulary().any(|text| words(text.as_bytes()).contains(word)))
        .collect()
}

/// The kernel's and the collector's own words: names of fields and sources, states, functions, file
/// systems. Nobody on the machine has chosen them, though a program may be called so.
fn own(capture: &Capture) -> BTreeSet<Vec<u8>> {
    let mut texts: Vec<&[u8]> = Vec::new();
    for process in &capture.processes {
        let name = process.status.iter().position(|byte| *byte == b'\n');
        texts.push(&process.status[name.unwrap_or(process.status.len())..]);
        texts.push(&process.limits);
        texts.extend(process.errors.iter().map(|error| &error.what[..]));
    }
    for info in &capture.descriptor_infos {
        let lines = info.text.split(|byte| *byte == b'\n');
        texts.extend(lines.filter_map(|line| line.split(|byte| *byte == b':').next()));
    }
    // `tfd: 7 events: 19 data: 7 pos:0 ino:3c08 sdev:8`, a line of what is polled.
    texts.extend([&b"events"[..], b"data", b"sdev"]);
    for table in &capture.tables {
        for entry in table.entries() {
            if let Link::Other { text } = entry.unwrap().1
                && text.starts_with(b"anon_inode:")
            {
                texts.push(text);
            }
        }
    }
    texts.extend(capture.waits.iter().map(|wait| &wait.wchan[..]));
    texts.extend(capture.paths.iter().map(|path| &path.found_by[..]));
    texts.extend(capture.namespaces.iter().map(|space| &space.found_by[..]));
    for raw in &capture.raw {
        texts.push(&raw.header.source);
        if raw.header.source.starts_with(b"net/") {
            // A table's heading.
            texts.extend(raw.bytes.split(|byte| *byte == b'\n').next());
        }
        // But for Unix sockets' names, dumps have only the kernel's: `cubic`.
        let dump = raw.header.source.starts_with(b"diag/");
        if dump && !raw.header.source.starts_with(b"diag/unix") {
            texts.push(&raw.bytes);
        }
        if raw.header.source == b"mountinfo" {
            // `… - TYPE SOURCE OPTIONS`; those of FUSE have names of their own.
            let lines = raw.bytes.split(|byte| *byte == b'\n');
            let types = lines.filter_map(|line| {
                let dash = line.windows(3).position(|part| part == b" - ")?;
                line[dash + 3..].split(|byte| *byte == b' ').next()
            });
            texts.extend(types.filter(|kind| !kind.starts_with(b"fuse.")));
        }
    }
    let host = capture.host.as_ref().unwrap();
    let machine = host.uname.split(|byte| *byte == 0).nth(3);
    texts.extend(machine);
    texts.into_iter().flat_map(words).collect()
}
