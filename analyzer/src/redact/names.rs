//! Pseudonyms: the same for the same name everywhere in a file, and keyed, so that they cannot be
//! looked up.

use std::collections::{BTreeMap, BTreeSet};
use std::net::IpAddr;
use std::ops::RangeInclusive;
use std::sync::Arc;

use super::addresses;
use super::key::Key;
use super::words::{KeptWords, is_separator};
use crate::load::proc_net_unix;
use crate::text::escape;

/// Which names of processes are not replaced.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Keep {
    /// Names of processes and threads.
    pub comm: bool,
    /// Paths of executables.
    pub exe: bool,
    /// Control groups: units, slices and scopes.
    pub unit: bool,
}

/// C1 control characters of 8-bit terminals, where they are not part of UTF-8.
const C1_CONTROLS: RangeInclusive<u8> = 0x80..=0x9f;
/// Crockford's base 32: no two digits look alike.
const DIGITS: &[u8; 32] = b"0123456789abcdefghjkmnpqrstvwxyz";
/// Minimum length of a hexadecimal id; its pseudonym is hexadecimal too.
const MIN_ID_DIGITS: usize = 12;

/// The pseudonyms of a file.
#[derive(Debug, Clone)]
pub struct Names {
    key: Key,
    /// Which names are not replaced.
    pub(super) keep: Keep,
    words: BTreeMap<Vec<u8>, Vec<u8>>,
    addresses: BTreeMap<IpAddr, IpAddr>,
    /// Pseudonyms that are in use.
    used: BTreeSet<IpAddr>,
    kept: Arc<KeptWords>,
}

impl Names {
    /// Pseudonyms by a key, which must be random and stay secret.
    pub fn new(key: [u8; 32], keep: Keep) -> Self {
        Self {
            key: Key(key),
            keep,
            words: BTreeMap::new(),
            addresses: BTreeMap::new(),
            used: BTreeSet::new(),
            kept: Arc::new(KeptWords::new()),
        }
    }

    /// The words that were replaced, with their pseudonyms.
    pub fn words(&self) -> impl Iterator<Item = (&[u8], &[u8])> {
        self.words.iter().map(|(word, name)| (&word[..], &name[..]))
    }

    /// The addresses that were replaced, with their pseudonyms.
    pub fn addresses(&self) -> impl Iterator<Item = (IpAddr, IpAddr)> {
        self.addresses
            .iter()
            .map(|(address, pseudonym)| (*address, *pseudonym))
    }

    /// Replaces the words of a text. Invisible characters are kept: a name that hides something is
    /// found in the copy too.
    pub fn text(&mut self, text: &[u8]) -> Vec<u8> {
        let lines: Vec<Vec<u8>> = text
            .split(|byte| *byte == b'\n')
            .map(|line| match proc_net_unix::row_of(line) {
                // A name that forges rows of the table is found in the copy too.
                Some(row) => self.row(&row),
                None => self.line(line),
            })
            .collect();
        lines.join(&b'\n')
    }

