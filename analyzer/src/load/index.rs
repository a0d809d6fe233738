//! What captures a file holds, from their ends alone: nothing else is decoded.

use whotalks_snapshot::block::{BLOCK_HEADER_BYTES, NO_BASE};
use whotalks_snapshot::records::CaptureEnd;
use whotalks_snapshot::{BlockKind, Decoder, Error, Event, Limits, Reader, records};

/// One capture, as far as its end tells.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Entry {
    /// Its number in the file, from 0.
    pub number: u32,
    /// Its end; `None` when it is cut.
    pub end: Option<CaptureEnd>,
    /// Bytes of its blocks in the file, with their headers.
    pub stored_bytes: u64,
    /// Bytes of their payloads.
    pub decoded_bytes: u64,
    /// Whether none of its blocks needs another capture's.
    pub alone: bool,
    /// Whether the block is there that says of which machine it is.
    pub host: bool,
}

impl Entry {
    /// When it began, wall clock, nanoseconds since 1970; `None` when its end does not say.
    pub fn started_ns(&self) -> Option<u64> {
        let end = self.end.as_ref()?;
        (end.started_realtime_ns != 0).then_some(end.started_realtime_ns)
    }
}

/// The captures of a file of which anything is there, in their order.
///
/// # Errors
/// When the file's header is unusable.
pub fn index(file: &[u8], limits: &Limits) -> Result<Vec<Entry>, Error> {
    let mut entries: Vec<Entry> = Vec::new();
    let mut decoder = Decoder::new(limits);
    for event in Reader::new(file, limits)? {
        let Event::Block(block) = event else { continue };
        let number = block.header.capture;
        if entries.last().is_none_or(|last| last.number != number) {
            entries.push(Entry {
                number,
                alone: true,
                ..Entry::default()
            });
        }
        let Some(entry) = entries.last_mut() else {
            continue;
        };
        entry.stored_bytes += BLOCK_HEADER_BYTES as u64 + u64::from(block.header.stored_bytes);
        entry.decoded_bytes += u64::from(block.header.decoded_bytes);
        entry.alone &= block.header.base == NO_BASE;
        let there = decoder.pass(&block).is_ok();
        entry.host |= there && matches!(block.header.kind, BlockKind::Host | BlockKind::Bundle);
        if block.header.kind == BlockKind::End
            && let Ok(payload) = block.payload(limits)
        {
            entry.end = records(&payload).find_map(Result::ok);
        }
    }
    Ok(entries)
}
