//! `whotalks raw`: the file's blocks, and the kernel's own bytes in them, uninterpreted.

use std::ffi::{OsStr, OsString};
use std::io::{IsTerminal, Write};
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail};
use whotalks::text::escape;
use whotalks_snapshot::records::RawHeader;
use whotalks_snapshot::wire::take_record;
use whotalks_snapshot::{Block, BlockKind, Decoder, Event, Limits, Reader};

use super::pick::nearest;
use crate::Outcome;
use crate::cli::Raw;
use crate::table::{self, Align};
use crate::{input, output};

/// A block, or one of those that a bundle stands for, or a place of damage in the file.
#[derive(Clone)]
struct Entry<'a> {
    block: Option<Block<'a>>,
    /// What it holds.
    kind: Option<BlockKind>,
    /// Its place in a bundle, from 0.
    member: Option<usize>,
    /// What a raw block holds.
    header: Option<RawHeader>,
    /// Decoded bytes, without a raw block's header.
    bytes: usize,
    /// What is wrong, printable.
    damage: String,
}

pub(super) fn run(options: &Raw) -> Result<Outcome> {
    let (wanted, file) = arguments(&options.what);
    let snapshots = input::open(file.as_slice())?;
    let Some(snapshot) = snapshots.first() else {
        bail!("no snapshot");
    };
    let limits = input::limits();
    let entries = survey(&snapshot.bytes, &limits).context(snapshot.name.clone())?;
    let Some(wanted) = wanted else {
        output::stdout(|out| list(out, &entries))?;
        return Ok(Outcome::Done);
    };
    let wanted = escape_os(&wanted);
    let Some(found) = find(&entries, &wanted) else {
        let sources = entries.iter().filter_map(source);
        let near = match nearest(&wanted, sources) {
            near if near.is_empty() => String::new(),
            near => format!(", near: {}", near.join(", ")),
        };
        eprintln!("whotalks: {}: no block {wanted}{near}", snapshot.name);
        return Ok(Outcome::Found);
    };
    let is_text = found.first().is_some_and(|entry| is_text(entry));
    let terminal = std::io::stdout().is_terminal();
    if terminal && !is_text {
        bail!("{wanted}: binary is not written to a terminal (redirect it)");
    }
    say_others(&entries, &found, &wanted);
    output::stdout(|out| {
        write(out, &snapshot.bytes, &limits, &found, terminal).context(snapshot.name.clone())
    })?;
    Ok(Outcome::Done)
}

/// Which block, of which file. One argument alone may be either.
fn arguments(what: &[OsString]) -> (Option<OsString>, Option<PathBuf>) {
    match what {
        [one] if is_file(one) => (None, Some(one.into())),
        [block, file, ..] => (Some(block.clone()), Some(file.into())),
        [block] => (Some(block.clone()), None),
        [] => (None, None),
    }
}

fn is_file(argument: &OsStr) -> bool {
    let path = Path::new(argument);
    let digits = argument.to_str().is_some_and(|text| {
        let number = text
            .bytes()
            .all(|byte| byte.is_ascii_digit() || byte == b'.');
        number && !text.starts_with('.')
    });
    let named = path.extension() == Some(OsStr::new("whotalks"));
    !digits && (argument == "-" || named || path.exists())
}

fn escape_os(text: &OsStr) -> String {
    escape::display(text.as_encoded_bytes())
}

fn survey<'a>(file: &'a [u8], limits: &Limits) -> Result<Vec<Entry<'a>>> {
    let mut entries = Vec::new();
    let mut decoder = Decoder::new(limits);
    for event in Reader::new(file, limits)? {
        match event {
            Event::Damage(damage) => entries.push(Entry {
                block: None,
                kind: None,
                member: None,
                header: None,
                bytes: 0,
                damage: damage.to_string(),
            }),
            Event::Block(block) => look(block, &mut decoder, &mut entries),
        }
    }
    Ok(entries)
}

