//! From a snapshot's bytes to typed rows: one [`Capture`] for each capture in the file.
//!
//! Parsers here take bytes, bound what they read, and turn what they cannot read into damage that
//! is said. They join nothing and judge nothing: that is `model`'s work.

mod diag;
pub mod index;
pub mod inet_diag;
pub mod mountinfo;
pub mod netlink_diag;
pub mod packet_diag;
mod prefetch;
pub mod proc_net_inet;
pub mod proc_net_unix;
pub mod proc_pid;
mod series_summary;
pub mod syscall;
pub mod tcp_info;
pub mod unix_diag;
pub mod vsock_diag;

use std::collections::BTreeMap;

use whotalks_snapshot::bundle::Member;
use whotalks_snapshot::descriptors::DescriptorTable;
use whotalks_snapshot::limits::Exceeded;
use whotalks_snapshot::netlink::ByteOrder;
use whotalks_snapshot::records::{
    BoundPath, CaptureEnd, DescriptorInfo, Host, Netns, Process, RawHeader, User, Wait,
};
use whotalks_snapshot::wire::{Record, count, take_record};
use whotalks_snapshot::{Block, BlockKind, Budget, Damage, DamageKind, Error, Limits, Reader};

use prefetch::{Members, Pace, Step};

/// One capture: its records by type, and the kernel's own bytes by source.
#[derive(Debug, Clone, Default)]
pub struct Capture {
    /// The machine; `None` when its block is lost.
    pub host: Option<Host>,
    /// The end; `None` when the capture is cut.
    pub end: Option<CaptureEnd>,
    /// Processes, in the order they were read.
    pub processes: Vec<Process>,
    /// Descriptor tables and their parts, in order.
    pub tables: Vec<DescriptorTable>,
    /// Texts of fdinfo.
    pub descriptor_infos: Vec<DescriptorInfo>,
    /// What threads are blocked in.
    pub waits: Vec<Wait>,
    /// Network namespaces.
    pub namespaces: Vec<Netns>,
    /// Names of users.
    pub users: Vec<User>,
    /// Bound paths.
    pub paths: Vec<BoundPath>,
    /// Raw sources.
    pub raw: Vec<RawSource>,
    /// What of it could not be read: those of the file's damages that concern it.
    pub damages: Vec<Damage>,
}

/// A raw source, its parts put together.
#[derive(Debug, Clone, Default)]
pub struct RawSource {
    /// The header of its last part.
    pub header: RawHeader,
    /// Its bytes; where `gaps`, some are missing between them.
    pub bytes: Vec<u8>,
    /// A part is missing, or the source has no last part.
    pub gaps: bool,
}

impl Capture {
    /// Byte order of the captured machine.
    pub fn byte_order(&self) -> ByteOrder {
        match &self.host {
            Some(host) if host.byte_order == 2 => ByteOrder::Big,
            _ => ByteOrder::Little,
        }
    }

    /// The raw sources of a name.
    pub fn sources<'a>(&'a self, name: &'a str) -> impl Iterator<Item = &'a RawSource> {
        self.raw
            .iter()
            .filter(move |raw| raw.header.source == name.as_bytes())
    }
}

/// A file's captures, and where it is damaged.
#[derive(Debug, Clone, Default)]
pub struct Loaded {
    /// The captures, by their number in the file; at least one, though perhaps an empty one.
    pub captures: Vec<Capture>,
    /// These numbers.
    pub numbers: Vec<u32>,
    /// Everything that could not be read.
    pub damages: Vec<Damage>,
    /// Blocks in the file that were read.
    pub blocks: usize,
}

/// Reads a whole file.
///
/// # Errors
/// When the file's header is unusable; damage further on is in [`Loaded::damages`].
pub fn load(file: &[u8], limits: &Limits) -> Result<Loaded, Error> {
    load_some(file, limits, &|_| true)
}

/// Reads the captures of a file that are wanted, by their numbers in it; of the others only when they
/// were made, so that their order is known.
///
/// # Errors
/// As [`load`].
pub fn load_some(
    file: &[u8],
    limits: &Limits,
    wanted: &(dyn Fn(u32) -> bool + Sync),
) -> Result<Loaded, Error> {
    read(file, limits, wanted, false)
}

