//! Fuzz targets as functions of arbitrary bytes, and their seeds.
//!
//! A target must not panic, overflow or run without bound, and asserts invariants of whatever
//! it reads. Compiled by `cargo fuzz`, which runs it for hours, and by the `format` suite, which
//! runs the seeds and some hundred mutations of each.

use std::path::{Path, PathBuf};

use whotalks::export::graph;
use whotalks::load::index::index;
use whotalks::load::{
    Loaded, inet_diag, load, mountinfo, netlink_diag, packet_diag, proc_net_inet, proc_net_unix,
    proc_pid, syscall, unix_diag, vsock_diag,
};
use whotalks::model::{At, build_whole};
use whotalks::redact::{Keep, Names, tables};
use whotalks_snapshot::block::{
    BLOCK_HEADER_BYTES, BlockHeader, Codec, FILE_HEADER_BYTES, FileHeader, MARKER, NO_BASE,
};
use whotalks_snapshot::bundle::{self, Member};
use whotalks_snapshot::netlink::ByteOrder;
use whotalks_snapshot::{BlockKind, Decoder, Event, Limits, Reader, transpose};

/// A target: takes bytes, panics if an invariant does not hold.
pub type Target = fn(&[u8]);

/// The targets by name.
pub const TARGETS: [(&str, Target); 5] = [
    ("inet_table", inet_table),
    ("map", map),
    ("netlink", netlink),
    ("reader", reader),
    ("unix_table", unix_table),
];

/// Small enough that excessive requests of a mutation are rejected quickly.
fn limits() -> Limits {
    let mut limits = Limits::default().with_total_bytes(64 << 20);
    limits.block_bytes = 1 << 20;
    limits
}

/// The snapshot reader: headers, checksums, codecs, bundles, reports of damage.
pub fn reader(bytes: &[u8]) {
    read(bytes);
    read(&mended(bytes, false));
    // What is behind a checksum and a compression, at first hand.
    let limit = limits().block_bytes as usize;
    if let Ok(payload) = transpose::decode(bytes, bytes.len().saturating_mul(8).min(limit)) {
        assert!(payload.len() <= limit);
    }
    if let Ok(members) = bundle::unpack(bytes) {
        let again = bundle::unpack(&bundle::pack(&members));
        assert_eq!(again.as_ref(), Ok(&members), "a bundle is packed as it was");
    }
}

fn read(file: &[u8]) {
    let limits = limits();
    let Ok(reader) = Reader::new(file, &limits) else {
        return;
    };
    let mut decoder = Decoder::new(&limits);
    let (mut damaged, mut ended, mut last) = (false, false, None);
    for event in reader {
        match event {
            Event::Damage(damage) => {
                damaged = true;
                assert!(!damage.to_string().is_empty());
                let end = damage.offset.checked_add(damage.length);
                assert!(
                    end.is_some_and(|end| end <= file.len() as u64),
                    "damage lies in the file: {damage:?} of {}",
                    file.len()
                );
            }
            Event::Block(block) => {
                ended = block.header.kind == BlockKind::End;
                assert!(last < Some(block.header.sequence), "blocks are in order");
                last = Some(block.header.sequence);
                match decoder.payload(&block) {
                    Ok(payload) => {
                        assert_eq!(payload.len(), block.header.decoded_bytes as usize);
                    }
                    Err(damage) => assert!(!damage.to_string().is_empty()),
                }
            }
        }
    }
    assert!(damaged || ended, "a file without an end is damaged");
    let _ = index(file, &limits);
}

/// `/proc/net/unix`, and the other tables of text.
pub fn unix_table(bytes: &[u8]) {
    for row in proc_net_unix::rows(bytes) {
        assert_eq!(proc_net_unix::row_of(row.line), Some(row));
        assert!(row.line.ends_with(row.name));
    }
    assert!(mountinfo::mounts(bytes).len() <= bytes.len());
    let _ = (proc_pid::stat(bytes), syscall::syscall(bytes));
    let _ = proc_pid::status_line(bytes, "Uid");
    let _ = (
        proc_pid::effective_uid(bytes),
        proc_pid::innermost_pid(bytes),
    );
    assert!(proc_pid::cgroup_path(bytes).len() <= bytes.len());
}

