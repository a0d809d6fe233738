//! Opening snapshots: files, standard input, or this machine captured now.

use std::fs::File;
use std::io::{self, IsTerminal, Read};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::atomic::{AtomicU64, Ordering};

use anyhow::{Context, Result, anyhow, bail};
use whotalks::load::index::{Entry, index};
use whotalks::load::{Loaded, load, load_some, load_summary};
use whotalks::model::At;
use whotalks_snapshot::block::{FILE_HEADER_BYTES, FileHeader};
use whotalks_snapshot::limits::MAX_BLOCK_BYTES;
use whotalks_snapshot::{Damage, DamageKind, Limits};

/// The largest file that is read: beyond what any machine's tables fill.
const MAX_FILE_BYTES: u64 = 8 << 30;

/// A snapshot that was read, with what its name and bytes say beyond its content.
pub(crate) struct Snapshot {
    /// How people know it: its path, or where it came from.
    pub(crate) name: String,
    /// The file, `None` for standard input and captures made now.
    pub(crate) path: Option<PathBuf>,
    /// Its bytes.
    pub(crate) bytes: Vec<u8>,
    /// Its content.
    pub(crate) loaded: Loaded,
}

/// Reads the snapshots, or captures this machine where none is named; says on standard error where
/// one is damaged.
pub(crate) fn open(files: &[PathBuf]) -> Result<Vec<Snapshot>> {
    open_wanted(files, None)
}

/// The same for a question about one moment: of a series only the capture is decoded that is meant.
pub(crate) fn open_at(files: &[PathBuf], at: At) -> Result<Vec<Snapshot>> {
    open_at_each(files, &[at])
}

/// The same for a question about several moments.
pub(crate) fn open_at_each(files: &[PathBuf], moments: &[At]) -> Result<Vec<Snapshot>> {
    // Numbers count through all files; the latest, and the latest before a time, is one file's.
    let each = files.len() <= 1 || !moments.iter().any(|at| matches!(at, At::Number(_)));
    open_wanted(files, each.then_some(moments))
}

/// The same for a question about one moment and the course before it: of a series no more is kept whole
/// than `needed` says, by file and capture.
pub(crate) fn open_course(
    files: &[PathBuf],
    needed: impl Fn(&[Loaded]) -> Vec<Vec<bool>>,
) -> Result<Vec<Loaded>> {
    if files.is_empty() {
        return Ok(open(files)?.into_iter().map(|one| one.loaded).collect());
    }
    let limits = limits();
    let (mut all, mut bytes) = (Vec::new(), Vec::new());
    for file in files {
        let (name, read) = bytes_of(file)?;
        let told = |error| anyhow!("{name}: {error}");
        // Of two captures both are needed.
        let is_long = index(&read, &limits).map_err(told)?.len() > 2;
        let load = if is_long { load_summary } else { load };
        let loaded = load(&read, &limits).map_err(told)?;
        warn(&name, &loaded.damages);
        all.push(loaded);
        bytes.push(is_long.then_some(read));
    }
    let needed = needed(&all);
    for ((loaded, bytes), needed) in all.iter_mut().zip(bytes).zip(needed) {
        let Some(bytes) = bytes else { continue };
        let numbers = loaded.numbers.clone();
        let wanted = |number| {
            let place = numbers.binary_search(&number);
            place.is_ok_and(|place| needed[place])
        };
        let whole = load_some(&bytes, &limits, &wanted)?;
        let places = loaded.captures.iter_mut().zip(whole.captures).zip(&needed);
        for ((capture, whole), _) in places.filter(|(_, needed)| **needed) {
            *capture = whole;
        }
    }
    Ok(all)
}

fn open_wanted(files: &[PathBuf], at: Option<&[At]>) -> Result<Vec<Snapshot>> {
    let snapshots = if files.is_empty() {
        vec![capture()?]
    } else {
        files
            .iter()
            .map(|file| read(file, at))
            .collect::<Result<_>>()?
    };
    for snapshot in &snapshots {
        warn(&snapshot.name, &snapshot.loaded.damages);
    }
    Ok(snapshots)
}

/// How much memory a file may take in all; 0: what the limits say.
static TOTAL_BYTES: AtomicU64 = AtomicU64::new(0);

/// Allows files as much memory, whatever their size (`--limit-bytes`).
pub(crate) fn allow(bytes: u64) {
    TOTAL_BYTES.store(bytes, Ordering::Relaxed);
}

