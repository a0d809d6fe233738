//! Makes the files of `tests/bad` with the writer of the snapshot crate and by damaging its output.
//!
//! `WHOTALKS_BLESS=1 cargo test -p whotalks-tests --test bad_input` writes them.

use whotalks_snapshot::block::{BLOCK_HEADER_BYTES, BlockKind, FILE_HEADER_BYTES, FileHeader};
use whotalks_snapshot::descriptors::DescriptorTable;
use whotalks_snapshot::records::{CaptureEnd, Host, Netns, Process, RawHeader};
use whotalks_snapshot::writer::{EncodedBlock, Encoder, RawStream, Writer};

const NETNS: u64 = 4_026_531_833;
const INITIAL_PIDNS: u64 = 4_026_531_836;

/// A small complete capture: a process without descriptors, a namespace without sockets.
struct Base {
    bytes: Vec<u8>,
    /// Where each block begins.
    starts: Vec<usize>,
}

impl Base {
    /// The sequence numbers of its blocks.
    const HOST: usize = 0;
    const PROCESSES: usize = 2;
    const END: usize = 6;

    fn new() -> Self {
        let mut encoder = Encoder::new(3).unwrap();
        let blocks = blocks(&mut encoder);
        assert_eq!(blocks.len(), Self::END + 1);
        Self::of(&blocks)
    }

    fn of(blocks: &[EncodedBlock]) -> Self {
        let mut writer = Writer::new(Vec::new()).unwrap();
        let mut starts = Vec::new();
        for block in blocks {
            starts.push(usize::try_from(writer.written_bytes()).unwrap());
            writer.write(block).unwrap();
        }
        Self {
            bytes: writer.finish().unwrap(),
            starts,
        }
    }

    /// Everything before a block and from another one on.
    fn without(&self, from: usize, to: usize) -> Vec<u8> {
        let end = self.starts.get(to).copied().unwrap_or(self.bytes.len());
        [&self.bytes[..self.starts[from]], &self.bytes[end..]].concat()
    }

    /// With one byte changed.
    fn with(&self, at: usize, change: impl Fn(u8) -> u8) -> Vec<u8> {
        let mut bytes = self.bytes.clone();
        bytes[at] = change(bytes[at]);
        bytes
    }
}

fn blocks(encoder: &mut Encoder) -> Vec<EncodedBlock> {
    let host = Host {
        hostname: b"nowhere".to_vec(),
        boot_id: b"00000000-0000-0000-0000-000000000000".to_vec(),
        uname: b"Linux\x006.18.0\0#1\0x86_64\0".to_vec(),
        byte_order: 1,
        pointer_bits: 64,
        page_bytes: 4096,
        ticks_per_second: 100,
        started_realtime_ns: 1_700_000_000_000_000_000,
        started_boottime_ns: 1_000_000_000,
        collector: b"0.1.0".to_vec(),
        pidns: INITIAL_PIDNS,
        netns: NETNS,
        ..Host::default()
    };
    let netns = Netns {
        inode: NETNS,
        found_by: b"process".to_vec(),
        pid: 7,
        own: true,
        ..Netns::default()
    };
    let stat = "7 (example) S 1 7 7 0 -1 4194304 0 0 0 0 0 0 0 0 20 0 1 0 100 0 0";
    let process = Process {
        pid: 7,
        stat: stat.as_bytes().to_vec(),
        netns: NETNS,
        pidns: INITIAL_PIDNS,
        ..Process::default()
    };
    let table = DescriptorTable {
        pid: 7,
        pass: 1,
        last: true,
        ..DescriptorTable::default()
    };
    let end = CaptureEnd {
        ended_realtime_ns: 1_700_000_001_000_000_000,
        ..CaptureEnd::default()
    };
    vec![
        encoder.record(BlockKind::Host, &host).unwrap(),
        encoder.record(BlockKind::Namespaces, &netns).unwrap(),
        encoder.record(BlockKind::Processes, &process).unwrap(),
        encoder.record(BlockKind::Descriptors, &table).unwrap(),
        raw("diag/unix", b"", encoder),
        raw(
            "net/unix",
            b"Num       RefCount Protocol Flags    Type St Inode Path\n",
            encoder,
        ),
        encoder.record(BlockKind::End, &end).unwrap(),
    ]
}

