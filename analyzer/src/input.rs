//! Opens snapshots: files, standard input, or a new capture of this machine.
//!
//! Of a long series only the captures that a command needs are decoded.

use std::collections::BTreeSet;
use std::fs::File;
use std::io::{self, IsTerminal, Read};
use std::ops::RangeInclusive;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::atomic::{AtomicU64, Ordering};

use anyhow::{Context, Result, anyhow, bail};
use whotalks::load::index::{IndexEntry, index};
use whotalks::load::{Loaded, load, load_each, load_some, load_summary};
use whotalks::model::{At, Map, Series, build_at, series};
use whotalks_snapshot::block::{FILE_HEADER_BYTES, FileHeader};
use whotalks_snapshot::limits::MAX_BLOCK_BYTES;
use whotalks_snapshot::{Damage, DamageKind, Limits};

use crate::messages::warning;

/// The largest file that is read: larger than the tables of any machine.
const MAX_FILE_BYTES: u64 = 8 << 30;

/// A decoded snapshot, its name and its bytes.
pub(crate) struct Snapshot {
    /// Name for messages: the path as given, or `(this machine)`.
    pub(crate) name: String,
    /// The bytes of the file.
    pub(crate) bytes: Vec<u8>,
    /// The decoded content.
    pub(crate) loaded: Loaded,
}

/// Takes the contents out of snapshots.
pub(crate) fn loaded(snapshots: Vec<Snapshot>) -> Vec<Loaded> {
    let loaded = snapshots.into_iter().map(|snapshot| snapshot.loaded);
    loaded.collect()
}

/// Reads all captures of snapshots, or captures this machine if there are no files. Prints a warning for
/// each damaged snapshot.
pub(crate) fn open(files: &[PathBuf]) -> Result<Vec<Snapshot>> {
    open_captures(files, None)
}

/// Like [`open`], but decodes only the capture of a series that `at` selects.
pub(crate) fn open_at(files: &[PathBuf], at: At) -> Result<Vec<Snapshot>> {
    open_at_any(files, &[at])
}

/// Like [`open_at`], for several captures of a series.
pub(crate) fn open_at_any(files: &[PathBuf], moments: &[At]) -> Result<Vec<Snapshot>> {
    // Numbers count through all files, so they select nothing in a single one of several.
    let per_file = files.len() <= 1 || !moments.iter().any(|at| matches!(at, At::Number(_)));
    open_captures(files, per_file.then_some(moments))
}

/// Like [`open`], for rules over time: of a long series only summaries are kept, except for the captures
/// that `needed` returns true for, by file and capture.
pub(crate) fn open_history(
    files: &[PathBuf],
    needed: impl Fn(&[Loaded]) -> Vec<Vec<bool>>,
) -> Result<Vec<Loaded>> {
    if files.is_empty() {
        return open(files).map(loaded);
    }
    let limits = limits();
    let (mut all, mut bytes) = (Vec::new(), Vec::new());
    for file in files {
        let (name, content) = read_file(file)?;
        let named = |error| anyhow!("{name}: {error}");
        // Of two captures both are compared as a whole.
        let is_long = index(&content, &limits).map_err(named)?.len() > 2;
        let load = if is_long { load_summary } else { load };
        let loaded = load(&content, &limits).map_err(named)?;
        warn_damage(&name, &loaded.damages);
        all.push(loaded);
        bytes.push(is_long.then_some(content));
    }
    let needed = needed(&all);
    for ((loaded, bytes), needed) in all.iter_mut().zip(bytes).zip(needed) {
        let Some(bytes) = bytes else { continue };
        let numbers = loaded.numbers.clone();
        let wanted = |number| {
            let index = numbers.binary_search(&number);
            index.is_ok_and(|index| needed[index])
        };
        let whole = load_some(&bytes, &limits, &wanted)?;
        let captures = loaded.captures.iter_mut().zip(whole.captures).zip(&needed);
        for ((capture, whole), _) in captures.filter(|(_, needed)| **needed) {
            *capture = whole;
        }
    }
    Ok(all)
}

/// The captures of a series, which may be thousands: one at a time is in memory, unless they are not in
/// order of time.
pub(crate) struct Stream {
    /// Name and bytes.
    files: Vec<(String, Vec<u8>)>,
    /// The first capture of each file, and the times of the others.
    outline: Vec<Loaded>,
    /// All captures, where they are not in order.
    all: Option<Vec<Loaded>>,
    warned: bool,
}

