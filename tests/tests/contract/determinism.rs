//! The same map yields the same drawing, for any order of rows and number of threads.

use std::process::Command;

use whotalks_snapshot::records::{BoundPath, DescriptorInfo, Process, RawHeader, User};
use whotalks_snapshot::wire::{Record, put_record};
use whotalks_snapshot::{BlockKind, Encoder, Event, Limits, Reader, Writer, records};
use whotalks_tests::World;
use whotalks_tests::environment::{skip, works};
use whotalks_tests::programs::programs;

use super::scene::{command, scene};

/// Bytes of a netlink message's header, and the type of the one that ends a dump.
const MESSAGE_HEADER: usize = 16;
const DONE: u16 = 3;

fn drawn(mut command: Command) -> Vec<u8> {
    let ran = command.output().unwrap();
    assert!(ran.status.success(), "{ran:?}");
    assert!(!ran.stdout.is_empty());
    ran.stdout
}

#[test]
fn the_number_of_processors_changes_no_byte() {
    if !works(&["taskset", "-c", "0", "true"]) {
        return skip("taskset (util-linux) is missing, or processor 0 is not ours");
    }
    for arguments in [&["draw", "-o", "-"][..], &["draw", "-o", "-", "--all"]] {
        let mut free = command(arguments);
        free.arg(&scene().file);
        let mut one = Command::new("taskset");
        one.args(["-c", "0"]).arg(&programs().analyze);
        one.args(arguments).arg(&scene().file);
        assert!(drawn(free) == drawn(one), "{arguments:?}");
    }
}

#[test]
fn the_order_of_rows_changes_no_byte() {
    let world = World::new();
    let turned = world.directory().join("turned.whotalks");
    std::fs::write(&turned, backwards(&std::fs::read(&scene().file).unwrap())).unwrap();
    for arguments in [
        &["draw", "-o", "-"][..],
        &["draw", "-o", "-", "--all"],
        &["draw", "-o", "-", "--view", "role"],
    ] {
        let of = |file| {
            let mut command = command(arguments);
            command.arg(file);
            drawn(command)
        };
        assert!(of(&scene().file) == of(&turned), "{arguments:?}");
    }
}

/// The same capture with the records of each block, and the messages of each dump, from the last to
/// the first.
fn backwards(bytes: &[u8]) -> Vec<u8> {
    let limits = Limits::default();
    let mut encoder = Encoder::new(1).unwrap();
    let mut writer = Writer::new(Vec::new()).unwrap();
    let mut turned = 0;
    for event in Reader::new(bytes, &limits).unwrap() {
        let Event::Block(block) = event else {
            panic!("the file is whole");
        };
        let kind = block.header.kind;
        let payload = block.payload(&limits).unwrap();
        let other = match kind {
            BlockKind::Processes => reversed::<Process>(&payload),
            BlockKind::DescriptorInfo => reversed::<DescriptorInfo>(&payload),
            BlockKind::Users => reversed::<User>(&payload),
            BlockKind::Paths => reversed::<BoundPath>(&payload),
            BlockKind::Raw => dump_reversed(&payload),
            _ => payload.clone(),
        };
        assert_eq!(other.len(), payload.len(), "{kind:?}");
        turned += usize::from(other != payload);
        let encoded = encoder.block(kind, &other).unwrap();
        writer.write(&encoded).unwrap();
    }
    // Processes and sockets of at least one family.
    assert!(turned >= 3, "{turned}");
    writer.finish().unwrap()
}

fn reversed<R: Record>(payload: &[u8]) -> Vec<u8> {
    let all: Vec<R> = records(payload).map(Result::unwrap).collect();
    let mut out = Vec::with_capacity(payload.len());
    for record in all.iter().rev() {
        put_record(record, &mut out);
    }
    out
}

fn dump_reversed(payload: &[u8]) -> Vec<u8> {
    let header: RawHeader = records(payload).next().unwrap().unwrap();
    let mut out = Vec::with_capacity(payload.len());
    put_record(&header, &mut out);
    let rest = &payload[out.len()..];
    if !header.source.starts_with(b"diag/") {
        return payload.to_vec();
    }
    let (mut messages, mut end) = (Vec::new(), &[][..]);
    let mut left = rest;
    while left.len() >= MESSAGE_HEADER {
        let length = u32::from_ne_bytes(left[..4].try_into().unwrap()) as usize;
        let length = length.next_multiple_of(4).min(left.len());
        assert!(length >= MESSAGE_HEADER);
        let (message, after) = left.split_at(length);
        match u16::from_ne_bytes(message[4..6].try_into().unwrap()) {
            DONE => end = message,
            _ => messages.push(message),
        }
        left = after;
    }
    for message in messages.iter().rev() {
        out.extend_from_slice(message);
    }
    out.extend_from_slice(end);
    out.extend_from_slice(left);
    out
}