fn raw(source: &str, bytes: &[u8], encoder: &mut Encoder) -> EncodedBlock {
    let source = source.as_bytes().to_vec();
    let header = RawHeader {
        source,
        netns: NETNS,
        pass: 1,
        ..RawHeader::default()
    };
    let mut stream = RawStream::new(header);
    let early = stream.push(bytes, encoder).unwrap();
    assert!(early.is_none(), "one block is enough");
    stream.finish(0, 0, encoder).unwrap()
}

/// A block header that requests more than the limit, with a correct checksum.
fn bomb(base: &Base) -> Vec<u8> {
    let at = base.starts[Base::HOST];
    let mut bytes = base.bytes.clone();
    bytes[at + 24..at + 28].copy_from_slice(&u32::MAX.to_le_bytes());
    let checksum = crc32fast::hash(&bytes[at..at + 36]);
    bytes[at + 36..at + 40].copy_from_slice(&checksum.to_le_bytes());
    bytes
}

/// Line ends as a terminal or an FTP client in text mode makes them.
fn with_crlf(bytes: &[u8]) -> Vec<u8> {
    let lines = bytes.split_inclusive(|byte| *byte == b'\n');
    lines
        .flat_map(|line| match line.strip_suffix(b"\n") {
            Some(line) => [line, b"\r\n"].concat(),
            None => line.to_vec(),
        })
        .collect()
}

/// Every file of the folder.
pub(crate) fn all() -> Vec<(&'static str, Vec<u8>)> {
    let base = Base::new();
    let mut encoder = Encoder::new(3).unwrap();
    let mut more = blocks(&mut encoder);
    let unknown = encoder
        .block(BlockKind::Unknown(0x7abc), b"of a later version")
        .unwrap();
    more.insert(Base::END, unknown);
    let mut cut = blocks(&mut encoder);
    // A record with a length beyond the end of the data.
    cut[Base::PROCESSES] = encoder.block(BlockKind::Processes, b"\x40seven").unwrap();
    let newer = FileHeader {
        major: 2,
        minor: 0,
        mark: 0,
    }
    .to_bytes();
    let process = base.starts[Base::PROCESSES] + BLOCK_HEADER_BYTES;
    let seven_bits: Vec<u8> = base.bytes.iter().map(|byte| byte & 0x7f).collect();
    vec![
        ("block-bomb.whotalks", bomb(&base)),
        ("block-cut.whotalks", base.bytes[..process + 40].to_vec()),
        (
            "compressed.whotalks",
            b"\x1f\x8b\x08\0\0\0\0\0\0\x03".to_vec(),
        ),
        ("empty.whotalks", Vec::new()),
        (
            "foreign-text.whotalks",
            b"Hello, this is a letter.\n".to_vec(),
        ),
        (
            "foreign-zip.whotalks",
            b"PK\x03\x04\x14\0\0\0\x08\0".to_vec(),
        ),
        ("header-cut-in-magic.whotalks", base.bytes[..5].to_vec()),
        (
            "header-cut.whotalks",
            base.bytes[..FILE_HEADER_BYTES - 1].to_vec(),
        ),
        ("header-damaged.whotalks", base.with(12, |byte| byte ^ 1)),
        (
            "header-newer.whotalks",
            [&newer, &base.bytes[FILE_HEADER_BYTES..]].concat(),
        ),
        (
            "header-only.whotalks",
            base.bytes[..FILE_HEADER_BYTES].to_vec(),
        ),
        ("intact.whotalks", base.bytes.clone()),
        (
            "payload-flipped.whotalks",
            base.with(process + 20, |byte| byte ^ 0x10),
        ),
        ("records-cut.whotalks", Base::of(&cut).bytes),
        (
            "tail-garbage.whotalks",
            [&base.bytes, b"\0\0\0\0".as_slice()].concat(),
        ),
        ("text-mode-7bit.whotalks", seven_bits),
        ("text-mode-crlf.whotalks", with_crlf(&base.bytes)),
        ("unknown-block.whotalks", Base::of(&more).bytes),
        (
            "without-end.whotalks",
            base.without(Base::END, Base::END + 1),
        ),
        (
            "without-process.whotalks",
            base.without(Base::PROCESSES, Base::PROCESSES + 1),
        ),
    ]
}
