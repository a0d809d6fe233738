//! A file's blocks, decoded by a thread of its own ahead of the one that reads their records.
//!
//! Ahead by a few blocks only, and no longer so once a file asks for more than the limits allow:
//! from then on nothing is decoded that was not allowed before.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::sync_channel;

use whotalks_snapshot::bundle::Member;
use whotalks_snapshot::{Block, BlockKind, Damage, Decoder, Event, Limits, Reader};

/// How many decoded blocks may wait for the reading thread.
const AHEAD: usize = 2;

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
    mut reader: Reader<'a>,
    limits: &Limits,
    wanted: &(dyn Fn(u32) -> bool + Sync),
    mut step: impl FnMut(Step<'_, 'a>) -> Pace,
) {
    let is_wanted =
        |block: &Block<'_>| block.header.kind == BlockKind::End || wanted(block.header.capture);
    let mut decoder = Decoder::new(limits);
    let on_demand = AtomicBool::new(false);
    std::thread::scope(|scope| {
        let (sender, receiver) = sync_channel(AHEAD);
        let (reader, decoder, on_demand) = (&mut reader, &mut decoder, &on_demand);
        scope.spawn(move || {
            // Whatever is taken from the reader is sent, so that the loop below goes on behind it.
            while !on_demand.load(Ordering::Relaxed)
                && let Some(event) = reader.next()
            {
                let sent = match event {
                    Event::Damage(damage) => Sent::Damage(damage),
                    Event::Block(block) if is_wanted(&block) => {
                        Sent::Wanted(block, decoder.members(&block))
                    }
                    Event::Block(block) => Sent::Unwanted(block, decoder.pass(&block)),
                };
                if sender.send(sent).is_err() {
                    break;
                }
            }
        });
        for sent in receiver {
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
            }
        }
    });
    for event in reader {
        match event {
            Event::Damage(damage) => step(Step::Damage(damage)),
            Event::Block(block) => {
                // Known to the decoder in any case: others may rest on it.
                let passed = decoder.pass(&block);
                if is_wanted(&block) {
                    step(Step::Wanted(block, &mut || decoder.members(&block)))
                } else {
                    step(Step::Unwanted(block, passed))
                }
            }
        };
    }
}
