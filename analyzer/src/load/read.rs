//! Reads a file's blocks into captures, and assigns damage to the captures it concerns.

use std::collections::BTreeMap;

use whotalks_snapshot::bundle::Member;
use whotalks_snapshot::limits::Exceeded;
use whotalks_snapshot::{Block, BlockKind, Budget, Damage, DamageKind, Error, Limits, Reader};

use super::block_records::{BadRecords, read_all, read_one};
use super::capture::{Capture, Loaded};
use super::prefetch::{self, Members, Prefetch, Step};
use super::raw_parts::RawParts;
use super::series_summary;

/// Reads a whole file.
///
/// # Errors
/// When the file's header is unusable. Later damage is in [`Loaded::damages`].
pub fn load(file: &[u8], limits: &Limits) -> Result<Loaded, Error> {
    load_some(file, limits, &|_| true)
}

/// Reads the selected captures of a file, by number; of the others only the end, which has their
/// time.
///
/// # Errors
/// As [`load`].
pub fn load_some(
    file: &[u8],
    limits: &Limits,
    is_selected: &(dyn Fn(u32) -> bool + Sync),
) -> Result<Loaded, Error> {
    read(file, limits, is_selected, false)
}

/// Reads a whole file and keeps of each capture only what trends and the search for earlier captures
/// need: host, end, damage, the `stat` of each process and the descriptor kinds of each table.
///
/// # Errors
/// As [`load`].
pub fn load_summary(file: &[u8], limits: &Limits) -> Result<Loaded, Error> {
    read(file, limits, &|_| true, true)
}

/// Reads the selected captures of a file and passes each on, with its number, once it is complete: only
/// one is in memory. Returns the damage.
///
/// # Errors
/// As [`load`].
pub fn load_each(
    file: &[u8],
    limits: &Limits,
    is_selected: &(dyn Fn(u32) -> bool + Sync),
    mut each: impl FnMut(u32, Capture),
) -> Result<Vec<Damage>, Error> {
    let mut pass_on = |number: u32, capture: Capture| {
        if is_selected(number) {
            each(number, capture);
        }
    };
    let loaded = read_each(file, limits, is_selected, false, Some(&mut pass_on))?;
    for (number, capture) in loaded.numbers.into_iter().zip(loaded.captures) {
        pass_on(number, capture);
    }
    Ok(loaded.damages)
}

fn read(
    file: &[u8],
    limits: &Limits,
    is_selected: &(dyn Fn(u32) -> bool + Sync),
    summary: bool,
) -> Result<Loaded, Error> {
    read_each(file, limits, is_selected, summary, None)
}

/// Called with the number of a capture and the capture.
type PassOn<'a> = &'a mut dyn FnMut(u32, Capture);

fn read_each(
    file: &[u8],
    limits: &Limits,
    is_selected: &(dyn Fn(u32) -> bool + Sync),
    summary: bool,
    mut pass_on: Option<PassOn<'_>>,
) -> Result<Loaded, Error> {
    let mut loader = Loader {
        limits: *limits,
        summary,
        captures: BTreeMap::new(),
        raw_parts: RawParts::default(),
        damages: Vec::new(),
        pending: Vec::new(),
        last: None,
        blocks: 0,
        budget: limits.budget(file.len() as u64),
    };
    let reader = Reader::new(file, limits)?;
    let mut complete = |loader: &mut Loader, number: u32| {
        if let Some(pass_on) = &mut pass_on
            && loader.captures.len() > 1
        {
            for (number, capture) in loader.take_before(number) {
                pass_on(number, capture);
            }
            loader.budget = limits.budget(file.len() as u64);
        }
    };
    prefetch::each(reader, limits, is_selected, |step, decoder| match step {
        Step::Damage(damage) => {
            loader.pending.push(damage);
            Prefetch::Continue
        }
        Step::Selected(block, ahead) => {
            loader.begin_block(&block);
            complete(&mut loader, block.header.capture);
            let members = || ahead.unwrap_or_else(|| decoder.members(&block));
            let result = loader.read(&block, members);
            loader.end_block(&block, result)
        }
        Step::Skipped(block, result) => {
            loader.begin_block(&block);
            complete(&mut loader, block.header.capture);
            loader.end_block(&block, result)
        }
    });
    Ok(loader.finish())
}

/// The captures of a file while its blocks are read.
struct Loader {
    limits: Limits,
    /// Whether only the records that [`load_summary`] keeps are stored.
    summary: bool,
    captures: BTreeMap<u32, Capture>,
    raw_parts: RawParts,
    damages: Vec<Damage>,
    /// Damage since the last block. The next block shows which captures it concerns.
    pending: Vec<Damage>,
    /// The capture of the last block, and whether the block was its end.
    last: Option<(u32, bool)>,
    blocks: usize,
    budget: Budget,
}

