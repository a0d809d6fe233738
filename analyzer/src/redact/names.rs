//! Pseudonyms: keyed, so that they cannot be looked up; the same for the same name within a file.

use std::collections::{BTreeMap, BTreeSet};
use std::net::IpAddr;
use std::ops::RangeInclusive;
use std::sync::Arc;

use sha2::{Digest, Sha256};

use super::addresses;
use super::words::Stay;
use crate::load::proc_net_unix;
use crate::text::escape;

/// What of a process keeps its name.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Keep {
    /// Names of processes and threads.
    pub comm: bool,
    /// Paths of executables.
    pub exe: bool,
    /// Control groups: units, slices, scopes.
    pub unit: bool,
}

/// Between these a text falls into words. Every text does, so that a path in a command line becomes
/// what it becomes as a socket's name.
const SEPARATORS: &[u8] = b"/\0\n\t \"'()[]{}<>=:;,@.-|&?#*%$!~+";
/// What an 8-bit terminal takes for control characters, where it is no UTF-8.
const HIDDEN: RangeInclusive<u8> = 0x80..=0x9f;
/// Crockford's digits: none is mistaken for another.
const DIGITS: &[u8; 32] = b"0123456789abcdefghjkmnpqrstvwxyz";
/// Hexadecimal words of this length and more are ids of containers and the like, and stay such.
const ID_DIGITS: usize = 12;

pub(super) fn is_separator(byte: &u8) -> bool {
    SEPARATORS.contains(byte)
}

/// The pseudonyms of a file.
#[derive(Debug, Clone)]
pub struct Names {
    key: [u8; 32],
    /// What is not redacted.
    pub(super) keep: Keep,
    words: BTreeMap<Vec<u8>, Vec<u8>>,
    addresses: BTreeMap<IpAddr, IpAddr>,
    taken: BTreeSet<IpAddr>,
    stay: Arc<Stay>,
}

impl Names {
    /// Pseudonyms by a key, which must be random, and secret for good.
    pub fn new(key: [u8; 32], keep: Keep) -> Self {
        Self {
            key,
            keep,
            words: BTreeMap::new(),
            addresses: BTreeMap::new(),
            taken: BTreeSet::new(),
            stay: Arc::new(Stay::new()),
        }
    }

    /// The words that were replaced, and their pseudonyms.
    pub fn words(&self) -> impl Iterator<Item = (&[u8], &[u8])> {
        self.words.iter().map(|(word, name)| (&word[..], &name[..]))
    }

    /// The addresses that were replaced, and theirs.
    pub fn addresses(&self) -> impl Iterator<Item = (IpAddr, IpAddr)> {
        self.addresses.iter().map(|(one, other)| (*one, *other))
    }

    /// HMAC-SHA-256 (RFC 2104) of what is said about a class of things.
    pub(super) fn hash(&self, class: u8, text: &[u8]) -> [u8; 32] {
        let mut pad = [0x36; 64];
        let mut outer = [0x5c; 64];
        for (at, byte) in self.key.iter().enumerate() {
            pad[at] ^= byte;
            outer[at] ^= byte;
        }
        let inner = Sha256::new().chain_update(pad).chain_update([class]);
        let inner = inner.chain_update(text).finalize();
        let hash = Sha256::new().chain_update(outer).chain_update(inner);
        hash.finalize().into()
    }

    /// A text, line by line and word by word. What cannot be seen of it stays: that a name tries to
    /// hide something is found in the copy, too.
    pub fn text(&mut self, text: &[u8]) -> Vec<u8> {
        let lines: Vec<Vec<u8>> = text
            .split(|byte| *byte == b'\n')
            .map(|line| match proc_net_unix::row_of(line) {
                // A name that forges rows of the table is still found out.
                Some(row) => self.row(&row),
                None => self.line(line),
            })
            .collect();
        lines.join(&b'\n')
    }

    /// A row of `/proc/net/unix`, without the pointer.
    pub(super) fn row(&mut self, row: &proc_net_unix::Row<'_>) -> Vec<u8> {
        let columns = &row.line[..row.line.len() - row.name.len()];
        let pointer = columns.iter().position(|byte| *byte == b':').unwrap_or(0);
        let mut out: Vec<u8> = columns
            .iter()
            .enumerate()
            .map(|(at, byte)| if at < pointer { b'0' } else { *byte })
            .collect();
        out.extend(self.line(row.name));
        out
    }

    fn line(&mut self, line: &[u8]) -> Vec<u8> {
        let mut out = Vec::with_capacity(line.len() + 16);
        let mut word = Vec::new();
        for chunk in line.utf8_chunks() {
            for character in chunk.valid().chars() {
                let mut bytes = [0; 4];
                let bytes = character.encode_utf8(&mut bytes).as_bytes();
                if bytes.iter().all(is_separator) || escape::is_escaped(character) {
                    out.extend(self.word(&word));
                    out.extend(bytes);
                    word.clear();
                } else {
                    word.extend(bytes);
                }
            }
            for byte in chunk.invalid() {
                if HIDDEN.contains(byte) {
                    out.extend(self.word(&word));
                    out.push(*byte);
                    word.clear();
                } else {
                    word.push(*byte);
                }
            }
        }
        out.extend(self.word(&word));
        out
    }

