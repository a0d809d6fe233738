//! `info --verify`: decodes every block and describes what is lost.

use whotalks_snapshot::block::NO_BASE;
use whotalks_snapshot::{DamageKind, Decoder, Event, Reader};

use crate::input::{self, Snapshot};

/// Returns a line for each block, and whether all blocks are intact.
pub(super) fn verify(snapshot: &Snapshot) -> (String, bool) {
    let limits = input::limits();
    let Ok(reader) = Reader::new(&snapshot.bytes, &limits) else {
        return (String::new(), false);
    };
    let mut decoder = Decoder::new(&limits);
    let (mut lines, mut intact) = (String::new(), true);
    for event in reader {
        let line = match event {
            Event::Damage(damage) => {
                intact = false;
                format!("block     {damage}")
            }
            Event::Block(block) => {
                let header = block.header;
                let base = match header.base {
                    NO_BASE => String::new(),
                    base => format!(" after block {base}"),
                };
                let block_text = format!(
                    "block     {} at byte {}: {}, {} bytes of {}{base}",
                    header.sequence,
                    block.offset,
                    header.kind.name(),
                    header.stored_bytes,
                    header.decoded_bytes
                );
                match decoder.members(&block) {
                    Ok(_) => format!("{block_text}, ok"),
                    Err(damage) => {
                        intact = false;
                        format!("{block_text}, {}", cause(&damage.kind))
                    }
                }
            }
        };
        lines.push_str(&line);
        lines.push('\n');
    }
    (lines, intact)
}

fn cause(kind: &DamageKind) -> String {
    format!("LOST: {kind}")
}