/// What a block holds; of a bundle all that it stands for, which count from 1.
fn look<'a>(block: Block<'a>, decoder: &mut Decoder<'a>, entries: &mut Vec<Entry<'a>>) {
    let kind = block.header.kind;
    let mut entry = Entry {
        block: Some(block),
        kind: Some(kind),
        member: None,
        header: None,
        bytes: block.header.decoded_bytes as usize,
        damage: String::new(),
    };
    let members = match decoder.members(&block) {
        Ok(members) => members,
        Err(damage) => {
            entry.damage = damage.kind.to_string();
            return entries.push(entry);
        }
    };
    for (place, member) in members.iter().enumerate() {
        let mut entry = Entry {
            kind: Some(member.kind),
            member: (kind == BlockKind::Bundle).then_some(place),
            bytes: member.payload.len(),
            ..entry.clone()
        };
        if member.kind == BlockKind::Raw {
            let mut rest = &member.payload[..];
            match take_record::<RawHeader>(&mut rest) {
                Ok(header) => {
                    entry.header = Some(header);
                    entry.bytes = rest.len();
                }
                Err(cause) => entry.damage = format!("its header is unreadable: {cause}"),
            }
        }
        entries.push(entry);
    }
}

/// The bytes of blocks: of a raw one those of the kernel, of another its records.
fn write(
    out: &mut dyn Write,
    file: &[u8],
    limits: &Limits,
    found: &[&Entry<'_>],
    terminal: bool,
) -> Result<()> {
    let mut decoder = Decoder::new(limits);
    for event in Reader::new(file, limits)? {
        let Event::Block(block) = event else { continue };
        let wanted: Vec<_> = found
            .iter()
            .filter(|entry| entry.block.is_some_and(|b| b.offset == block.offset))
            .collect();
        if wanted.is_empty() {
            // Whether what it needs is lost concerns nobody here.
            let _ = decoder.pass(&block);
            continue;
        }
        let members = decoder.members(&block)?;
        for entry in wanted {
            let Some(member) = members.get(entry.member.unwrap_or(0)) else {
                continue;
            };
            // One whose header is unreadable is given whole: its reader may know better.
            let bytes = &member.payload[member.payload.len().saturating_sub(entry.bytes)..];
            if terminal {
                show(out, bytes)?;
            } else {
                out.write_all(bytes)?;
            }
        }
    }
    Ok(())
}

/// The block of a number; or the first source of a name that has bytes, with all its parts.
fn find<'e, 'a>(entries: &'e [Entry<'a>], wanted: &str) -> Option<Vec<&'e Entry<'a>>> {
    if wanted.starts_with(|first: char| first.is_ascii_digit()) {
        return Some(vec![entries.iter().find(|entry| number(entry) == wanted)?]);
    }
    let named = |entry: &&Entry<'_>| source(entry).as_deref() == Some(wanted);
    let full = entries.iter().filter(named).find(|entry| entry.bytes > 0);
    let first = full.or_else(|| entries.iter().find(named))?;
    let parts: Vec<_> = entries
        .iter()
        .filter(|entry| is_same_source(entry, first))
        .collect();
    Some(parts)
}

/// Says on standard error that a name means more than what is given.
fn say_others(entries: &[Entry<'_>], found: &[&Entry<'_>], wanted: &str) {
    let Some(first) = found.first() else { return };
    let named = |entry: &&Entry<'_>| source(entry).as_deref() == Some(wanted);
    let others: Vec<String> = entries
        .iter()
        .filter(named)
        .filter(|entry| entry.bytes > 0 && !is_same_source(entry, first))
        .map(number)
        .collect();
    if !others.is_empty() {
        let shown = others.iter().take(8).cloned().collect::<Vec<_>>();
        let more = if others.len() > 8 { ", …" } else { "" };
        eprintln!(
            "whotalks: {wanted}: the first of several; more in blocks {}{more} (by number)",
            shown.join(", ")
        );
    }
}

/// How a block is named: its sequence number, and in a bundle its place there.
fn number(entry: &Entry<'_>) -> String {
    let sequence = entry.block.map(|block| block.header.sequence);
    let sequence = sequence.map_or_else(String::new, |sequence| sequence.to_string());
    match entry.member {
        Some(place) => format!("{sequence}.{}", place + 1),
        None => sequence,
    }
}

fn source(entry: &Entry<'_>) -> Option<String> {
    let header = entry.header.as_ref()?;
    Some(escape::display(&header.source))
}