impl Stream {
    /// Reads files; decodes one capture of each.
    pub(crate) fn open(files: &[PathBuf]) -> Result<Self> {
        let limits = limits();
        let (mut read, mut outline) = (Vec::new(), Vec::new());
        for file in files {
            let (name, bytes) = read_file(file)?;
            let known = |of: u32| {
                load_some(&bytes, &limits, &move |number| number == of)
                    .map_err(|error| anyhow!("{name}: {error}"))
            };
            let mut loaded = known(0)?;
            // Of a damaged first capture the host may be lost.
            let has_host = |loaded: &Loaded| loaded.captures.iter().any(|it| it.host.is_some());
            if !has_host(&loaded) {
                let numbers = loaded.numbers.clone();
                for number in numbers {
                    loaded = known(number)?;
                    if has_host(&loaded) {
                        break;
                    }
                }
            }
            outline.push(loaded);
            read.push((name, bytes));
        }
        let mut stream = Self {
            files: read,
            outline,
            all: None,
            warned: false,
        };
        if !stream.is_in_order() {
            let whole = stream.files.iter().map(|(name, bytes)| {
                load(bytes, &limits).map_err(|error| anyhow!("{name}: {error}"))
            });
            stream.all = Some(whole.collect::<Result<_>>()?);
        }
        Ok(stream)
    }

    /// The captures by their times: the maps of them are empty.
    pub(crate) fn outline(&self) -> &[Loaded] {
        self.all.as_ref().unwrap_or(&self.outline)
    }

    /// Whether the captures of the files, one file after the other, are in order of time.
    fn is_in_order(&self) -> bool {
        let files = self.outline.iter();
        let in_files = files.flat_map(|file| &file.captures);
        let all = series(&self.outline);
        let by_time = all.iter().flat_map(Series::captures);
        let by_time = by_time.map(|timed| timed.capture);
        in_files.zip(by_time).all(|(a, b)| std::ptr::eq(a, b))
    }

    /// Passes on the maps of captures of the only series, by number from 1, in order.
    pub(crate) fn each(
        &mut self,
        numbers: RangeInclusive<i64>,
        mut next: impl FnMut(Map),
    ) -> Result<()> {
        let mut found = Vec::new();
        if let Some(all) = &self.all {
            for number in numbers {
                build_at(all, At::Number(number))
                    .into_iter()
                    .for_each(&mut next);
            }
            found = all.iter().map(|file| file.damages.clone()).collect();
        } else {
            let mut first = 1_i64;
            for ((name, bytes), outline) in self.files.iter().zip(&self.outline) {
                let of_file = (first..).zip(&outline.numbers);
                let wanted: BTreeSet<u32> = of_file
                    .filter(|(number, _)| numbers.contains(number))
                    .map(|(_, in_file)| *in_file)
                    .collect();
                let is_wanted = |number: u32| wanted.contains(&number);
                let damages = load_each(bytes, &limits(), &is_wanted, |number, capture| {
                    let alone = Loaded {
                        numbers: vec![number],
                        captures: vec![capture],
                        ..Loaded::default()
                    };
                    build_at(&[alone], At::Number(1))
                        .into_iter()
                        .for_each(&mut next);
                });
                found.push(damages.map_err(|error| anyhow!("{name}: {error}"))?);
                first += i64::try_from(outline.numbers.len())?;
            }
        }
        if !std::mem::replace(&mut self.warned, true) {
            for ((name, _), damages) in self.files.iter().zip(&found) {
                warn_damage(name, damages);
            }
        }
        Ok(())
    }
}

fn open_captures(files: &[PathBuf], moments: Option<&[At]>) -> Result<Vec<Snapshot>> {
    let snapshots = if files.is_empty() {
        vec![capture()?]
    } else {
        let read = |file: &PathBuf| {
            let (name, bytes) = read_file(file)?;
            parse(name, bytes, moments)
        };
        files.iter().map(read).collect::<Result<_>>()?
    };
    for snapshot in &snapshots {
        warn_damage(&snapshot.name, &snapshot.loaded.damages);
    }
    Ok(snapshots)
}

/// The value of `--limit-bytes`; 0 if it is not given.
static LIMIT_BYTES: AtomicU64 = AtomicU64::new(0);

/// Sets the memory that a file may take, whatever its size (`--limit-bytes`).
pub(crate) fn set_limit_bytes(bytes: u64) {
    LIMIT_BYTES.store(bytes, Ordering::Relaxed);
}

/// The limits for decoding a file.
pub(crate) fn limits() -> Limits {
    match LIMIT_BYTES.load(Ordering::Relaxed) {
        0 => Limits::default(),
        bytes => Limits::default().with_total_bytes(bytes),
    }
}

/// Reads a file. Returns its name for messages, and its bytes.
fn read_file(file: &Path) -> Result<(String, Vec<u8>)> {
    let name = file.display().to_string();
    let bytes = if file == Path::new("-") {
        if io::stdin().is_terminal() {
            bail!("-: standard input is a terminal, expected a snapshot");
        }
        read_all(io::stdin().lock(), &name)?
    } else {
        let open = File::open(file).with_context(|| format!("{name}: cannot open"))?;
        read_all(open, &name)?
    };
    Ok((name, bytes))
}

