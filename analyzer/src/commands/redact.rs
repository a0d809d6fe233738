//! `whotalks redact`: a copy of a snapshot that names nobody.

use std::collections::BTreeMap;
use std::path::Path;

use anyhow::{Context, Result, anyhow, bail};
use serde::{Deserialize, Serialize};
use whotalks::load::index::index;
use whotalks::load::load_some;
use whotalks::redact::{Keep, Names, redact};
use whotalks::text::escape;
use whotalks_snapshot::series::BUNDLE_BYTES;
use whotalks_snapshot::{BlockKind, Encoder, Series, Writer};

use crate::Outcome;
use crate::cli::{KeepKind, Redact};
use crate::{input, output};

/// The level of the collector, and a little more: this is done once.
const ZSTD_LEVEL: i32 = 6;

/// What `--map` keeps.
#[derive(Serialize, Deserialize)]
struct Map {
    schema: String,
    /// The secret, in hexadecimal.
    key: String,
    /// Words by their pseudonyms.
    #[serde(default)]
    names: BTreeMap<String, String>,
    /// Addresses by theirs.
    #[serde(default)]
    addresses: BTreeMap<String, String>,
}

const SCHEMA: &str = "whotalks-redaction/1";

pub(super) fn run(options: &Redact) -> Result<Outcome> {
    if is_same(&options.output, &options.snapshot) {
        bail!("{}: is what is read", options.output.display());
    }
    if let Some(map) = options.map.as_deref()
        && (map == options.output
            || is_same(map, &options.output)
            || is_same(map, &options.snapshot))
    {
        bail!(
            "{}: is the copy or what is read; the key would be lost",
            map.display()
        );
    }
    let mut snapshots = input::open(std::slice::from_ref(&options.snapshot))?;
    let Some(snapshot) = snapshots.pop() else {
        bail!("no snapshot");
    };
    let key = key(options.map.as_deref())?;
    let keep = Keep {
        comm: options.keep.contains(&KeepKind::Comm),
        exe: options.keep.contains(&KeepKind::Exe),
        unit: options.keep.contains(&KeepKind::Unit),
    };
    let mut names = Names::new(key, keep);
    let mut copy = Vec::new();
    write(&snapshot.bytes, &mut names, &mut copy).context(snapshot.name.clone())?;
    // Without its map the copy could never be read back: the map comes first.
    if let Some(path) = &options.map {
        keep_map(path, key, &names)?;
    }
    output::write_snapshot(&options.output, |out| Ok(out.write_all(&copy)?))?;
    Ok(Outcome::Done)
}

fn is_same(one: &Path, other: &Path) -> bool {
    let file = |path: &Path| path.canonicalize().ok();
    one != Path::new("-") && file(one).is_some() && file(one) == file(other)
}

/// All captures of a file, redacted. What is damaged of one leaves it without an end.
fn write(bytes: &[u8], names: &mut Names, out: &mut Vec<u8>) -> Result<()> {
    let limits = input::limits();
    let mut encoder = Encoder::new(ZSTD_LEVEL)?;
    let mut mark = [0; 4];
    random(&mut mark)?;
    let mut writer = Writer::with_mark(out, u32::from_le_bytes(mark))?;
    let mut series = Series::default();
    let captures = index(bytes, &limits)?;
    for entry in &captures {
        let loaded = load_some(bytes, &limits, &|number| number == entry.number)?;
        let place = captures
            .iter()
            .position(|other| other.number == entry.number);
        let capture = place.and_then(|place| loaded.captures.get(place));
        let capture = capture.context("a capture is not there any more")?;
        let members = redact(capture, names);
        let size: usize = members.iter().map(|member| member.payload.len()).sum();
        if captures.len() > 1 && size <= BUNDLE_BYTES {
            let bundle = series.encode(members, writer.next_sequence())?;
            writer.write(&bundle)?;
        } else {
            series.interrupt();
            for member in members {
                writer.write(&encoder.member(member)?)?;
            }
        }
        if let Some(end) = &capture.end
            && capture.damages.is_empty()
        {
            writer.write(&encoder.record(BlockKind::End, end)?)?;
        }
        writer.next_capture();
    }
    writer.finish()?;
    Ok(())
}

fn random(bytes: &mut [u8]) -> Result<()> {
    getrandom::fill(bytes).map_err(|error| anyhow!("no random numbers: {error}"))
}

/// A new key, or that of a map which is already there.
fn key(map: Option<&Path>) -> Result<[u8; 32]> {
    let mut key = [0; 32];
    let Some(path) = map.filter(|path| path.exists()) else {
        random(&mut key)?;
        return Ok(key);
    };
    let name = path.display();
    let bytes = std::fs::read(path).with_context(|| format!("{name}: cannot read"))?;
    let map: Map = serde_json::from_slice(&bytes)
        .map_err(|_| anyhow!("{name}: not a map that --map has written"))?;
    let digits = map.key.as_bytes();
    let pairs = digits.chunks_exact(2).map(|pair| {
        let text = std::str::from_utf8(pair).ok()?;
        u8::from_str_radix(text, 16).ok()
    });
    let bytes: Option<Vec<u8>> = pairs.collect();
    let bytes = bytes.filter(|bytes| bytes.len() == 32 && digits.len() == 64);
    let bytes = bytes.with_context(|| format!("{name}: has no key of 64 hexadecimal digits"))?;
    key.copy_from_slice(&bytes);
    Ok(key)
}

/// Writes the map so that only its owner may read it.
fn keep_map(path: &Path, key: [u8; 32], names: &Names) -> Result<()> {
    let shown = |bytes: &[u8]| escape::display(bytes);
    let map = Map {
        schema: SCHEMA.to_owned(),
        key: escape::hex(&key),
        names: names
            .words()
            .map(|(word, name)| (shown(name), shown(word)))
            .collect(),
        addresses: names
            .addresses()
            .map(|(one, other)| (other.to_string(), one.to_string()))
            .collect(),
    };
    output::write_private(path, |out| {
        serde_json::to_writer_pretty(&mut *out, &map)?;
        Ok(writeln!(out)?)
    })
}
