//! Removes lines of `/proc/PID/status` that repeat from process to process.
//!
//! `SigQ` counts the queued signals of a user and appears in all processes of that user, so that
//! one more signal would change every record. The line is left out if the previous record has the
//! same one. FORMAT.md, *Bundle*, form 4.

use crate::wire::{put_uint, take_slice, take_uint};

/// Replaces the line. Kernel text does not contain this byte.
const SAME: u8 = 1;
const LINE: &[u8] = b"SigQ:";
/// Longer lines are kept: this bounds the size after [`restore`].
const LINE_BYTES: usize = 64;

/// Removes repeated lines from process records. `None` if they could not be restored exactly.
pub(crate) fn remove(processes: &[u8]) -> Option<Vec<u8>> {
    let mut line_before: Option<&[u8]> = None;
    let mut rest = processes;
    let mut out = Vec::with_capacity(processes.len());
    while !rest.is_empty() {
        let (front, status, back) = around_status(&mut rest)?;
        let place = line(status);
        let line = place.clone().and_then(|place| status.get(place));
        match place {
            Some(place) if line == line_before => {
                let parts = [&status[..place.start], &[SAME], &status[place.end..]];
                put(front, &parts.concat(), back, &mut out);
            }
            _ => put(front, status, back, &mut out),
        }
        line_before = line;
    }
    (restore(&out).ok()? == processes).then_some(out)
}

/// Undoes [`remove`].
///
/// # Errors
/// If a line is missing in the previous record, or the bytes are not process records.
pub(crate) fn restore(processes: &[u8]) -> Result<Vec<u8>, &'static str> {
    let mut line_before = Vec::new();
    let mut rest = processes;
    let mut out = Vec::with_capacity(processes.len() + processes.len() / 8);
    while !rest.is_empty() {
        let around = around_status(&mut rest);
        let (front, shortened, back) = around.ok_or("bundle has invalid process records")?;
        let status = match shortened.iter().position(|byte| *byte == SAME) {
            Some(_) if line_before.is_empty() => {
                return Err("bundle leaves out a line that the record before lacks");
            }
            Some(at) => [&shortened[..at], &line_before, &shortened[at + 1..]].concat(),
            None => shortened.to_vec(),
        };
        line_before = line(&status).map_or_else(Vec::new, |place| status[place].to_vec());
        put(front, &status, back, &mut out);
    }
    Ok(out)
}

/// Returns the range of the first such line, with its line end.
fn line(status: &[u8]) -> Option<std::ops::Range<usize>> {
    let mut start = 0;
    for line in status.split_inclusive(|byte| *byte == b'\n') {
        let end = start + line.len();
        if line.starts_with(LINE) {
            return (line.len() <= LINE_BYTES).then_some(start..end);
        }
        start = end;
    }
    None
}

/// Splits a record into the bytes before the field `status`, the field, and the bytes after it.
fn around_status<'a>(rest: &mut &'a [u8]) -> Option<(&'a [u8], &'a [u8], &'a [u8])> {
    let length = take_uint(rest).ok()?;
    let body = take_slice(rest, length).ok()?;
    let mut after = body;
    // `pid`, `via_tid`, `stat`.
    take_uint(&mut after).ok()?;
    take_uint(&mut after).ok()?;
    let stat = take_uint(&mut after).ok()?;
    take_slice(&mut after, stat).ok()?;
    let front = &body[..body.len() - after.len()];
    let length = take_uint(&mut after).ok()?;
    let status = take_slice(&mut after, length).ok()?;
    Some((front, status, after))
}

fn put(front: &[u8], status: &[u8], back: &[u8], out: &mut Vec<u8>) {
    let mut length = Vec::with_capacity(9);
    put_uint(status.len() as u64, &mut length);
    let whole = front.len() + length.len() + status.len() + back.len();
    put_uint(whole as u64, out);
    for part in [front, &length, status, back] {
        out.extend_from_slice(part);
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test fails by panicking")]
    use super::*;
    use crate::records::Process;
    use crate::wire::put_record;

    fn processes(statuses: &[&[u8]]) -> Vec<u8> {
        let mut payload = Vec::new();
        for (pid, status) in (1..).zip(statuses) {
            let record = Process {
                pid,
                stat: vec![b's'; 200 + 100 * pid as usize],
                status: status.to_vec(),
                ..Process::default()
            };
            put_record(&record, &mut payload);
        }
        payload
    }

    #[test]
    fn remove_round_trip() {
        let one: &[u8] = b"Name:\ta\nSigQ:\t0/9\nSigPnd:\t0\n";
        let other: &[u8] = b"Name:\tbcd\nUid:\t0\nSigQ:\t0/9\n";
        let long = [b"SigQ:\t", &[b'7'; 90][..], b"\n"].concat();
        for (statuses, left_out) in [
            (&[one, other, one, one][..], 3),
            (
                &[one, b"Name:\tc\nSigQ:\t1/9\n", b"", one, b"SigQ:\t0/9"],
                0,
            ),
            (&[&long, &long], 0),
            (&[], 0),
        ] {
            let payload = processes(statuses);
            let shortened = remove(&payload).unwrap();
            assert_eq!(restore(&shortened).unwrap(), payload);
            assert_eq!(
                payload.len() - shortened.len(),
                left_out * (b"SigQ:\t0/9\n".len() - 1)
            );
        }
    }

    #[test]
    fn remove_rejects_ambiguous_records() {
        let same = b"SigQ:\t0/9\n";
        assert_eq!(remove(&processes(&[same, b"\x01"])), None);
        assert_eq!(remove(b"\x40short"), None);
        assert!(restore(&processes(&[b"\x01", same])).is_err());
        assert!(restore(&processes(&[same, b"\x01", b"", b"\x01"])).is_err());
    }
}