    /// Replaces the name in a row of `/proc/net/unix`, and zeroes the pointer.
    pub(super) fn row(&mut self, row: &proc_net_unix::Row<'_>) -> Vec<u8> {
        let columns = &row.line[..row.line.len() - row.name.len()];
        let pointer = columns.iter().position(|byte| *byte == b':').unwrap_or(0);
        let mut out: Vec<u8> = columns
            .iter()
            .enumerate()
            .map(|(index, byte)| if index < pointer { b'0' } else { *byte })
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
                if C1_CONTROLS.contains(byte) {
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
        if word.is_empty() || self.kept.contains(word) {
            return word.to_vec();
        }
        if let Some(name) = self.words.get(word) {
            return name.clone();
        }
        let hash = self.key.hash(b'w', word);
        let is_id = word.len() >= MIN_ID_DIGITS && word.iter().all(u8::is_ascii_hexdigit);
        let name: Vec<u8> = if is_id {
            hex(&hash).into_iter().cycle().take(word.len()).collect()
        } else {
            let digits = hash[..10].iter().map(|byte| DIGITS[usize::from(byte & 31)]);
            let prefix = self.kept.prefix(word).iter().copied();
            prefix.chain([b'n']).chain(digits).collect()
        };
        self.words.insert(word.to_vec(), name.clone());
        name
    }

    /// Replaces the words of a descriptor's link, unless the kernel made it up.
    pub(super) fn link(&mut self, text: &[u8]) -> Vec<u8> {
        let is_kernels = |byte: &u8| byte.is_ascii_lowercase() || b"_-".contains(byte);
        let prefixes: [&[u8]; 3] = [b"anon_inode:", b"anon_inode:[", b"/anon_inode:["];
        let made_up = prefixes.iter().any(|prefix| {
            text.strip_prefix(*prefix).is_some_and(|rest| {
                rest.strip_suffix(b"]")
                    .unwrap_or(rest)
                    .iter()
                    .all(is_kernels)
            })
        });
        let namespace = text.strip_suffix(b"]").and_then(|text| {
            let colon = text.windows(2).position(|pair| pair == b":[")?;
            let kinds: [&[u8]; 9] = [
                b"net", b"mnt", b"pid", b"user", b"uts", b"ipc", b"cgroup", b"time", b"socket",
            ];
            (kinds.contains(&&text[..colon]) && text[colon + 2..].iter().all(u8::is_ascii_digit))
                .then_some(())
        });
        if made_up || namespace.is_some() {
            text.to_vec()
        } else {
            self.text(text)
        }
    }

    /// The pseudonym of a hexadecimal id, of the same length.
    pub(super) fn hexadecimal(&mut self, text: &[u8]) -> Vec<u8> {
        let hash = hex(&self.key.hash(b'i', text));
        hash.into_iter().cycle().take(text.len()).collect()
    }

    /// The pseudonym of a UUID; empty if there is none.
    pub(super) fn uuid(&mut self, text: &[u8]) -> Vec<u8> {
        if text.is_empty() {
            return Vec::new();
        }
        let hash = hex(&self.key.hash(b'i', text));
        let parts = [
            &hash[..8],
            &hash[8..12],
            &hash[12..16],
            &hash[16..20],
            &hash[20..32],
        ];
        parts.join(&b'-')
    }

    /// The pseudonym of an address, of the same family and kind.
    pub(super) fn address(&mut self, address: IpAddr) -> IpAddr {
        if let Some(known) = self.addresses.get(&address) {
            return *known;
        }
        let mapped = match address {
            IpAddr::V6(address) => address.to_ipv4_mapped(),
            IpAddr::V4(_) => None,
        };
        let found = match mapped.map(|address| self.address(address.into())) {
            Some(IpAddr::V4(mapped)) => mapped.to_ipv6_mapped().into(),
            _ => self.unused(address),
        };
        if found != address {
            self.addresses.insert(address, found);
        }
        found
    }

    /// The first pseudonym that is no other address's.
    fn unused(&mut self, address: IpAddr) -> IpAddr {
        let mut attempt = 0;
        loop {
            let found = addresses::pseudonym(&self.key, address, attempt);
            if found == address || self.used.insert(found) {
                return found;
            }
            attempt += 1;
        }
    }
}

fn hex(bytes: &[u8]) -> Vec<u8> {
    crate::text::escape::hex(bytes).into_bytes()
}

#[cfg(test)]
mod tests {
    use std::net::Ipv4Addr;

    use super::*;
    use crate::check::vocabulary;
    use crate::redact::words::MIN_PREFIX_BYTES;

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
        let redacted = String::from_utf8(names.text(forged)).unwrap_or_default();
        assert!(
            redacted
                .contains("\n0000000000000000: 00000002 00000000 00010000 0001 01 70311 /run/n")
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
            let redacted = names.link(text);
            assert!(
                !redacted
                    .windows(5)
                    .any(|window| window.eq_ignore_ascii_case(b"ecret"))
            );
        }
    }

    #[test]
    fn what_rules_look_for_stays_in_larger_words() {
        let kept = KeptWords::new();
        assert!(kept.contains(b"dockerd") && kept.contains(b"usr") && kept.contains(b"812"));
        assert!(!kept.contains(b"Kryptonite") && !kept.contains(b"8122"));
        assert_eq!(kept.prefix(b"php8"), b"php");
        assert_eq!(kept.prefix(b"mysqldump"), b"mysqld");
        assert_eq!(kept.prefix(b"mydockerwrapper"), b"docker");
        assert_eq!(kept.prefix(b"Kryptonite"), b"");
        let names = Names::new([7; 32], Keep::default());
        for text in vocabulary() {
            assert_eq!(names.clone().text(text.as_bytes()), text.as_bytes());
            // A word that goes on after it.
            let longer = format!("{text}Kryptonite");
            let redacted = names.clone().text(longer.as_bytes());
            let short = text.rsplit(|c: char| !c.is_alphanumeric()).next();
            let stays = short.is_some_and(|word| word.len() >= MIN_PREFIX_BYTES || word.is_empty());
            assert!(redacted.starts_with(text.as_bytes()) || !stays, "{text}");
        }
    }

    #[test]
    fn kinds_stay() {
        let mut names = Names::new([1; 32], Keep::default());
        let mut of = |text: &str| {
            let address: IpAddr = text.parse().unwrap_or(Ipv4Addr::UNSPECIFIED.into());
            names.address(address)
        };
        for kept in [
            "0.0.0.0",
            "127.0.0.53",
            "::",
            "::1",
            "224.0.0.251",
            "ff02::fb",
        ] {
            assert_eq!(of(kept).to_string(), kept);
        }
        assert!(of("192.168.3.7").to_string().starts_with("10."));
        assert_eq!(of("192.168.3.7"), of("192.168.3.7"));
        assert_ne!(of("192.168.3.7"), of("192.168.3.8"));
        assert!(of("8.8.8.8").to_string().starts_with("24"));
        assert!(of("fe80::1").to_string().starts_with("fe80::"));
        let mapped = of("::ffff:8.8.8.8").to_string();
        assert_eq!(mapped, format!("::ffff:{}", of("8.8.8.8")));
    }
}
