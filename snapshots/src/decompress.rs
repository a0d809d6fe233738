//! Decompresses payloads into reused memory.
//!
//! New memory would cost more than decompression, since the kernel clears each page. The size that
//! a frame declares is not trusted.

use zstd::zstd_safe::{DCtx, get_error_name, get_frame_content_size};

use crate::transpose;

/// A decompressor. Earlier frames do not affect later ones.
#[derive(Default)]
pub(crate) struct Decompressor {
    context: DCtx<'static>,
    /// The latest transposed form.
    transposed: Vec<u8>,
}

impl Decompressor {
    /// Decompresses one zstd frame to at most `limit` bytes.
    pub(crate) fn frame(&mut self, stored: &[u8], limit: usize) -> Result<Vec<u8>, String> {
        let mut payload = Vec::new();
        self.frame_into(&mut payload, stored, limit)?;
        Ok(payload)
    }

    /// Decompresses one zstd frame of the transposed form of `decoded_bytes` bytes.
    pub(crate) fn transposed(
        &mut self,
        stored: &[u8],
        decoded_bytes: usize,
    ) -> Result<Vec<u8>, String> {
        let mut transposed = std::mem::take(&mut self.transposed);
        let done = self.frame_into(&mut transposed, stored, transpose::limit(decoded_bytes));
        let payload = done
            .and_then(|()| transpose::decode(&transposed, decoded_bytes).map_err(str::to_owned));
        self.transposed = transposed;
        payload
    }

    /// Decompresses one zstd frame that refers to `prefix`, to at most `limit` bytes. Refuses
    /// frames without a content checksum: with a wrong prefix they would decode to wrong bytes.
    pub(crate) fn frame_with_prefix(
        stored: &[u8],
        prefix: &[u8],
        limit: usize,
    ) -> Result<Vec<u8>, String> {
        // RFC 8878, 3.1.1.1.1: bit 2 of the frame header's descriptor, after the magic number.
        if stored.get(4).is_none_or(|descriptor| descriptor & 4 == 0) {
            return Err("the frame has no checksum".to_owned());
        }
        let mut context = DCtx::create();
        context.ref_prefix(prefix).map_err(zstd_error)?;
        let mut payload = Vec::with_capacity(limit);
        context
            .decompress(&mut payload, stored)
            .map_err(zstd_error)?;
        Ok(payload)
    }

    /// Decompresses one zstd frame into `out`, to at most `limit` bytes.
    fn frame_into(&mut self, out: &mut Vec<u8>, stored: &[u8], limit: usize) -> Result<(), String> {
        const SMALL: &str = "destination buffer is too small";
        let said = get_frame_content_size(stored).ok().flatten();
        if let Some(needed) = said.filter(|needed| *needed > limit as u64) {
            return Err(format!("{SMALL}: {needed} bytes needed, {limit} given"));
        }
        out.clear();
        out.reserve_exact(limit);
        self.context.decompress(out, stored).map_err(zstd_error)?;
        // The buffer may be larger, from an earlier block.
        if out.len() > limit {
            return Err(SMALL.to_owned());
        }
        Ok(())
    }
}

fn zstd_error(code: usize) -> String {
    get_error_name(code).to_lowercase()
}
