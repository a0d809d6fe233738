//! Lists the captures of a file by their end blocks; decodes no other block.

use whotalks_snapshot::block::{BLOCK_HEADER_BYTES, NO_BASE};
use whotalks_snapshot::records::CaptureEnd;
use whotalks_snapshot::{BlockKind, Decoder, Error, Event, Limits, Reader, records};

/// A capture, as far as its end block describes it.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct IndexEntry {
    /// Its number in the file, from 0.
    pub number: u32,
    /// Its end; `None`: the capture is cut short.
    pub end: Option<CaptureEnd>,
    /// Size of its blocks in the file, with their headers.
    pub stored_bytes: u64,
    /// Size of their decoded payloads.
    pub decoded_bytes: u64,
    /// Whether no block of it is based on a block of another capture.
    pub alone: bool,
    /// Whether its host block can be read.
    pub host: bool,
}

impl IndexEntry {
    /// Start, wall clock, nanoseconds since 1970; `None`: not in its end block.
    pub fn started_ns(&self) -> Option<u64> {
        let end = self.end.as_ref()?;
        (end.started_realtime_ns != 0).then_some(end.started_realtime_ns)
    }
}

/// The captures of a file that have at least one block, in order.
///
/// # Errors
/// When the file's header is unusable.
pub fn index(file: &[u8], limits: &Limits) -> Result<Vec<IndexEntry>, Error> {
    let mut entries: Vec<IndexEntry> = Vec::new();
    let mut decoder = Decoder::new(limits);
    for event in Reader::new(file, limits)? {
        let Event::Block(block) = event else { continue };
        let number = block.header.capture;
        if entries.last().is_none_or(|last| last.number != number) {
            entries.push(IndexEntry {
                number,
                alone: true,
                ..IndexEntry::default()
            });
        }
        let Some(entry) = entries.last_mut() else {
            continue;
        };
        entry.stored_bytes += BLOCK_HEADER_BYTES as u64 + u64::from(block.header.stored_bytes);
        entry.decoded_bytes += u64::from(block.header.decoded_bytes);
        entry.alone &= block.header.base == NO_BASE;
        let is_readable = decoder.pass(&block).is_ok();
        entry.host |=
            is_readable && matches!(block.header.kind, BlockKind::Host | BlockKind::Bundle);
        if block.header.kind == BlockKind::End
            && let Ok(payload) = block.payload(limits)
        {
            entry.end = records(&payload).find_map(Result::ok);
        }
    }
    Ok(entries)
}
