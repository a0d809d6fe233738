//! Series: successive captures of a machine, of which later ones store only changes.
//!
//! Each capture is a [bundle](crate::bundle). It is compressed against the latest *key*, a bundle
//! that does not refer to another one. A new key is written regularly: then decoding any capture
//! takes two blocks, and damage loses at most the captures up to the next key.

use std::io;

use zstd::zstd_safe::{CCtx, CParameter, compress_bound};

use crate::block::{BlockKind, Codec};
use crate::bundle::{self, Member};
use crate::records::RawHeader;
use crate::wire::{take_record, take_slice, take_uint};
use crate::writer::EncodedBlock;

/// The largest decoded bundle in bytes. A larger capture is written as separate blocks. Memory use
/// is at most twice this: the key and the present capture.
pub const BUNDLE_BYTES: usize = 8 << 20;
/// Captures between two keys: about an hour at one capture a minute.
const KEY_EVERY: u32 = 64;
/// The zstd level. Lower levels find less than half of the matches, higher ones take a second
/// longer.
const LEVEL: i32 = 9;

/// The bundle that later captures refer to.
struct Key {
    sequence: u32,
    payload: Vec<u8>,
    stored_bytes: usize,
    /// Number of captures that refer to it.
    uses: u32,
    /// Size of the first of these in bytes.
    first_bytes: usize,
    /// Sum of what the others exceed that by, in bytes.
    drift_bytes: usize,
}

impl Key {
    /// Whether the changes since then have cost as much as a new key.
    fn is_outdated(&self) -> bool {
        self.uses + 1 >= KEY_EVERY || self.drift_bytes > self.stored_bytes
    }
}

/// Encodes the captures of a series.
#[derive(Default)]
pub struct Series {
    key: Option<Key>,
}

impl Series {
    /// Encodes one capture. Its bundle must be written as block `sequence` of the file.
    ///
    /// # Errors
    /// `InvalidInput` if the payloads are too large for a bundle; otherwise errors of zstd.
    pub fn encode(&mut self, members: Vec<Member>, sequence: u32) -> io::Result<EncodedBlock> {
        let payload = bundle::pack(&sort_blocks(members));
        self.key = self.key.take().filter(|key| !key.is_outdated());
        if let Some(key) = &mut self.key {
            let stored = compress(&payload, &key.payload)?;
            if stored.len() < payload.len() {
                let bytes = stored.len();
                if key.uses == 0 {
                    key.first_bytes = bytes;
                }
                key.uses += 1;
                key.drift_bytes += bytes.saturating_sub(key.first_bytes);
                let codec = Codec::Prefixed;
                let block = EncodedBlock::new(BlockKind::Bundle, &payload, codec, stored)?;
                return Ok(block.with_base(key.sequence));
            }
        }
        let stored = compress(&payload, &[])?;
        let stored_bytes = stored.len();
        let block = EncodedBlock::new(BlockKind::Bundle, &payload, Codec::Zstd, stored)?;
        self.key = Some(Key {
            sequence,
            payload,
            stored_bytes,
            uses: 0,
            first_bytes: 0,
            drift_bytes: 0,
        });
        Ok(block)
    }

    /// Makes the next capture a key, after one that was not written as a bundle.
    pub fn interrupt(&mut self) {
        self.key = None;
    }
}

/// Compresses one zstd frame with a content checksum, which detects a wrong prefix.
fn compress(payload: &[u8], prefix: &[u8]) -> io::Result<Vec<u8>> {
    let zstd_error = |code| io::Error::other(zstd::zstd_safe::get_error_name(code));
    // The window covers the prefix and the payload.
    let window_bytes = (payload.len() + prefix.len()).max(1 << 10);
    let window_log = usize::BITS - (window_bytes - 1).leading_zeros();
    let mut context = CCtx::create();
    for parameter in [
        CParameter::CompressionLevel(LEVEL),
        CParameter::WindowLog(window_log),
        CParameter::ChecksumFlag(true),
    ] {
        context.set_parameter(parameter).map_err(zstd_error)?;
    }
    if !prefix.is_empty() {
        context.ref_prefix(prefix).map_err(zstd_error)?;
    }
    let mut stored = Vec::with_capacity(compress_bound(payload.len()));
    context
        .compress2(&mut stored, payload)
        .map_err(zstd_error)?;
    stored.shrink_to_fit();
    Ok(stored)
}

/// Sorts the blocks into the same order for every capture: readers divide the work differently each
/// time.
///
/// Records of one type become one payload, sorted by process and thread. The records of one
/// process, and the parts of one source, keep their order.
fn sort_blocks(members: Vec<Member>) -> Vec<Member> {
    let mut records: Vec<(BlockKind, Vec<Record>)> = Vec::new();
    let mut others = Vec::new();
    for member in members {
        let sorted = matches!(
            member.kind,
            BlockKind::Processes
                | BlockKind::Descriptors
                | BlockKind::DescriptorInfo
                | BlockKind::Waits
        );
        let Some(mut taken) = sorted.then(|| take_records(&member.payload)).flatten() else {
            others.push(member);
            continue;
        };
        match records.binary_search_by_key(&member.kind, |(kind, _)| *kind) {
            Ok(at) => records[at].1.append(&mut taken),
            Err(at) => records.insert(at, (member.kind, taken)),
        }
    }
    others.sort_by_cached_key(|member| (member.kind, raw_sort_key(member)));
    let merged = records.into_iter().map(|(kind, mut all)| {
        all.sort_by_key(|record| record.owner);
        let payload = all.into_iter().flat_map(|record| record.bytes).collect();
        Member { kind, payload }
    });
    others.into_iter().chain(merged).collect()
}

/// An encoded record, and its first two fields: process and thread.
struct Record {
    owner: (u64, u64),
    bytes: Vec<u8>,
}

/// Returns the records of a payload. `None` if it does not consist of records.
fn take_records(payload: &[u8]) -> Option<Vec<Record>> {
    let mut rest = payload;
    let mut records = Vec::new();
    while !rest.is_empty() {
        let begun = rest;
        let length = take_uint(&mut rest).ok()?;
        let mut body = take_slice(&mut rest, length).ok()?;
        let owner = (take_uint(&mut body).ok()?, take_uint(&mut body).ok()?);
        let bytes = begun[..begun.len() - rest.len()].to_vec();
        records.push(Record { owner, bytes });
    }
    Some(records)
}

/// Returns the sort key of a raw block: source, namespaces, process.
fn raw_sort_key(member: &Member) -> Option<(Vec<u8>, u64, u64, u32)> {
    if member.kind != BlockKind::Raw {
        return None;
    }
    let header: RawHeader = take_record(&mut member.payload.as_slice()).ok()?;
    Some((header.source, header.netns, header.mntns, header.pid))
}
