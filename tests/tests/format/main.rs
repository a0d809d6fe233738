//! The snapshot file: FORMAT.md, files of other versions, and recovery from damage. The meaning
//! of a capture is not tested here.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

mod document;
mod evolution;
mod fuzz;
mod hostile;
mod python;
mod random;
mod salvage;
mod samples;
mod series;

use whotalks_snapshot::{BlockKind, Damage, Decoder, Event, Limits, Reader};

/// A block that was read: its sequence number, type, and payload.
type Read = (u32, BlockKind, Vec<u8>);

/// Everything that can be read of a file, and everything that cannot.
fn read(file: &[u8]) -> (Vec<Read>, Vec<Damage>) {
    let limits = Limits::default();
    let mut decoder = Decoder::new(&limits);
    let (mut blocks, mut damages) = (Vec::new(), Vec::new());
    for event in Reader::new(file, &limits).unwrap() {
        match event {
            Event::Damage(damage) => damages.push(damage),
            Event::Block(block) => match decoder.payload(&block) {
                Ok(payload) => blocks.push((block.header.sequence, block.header.kind, payload)),
                Err(damage) => damages.push(damage),
            },
        }
    }
    (blocks, damages)
}
