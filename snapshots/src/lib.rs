//! The whotalks snapshot file format: writer, reader, limits and errors.
//!
//! The crate defines the blocks of a file and the records in them, writes them ([`writer`]), reads
//! them ([`reader`]), and limits what a reader allocates. It performs no I/O except on a given
//! [`std::io::Write`], and does not interpret kernel data: the analyzer does. `FORMAT.md` next to
//! this crate specifies every byte.

#![forbid(unsafe_code)]

pub mod block;
pub mod bundle;
pub mod decoder;
mod decompress;
pub mod descriptors;
pub mod error;
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
