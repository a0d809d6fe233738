//! Old and new writers and readers: additions that old readers ignore, and files that they
//! reject, with the messages. The committed samples must stay readable forever.

use std::path::Path;

use whotalks::load::{Loaded, load};
use whotalks_snapshot::block::{
    BLOCK_HEADER_BYTES, BlockHeader, Codec, FILE_HEADER_BYTES, FileHeader, NO_BASE,
};
use whotalks_snapshot::descriptors::DescriptorTable;
use whotalks_snapshot::records::{
    BoundPath, CaptureEnd, DescriptorInfo, Host, Netns, Process, RawHeader, User, Wait,
};
use whotalks_snapshot::wire::put_record;
use whotalks_snapshot::{BlockKind, Limits, Record, record};

/// Blocks as any writer might make them, this one's rules aside.
pub(crate) struct Forge {
    pub(crate) bytes: Vec<u8>,
    pub(crate) sequence: u32,
    pub(crate) mark: u32,
}

impl Forge {
    pub(crate) fn new(major: u16, minor: u16) -> Self {
        let mark = 0x00c0_ffee;
        let bytes = FileHeader { major, minor, mark }.to_bytes().to_vec();
        Self {
            bytes,
            sequence: 0,
            mark,
        }
    }

    /// A block with an arbitrary header.
    pub(crate) fn block(
        &mut self,
        kind: BlockKind,
        codec: Codec,
        decoded_bytes: u32,
        stored: &[u8],
    ) -> &mut Self {
        self.after(NO_BASE, kind, codec, decoded_bytes, stored)
    }

    /// The same, coded against another block.
    pub(crate) fn after(
        &mut self,
        base: u32,
        kind: BlockKind,
        codec: Codec,
        decoded_bytes: u32,
        stored: &[u8],
    ) -> &mut Self {
        let header = BlockHeader {
            kind,
            codec,
            sequence: self.sequence,
            capture: 0,
            base,
            stored_bytes: u32::try_from(stored.len()).unwrap(),
            decoded_bytes,
            mark: self.mark,
            payload_crc: crc32fast::hash(stored),
        };
        self.bytes.extend(header.to_bytes());
        self.bytes.extend_from_slice(stored);
        self.sequence += 1;
        self
    }

    pub(crate) fn stored(&mut self, kind: BlockKind, payload: &[u8]) -> &mut Self {
        let decoded = u32::try_from(payload.len()).unwrap();
        self.block(kind, Codec::Stored, decoded, payload)
    }

    pub(crate) fn record(&mut self, kind: BlockKind, record: &impl Record) -> &mut Self {
        let mut payload = Vec::new();
        put_record(record, &mut payload);
        self.stored(kind, &payload)
    }

    pub(crate) fn host(&mut self) -> &mut Self {
        let host = Host {
            hostname: b"old".to_vec(),
            byte_order: 1,
            ..Host::default()
        };
        self.record(BlockKind::Host, &host)
    }

    pub(crate) fn end(&mut self) -> Vec<u8> {
        self.record(BlockKind::End, &CaptureEnd::default());
        std::mem::take(&mut self.bytes)
    }
}

record! {
    /// A user record of a later version.
    pub struct LaterUser {
        /// As now.
        pub uid: u32,
        /// As now.
        pub name: Vec<u8>,
        /// New.
        pub shell: Option<Vec<u8>>,
        /// New.
        pub groups: Vec<User>,
    }
}

fn later_user() -> LaterUser {
    let groups = vec![User {
        uid: 9,
        name: b"wheel".to_vec(),
    }];
    LaterUser {
        uid: 7,
        name: b"ann".to_vec(),
        shell: Some(b"/bin/sh".to_vec()),
        groups,
    }
}

fn loaded(file: &[u8]) -> Loaded {
    load(file, &Limits::default()).unwrap()
}

fn messages(loaded: &Loaded) -> Vec<String> {
    loaded.damages.iter().map(ToString::to_string).collect()
}

