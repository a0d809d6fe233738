//! Block by block: what is whole, and what is lost.

use whotalks_snapshot::block::NO_BASE;
use whotalks_snapshot::{DamageKind, Decoder, Event, Reader};

use crate::input::{self, Snapshot};

/// Block by block: what each is, and whether it is whole; and whether all are.
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
                let about = format!(
                    "block     {} at byte {}: {}, {} bytes of {}{base}",
                    header.sequence,
                    block.offset,
                    header.kind.name(),
                    header.stored_bytes,
                    header.decoded_bytes
                );
                match decoder.members(&block) {
                    Ok(_) => format!("{about}, ok"),
                    Err(damage) => {
                        intact = false;
                        format!("{about}, {}", cause(&damage.kind))
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