    fn word(&mut self, word: &[u8]) -> Vec<u8> {
        if word.is_empty() || self.stay.has(word) {
            return word.to_vec();
        }
        if let Some(name) = self.words.get(word) {
            return name.clone();
        }
        let hash = self.hash(b'w', word);
        let is_id = word.len() >= ID_DIGITS && word.iter().all(u8::is_ascii_hexdigit);
        let name: Vec<u8> = if is_id {
            hex(&hash).into_iter().cycle().take(word.len()).collect()
        } else {
            let digits = hash[..10].iter().map(|byte| DIGITS[usize::from(byte & 31)]);
            let mark = self.stay.mark(word).iter().copied();
            mark.chain([b'n']).chain(digits).collect()
        };
        self.words.insert(word.to_vec(), name.clone());
        name
    }

    /// A link's text: those that the kernel makes up stay.
    pub(super) fn link(&mut self, text: &[u8]) -> Vec<u8> {
        let own = |byte: &u8| byte.is_ascii_lowercase() || b"_-".contains(byte);
        let kernels: [&[u8]; 3] = [b"anon_inode:", b"anon_inode:[", b"/anon_inode:["];
        let made_up = kernels.iter().any(|prefix| {
            text.strip_prefix(*prefix)
                .is_some_and(|rest| rest.strip_suffix(b"]").unwrap_or(rest).iter().all(own))
        });
        let namespace = text.strip_suffix(b"]").and_then(|text| {
            let at = text.windows(2).position(|pair| pair == b":[")?;
            let kinds: [&[u8]; 9] = [
                b"net", b"mnt", b"pid", b"user", b"uts", b"ipc", b"cgroup", b"time", b"socket",
            ];
            (kinds.contains(&&text[..at]) && text[at + 2..].iter().all(u8::is_ascii_digit))
                .then_some(())
        });
        if made_up || namespace.is_some() {
            text.to_vec()
        } else {
            self.text(text)
        }
    }

    /// Hexadecimal digits, as many.
    pub(super) fn hexadecimal(&mut self, text: &[u8]) -> Vec<u8> {
        let hash = hex(&self.hash(b'i', text));
        hash.into_iter().cycle().take(text.len()).collect()
    }

    /// An id in the form of boot ids; nothing stays nothing.
    pub(super) fn uuid(&mut self, text: &[u8]) -> Vec<u8> {
        if text.is_empty() {
            return Vec::new();
        }
        let hash = hex(&self.hash(b'i', text));
        let parts = [
            &hash[..8],
            &hash[8..12],
            &hash[12..16],
            &hash[16..20],
            &hash[20..32],
        ];
        parts.join(&b'-')
    }

    /// An address of the same family and kind.
    pub(super) fn address(&mut self, address: IpAddr) -> IpAddr {
        if let Some(known) = self.addresses.get(&address) {
            return *known;
        }
        let mut again = 0;
        let found = loop {
            let found = addresses::pseudonym(self, address, again);
            // Two addresses never become one.
            if found == address || self.taken.insert(found) {
                break found;
            }
            again += 1;
        };
        if found != address {
            self.addresses.insert(address, found);
        }
        found
    }
}

fn hex(bytes: &[u8]) -> Vec<u8> {
    crate::text::escape::hex(bytes).into_bytes()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_name_has_one_pseudonym_everywhere() {
        let mut names = Names::new([7; 32], Keep::default());
        let path = names.text(b"/run/secret app/db.sock");
        assert!(path.starts_with(b"/run/n") && path.ends_with(b".sock"));
        let argument = names.text(b"--listen=/run/secret app/db.sock\0");
        assert!(argument.ends_with(&[&path[..], b"\0"].concat()));
        let abstract_name = names.text(b"\0secret\0");
        let printed = names.text(b"@secret@");
        assert_eq!(abstract_name[1..12], printed[1..12]);
        let forged = b"x\n0000000012345678: 00000002 00000000 00010000 0001 01 70311 /run/secret";
        let said = String::from_utf8(names.text(forged)).unwrap_or_default();
        assert!(
            said.contains("\n0000000000000000: 00000002 00000000 00010000 0001 01 70311 /run/n")
        );
        let mut others = Names::new([8; 32], Keep::default());
        assert_ne!(others.text(b"secret"), names.text(b"secret"));
        let id = names.text(b"docker-0123456789abcdef.scope");
        assert!(
            id.starts_with(b"docker-") && id.len() == 29 && id != b"docker-0123456789abcdef.scope"
        );
    }

    #[test]
    fn links_of_the_kernel_stay() {
        let mut names = Names::new([7; 32], Keep::default());
        for text in [
            &b"anon_inode:[eventpoll]"[..],
            b"net:[4026531833]",
            b"/dev/null",
        ] {
            assert_eq!(names.link(text), text);
        }
        for text in [
            &b"anon_inode:[Secret]"[..],
            b"secret:[1]",
            b"net:[secret]",
            b"/secret",
        ] {
            let told = names.link(text);
            assert!(
                !told
                    .windows(5)
                    .any(|window| window.eq_ignore_ascii_case(b"ecret"))
            );
        }
    }
}
