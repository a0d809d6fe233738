//! The secret key of pseudonyms: without it they cannot be looked up.

use sha2::{Digest, Sha256};

/// A secret key.
#[derive(Debug, Clone)]
pub(super) struct Key(pub(super) [u8; 32]);

impl Key {
    /// HMAC-SHA-256 (RFC 2104) of a text; each class of names has its own values.
    pub(super) fn hash(&self, class: u8, text: &[u8]) -> [u8; 32] {
        let mut inner_pad = [0x36; 64];
        let mut outer_pad = [0x5c; 64];
        for (index, byte) in self.0.iter().enumerate() {
            inner_pad[index] ^= byte;
            outer_pad[index] ^= byte;
        }
        let inner = Sha256::new().chain_update(inner_pad).chain_update([class]);
        let inner = inner.chain_update(text).finalize();
        let hash = Sha256::new().chain_update(outer_pad).chain_update(inner);
        hash.finalize().into()
    }
}