/// The limits for files.
pub(crate) fn limits() -> Limits {
    match TOTAL_BYTES.load(Ordering::Relaxed) {
        0 => Limits::default(),
        bytes => Limits::default().with_total_bytes(bytes),
    }
}

fn read(file: &Path, at: Option<&[At]>) -> Result<Snapshot> {
    let (name, bytes) = bytes_of(file)?;
    let path = (file != Path::new("-")).then(|| file.to_owned());
    parse(name, path, bytes, at)
}

/// A file's name for people, and its bytes.
fn bytes_of(file: &Path) -> Result<(String, Vec<u8>)> {
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
    let most = MAX_FILE_BYTES.max(TOTAL_BYTES.load(Ordering::Relaxed));
    let header_bytes = FILE_HEADER_BYTES as u64;
    let read = from.by_ref().take(header_bytes).read_to_end(&mut bytes);
    read.with_context(|| format!("{name}: cannot read"))?;
    // What is no snapshot may have no end, as `/dev/zero`.
    FileHeader::parse(&bytes).map_err(|error| anyhow!("{name}: {error}"))?;
    let rest = most.saturating_add(1).saturating_sub(header_bytes);
    let read = from.take(rest).read_to_end(&mut bytes);
    read.with_context(|| format!("{name}: cannot read"))?;
    if bytes.len() as u64 > most {
        bail!("{name}: larger than {most} bytes (--limit-bytes allows more)");
    }
    Ok(bytes)
}

fn parse(
    name: String,
    path: Option<PathBuf>,
    bytes: Vec<u8>,
    at: Option<&[At]>,
) -> Result<Snapshot> {
    let limits = limits();
    let only = at
        .map(|at| wanted(&bytes, &limits, at))
        .transpose()
        .map_err(|error| anyhow!("{name}: {error}"))?
        .flatten();
    let wanted = |number| only.as_ref().is_none_or(|only| only.contains(&number));
    let loaded = load_some(&bytes, &limits, &wanted).map_err(|error| anyhow!("{name}: {error}"))?;
    Ok(Snapshot {
        name,
        path,
        bytes,
        loaded,
    })
}

/// The captures of a series that are meant, by their numbers in the file; `None`: read them all, since
/// they are not known before.
fn wanted(
    bytes: &[u8],
    limits: &Limits,
    moments: &[At],
) -> Result<Option<Vec<u32>>, whotalks_snapshot::Error> {
    let entries = index(bytes, limits)?;
    if entries.len() < 2 {
        return Ok(None);
    }
    Ok(moments.iter().map(|at| wanted_at(&entries, *at)).collect())
}

fn wanted_at(entries: &[Entry], at: At) -> Option<u32> {
    let known: Vec<u64> = entries.iter().filter_map(Entry::started_ns).collect();
    let place = match at {
        // The union needs them all.
        At::All => return None,
        At::Last => entries.iter().rposition(|entry| entry.host),
        // A file's captures are in the order in which they were made, unless the clock was set.
        At::Number(_) if known.is_sorted() => at.pick(&vec![0; entries.len()]),
        At::Number(_) => return None,
        At::Time(_) | At::Day(_) => {
            if known.len() < entries.len() || !known.is_sorted() {
                return None;
            }
            at.pick(&known)
        }
    };
    // Where none is meant, none but the first is needed to say so.
    Some(entries[place.unwrap_or(0)].number)
}

/// Captures this machine with the collector beside this program, or in PATH.
fn capture() -> Result<Snapshot> {
    let program = "whotalks-collect";
    let beside = std::env::current_exe()
        .ok()
        .map(|own| own.with_file_name(program));
    let collector = beside
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
    parse("(this machine)".to_owned(), None, output.stdout, None)
}

/// One line on standard error for a snapshot that is not whole.
fn warn(name: &str, damages: &[Damage]) {
    let Some(first) = damages.first() else { return };
    let cut = damages.iter().any(|d| matches!(d.kind, DamageKind::NoEnd));
    let what = if cut { "cut" } else { "damaged" };
    let more = match damages.len() {
        1 => String::new(),
        count => format!(" (and {} more)", count - 1),
    };
    let beyond = |damage: &Damage| match damage.kind {
        DamageKind::Limit { limit, .. } => limit != u64::from(MAX_BLOCK_BYTES),
        _ => false,
    };
    let hint = if damages.iter().any(beyond) {
        "; --limit-bytes allows more"
    } else {
        ""
    };
    eprintln!("whotalks: warning: {name}: {what}, answers are incomplete: {first}{more}{hint}");
}