fn read(
    file: &[u8],
    limits: &Limits,
    wanted: &(dyn Fn(u32) -> bool + Sync),
    thin: bool,
) -> Result<Loaded, Error> {
    let mut loader = Loader {
        limits: *limits,
        thin,
        captures: BTreeMap::new(),
        open: BTreeMap::new(),
        damages: Vec::new(),
        pending: Vec::new(),
        at: None,
        blocks: 0,
        budget: limits.budget(file.len() as u64),
    };
    prefetch::each(
        Reader::new(file, limits)?,
        limits,
        wanted,
        |step| match step {
            Step::Damage(damage) => {
                loader.pending.push(damage);
                Pace::Same
            }
            Step::Wanted(block, members) => {
                loader.begin(&block);
                let read = loader.read(&block, members);
                loader.end(&block, read)
            }
            Step::Unwanted(block, passed) => {
                loader.begin(&block);
                loader.end(&block, passed)
            }
        },
    );
    Ok(loader.finish())
}

/// Reads a whole file, and keeps of each capture only what the course of a series is told by: its
/// machine, its end and damages, of each process its `stat`, of each table its kinds of descriptors.
///
/// # Errors
/// As [`load`].
pub fn load_thin(file: &[u8], limits: &Limits) -> Result<Loaded, Error> {
    read(file, limits, &|_| true, true)
}

/// What makes two raw parts the same source.
type RawKey = (Vec<u8>, u64, u64, u32, u8, u64, u8);

struct Loader {
    limits: Limits,
    /// Whether only what [`load_thin`] says is kept.
    thin: bool,
    captures: BTreeMap<u32, Capture>,
    open: BTreeMap<(u32, RawKey), RawSource>,
    damages: Vec<Damage>,
    /// Damages since the last block: what they concern is known at the next one.
    pending: Vec<Damage>,
    /// The capture of the last block, and whether that was its end.
    at: Option<(u32, bool)>,
    blocks: usize,
    budget: Budget,
}

impl Loader {
    fn begin(&mut self, block: &Block<'_>) {
        let number = block.header.capture;
        self.captures.entry(number).or_default();
        self.settle(Some(number));
        self.at = Some((number, block.header.kind == BlockKind::End));
    }

    fn end(&mut self, block: &Block<'_>, read: Result<(), Damage>) -> Pace {
        match read {
            Ok(()) => {
                self.blocks += 1;
                Pace::Same
            }
            Err(damage) => {
                self.damage(block.header.capture, damage);
                Pace::OnDemand
            }
        }
    }

    /// Something of a capture is lost.
    fn damage(&mut self, number: u32, damage: Damage) {
        let capture = self.captures.entry(number).or_default();
        capture.damages.push(damage.clone());
        self.damages.push(damage);
    }

    /// What was lost between two blocks was of the first one's capture, unless that had ended, or of
    /// the second one's.
    fn settle(&mut self, next: Option<u32>) {
        let only = self.captures.len() == 1;
        let open = self
            .at
            .filter(|(_, ended)| !ended || (only && next.is_none()));
        let mut concerned: Vec<u32> = open.map(|(number, _)| number).into_iter().collect();
        concerned.extend(next);
        concerned.dedup();
        for number in concerned {
            let capture = self.captures.entry(number).or_default();
            capture.damages.extend(self.pending.iter().cloned());
        }
        self.damages.append(&mut self.pending);
    }

    /// Reads a block's records.
    fn read(
        &mut self,
        block: &Block<'_>,
        members: &mut dyn FnMut() -> Members,
    ) -> Result<(), Damage> {
        let damage = |kind| Damage {
            offset: block.offset,
            length: 0,
            kind,
        };
        let limit = |over: Exceeded| {
            damage(DamageKind::Limit {
                sequence: block.header.sequence,
                kind: block.header.kind.name(),
                asked: over.asked,
                limit: over.limit,
            })
        };
        let decoded_bytes = block.header.decoded_bytes;
        // A block beyond the limit for one is refused as such, below.
        if decoded_bytes <= self.limits.block_bytes {
            self.budget.take(u64::from(decoded_bytes)).map_err(limit)?;
        }
        for member in members()? {
            let Member { kind, payload } = member;
            match self.records(block.header.capture, kind, &payload) {
                Ok(None) => {}
                Ok(Some((count, cause))) => {
                    let bad = damage(DamageKind::Records {
                        sequence: block.header.sequence,
                        kind: kind.name(),
                        count,
                        cause,
                    });
                    self.damage(block.header.capture, bad);
                }
                Err(over) => return Err(limit(over)),
            }
        }
        Ok(())
    }