/// `/proc/net/tcp` and its like, in both byte orders; and their copy without addresses, which has the
/// same rows.
pub fn inet_table(bytes: &[u8]) {
    for order in [ByteOrder::Little, ByteOrder::Big] {
        let (rows, bad) = proc_net_inet::rows(bytes, order);
        let lines = bytes.split(|byte| *byte == b'\n').count();
        assert!(rows.len() + bad < lines);
        let mut names = Names::new([7; 32], Keep::default());
        let copy = tables::inet(bytes, order, &mut names);
        let (again, bad) = proc_net_inet::rows(&copy, order);
        assert_eq!((again.len(), bad), (rows.len(), 0));
        for (row, other) in rows.iter().zip(&again) {
            let kept = |row: &proc_net_inet::Row| {
                let ports = (row.local.1, row.remote.1);
                let queues = (row.send_queue, row.receive_queue);
                (ports, queues, row.state, row.uid, row.inode)
            };
            assert_eq!(kept(row), kept(other));
            assert_eq!(row.local.0.is_ipv4(), other.local.0.is_ipv4());
        }
    }
}

/// All sock_diag dumps, in both byte orders: any bytes may be any of them.
pub fn netlink(bytes: &[u8]) {
    for order in [ByteOrder::Little, ByteOrder::Big] {
        // No row is shorter than the header of its message.
        let most = bytes.len() / 16 + 1;
        let (rows, bad) = unix_diag::rows(bytes, order);
        assert!(rows.len() + bad <= most);
        let (heads, also_bad) = unix_diag::heads(bytes, order);
        assert_eq!((heads.len(), also_bad), (rows.len(), bad));
        for (row, head) in rows.iter().zip(&heads) {
            assert_eq!((row.inode, row.cookie), (head.inode, head.cookie));
        }
        for (rows, bad) in [
            counted(inet_diag::rows(bytes, order)),
            counted(netlink_diag::rows(bytes, order)),
            counted(packet_diag::rows(bytes, order)),
            counted(vsock_diag::rows(bytes, order)),
        ] {
            assert!(rows + bad <= most);
        }
    }
}

fn counted<T>((rows, bad): (Vec<T>, usize)) -> (usize, usize) {
    (rows.len(), bad)
}

/// From a file to the finished map as a document.
pub fn map(bytes: &[u8]) {
    document(bytes);
    document(&mended(bytes, true));
}

fn document(file: &[u8]) {
    let Ok(loaded) = load(file, &limits()) else {
        return;
    };
    let damaged = !loaded.damages.is_empty();
    let files = [loaded];
    for at in [At::Last, At::All] {
        let Some(map) = whole(&files, at) else {
            continue;
        };
        let complete = map.hosts.iter().all(|host| host.coverage.complete);
        let one = files[0].captures.len() == 1;
        assert!(!(damaged && one && complete), "what is damaged is complete");
        let document = serde_json::to_vec(&graph(&map)).expect("every map is a document");
        let read: Result<serde_json::Value, _> = serde_json::from_slice(&document);
        assert!(read.is_ok(), "the document is JSON");
    }
}

fn whole(files: &[Loaded; 1], at: At) -> Option<whotalks::model::Map> {
    if at == At::All {
        return whotalks::model::build_at(files, at);
    }
    build_whole(files, at)
}

/// The same file with all checksums, lengths and sequence numbers right again, whatever was done to
/// it: a fuzzer that had to guess checksums would see nothing behind them. Where `opened`, every
/// block holds its payload as it stands.
fn mended(file: &[u8], opened: bool) -> Vec<u8> {
    let mut bytes = header(file).to_bytes().to_vec();
    let mut rest = file.get(FILE_HEADER_BYTES..).unwrap_or_default();
    for sequence in 0.. {
        let Some(head) = rest.get(..BLOCK_HEADER_BYTES) else {
            break;
        };
        let body = &rest[BLOCK_HEADER_BYTES..];
        let next = body.windows(MARKER.len()).position(|four| four == MARKER);
        let (stored, after) = body.split_at(next.unwrap_or(body.len()));
        rest = after;
        push(&mut bytes, head, stored, sequence, opened);
    }
    bytes
}

fn header(file: &[u8]) -> FileHeader {
    let version = file.get(8..12).unwrap_or(&[1, 0, 1, 0]);
    FileHeader {
        major: 1,
        minor: u16::from_le_bytes([version[2], version[3]]),
        mark: 0x00c0_ffee,
    }
}

