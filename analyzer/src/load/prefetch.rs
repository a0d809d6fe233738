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
pub(super) enum Step<'a> {
    /// A part that cannot be read.
    Damage(Damage),
    /// A block of a selected capture, and its members if it was decoded ahead.
    Selected(Block<'a>, Option<Members>),
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

/// Calls `step` for each part of a file, in order, with a decoder for blocks that were not decoded
/// ahead. `is_selected`: whether to decode the blocks of a capture, by its number. The last block of
/// each capture is always decoded: it has the time.
pub(super) fn each<'a>(
    reader: Reader<'a>,
    limits: &Limits,
    is_selected: &(dyn Fn(u32) -> bool + Sync),
    mut step: impl FnMut(Step<'a>, &mut Decoder<'a>) -> Prefetch,
) {
    let is_selected = |block: &Block<'_>| {
        block.header.kind == BlockKind::End || is_selected(block.header.capture)
    };
    let threads = available_parallelism().map_or(1, usize::from);
    let threads = threads.min(MAX_THREADS);
    let on_demand = AtomicBool::new(false);
    let mut decoder = Decoder::new(limits);
    let mut done = 0;
    std::thread::scope(|scope| {
        let receivers: Vec<Receiver<Step<'a>>> = (0..threads)
            .map(|thread| {
                let (sender, receiver) = sync_channel(QUEUE_LENGTH);
                let (reader, decoder) = (reader.clone(), Decoder::new(limits));
                let (is_selected, on_demand) = (&is_selected, &on_demand);
                let decode = move || {
                    let is_own = |index: usize| index % threads == thread;
                    decode_own(reader, decoder, is_selected, is_own, |step| {
                        !on_demand.load(Ordering::Relaxed) && sender.send(step).is_ok()
                    });
                };
                scope.spawn(decode);
                receiver
            })
            .collect();
        while let Ok(next) = receivers[done % threads].recv() {
            done += 1;
            if step(next, &mut decoder) == Prefetch::Stop {
                on_demand.store(true, Ordering::Relaxed);
                // Blocks that were decoded ahead are decoded again, on demand.
                break;
            }
        }
    });
    if !on_demand.into_inner() {
        return;
    }
    for (index, event) in reader.enumerate() {
        // The decoder needs every block: others may be based on it.
        let passed = match &event {
            Event::Block(block) => decoder.pass(block),
            Event::Damage(_) => Ok(()),
        };
        if index < done {
            continue;
        }
        let next = match event {
            Event::Damage(damage) => Step::Damage(damage),
            Event::Block(block) if is_selected(&block) => Step::Selected(block, None),
            Event::Block(block) => Step::Skipped(block, passed),
        };
        step(next, &mut decoder);
    }
}

/// Decodes the blocks of one thread, by the index of their event, and passes over the others, until `send`
/// returns false.
fn decode_own<'a>(
    reader: Reader<'a>,
    mut decoder: Decoder<'a>,
    is_selected: impl Fn(&Block<'_>) -> bool,
    is_own: impl Fn(usize) -> bool,
    send: impl Fn(Step<'a>) -> bool,
) {
    for (index, event) in reader.enumerate() {
        let step = match event {
            Event::Block(block) if !is_own(index) || !is_selected(&block) => {
                Step::Skipped(block, decoder.pass(&block))
            }
            Event::Block(block) => Step::Selected(block, Some(decoder.members(&block))),
            Event::Damage(damage) => Step::Damage(damage),
        };
        if is_own(index) && !send(step) {
            break;
        }
    }
}