    /// Reads the records of one payload.
    fn records(&mut self, number: u32, kind: BlockKind, payload: &[u8]) -> Result<Bad, Exceeded> {
        let budget = &mut self.budget;
        let capture = self.captures.entry(number).or_default();
        if self.thin {
            return series_summary::keep(kind, payload, capture, budget);
        }
        match kind {
            BlockKind::Host => single(payload, &mut capture.host, budget),
            BlockKind::End => single(payload, &mut capture.end, budget),
            BlockKind::Processes => many(payload, &mut capture.processes, budget),
            BlockKind::Descriptors => many(payload, &mut capture.tables, budget),
            BlockKind::DescriptorInfo => many(payload, &mut capture.descriptor_infos, budget),
            BlockKind::Waits => many(payload, &mut capture.waits, budget),
            BlockKind::Namespaces => many(payload, &mut capture.namespaces, budget),
            BlockKind::Users => many(payload, &mut capture.users, budget),
            BlockKind::Paths => many(payload, &mut capture.paths, budget),
            BlockKind::Raw => Ok(raw(payload, number, capture, &mut self.open)),
            // A newer minor version's: skipped, as the format asks.
            _ => Ok(None),
        }
    }

    fn finish(mut self) -> Loaded {
        for ((number, _), mut source) in std::mem::take(&mut self.open) {
            source.gaps = true;
            self.captures.entry(number).or_default().raw.push(source);
        }
        if self.captures.is_empty() {
            self.captures.insert(0, Capture::default());
            self.at = Some((0, false));
        }
        self.settle(None);
        Loaded {
            numbers: self.captures.keys().copied().collect(),
            captures: self.captures.into_values().collect(),
            damages: self.damages,
            blocks: self.blocks,
        }
    }
}

/// How many records of a block were bad, and why the first was.
type Bad = Option<(u64, whotalks_snapshot::WireError)>;

/// All records of a block, or none where they would take more memory than is left.
fn many<R: Record>(
    payload: &[u8],
    into: &mut Vec<R>,
    budget: &mut Budget,
) -> Result<Bad, Exceeded> {
    budget.take(count(payload) as u64 * size_of::<R>() as u64)?;
    let mut bad = None;
    for record in whotalks_snapshot::records::<R>(payload) {
        match record {
            Ok(record) => into.push(record),
            Err(cause) => bad.get_or_insert((0, cause)).0 += 1,
        }
    }
    Ok(bad)
}

fn single<R: Record>(
    payload: &[u8],
    into: &mut Option<R>,
    budget: &mut Budget,
) -> Result<Bad, Exceeded> {
    let mut all = Vec::new();
    let bad = many(payload, &mut all, budget)?;
    if into.is_none() {
        *into = all.into_iter().next();
    }
    Ok(bad)
}

fn raw(
    payload: &[u8],
    number: u32,
    capture: &mut Capture,
    open: &mut BTreeMap<(u32, RawKey), RawSource>,
) -> Bad {
    let mut rest = payload;
    let header: RawHeader = match take_record(&mut rest) {
        Ok(header) => header,
        Err(cause) => return Some((1, cause)),
    };
    let key = (
        header.source.clone(),
        header.netns,
        header.mntns,
        header.pid,
        header.pass,
        header.key,
        header.attempt,
    );
    let known = open.remove(&(number, key.clone()));
    let expected = known.as_ref().map_or(0, |source| source.header.part + 1);
    let mut source = known.unwrap_or_default();
    source.gaps |= header.part != expected;
    source.bytes.extend_from_slice(rest);
    let last = header.last;
    source.header = header;
    if last {
        capture.raw.push(source);
    } else {
        open.insert((number, key), source);
    }
    None
}
