//! The whotalks snapshot file: what a capture is on disk.
//!
//! This crate knows bytes: the file's blocks, the records in them, how they are written
//! ([`writer`]) and read back ([`reader`]), and the limits a reader imposes. It does no input or
//! output of its own beyond a [`std::io::Write`] that it is given, and gives kernel data no meaning:
//! that is the analyzer's work. `FORMAT.md` beside this crate specifies every byte.

#![forbid(unsafe_code)]

pub mod block;
pub mod bundle;
pub mod decoder;
pub mod descriptors;
pub mod error;
mod inflate;
pub mod limits;
pub mod netlink;
pub mod reader;
pub mod records;
mod repeated_lines;
mod row_delta;
mod rows;
pub mod series;
mod tile;
pub mod transpose;
pub mod wire;
pub mod writer;

pub use block::{BlockKind, Codec};
pub use decoder::Decoder;
pub use error::{Damage, DamageKind, Error};
pub use limits::{Budget, Limits};
pub use reader::{Block, Event, Reader};
pub use series::Series;
pub use transpose::Rows;
pub use wire::{Record, WireError, records};
pub use writer::{EncodedBlock, Encoder, RawStream, RecordBlock, Writer};
