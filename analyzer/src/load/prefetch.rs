//! A file's blocks, decoded by threads of their own ahead of the one that reads their records.
//!
//! Ahead by a few blocks only, and no longer so once a file asks for more than the limits allow:
//! from then on nothing is decoded that was not allowed before.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{Receiver, sync_channel};
use std::thread::available_parallelism;

use whotalks_snapshot::bundle::Member;
use whotalks_snapshot::{Block, BlockKind, Damage, Decoder, Event, Limits, Reader};

/// How many decoded blocks of each thread may wait for the one that reads them.
const AHEAD: usize = 1;
/// More threads than that wait for the one that reads.
const MOST_THREADS: usize = 4;

/// A block's members, or why there are none.
pub(super) type Members = Result<Vec<Member>, Damage>;

/// What comes next in a file.
pub(super) enum Step<'s, 'a> {
    /// Something that cannot be read.
    Damage(Damage),
    /// A block that is wanted, and what gives its members (once).
    Wanted(Block<'a>, &'s mut dyn FnMut() -> Members),
    /// Another one; an error where it could not be decoded for want of the one that it rests on.
    Unwanted(Block<'a>, Result<(), Damage>),
}

/// How to go on after a step.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Pace {
    /// As before.
    Same,
    /// Decode a block only when its members are asked for.
    OnDemand,
}

/// A step's content on its way between the threads.
enum Sent<'a> {
    Damage(Damage),
    Wanted(Block<'a>, Members),
    Unwanted(Block<'a>, Result<(), Damage>),
}

/// Goes through a file; `wanted` says by a capture's number whether its blocks are. The last block
/// of each capture always is: it says when that was made.
pub(super) fn each<'a>(
    reader: Reader<'a>,
    limits: &Limits,
    wanted: &(dyn Fn(u32) -> bool + Sync),
    mut step: impl FnMut(Step<'_, 'a>) -> Pace,
) {
    let is_wanted =
        |block: &Block<'_>| block.header.kind == BlockKind::End || wanted(block.header.capture);
    let threads = available_parallelism().map_or(1, usize::from);
    let threads = threads.min(MOST_THREADS);
    let on_demand = AtomicBool::new(false);
    let mut taken = 0;
    std::thread::scope(|scope| {
        let from: Vec<Receiver<Sent<'a>>> = (0..threads)
            .map(|own| {
                let (sender, receiver) = sync_channel(AHEAD);
                let (reader, decoder) = (reader.clone(), Decoder::new(limits));
                let (is_wanted, on_demand) = (&is_wanted, &on_demand);
                let decode = move || {
                    let turn = |at: usize| at % threads == own;
                    each_turn(reader, decoder, is_wanted, turn, |sent| {
                        !on_demand.load(Ordering::Relaxed) && sender.send(sent).is_ok()
                    });
                };
                scope.spawn(decode);
                receiver
            })
            .collect();
        while let Ok(sent) = from[taken % threads].recv() {
            taken += 1;
            let pace = match sent {
                Sent::Damage(damage) => step(Step::Damage(damage)),
                Sent::Unwanted(block, passed) => step(Step::Unwanted(block, passed)),
                Sent::Wanted(block, members) => {
                    let mut members = Some(members);
                    step(Step::Wanted(block, &mut || {
                        members.take().unwrap_or_else(|| Ok(Vec::new()))
                    }))
                }
            };
            if pace == Pace::OnDemand {
                on_demand.store(true, Ordering::Relaxed);
                // What was decoded ahead is decoded again, if it may be.
                break;
            }
        }
    });
    if !on_demand.into_inner() {
        return;
    }
    let mut decoder = Decoder::new(limits);
    for (at, event) in reader.enumerate() {
        // Known to the decoder in any case: others may rest on it.
        let passed = match &event {
            Event::Block(block) => decoder.pass(block),
            Event::Damage(_) => Ok(()),
        };
        if at < taken {
            continue;
        }
        match event {
            Event::Damage(damage) => step(Step::Damage(damage)),
            Event::Block(block) if is_wanted(&block) => {
                step(Step::Wanted(block, &mut || decoder.members(&block)))
            }
            Event::Block(block) => step(Step::Unwanted(block, passed)),
        };
    }
}

/// Decodes what is a thread's turn, by the number of the event, and goes past the rest; until `send`
/// wants no more.
fn each_turn<'a>(
    reader: Reader<'a>,
    mut decoder: Decoder<'a>,
    is_wanted: impl Fn(&Block<'_>) -> bool,
    turn: impl Fn(usize) -> bool,
    send: impl Fn(Sent<'a>) -> bool,
) {
    for (at, event) in reader.enumerate() {
        let sent = match event {
            Event::Block(block) if !turn(at) || !is_wanted(&block) => {
                Sent::Unwanted(block, decoder.pass(&block))
            }
            Event::Block(block) => Sent::Wanted(block, decoder.members(&block)),
            Event::Damage(damage) => Sent::Damage(damage),
        };
        if turn(at) && !send(sent) {
            break;
        }
    }
}
