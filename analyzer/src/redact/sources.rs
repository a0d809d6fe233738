//! Redacts raw sources: which are understood, by name, and what is copied of each.

use whotalks_snapshot::netlink::{ByteOrder, HEADER_BYTES, messages};
use whotalks_snapshot::records::RawHeader;
use whotalks_snapshot::writer::BLOCK_TARGET_BYTES;

use super::messages;
use super::names::Names;
use super::{number_tables, tables};
use crate::load::proc_net_inet::is_inet_table;

/// Mount options that are kept.
const OPTIONS: [&[u8]; 10] = [
    b"rw",
    b"ro",
    b"nosuid",
    b"nodev",
    b"noexec",
    b"relatime",
    b"noatime",
    b"hidepid=1",
    b"hidepid=2",
    b"hidepid=invisible",
];

/// The name of a source, if it is one of the format's.
pub(super) fn known_name(source: &[u8]) -> Option<Vec<u8>> {
    let known = [
        &b"diag/"[..],
        b"net/",
        b"sys/",
        b"sysvipc/",
        b"route/",
        b"netfilter/",
    ];
    let prefixed = known.iter().any(|prefix| source.starts_with(prefix));
    let single = [
        &b"mountinfo"[..],
        b"modules",
        b"locks",
        b"shared-files",
        b"unlisted-sockets",
        b"namespace-descriptors",
        b"users",
    ];
    let single = single.contains(&source);
    let is_plain =
        |byte: &u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || b"/_-".contains(byte);
    let short = source.len() <= 48 && source.iter().all(is_plain);
    // Below these is the name of an interface.
    let parents = [&b"/conf/"[..], b"/neigh/"];
    let named = parents
        .iter()
        .any(|part| source.windows(part.len()).any(|window| window == *part));
    ((prefixed || single) && short && !named).then(|| source.to_vec())
}

/// Redacts the bytes of a source; `None` if they are not understood.
pub(super) fn redact(
    header: &RawHeader,
    bytes: &[u8],
    order: ByteOrder,
    names: &mut Names,
) -> Option<Vec<u8>> {
    match header.source.as_slice() {
        source if source.starts_with(b"diag/") => messages::redact(source, bytes, order, names),
        b"net/unix" => Some(tables::unix(bytes, names)),
        source if is_inet_table(source) => Some(tables::inet(bytes, order, names)),
        b"mountinfo" => Some(mounts(bytes, names)),
        b"locks" | b"shared-files" => Some(number_tables::redact(bytes)),
        source if source.starts_with(b"sysvipc/") => Some(number_tables::redact(bytes)),
        b"users" => Some(users(bytes, names)),
        b"namespace-descriptors" => {
            let plain = |byte: &u8| byte.is_ascii_alphanumeric() || b" :[]\n".contains(byte);
            bytes.iter().all(plain).then(|| bytes.to_vec())
        }
        source if source.starts_with(b"sys/") => {
            let number = |byte: &u8| byte.is_ascii_digit() || b" \t\n-".contains(byte);
            bytes.iter().all(number).then(|| bytes.to_vec())
        }
        _ => None,
    }
}

/// `UID NAME`
fn users(bytes: &[u8], names: &mut Names) -> Vec<u8> {
    let mut out = Vec::new();
    for line in bytes.split(|byte| *byte == b'\n') {
        let space = line.iter().position(|byte| *byte == b' ');
        let Some((uid, name)) = space.and_then(|space| line.split_at_checked(space)) else {
            continue;
        };
        if uid.iter().all(u8::is_ascii_digit) {
            let name = names.text(&name[1..]);
            out.extend([uid, b" ", &name, b"\n"].concat());
        }
    }
    out
}

/// `ID PARENT DEVICE ROOT POINT OPTIONS [TAG…] - TYPE SOURCE OPTIONS`, see proc_pid_mountinfo(5).
fn mounts(bytes: &[u8], names: &mut Names) -> Vec<u8> {
    let mut out = Vec::new();
    for line in bytes.split(|byte| *byte == b'\n') {
        let fields: Vec<&[u8]> = line.split(|byte| *byte == b' ').collect();
        let dash = fields.iter().position(|field| *field == b"-");
        let (Some(head), Some(dash)) = (fields.get(..6), dash) else {
            continue;
        };
        let Some(tail) = fields.get(dash + 1..dash + 4) else {
            continue;
        };
        let number = |byte: &u8| byte.is_ascii_digit() || *byte == b':';
        if !head[..3].iter().all(|field| field.iter().all(number)) {
            continue;
        }
        let kept = |field: &[u8]| {
            let options = field.split(|byte| *byte == b',');
            options
                .filter(|option| OPTIONS.contains(option))
                .collect::<Vec<_>>()
                .join(&b',')
        };
        let kind = |byte: &u8| byte.is_ascii_alphanumeric() || b"._".contains(byte);
        // FUSE subtypes are chosen in user space.
        let plain = tail[0].iter().all(kind) && !tail[0].starts_with(b"fuse.");
        let kind = if plain {
            tail[0].to_vec()
        } else {
            names.text(tail[0])
        };
        let parts = [
            head[0].to_vec(),
            head[1].to_vec(),
            head[2].to_vec(),
            names.text(head[3]),
            names.text(head[4]),
            kept(head[5]),
            b"-".to_vec(),
            kind,
            names.text(tail[1]),
            kept(tail[2]),
        ];
        out.extend(parts.join(&b' '));
        out.push(b'\n');
    }
    out
}

/// Splits bytes into blocks between messages or lines: at least one, possibly empty.
pub(super) fn pieces<'a>(source: &[u8], bytes: &'a [u8], order: ByteOrder) -> Vec<&'a [u8]> {
    let widths: Vec<usize> = if source.starts_with(b"diag/") {
        let messages = messages(bytes, order).map_while(Result::ok);
        messages
            .map(|message| (HEADER_BYTES + message.payload.len()).next_multiple_of(4))
            .collect()
    } else {
        bytes
            .split_inclusive(|byte| *byte == b'\n')
            .map(<[u8]>::len)
            .collect()
    };
    let mut pieces = Vec::new();
    let (mut start, mut end) = (0, 0);
    for width in widths {
        if end > start && end + width - start > BLOCK_TARGET_BYTES {
            pieces.push(&bytes[start..end]);
            start = end;
        }
        end = (end + width).min(bytes.len());
    }
    pieces.push(&bytes[start..]);
    pieces
}
