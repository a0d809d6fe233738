//! Stored payloads decompressed, one after the other with the same memory.
//!
//! Fresh memory costs more than zstd's work: the kernel clears each page of it. What a frame says of
//! its own length is not believed.

use zstd::zstd_safe::{DCtx, get_error_name, get_frame_content_size};

use crate::transpose;

/// Decompresses; it is the same for each frame, whatever came before.
#[derive(Default)]
pub(crate) struct Inflater {
    context: DCtx<'static>,
    /// The last transposed form.
    transposed: Vec<u8>,
}

impl Inflater {
    /// One zstd frame of at most `limit` bytes.
    pub(crate) fn plain(&mut self, stored: &[u8], limit: usize) -> Result<Vec<u8>, String> {
        let mut payload = Vec::new();
        self.into(&mut payload, stored, limit)?;
        Ok(payload)
    }

    /// One zstd frame of the transposed form of so many bytes.
    pub(crate) fn transposed(&mut self, stored: &[u8], asked: usize) -> Result<Vec<u8>, String> {
        let mut transposed = std::mem::take(&mut self.transposed);
        let done = self.into(&mut transposed, stored, transpose::limit(asked));
        let payload =
            done.and_then(|()| transpose::decode(&transposed, asked).map_err(str::to_owned));
        self.transposed = transposed;
        payload
    }

    /// One zstd frame of at most `limit` bytes, coded after a prefix. Frames without a checksum of their
    /// content are refused: after another prefix than the writer's they would decode to anything.
    pub(crate) fn after(stored: &[u8], prefix: &[u8], limit: usize) -> Result<Vec<u8>, String> {
        // RFC 8878, 3.1.1.1.1: bit 2 of the frame header's descriptor, after the magic number.
        if stored.get(4).is_none_or(|descriptor| descriptor & 4 == 0) {
            return Err("the frame has no checksum".to_owned());
        }
        let mut context = DCtx::create();
        context.ref_prefix(prefix).map_err(told)?;
        let mut payload = Vec::with_capacity(limit);
        context.decompress(&mut payload, stored).map_err(told)?;
        Ok(payload)
    }

    /// One zstd frame of at most `limit` bytes, instead of what `out` holds.
    fn into(&mut self, out: &mut Vec<u8>, stored: &[u8], limit: usize) -> Result<(), String> {
        const SMALL: &str = "destination buffer is too small";
        let said = get_frame_content_size(stored).ok().flatten();
        if let Some(needed) = said.filter(|needed| *needed > limit as u64) {
            return Err(format!("{SMALL}: {needed} bytes needed, {limit} given"));
        }
        out.clear();
        out.reserve_exact(limit);
        self.context.decompress(out, stored).map_err(told)?;
        // There may be more room than that, from an earlier block.
        if out.len() > limit {
            return Err(SMALL.to_owned());
        }
        Ok(())
    }
}

fn told(code: usize) -> String {
    get_error_name(code).to_lowercase()
}
