//! The blocks of a file, and how they are named.

use anyhow::Result;
use whotalks::text::escape;
use whotalks_snapshot::records::RawHeader;
use whotalks_snapshot::wire::take_record;
use whotalks_snapshot::{Block, BlockKind, Decoder, Event, Limits, Reader};

/// A block, a member of a bundle block, or a damaged part of the file.
#[derive(Clone, Default)]
pub(super) struct RawEntry<'a> {
    pub(super) block: Option<Block<'a>>,
    pub(super) kind: Option<BlockKind>,
    /// Index in the bundle, from 0.
    pub(super) member: Option<usize>,
    /// The header of a raw block.
    pub(super) header: Option<RawHeader>,
    /// Decoded bytes, without the header of a raw block.
    pub(super) bytes: usize,
    /// What is damaged; printable.
    pub(super) damage: String,
}

impl RawEntry<'_> {
    /// The sequence number of the block, and the number of the member of a bundle from 1: `12`, `12.3`.
    pub(super) fn number(&self) -> String {
        let sequence = self.block.map(|block| block.header.sequence);
        let sequence = sequence.map_or_else(String::new, |sequence| sequence.to_string());
        match self.member {
            Some(index) => format!("{sequence}.{}", index + 1),
            None => sequence,
        }
    }

    /// The name of a raw source, printable: `net/unix`.
    pub(super) fn source(&self) -> Option<String> {
        let header = self.header.as_ref()?;
        Some(escape::display(&header.source))
    }

    pub(super) fn has_source(&self, name: &str) -> bool {
        self.source().as_deref() == Some(name)
    }

    /// Whether two blocks are parts of one source, read at the same time.
    pub(super) fn is_same_source(&self, other: &Self) -> bool {
        let key = |entry: &Self| {
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
        let own = key(self);
        own.is_some() && own == key(other)
    }

    /// Whether the source is a file of /proc and the like. Netlink answers and records are binary.
    pub(super) fn is_text(&self) -> bool {
        let binary = [&b"diag/"[..], b"route/", b"netfilter/"];
        let is_binary = |source: &[u8]| binary.iter().any(|prefix| source.starts_with(prefix));
        let header = self.header.as_ref();
        header.is_some_and(|header| !is_binary(&header.source))
    }
}

/// Reads all blocks of a file.
pub(super) fn read_all<'a>(file: &'a [u8], limits: &Limits) -> Result<Vec<RawEntry<'a>>> {
    let mut entries = Vec::new();
    let mut decoder = Decoder::new(limits);
    for event in Reader::new(file, limits)? {
        match event {
            Event::Damage(damage) => entries.push(RawEntry {
                damage: damage.to_string(),
                ..RawEntry::default()
            }),
            Event::Block(block) => read_block(block, &mut decoder, &mut entries),
        }
    }
    Ok(entries)
}

/// Adds a block, or all members of a bundle.
fn read_block<'a>(block: Block<'a>, decoder: &mut Decoder<'a>, entries: &mut Vec<RawEntry<'a>>) {
    let kind = block.header.kind;
    let mut entry = RawEntry {
        block: Some(block),
        kind: Some(kind),
        bytes: block.header.decoded_bytes as usize,
        ..RawEntry::default()
    };
    let members = match decoder.members(&block) {
        Ok(members) => members,
        Err(damage) => {
            entry.damage = damage.kind.to_string();
            return entries.push(entry);
        }
    };
    for (index, member) in members.iter().enumerate() {
        let mut entry = RawEntry {
            kind: Some(member.kind),
            member: (kind == BlockKind::Bundle).then_some(index),
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

/// Finds the block of a number, or all blocks of a source. Of several sources of that name, the first that
/// is not empty is used.
pub(super) fn find<'e, 'a>(
    entries: &'e [RawEntry<'a>],
    name: &str,
) -> Option<Vec<&'e RawEntry<'a>>> {
    if name.starts_with(|first: char| first.is_ascii_digit()) {
        return Some(vec![entries.iter().find(|entry| entry.number() == name)?]);
    }
    let mut named = entries.iter().filter(|entry| entry.has_source(name));
    let first = named
        .clone()
        .find(|entry| entry.bytes > 0)
        .or_else(|| named.next())?;
    let parts = entries.iter().filter(|entry| entry.is_same_source(first));
    Some(parts.collect())
}
