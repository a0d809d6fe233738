//! WT402: socket names that control the terminal that shows them.

use std::collections::BTreeMap;

use super::wt401_forged_table_row::forged_rows;
use crate::check::Facts;
use crate::check::finding::{RawFinding, RuleOutput, Severity, Subject};
#[cfg(test)]
use crate::check::test_scene::Case;
use crate::model::{HostId, Name, SocketId};
use crate::text::escape;

rule! { WT402 "unprintable-name", Medium, since "0.1.0", earlier Unused }

const DOC: &str = "\
A socket's bound name has characters in it that change how it is shown.

## What it finds
Bound names with control characters (those of 8 bits too), escape sequences, or characters that
reverse or hide text (medium), and abstract names with NULs in their middle (low). NULs at the end
of an abstract name are common and not reported; names with a whole row in them are WT401's.

## Why it matters
ss, netstat and cat print names as they are: an escape sequence can rewrite lines above, reverse the
order of what is read, or change the terminal's settings. A NUL in the middle mostly shows that a
program bound memory behind its name.

## Example
    MEDIUM   WT402  a socket of x [912] has a name that is not printable
             @app\\x1b[2K\\x1b[1Adbus

## What to do
Look at who holds the socket. Where it is your own program, pass the right length to bind(2).

## References
- unix(7), console_codes(4); Unicode TR 36 (bidirectional text spoofing)
";

fn check(facts: &Facts<'_>, output: &mut RuleOutput) {
    // Accepted sockets have the name of their listener, and are one finding with it.
    let mut names: BTreeMap<(HostId, &Name), (Severity, Vec<SocketId>)> = BTreeMap::new();
    for (id, socket) in facts.sockets() {
        if let Some(name) = &socket.name
            && let Some(severity) = name_severity(name)
        {
            let of_name = names.entry((socket.host, name));
            of_name.or_insert((severity, vec![])).1.push(id);
        }
    }
    for ((_, name), (severity, sockets)) in names {
        let title = match severity {
            Severity::Low => "has a name with a NUL in its middle",
            _ => "has a name that is not printable",
        };
        output.finding(RawFinding {
            severity,
            subject: Subject::Socket(sockets[0]),
            processes: facts.holders_of(&sockets),
            title: format!("a socket of {} {title}", facts.owner(sockets[0])),
            evidence: vec![escape::name(name.bytes())],
            sockets,
            advice: "look at who bound it; pass bind(2) the name's own length".to_owned(),
        });
    }
    output.unknowns(facts.missing_dumps());
}

/// The severity of the worst character of a name; `None`: it is printable.
fn name_severity(name: &Name) -> Option<Severity> {
    let bytes = name.bytes();
    // The common case first: printable ASCII.
    if bytes.iter().skip(1).all(|byte| matches!(byte, b' '..=b'~')) {
        return None;
    }
    let end = bytes.iter().rposition(|byte| *byte != 0)?;
    let body = bytes.get(usize::from(name.is_abstract())..=end)?;
    let mut severity = None;
    for chunk in body.utf8_chunks() {
        // C1 control characters of 8-bit terminals: 0x9b begins an escape sequence.
        let mut invalid = chunk.invalid().iter();
        if invalid.any(|byte| matches!(byte, 0x80..=0x9f)) {
            severity = Some(Severity::Medium);
        }
        for character in chunk.valid().chars() {
            if character == '\0' {
                severity = severity.max(Some(Severity::Low));
            } else if escape::is_escaped(character) {
                severity = Some(Severity::Medium);
            }
        }
    }
    severity.filter(|_| forged_rows(name).is_none())
}

#[cfg(test)]
const CASES: &[Case] = &[
    Case::medium("an escape sequence", |scene| {
        let app = scene.process(600, 1, "/usr/bin/app");
        scene.listener(&[(app, 5, Some(true))], "app\x1b[2K");
    }),
    Case::medium("the one-byte form of an escape sequence", |scene| {
        let app = scene.process(600, 1, "/usr/bin/app");
        let listener = scene.listener(&[(app, 5, Some(true))], "");
        scene.socket_mut(listener).name = Name::from_diag(b"\0app\x9b2K");
    }),
    Case::medium("right-to-left override", |scene| {
        let app = scene.process(600, 1, "/usr/bin/app");
        scene.listener(&[(app, 5, Some(true))], "app\u{202e}txt");
    }),
    Case::low("memory after the name", |scene| {
        let app = scene.process(600, 1, "/usr/bin/app");
        scene.listener(&[(app, 5, Some(true))], "app\0x");
    }),
    Case::quiet("NULs at the end, other scripts, a backslash", |scene| {
        let app = scene.process(600, 1, "/usr/bin/app");
        scene.listener(&[(app, 5, Some(true))], "app\0\0");
        scene.listener(&[(app, 6, Some(true))], "é\\日本");
    }),
];
