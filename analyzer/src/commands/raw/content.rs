//! Writes the bytes of blocks.

use std::io::Write;

use anyhow::Result;
use whotalks::text::escape;
use whotalks_snapshot::{Decoder, Event, Limits, Reader};

use super::entry::RawEntry;

/// Writes the kernel's bytes of raw blocks, and the records of other blocks. On a terminal they are escaped.
pub(super) fn write(
    out: &mut dyn Write,
    file: &[u8],
    limits: &Limits,
    found: &[&RawEntry<'_>],
    is_terminal: bool,
) -> Result<()> {
    let mut decoder = Decoder::new(limits);
    for event in Reader::new(file, limits)? {
        let Event::Block(block) = event else { continue };
        let selected: Vec<_> = found
            .iter()
            .filter(|entry| entry.block.is_some_and(|b| b.offset == block.offset))
            .collect();
        if selected.is_empty() {
            // Damage does not matter in a block that is not written.
            let _ = decoder.pass(&block);
            continue;
        }
        let members = decoder.members(&block)?;
        for entry in selected {
            let Some(member) = members.get(entry.member.unwrap_or(0)) else {
                continue;
            };
            // A block with an unreadable header is written as a whole.
            let bytes = &member.payload[member.payload.len().saturating_sub(entry.bytes)..];
            if is_terminal {
                write_escaped(out, bytes)?;
            } else {
                out.write_all(bytes)?;
            }
        }
    }
    Ok(())
}

/// Escapes a text, except for newlines and tabs.
fn write_escaped(out: &mut dyn Write, bytes: &[u8]) -> Result<()> {
    for line in bytes.split_inclusive(|byte| *byte == b'\n') {
        let text = line.strip_suffix(b"\n").unwrap_or(line);
        let cells: Vec<String> = text
            .split(|byte| *byte == b'\t')
            .map(escape::display)
            .collect();
        writeln!(out, "{}", cells.join("\t"))?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn texts_are_escaped_except_for_newlines_and_tabs() {
        let mut out = Vec::new();
        assert!(write_escaped(&mut out, b"a\tb\x1b[2J\n\xff").is_ok());
        assert_eq!(out, b"a\tb\\x1b[2J\n\\xff\n");
    }
}