/// A block of this header, as far as it may be what it likes.
fn push(bytes: &mut Vec<u8>, head: &[u8], stored: &[u8], sequence: u32, opened: bool) {
    let four = |at: usize| u32::from_le_bytes([head[at], head[at + 1], head[at + 2], head[at + 3]]);
    let codec = if opened {
        Codec::Stored
    } else {
        Codec::from_number(head[6])
    };
    let length = u32::try_from(stored.len()).unwrap_or(u32::MAX);
    let plain = codec == Codec::Stored;
    let block = BlockHeader {
        kind: BlockKind::from_number(u16::from_le_bytes([head[4], head[5]])),
        codec,
        sequence,
        capture: four(8 + 4) % 4,
        base: if plain { NO_BASE } else { four(16) },
        stored_bytes: length,
        decoded_bytes: if plain { length } else { four(24) },
        mark: 0x00c0_ffee,
        payload_crc: crc32fast::hash(stored),
    };
    bytes.extend(block.to_bytes());
    bytes.extend_from_slice(stored);
}

/// Where a target begins: files, or the tables in them.
pub fn seeds(target: &str) -> Vec<Vec<u8>> {
    let files = files();
    match target {
        "reader" => files,
        "map" => files.iter().map(|file| opened(file)).collect(),
        "netlink" => tables(&files, |source| source.starts_with(b"diag/")),
        "inet_table" => tables(&files, proc_net_inet::is_inet_table),
        _ => tables(&files, |source| !source.starts_with(b"diag/")),
    }
}

/// Every snapshot of the tree, the smallest first.
fn files() -> Vec<Vec<u8>> {
    let tests = Path::new(env!("CARGO_MANIFEST_DIR"));
    let root = tests
        .ancestors()
        .find(|folder| folder.join("snapshots/samples").is_dir())
        .expect("the tree of whotalks");
    let mut paths: Vec<PathBuf> = Vec::new();
    for folder in ["snapshots/samples", "tests/bad", "tests/fuzz/seeds"] {
        let entries = std::fs::read_dir(root.join(folder)).expect("a folder of snapshots");
        paths.extend(entries.filter_map(|entry| Some(entry.ok()?.path())));
    }
    paths.retain(|path| path.extension().is_some_and(|name| name == "whotalks"));
    paths.sort();
    let mut files: Vec<_> = paths
        .iter()
        .map(|path| std::fs::read(path).expect("a snapshot"))
        .collect();
    files.sort_by_key(Vec::len);
    files
}

/// A file's payloads, decoded, each with the number of its capture.
fn members(file: &[u8]) -> Vec<(u32, Member)> {
    let limits = Limits::default();
    let mut decoder = Decoder::new(&limits);
    let mut all = Vec::new();
    for event in Reader::new(file, &limits).into_iter().flatten() {
        if let Event::Block(block) = event
            && let Ok(members) = decoder.members(&block)
        {
            let capture = block.header.capture;
            all.extend(members.into_iter().map(|member| (capture, member)));
        }
    }
    all
}

/// The same file without compression, so that a changed byte is a changed byte of a record.
fn opened(file: &[u8]) -> Vec<u8> {
    let mut bytes = header(file).to_bytes().to_vec();
    for (sequence, (capture, member)) in (0..).zip(members(file)) {
        let mut head = [0; BLOCK_HEADER_BYTES];
        head[4..6].copy_from_slice(&member.kind.number().to_le_bytes());
        head[12..16].copy_from_slice(&capture.to_le_bytes());
        push(&mut bytes, &head, &member.payload, sequence, true);
    }
    bytes
}

/// The raw sources of some names, each table once.
fn tables(files: &[Vec<u8>], wanted: fn(&[u8]) -> bool) -> Vec<Vec<u8>> {
    let loaded = files
        .iter()
        .filter_map(|file| load(file, &Limits::default()).ok());
    let mut tables: Vec<Vec<u8>> = loaded
        .flat_map(|loaded| loaded.captures)
        .flat_map(|capture| capture.raw)
        .filter(|raw| wanted(&raw.header.source))
        .map(|raw| raw.bytes)
        .collect();
    tables.sort_by(|one, other| (one.len(), one).cmp(&(other.len(), other)));
    tables.dedup();
    tables
}
