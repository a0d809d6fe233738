//! Series: captures of one machine after each other, of which the later ones cost only what changed.
//!
//! Each capture is a [bundle](crate::bundle), coded against the latest *key*: a bundle that stands
//! alone. Keys come every so often, so that any capture is read by decoding two blocks, and so that
//! a damaged one loses no more than the captures up to the next.

use std::io;

use zstd::zstd_safe::{CCtx, CParameter, compress_bound};

use crate::block::{BlockKind, Codec};
use crate::bundle::{self, Member};
use crate::records::RawHeader;
use crate::wire::{take_record, take_slice, take_uint};
use crate::writer::EncodedBlock;

/// The largest bundle, decoded: a capture that is larger is written as blocks of its own, each
/// time whole. Twice as much is held at most, the key and the capture that is being made.
pub const BUNDLE_BYTES: usize = 8 << 20;
/// A key at least every so many captures: about one an hour where one is made each minute.
const KEY_EVERY: u32 = 64;
/// The level: lower ones do not find half of what is the same, higher ones take a second for what
/// they still find.
const LEVEL: i32 = 9;

/// What later captures are coded against.
struct Key {
    sequence: u32,
    payload: Vec<u8>,
    stored_bytes: usize,
    /// Captures coded against it.
    uses: u32,
    /// What the first of these cost.
    first_bytes: usize,
    /// What the others cost beyond that, in all.
    drift_bytes: usize,
}

impl Key {
    /// Whether what has changed since then has cost as much as another key would.
    fn is_old(&self) -> bool {
        self.uses + 1 >= KEY_EVERY || self.drift_bytes > self.stored_bytes
    }
}

/// Encodes the captures of a series.
#[derive(Default)]
pub struct Series {
    key: Option<Key>,
}

impl Series {
    /// Encodes one capture, whose bundle will be written as block `sequence` of its file.
    ///
    /// # Errors
    /// `InvalidInput` when its payloads are too large for a bundle; otherwise zstd's own.
    pub fn encode(&mut self, members: Vec<Member>, sequence: u32) -> io::Result<EncodedBlock> {
        let payload = bundle::pack(&arrange(members));
        self.key = self.key.take().filter(|key| !key.is_old());
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
                return Ok(block.against(key.sequence));
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

    /// A capture that is in no bundle: the next one stands alone.
    pub fn interrupt(&mut self) {
        self.key = None;
    }
}

/// One zstd frame, with a checksum of what it decodes to: a wrong prefix must not go unnoticed.
fn compress(payload: &[u8], prefix: &[u8]) -> io::Result<Vec<u8>> {
    let told = |code| io::Error::other(zstd::zstd_safe::get_error_name(code));
    // What matches may be as far back as the prefix's first byte.
    let reach = (payload.len() + prefix.len()).max(1 << 10);
    let window_log = usize::BITS - (reach - 1).leading_zeros();
    let mut context = CCtx::create();
    for parameter in [
        CParameter::CompressionLevel(LEVEL),
        CParameter::WindowLog(window_log),
        CParameter::ChecksumFlag(true),
    ] {
        context.set_parameter(parameter).map_err(told)?;
    }
    if !prefix.is_empty() {
        context.ref_prefix(prefix).map_err(told)?;
    }
    let mut stored = Vec::with_capacity(compress_bound(payload.len()));
    context.compress2(&mut stored, payload).map_err(told)?;
    stored.shrink_to_fit();
    Ok(stored)
}

/// The same order in every capture: readers share the work differently each time.
///
/// Records of a type become one payload, by process and thread; a process's own stay in their order,
/// and so do the parts of a source.
fn arrange(members: Vec<Member>) -> Vec<Member> {
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
    others.sort_by_cached_key(|member| (member.kind, source(member)));
    let merged = records.into_iter().map(|(kind, mut all)| {
        all.sort_by_key(|record| record.owner);
        let payload = all.into_iter().flat_map(|record| record.bytes).collect();
        Member { kind, payload }
    });
    others.into_iter().chain(merged).collect()
}

/// A record as it lies in a payload, and the first two numbers in it: process and thread.
struct Record {
    owner: (u64, u64),
    bytes: Vec<u8>,
}

/// The records of a payload; `None` where it is not made of them.
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

/// What raw blocks are sorted by: source, namespaces, process.
fn source(member: &Member) -> Option<(Vec<u8>, u64, u64, u32)> {
    if member.kind != BlockKind::Raw {
        return None;
    }
    let header: RawHeader = take_record(&mut member.payload.as_slice()).ok()?;
    Some((header.source, header.netns, header.mntns, header.pid))
}