impl Loader {
    /// Notes the capture of a block, before its records.
    fn begin_block(&mut self, block: &Block<'_>) {
        let number = block.header.capture;
        self.captures.entry(number).or_default();
        self.assign_pending(Some(number));
        self.last = Some((number, block.header.kind == BlockKind::End));
    }

    /// Takes out the captures before one: their blocks have been read.
    fn take_before(&mut self, number: u32) -> Vec<(u32, Capture)> {
        let rest = self.captures.split_off(&number);
        let mut complete = std::mem::replace(&mut self.captures, rest);
        for (number, capture) in &mut complete {
            capture.raw.extend(self.raw_parts.take_incomplete(*number));
        }
        complete.into_iter().collect()
    }

    /// Counts a block, or notes its damage.
    fn end_block(&mut self, block: &Block<'_>, result: Result<(), Damage>) -> Prefetch {
        match result {
            Ok(()) => {
                self.blocks += 1;
                Prefetch::Continue
            }
            Err(damage) => {
                self.add_damage(block.header.capture, damage);
                Prefetch::Stop
            }
        }
    }

    /// Notes damage of a capture.
    fn add_damage(&mut self, number: u32, damage: Damage) {
        let capture = self.captures.entry(number).or_default();
        capture.damages.push(damage.clone());
        self.damages.push(damage);
    }

    /// Assigns damage between two blocks to the capture of the first, unless it had ended, and to that of
    /// the second.
    fn assign_pending(&mut self, next: Option<u32>) {
        let is_only = self.captures.len() == 1;
        let open = self
            .last
            .filter(|(_, ended)| !ended || (is_only && next.is_none()));
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
    fn read(&mut self, block: &Block<'_>, members: impl FnOnce() -> Members) -> Result<(), Damage> {
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
        // A block above the limit for a single block is refused below, with an error of its own.
        if decoded_bytes <= self.limits.block_bytes {
            self.budget.take(u64::from(decoded_bytes)).map_err(limit)?;
        }
        for member in members()? {
            let Member { kind, payload } = member;
            match self.read_records(block.header.capture, kind, &payload) {
                Ok(None) => {}
                Ok(Some((count, cause))) => {
                    let bad = damage(DamageKind::Records {
                        sequence: block.header.sequence,
                        kind: kind.name(),
                        count,
                        cause,
                    });
                    self.add_damage(block.header.capture, bad);
                }
                Err(over) => return Err(limit(over)),
            }
        }
        Ok(())
    }

    /// Reads the records of one payload.
    fn read_records(
        &mut self,
        number: u32,
        kind: BlockKind,
        payload: &[u8],
    ) -> Result<BadRecords, Exceeded> {
        let budget = &mut self.budget;
        let capture = self.captures.entry(number).or_default();
        if self.summary {
            return series_summary::read(kind, payload, capture, budget);
        }
        match kind {
            BlockKind::Host => read_one(payload, &mut capture.host, budget),
            BlockKind::End => read_one(payload, &mut capture.end, budget),
            BlockKind::Processes => read_all(payload, &mut capture.processes, budget),
            BlockKind::Descriptors => read_all(payload, &mut capture.tables, budget),
            BlockKind::DescriptorInfo => read_all(payload, &mut capture.descriptor_infos, budget),
            BlockKind::Waits => read_all(payload, &mut capture.waits, budget),
            BlockKind::Namespaces => read_all(payload, &mut capture.namespaces, budget),
            BlockKind::Users => read_all(payload, &mut capture.users, budget),
            BlockKind::Paths => read_all(payload, &mut capture.paths, budget),
            BlockKind::Raw => Ok(self.raw_parts.add(payload, number, &mut capture.raw)),
            // Blocks of a newer minor version are skipped, as FORMAT.md requires.
            _ => Ok(None),
        }
    }

    /// The captures, once all blocks are read.
    fn finish(mut self) -> Loaded {
        for (number, source) in std::mem::take(&mut self.raw_parts).into_incomplete() {
            self.captures.entry(number).or_default().raw.push(source);
        }
        if self.captures.is_empty() {
            self.captures.insert(0, Capture::default());
            self.last = Some((0, false));
        }
        self.assign_pending(None);
        Loaded {
            numbers: self.captures.keys().copied().collect(),
            captures: self.captures.into_values().collect(),
            damages: self.damages,
            blocks: self.blocks,
        }
    }
}
