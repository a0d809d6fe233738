//! Decodes the blocks of a file in threads, ahead of the thread that reads their records.
//!
//! The threads are ahead by a few blocks only. Once a file exceeds a limit, blocks are decoded one by one
//! on demand, so that nothing is decoded beyond the limits.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{Receiver, sync_channel};
use std::thread::available_parallelism;

use whotalks_snapshot::bundle::Member;
use whotalks_snapshot::{Block, BlockKind, Damage, Decoder, Event, Limits, Reader};

/// Decoded blocks of each thread that are not yet read.
const QUEUE_LENGTH: usize = 1;
/// More threads only wait for the reading thread.
const MAX_THREADS: usize = 4;

/// The members of a block, or why it cannot be decoded.
pub(super) type Members = Result<Vec<Member>, Damage>;

/// The next part of a file.
pub(super) enum Step<'s, 'a> {
    /// A part that cannot be read.
    Damage(Damage),
    /// A block of a selected capture, and a function that returns its members (once).
    Selected(Block<'a>, &'s mut dyn FnMut() -> Members),
    /// Another block; an error if the block it is based on is missing.
    Skipped(Block<'a>, Result<(), Damage>),
}

/// Whether to decode ahead after a step.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Prefetch {
    /// As before.
    Continue,
    /// Decode each block only when its members are requested.
    Stop,
}

/// A step, as sent between the threads.
enum Decoded<'a> {
    Damage(Damage),
    Selected(Block<'a>, Members),
    Skipped(Block<'a>, Result<(), Damage>),
}

/// Calls `step` for each part of a file, in order. `is_selected`: whether to decode the blocks of a
/// capture, by its number. The last block of each capture is always decoded: it has the time.
pub(super) fn each<'a>(
    reader: Reader<'a>,
    limits: &Limits,
    is_selected: &(dyn Fn(u32) -> bool + Sync),
    mut step: impl FnMut(Step<'_, 'a>) -> Prefetch,
) {
    let is_selected = |block: &Block<'_>| {
        block.header.kind == BlockKind::End || is_selected(block.header.capture)
    };
    let threads = available_parallelism().map_or(1, usize::from);
    let threads = threads.min(MAX_THREADS);
    let on_demand = AtomicBool::new(false);
    let mut done = 0;
    std::thread::scope(|scope| {
        let receivers: Vec<Receiver<Decoded<'a>>> = (0..threads)
            .map(|thread| {
                let (sender, receiver) = sync_channel(QUEUE_LENGTH);
                let (reader, decoder) = (reader.clone(), Decoder::new(limits));
                let (is_selected, on_demand) = (&is_selected, &on_demand);
                let decode = move || {
                    let is_own = |index: usize| index % threads == thread;
                    decode_own(reader, decoder, is_selected, is_own, |decoded| {
                        !on_demand.load(Ordering::Relaxed) && sender.send(decoded).is_ok()
                    });
                };
                scope.spawn(decode);
                receiver
            })
            .collect();
        while let Ok(decoded) = receivers[done % threads].recv() {
            done += 1;
            let prefetch = match decoded {
                Decoded::Damage(damage) => step(Step::Damage(damage)),
                Decoded::Skipped(block, passed) => step(Step::Skipped(block, passed)),
                Decoded::Selected(block, members) => {
                    let mut members = Some(members);
                    step(Step::Selected(block, &mut || {
                        members.take().unwrap_or_else(|| Ok(Vec::new()))
                    }))
                }
            };
            if prefetch == Prefetch::Stop {
                on_demand.store(true, Ordering::Relaxed);
                // Blocks that were decoded ahead are decoded again, on demand.
                break;
            }
        }
    });
    if !on_demand.into_inner() {
        return;
    }
    let mut decoder = Decoder::new(limits);
    for (index, event) in reader.enumerate() {
        // The decoder needs every block: others may be based on it.
        let passed = match &event {
            Event::Block(block) => decoder.pass(block),
            Event::Damage(_) => Ok(()),
        };
        if index < done {
            continue;
        }
        match event {
            Event::Damage(damage) => step(Step::Damage(damage)),
            Event::Block(block) if is_selected(&block) => {
                step(Step::Selected(block, &mut || decoder.members(&block)))
            }
            Event::Block(block) => step(Step::Skipped(block, passed)),
        };
    }
}

/// Decodes the blocks of one thread, by the index of their event, and passes over the others, until `send`
/// returns false.
fn decode_own<'a>(
    reader: Reader<'a>,
    mut decoder: Decoder<'a>,
    is_selected: impl Fn(&Block<'_>) -> bool,
    is_own: impl Fn(usize) -> bool,
    send: impl Fn(Decoded<'a>) -> bool,
) {
    for (index, event) in reader.enumerate() {
        let decoded = match event {
            Event::Block(block) if !is_own(index) || !is_selected(&block) => {
                Decoded::Skipped(block, decoder.pass(&block))
            }
            Event::Block(block) => Decoded::Selected(block, decoder.members(&block)),
            Event::Damage(damage) => Decoded::Damage(damage),
        };
        if is_own(index) && !send(decoded) {
            break;
        }
    }
}
