//! Writes the captures of a series: collects the blocks of one capture, and writes them as one
//! bundle.
//!
//! Memory is bounded: the blocks of a capture that is too large for a bundle are written directly.

use std::io::{self, Write};
use std::mem::take;

use whotalks_snapshot::series::BUNDLE_BYTES;
use whotalks_snapshot::{BlockKind, EncodedBlock, Encoder, Series, Writer};

/// Collects the blocks of the present capture.
pub(crate) struct SeriesWriter {
    series: Series,
    encoder: Encoder,
    blocks: Vec<EncodedBlock>,
    bytes: usize,
    /// Whether the capture is too large for a bundle.
    oversized: bool,
}

impl SeriesWriter {
    /// Creates a writer. `encoder` compresses the blocks outside of bundles.
    pub(crate) fn new(encoder: Encoder) -> Self {
        Self {
            series: Series::default(),
            encoder,
            blocks: Vec::new(),
            bytes: 0,
            oversized: false,
        }
    }

    /// Adds a block. The `End` block completes the capture.
    pub(crate) fn add<W: Write>(
        &mut self,
        block: EncodedBlock,
        writer: &mut Writer<W>,
    ) -> io::Result<()> {
        let end = block.kind() == BlockKind::End;
        if end && !self.oversized {
            let members = take(&mut self.blocks).into_iter();
            let members = members.map(EncodedBlock::into_member).collect();
            let bundle = self.series.encode(members, writer.next_sequence())?;
            writer.write(&bundle)?;
        }
        if end || self.oversized {
            writer.write(&self.encoder.again(block)?)?;
        } else {
            self.bytes += block.stored_bytes();
            self.blocks.push(block);
            if self.bytes > BUNDLE_BYTES {
                self.oversized = true;
                self.series.interrupt();
                for block in take(&mut self.blocks) {
                    writer.write(&self.encoder.again(block)?)?;
                }
            }
        }
        if end {
            (self.bytes, self.oversized) = (0, false);
        }
        Ok(())
    }
}