fn read_all(mut from: impl Read, name: &str) -> Result<Vec<u8>> {
    let mut bytes = Vec::new();
    let limit = MAX_FILE_BYTES.max(LIMIT_BYTES.load(Ordering::Relaxed));
    let header_bytes = FILE_HEADER_BYTES as u64;
    let read = from.by_ref().take(header_bytes).read_to_end(&mut bytes);
    read.with_context(|| format!("{name}: cannot read"))?;
    // A file that is no snapshot may be endless, as `/dev/zero` is.
    FileHeader::parse(&bytes).map_err(|error| anyhow!("{name}: {error}"))?;
    let rest = limit.saturating_add(1).saturating_sub(header_bytes);
    let read = from.take(rest).read_to_end(&mut bytes);
    read.with_context(|| format!("{name}: cannot read"))?;
    if bytes.len() as u64 > limit {
        bail!("{name}: larger than {limit} bytes (--limit-bytes allows more)");
    }
    Ok(bytes)
}

fn parse(name: String, bytes: Vec<u8>, moments: Option<&[At]>) -> Result<Snapshot> {
    let limits = limits();
    let only = moments
        .map(|moments| selected_captures(&bytes, &limits, moments))
        .transpose()
        .map_err(|error| anyhow!("{name}: {error}"))?
        .flatten();
    let wanted = |number| only.as_ref().is_none_or(|only| only.contains(&number));
    let loaded = load_some(&bytes, &limits, &wanted).map_err(|error| anyhow!("{name}: {error}"))?;
    Ok(Snapshot {
        name,
        bytes,
        loaded,
    })
}

/// Numbers in the file of the captures that `moments` select; `None` if all captures must be decoded to
/// find them.
fn selected_captures(
    bytes: &[u8],
    limits: &Limits,
    moments: &[At],
) -> Result<Option<Vec<u32>>, whotalks_snapshot::Error> {
    let entries = index(bytes, limits)?;
    if entries.len() < 2 {
        return Ok(None);
    }
    let selected = moments.iter().map(|at| selected_capture(&entries, *at));
    Ok(selected.collect())
}

fn selected_capture(entries: &[IndexEntry], at: At) -> Option<u32> {
    let known: Vec<u64> = entries.iter().filter_map(IndexEntry::started_ns).collect();
    let index = match at {
        // The union is of all captures.
        At::All => return None,
        At::Last => entries.iter().rposition(|entry| entry.host),
        // Captures are numbered by time, which is their order in the file unless the clock was set.
        At::Number(_) if known.is_sorted() => at.pick(&vec![0; entries.len()]),
        At::Number(_) => return None,
        At::Time(_) | At::Day(_) => {
            if known.len() < entries.len() || !known.is_sorted() {
                return None;
            }
            at.pick(&known)
        }
    };
    // If none is selected, decoding one is enough to find that out.
    Some(entries[index.unwrap_or(0)].number)
}

/// Captures this machine with the collector beside this program, or that in PATH.
fn capture() -> Result<Snapshot> {
    let program = "whotalks-collect";
    let sibling = std::env::current_exe()
        .ok()
        .map(|own| own.with_file_name(program));
    let collector = sibling
        .filter(|path| path.is_file())
        .unwrap_or_else(|| program.into());
    let output = Command::new(&collector)
        .args(["-q", "-o", "-"])
        .stdin(Stdio::null())
        .stderr(Stdio::inherit())
        .output()
        .with_context(|| {
            format!(
                "{}: cannot run (no SNAPSHOT was given)",
                collector.display()
            )
        })?;
    if !output.status.success() {
        bail!("{}: capture failed", collector.display());
    }
    parse("(this machine)".to_owned(), output.stdout, None)
}

/// Prints a warning for a damaged snapshot.
fn warn_damage(name: &str, damages: &[Damage]) {
    let Some(first) = damages.first() else { return };
    let cut = damages.iter().any(|d| matches!(d.kind, DamageKind::NoEnd));
    let state = if cut { "cut" } else { "damaged" };
    let more = match damages.len() {
        1 => String::new(),
        count => format!(" (and {} more)", count - 1),
    };
    let is_over_limit = |damage: &Damage| match damage.kind {
        DamageKind::Limit { limit, .. } => limit != u64::from(MAX_BLOCK_BYTES),
        _ => false,
    };
    let hint = if damages.iter().any(is_over_limit) {
        "; --limit-bytes allows more"
    } else {
        ""
    };
    warning!("{name}: {state}, answers are incomplete: {first}{more}{hint}");
}
