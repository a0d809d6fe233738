//! The writing thread of a series: a capture's blocks come together, and go out as one bundle.
//!
//! What is held is bounded: a capture that is too oversized for a bundle is written as it comes.

use std::io::{self, Write};
use std::mem::take;

use whotalks_snapshot::series::BUNDLE_BYTES;
use whotalks_snapshot::{BlockKind, EncodedBlock, Encoder, Series, Writer};

/// The capture that is coming.
pub(crate) struct SeriesWriter {
    series: Series,
    encoder: Encoder,
    blocks: Vec<EncodedBlock>,
    bytes: usize,
    /// It is too oversized for a bundle.
    oversized: bool,
}

impl SeriesWriter {
    /// `encoder` is for what is in no bundle.
    pub(crate) fn new(encoder: Encoder) -> Self {
        Self {
            series: Series::default(),
            encoder,
            blocks: Vec::new(),
            bytes: 0,
            oversized: false,
        }
    }

    /// A block of the capture; the end is its last.
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
