//! The list of blocks: a table with a row for each block.

use std::io::Write;

use anyhow::Result;
use whotalks_snapshot::BlockKind;
use whotalks_snapshot::records::RawHeader;

use super::entry::RawEntry;
use crate::terminal;

pub(super) fn write(out: &mut dyn Write, entries: &[RawEntry<'_>]) -> Result<()> {
    let heading = "BLOCK>|CAPTURE>|KIND|SOURCE|NETNS>|PID>|BYTES>|NOTE";
    let rows: Vec<Vec<String>> = entries.iter().map(row).collect();
    terminal::print_marked(out, heading, &rows, |column, cell| {
        column == 7 && cell.starts_with("LOST")
    })
}

fn row(entry: &RawEntry<'_>) -> Vec<String> {
    let nonzero = |number: u64| match number {
        0 => String::new(),
        number => number.to_string(),
    };
    let header = entry.header.as_ref();
    let mut notes = Vec::new();
    if !entry.damage.is_empty() {
        notes.push(format!("LOST: {}", entry.damage));
    }
    if let Some(header) = header {
        notes.extend(header_notes(header));
    }
    let Some(block) = entry.block else {
        let mut row = vec![String::new(); 8];
        row[2] = "(damage)".to_owned();
        row[7] = notes.join(", ");
        return row;
    };
    vec![
        entry.number(),
        (u64::from(block.header.capture) + 1).to_string(),
        entry.kind.map_or_else(String::new, BlockKind::name),
        entry.source().unwrap_or_default(),
        nonzero(header.map_or(0, |header| header.netns)),
        nonzero(header.map_or(0, |header| header.pid.into())),
        entry.bytes.to_string(),
        notes.join(", "),
    ]
}

/// What is unusual about a raw source.
fn header_notes(header: &RawHeader) -> Vec<String> {
    let mut notes = Vec::new();
    if header.errno != 0 {
        let error = std::io::Error::from_raw_os_error(header.errno.into()).to_string();
        let text = error.split(" (os error").next().unwrap_or_default();
        notes.push(format!("errno {} ({text})", header.errno));
    }
    if header.pass > 1 {
        notes.push(format!("pass {}", header.pass));
    }
    if header.part > 0 || !header.last {
        notes.push(format!("part {}", header.part + 1));
    }
    if header.attempt > 0 {
        notes.push(format!("attempt {}", u32::from(header.attempt) + 1));
    }
    if header.mntns != 0 {
        notes.push(format!("mntns {}", header.mntns));
    }
    if header.key != 0 {
        notes.push(format!("of inode {}", header.key));
    }
    for (bit, word) in [
        (RawHeader::INTERRUPTED, "interrupted"),
        (RawHeader::TRUNCATED, "truncated"),
        (RawHeader::NO_MODULE, "not asked: module not loaded"),
    ] {
        if header.flags & bit != 0 {
            notes.push(word.to_owned());
        }
    }
    notes
}