/// A writer's deviation, the message of this reader, and whether the written user is read.
#[test]
fn the_matrix() {
    let at = FILE_HEADER_BYTES + BLOCK_HEADER_BYTES + host_bytes();
    let user = User {
        uid: 7,
        name: b"ann".to_vec(),
    };
    let users = |forge: &mut Forge| forge.host().record(BlockKind::Users, &user).end();
    let mut payload = Vec::new();
    put_record(&user, &mut payload);
    let size = u32::try_from(payload.len()).unwrap();

    let base = {
        let mut file = users(&mut Forge::new(1, 0));
        let header = BlockHeader::parse(&file[at..]).unwrap();
        file[at..at + BLOCK_HEADER_BYTES]
            .copy_from_slice(&BlockHeader { base: 0, ..header }.to_bytes());
        file
    };
    let reserved = {
        let mut file = users(&mut Forge::new(1, 0));
        file[16..20].copy_from_slice(b"new!");
        let checksum = crc32fast::hash(&file[..20]);
        file[20..24].copy_from_slice(&checksum.to_le_bytes());
        file[at + 7] = 1;
        let checksum = crc32fast::hash(&file[at..at + 36]);
        file[at + 36..at + 40].copy_from_slice(&checksum.to_le_bytes());
        file
    };
    let codec = |codec| {
        Forge::new(1, 1)
            .host()
            .block(BlockKind::Users, codec, size, &payload)
            .end()
    };
    let unknown = |number| {
        let forge = &mut Forge::new(1, 1);
        forge
            .host()
            .stored(BlockKind::Unknown(number), b"\xff\xff\xff");
        forge.record(BlockKind::Users, &user).end()
    };
    let source = RawHeader {
        source: b"diag/later".to_vec(),
        last: true,
        ..RawHeader::default()
    };
    let lost = |why: &str| Some(format!("at byte {at}: block 1 (users) {why}"));

    for (what, file, expected) in [
        ("same version", users(&mut Forge::new(1, 0)), None),
        ("newer minor version", users(&mut Forge::new(1, 99)), None),
        (
            "field added",
            Forge::new(1, 1)
                .host()
                .record(BlockKind::Users, &later_user())
                .end(),
            None,
        ),
        ("block added", unknown(0x0040), None),
        ("block for local use", unknown(0xffff), None),
        (
            "source added",
            {
                let forge = &mut Forge::new(1, 1);
                forge.host().record(BlockKind::Raw, &source);
                forge.record(BlockKind::Users, &user).end()
            },
            None,
        ),
        ("reserved bytes in use", reserved, None),
        (
            "unknown codec",
            codec(Codec::Unknown(4)),
            lost("is coded in a way this program does not know (4)"),
        ),
        (
            "codec for local use",
            codec(Codec::Unknown(0x80)),
            lost("is coded in a way this program does not know (128)"),
        ),
        (
            "coded against another block",
            base,
            lost("is coded in a way this program does not know (0)"),
        ),
    ] {
        let loaded = loaded(&file);
        let capture = &loaded.captures[0];
        assert_eq!(
            messages(&loaded),
            Vec::from_iter(expected.clone()),
            "{what}"
        );
        assert_eq!(capture.host.as_ref().unwrap().hostname, b"old", "{what}");
        assert!(capture.end.is_some(), "{what}");
        let read = if expected.is_none() {
            vec![user.clone()]
        } else {
            Vec::new()
        };
        assert_eq!(capture.users, read, "{what}");
    }

    let newer = users(&mut Forge::new(2, 0));
    let refused = load(&newer, &Limits::default()).unwrap_err().to_string();
    assert_eq!(
        refused,
        "format 2 is newer than this program reads (1): update whotalks"
    );
    let none = users(&mut Forge::new(0, 9));
    let refused = load(&none, &Limits::default()).unwrap_err().to_string();
    assert_eq!(refused, "format 0 does not exist");
}

fn host_bytes() -> usize {
    Forge::new(1, 0).host().bytes.len() - FILE_HEADER_BYTES - BLOCK_HEADER_BYTES
}

/// A record of an older version ends before the fields that came later.
fn older_is_read<R: Record + PartialEq + std::fmt::Debug>() {
    let mut whole = Vec::new();
    R::default().encode(&mut whole);
    assert_eq!(R::decode(&[]).unwrap(), R::default());
    // Defaults take a byte each, so every prefix ends between two fields.
    assert_eq!(whole.len(), R::FIELDS.len());
    for cut in 0..whole.len() {
        assert_eq!(
            R::decode(&whole[..cut]).unwrap(),
            R::default(),
            "{} fields",
            cut
        );
    }
    whole.extend(b"\xff of a later version");
    assert_eq!(R::decode(&whole).unwrap(), R::default());
}

#[test]
fn records_of_older_versions_are_read() {
    older_is_read::<Host>();
    older_is_read::<CaptureEnd>();
    older_is_read::<Process>();
    older_is_read::<DescriptorTable>();
    older_is_read::<DescriptorInfo>();
    older_is_read::<Wait>();
    older_is_read::<Netns>();
    older_is_read::<RawHeader>();
    older_is_read::<User>();
    older_is_read::<BoundPath>();
}

#[test]
fn a_later_reader_reads_an_older_user() {
    let mut bytes = Vec::new();
    User {
        uid: 7,
        name: b"ann".to_vec(),
    }
    .encode(&mut bytes);
    let expected = LaterUser {
        shell: None,
        groups: Vec::new(),
        ..later_user()
    };
    assert_eq!(LaterUser::decode(&bytes).unwrap(), expected);
}

#[test]
fn every_sample_is_complete() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../snapshots/samples");
    let mut samples = 0;
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path
            .extension()
            .is_none_or(|extension| extension != "whotalks")
        {
            continue;
        }
        samples += 1;
        let name = path.display();
        let loaded = loaded(&std::fs::read(&path).unwrap());
        assert_eq!(messages(&loaded), Vec::<String>::new(), "{name}");
        for capture in &loaded.captures {
            assert!(capture.host.is_some() && capture.end.is_some(), "{name}");
            assert!(
                !capture.processes.is_empty() && !capture.tables.is_empty(),
                "{name}"
            );
            for table in &capture.tables {
                assert!(
                    table.entries().all(|entry| entry.is_ok()),
                    "{name}: {}",
                    table.pid
                );
            }
            assert!(capture.raw.iter().all(|source| !source.gaps), "{name}");
        }
    }
    if samples == 0 {
        whotalks_tests::environment::skip("no samples under snapshots/samples");
    }
}
