//! Rewrites files block by block with other contents.

use std::path::{Path, PathBuf};

use whotalks_snapshot::records::Host;
use whotalks_snapshot::{BlockKind, Encoder, Event, Limits, Reader, Writer, records};

/// The same capture with another boot id.
pub(crate) fn another_boot(file: &Path) -> PathBuf {
    of_boot(file, "reboot", b"00000000-0000-4000-8000-000000000000")
}

/// The same capture without a word about the boot.
pub(crate) fn no_boot(file: &Path) -> PathBuf {
    of_boot(file, "no-boot", b"")
}

fn of_boot(file: &Path, name: &str, boot_id: &[u8]) -> PathBuf {
    rewritten(file, name, |kind, payload| {
        if kind != BlockKind::Host {
            return Some(payload);
        }
        let mut host: Host = records(&payload).next().unwrap().unwrap();
        host.boot_id = boot_id.to_vec();
        let mut out = Vec::new();
        whotalks_snapshot::wire::put_record(&host, &mut out);
        Some(out)
    })
}

/// The same file without its blocks of a kind: they are damaged.
pub(crate) fn without(file: &Path, lost: BlockKind) -> PathBuf {
    let bytes = std::fs::read(file).unwrap();
    let mut damaged = bytes.clone();
    for event in Reader::new(&bytes, &Limits::default()).unwrap() {
        if let Event::Block(block) = event
            && block.header.kind == lost
        {
            damaged[block.offset as usize + whotalks_snapshot::block::BLOCK_HEADER_BYTES] ^= 1;
        }
    }
    assert_ne!(bytes, damaged);
    let out = file.with_file_name("damaged.whotalks");
    std::fs::write(&out, damaged).unwrap();
    out
}

fn rewritten(
    file: &Path,
    name: &str,
    change: impl Fn(BlockKind, Vec<u8>) -> Option<Vec<u8>>,
) -> PathBuf {
    let bytes = std::fs::read(file).unwrap();
    let limits = Limits::default();
    let mut encoder = Encoder::new(1).unwrap();
    let mut writer = Writer::new(Vec::new()).unwrap();
    for event in Reader::new(&bytes, &limits).unwrap() {
        let Event::Block(block) = event else {
            panic!("the file is whole");
        };
        let payload = block.payload(&limits).unwrap();
        if let Some(payload) = change(block.header.kind, payload) {
            let encoded = encoder.block(block.header.kind, &payload).unwrap();
            writer.write(&encoded).unwrap();
        }
    }
    let out = file.with_file_name(format!("{name}.whotalks"));
    std::fs::write(&out, writer.finish().unwrap()).unwrap();
    out
}