/// Whether two blocks are parts of one source, read at one time.
fn is_same_source(one: &Entry<'_>, two: &Entry<'_>) -> bool {
    let key = |entry: &Entry<'_>| {
        let header = entry.header.clone()?;
        let capture = entry.block?.header.capture;
        Some((
            header.source,
            header.netns,
            header.mntns,
            header.pid,
            header.pass,
            header.key,
            header.attempt,
            capture,
        ))
    };
    let first = key(one);
    first.is_some() && first == key(two)
}

/// Netlink answers and records are binary; all other sources are files of /proc and the like.
fn is_text(entry: &Entry<'_>) -> bool {
    let header = entry.header.as_ref();
    header.is_some_and(|header| {
        let binary = [&b"diag/"[..], b"route/", b"netfilter/"];
        !binary
            .iter()
            .any(|prefix| header.source.starts_with(prefix))
    })
}

/// A text with everything escaped but its line ends.
fn show(out: &mut dyn Write, bytes: &[u8]) -> Result<()> {
    for line in bytes.split_inclusive(|byte| *byte == b'\n') {
        let text = line.strip_suffix(b"\n").unwrap_or(line);
        // Tables are aligned with tabs.
        let cells: Vec<String> = text
            .split(|byte| *byte == b'\t')
            .map(escape::display)
            .collect();
        writeln!(out, "{}", cells.join("\t"))?;
    }
    Ok(())
}

fn list(out: &mut dyn Write, entries: &[Entry<'_>]) -> Result<()> {
    let heading = [
        ("BLOCK", Align::Right),
        ("CAPTURE", Align::Right),
        ("KIND", Align::Left),
        ("SOURCE", Align::Left),
        ("NETNS", Align::Right),
        ("PID", Align::Right),
        ("BYTES", Align::Right),
        ("NOTE", Align::Left),
    ];
    let rows: Vec<Vec<String>> = entries.iter().map(row).collect();
    table::print_marked(out, &heading, &rows, |column, cell| {
        column == 7 && cell.starts_with("LOST")
    })
}

fn row(entry: &Entry<'_>) -> Vec<String> {
    let some = |number: u64| {
        if number == 0 {
            String::new()
        } else {
            number.to_string()
        }
    };
    let header = entry.header.as_ref();
    let mut notes = Vec::new();
    if !entry.damage.is_empty() {
        notes.push(format!("LOST: {}", entry.damage));
    }
    if let Some(header) = header {
        notes.extend(raw_notes(header));
    }
    let Some(block) = entry.block else {
        let empty = String::new;
        return vec![
            empty(),
            empty(),
            "(damage)".to_owned(),
            empty(),
            empty(),
            empty(),
            empty(),
            notes.join(", "),
        ];
    };
    vec![
        number(entry),
        (u64::from(block.header.capture) + 1).to_string(),
        entry.kind.map_or_else(String::new, BlockKind::name),
        source(entry).unwrap_or_default(),
        some(header.map_or(0, |header| header.netns)),
        some(header.map_or(0, |header| header.pid.into())),
        entry.bytes.to_string(),
        notes.join(", "),
    ]
}

/// What is not as usual about a raw source.
fn raw_notes(header: &RawHeader) -> Vec<String> {
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_argument_is_a_block_or_a_file() {
        let check = |what: &[&str]| {
            let what: Vec<OsString> = what.iter().map(OsString::from).collect();
            let (block, file) = arguments(&what);
            let text = |text: Option<OsString>| text.and_then(|text| text.into_string().ok());
            (text(block), text(file.map(PathBuf::into_os_string)))
        };
        let some = |text: &str| Some(text.to_owned());
        assert_eq!(check(&[]), (None, None));
        assert_eq!(check(&["12"]), (some("12"), None));
        assert_eq!(check(&["net/unix"]), (some("net/unix"), None));
        assert_eq!(check(&["-"]), (None, some("-")));
        assert_eq!(check(&["gone.whotalks"]), (None, some("gone.whotalks")));
        assert_eq!(check(&["12", "-"]), (some("12"), some("-")));
    }

    #[test]
    fn texts_are_escaped_but_for_their_lines() {
        let mut out = Vec::new();
        assert!(show(&mut out, b"a\tb\x1b[2J\n\xff").is_ok());
        assert_eq!(out, b"a\tb\\x1b[2J\n\\xff\n");
    }
}
