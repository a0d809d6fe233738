//! Decodes the blocks of a file in order, with those that refer to another block.

use std::cell::OnceCell;

use crate::block::{BlockKind, Codec, NO_BASE};
use crate::bundle::{self, Member};
use crate::decompress::Decompressor;
use crate::error::{Damage, DamageKind};
use crate::limits::Limits;
use crate::reader::Block;

/// Decodes blocks, and keeps the block that later ones refer to.
///
/// Every block of the file must be passed to it in order: to [`Decoder::payload`], or to
/// [`Decoder::pass`] if its payload is not needed.
pub struct Decoder<'a> {
    limits: Limits,
    decompressor: Decompressor,
    key: Option<Key<'a>>,
}

/// The latest bundle that does not refer to another one.
struct Key<'a> {
    block: Block<'a>,
    /// Decoded on first use; `None` if that failed.
    payload: OnceCell<Option<Vec<u8>>>,
}

impl<'a> Decoder<'a> {
    /// Creates a decoder for a new file.
    pub fn new(limits: &Limits) -> Self {
        Self {
            limits: *limits,
            decompressor: Decompressor::default(),
            key: None,
        }
    }

    /// Skips a block without decoding it.
    ///
    /// # Errors
    /// If the block that it refers to is lost.
    pub fn pass(&mut self, block: &Block<'a>) -> Result<(), Damage> {
        let header = &block.header;
        if header.kind == BlockKind::Bundle && header.base == NO_BASE {
            self.key = Some(Key {
                block: *block,
                payload: OnceCell::new(),
            });
        }
        let based = header.codec == Codec::Prefixed && header.base != NO_BASE;
        if based && self.key_of(block).is_none() {
            return Err(base_lost(block));
        }
        Ok(())
    }

    /// Decodes the payload of a block.
    ///
    /// # Errors
    /// The damage that makes the block unreadable. Other blocks are not affected unless they refer
    /// to it.
    pub fn payload(&mut self, block: &Block<'a>) -> Result<Vec<u8>, Damage> {
        self.pass(block)?;
        if block.header.codec != Codec::Prefixed || block.header.base == NO_BASE {
            return block.payload_with(&mut self.decompressor, &self.limits);
        }
        let prefix = self.key_of(block).and_then(|key| {
            let decode = || key.block.payload(&self.limits).ok();
            key.payload.get_or_init(decode).as_deref()
        });
        match prefix {
            Some(prefix) => block.payload_with_prefix(prefix, &self.limits),
            None => Err(base_lost(block)),
        }
    }

    fn key_of(&self, block: &Block<'_>) -> Option<&Key<'a>> {
        let key = self.key.as_ref();
        key.filter(|key| key.block.header.sequence == block.header.base)
    }

    /// Decodes a block, or all blocks in it if it is a bundle.
    ///
    /// # Errors
    /// Those of [`Decoder::payload`].
    pub fn members(&mut self, block: &Block<'a>) -> Result<Vec<Member>, Damage> {
        let payload = self.payload(block)?;
        let kind = block.header.kind;
        if kind != BlockKind::Bundle {
            return Ok(vec![Member { kind, payload }]);
        }
        bundle::unpack(&payload).map_err(|cause| {
            block.damage(DamageKind::Decompress {
                sequence: block.header.sequence,
                kind: kind.name(),
                cause: cause.to_owned(),
            })
        })
    }
}

fn base_lost(block: &Block<'_>) -> Damage {
    block.damage(DamageKind::BaseLost {
        sequence: block.header.sequence,
        kind: block.header.kind.name(),
        base: block.header.base,
    })
}
