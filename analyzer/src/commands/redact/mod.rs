//! `whotalks redact`: copies a snapshot, with pseudonyms for names, arguments and addresses.

mod key_file;

use std::path::{Path, PathBuf};

use anyhow::{Context, Result, anyhow, bail};
use clap::{Args, ValueEnum};
use whotalks::load::index::index;
use whotalks::load::load_some;
use whotalks::redact::{Keep, Names, redact};
use whotalks_snapshot::series::BUNDLE_BYTES;
use whotalks_snapshot::{BlockKind, Encoder, Series, Writer};

use super::outcome::Outcome;
use crate::{input, output};

const AFTER_HELP: &str = "\
Host names, users, process names, arguments, paths, socket names and addresses are replaced with \
pseudonyms. Equal names have equal pseudonyms. They cannot be traced back without the key, which \
is discarded unless --map saves it. Addresses keep their kind (private, public, loopback). Numbers \
of the kernel (pids, inodes, ports, user ids, times) and common words such as /usr/bin are kept. \
Data in an unknown format is left out.

Examples:
  whotalks redact web1.whotalks -o shared.whotalks
  whotalks redact --keep comm,exe web1.whotalks -o shared.whotalks
  whotalks redact --map web1.key web1.whotalks -o shared.whotalks";

/// `whotalks redact`.
#[derive(Debug, Args)]
#[command(after_help = AFTER_HELP)]
pub(crate) struct RedactArgs {
    /// Write the copy to FILE (- is standard output)
    #[arg(short, long, value_name = "FILE")]
    pub(crate) output: PathBuf,
    /// Keep these names
    #[arg(long, value_enum, value_name = "WHAT", value_delimiter = ',')]
    pub(crate) keep: Vec<KeepKind>,
    /// Save the key and all replacements to FILE; if it exists, use its key
    #[arg(long, value_name = "FILE")]
    pub(crate) map: Option<PathBuf>,
    /// Snapshot file (- is standard input)
    #[arg(value_name = "SNAPSHOT")]
    pub(crate) snapshot: PathBuf,
}

/// Names that `--keep` keeps.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum KeepKind {
    /// Process names
    Comm,
    /// Paths of executables
    Exe,
    /// Units, slices and scopes
    Unit,
}

/// Higher than the level of the collector, since a copy is made once.
const ZSTD_LEVEL: i32 = 6;

pub(super) fn run(args: &RedactArgs) -> Result<Outcome> {
    check_paths(args)?;
    let mut snapshots = input::open(std::slice::from_ref(&args.snapshot))?;
    let Some(snapshot) = snapshots.pop() else {
        bail!("no snapshot");
    };
    let key = match args.map.as_deref().filter(|path| path.exists()) {
        Some(path) => key_file::read(path)?,
        None => random()?,
    };
    let keep = Keep {
        comm: args.keep.contains(&KeepKind::Comm),
        exe: args.keep.contains(&KeepKind::Exe),
        unit: args.keep.contains(&KeepKind::Unit),
    };
    let mut names = Names::new(key, keep);
    let mut copy = Vec::new();
    write(&snapshot.bytes, &mut names, &mut copy).context(snapshot.name.clone())?;
    // The key file is written first: without it the copy cannot be traced back.
    if let Some(path) = &args.map {
        key_file::write(path, key, &names)?;
    }
    output::write_snapshot(&args.output, |out| Ok(out.write_all(&copy)?))?;
    Ok(Outcome::Success)
}

/// Fails if a file would be both read and written, or written twice.
fn check_paths(args: &RedactArgs) -> Result<()> {
    let RedactArgs {
        output, snapshot, ..
    } = args;
    if is_same(output, snapshot) {
        bail!("{}: is what is read", output.display());
    }
    if let Some(map) = args.map.as_deref()
        && (map == output || is_same(map, output) || is_same(map, snapshot))
    {
        bail!(
            "{}: is the copy or what is read; the key would be lost",
            map.display()
        );
    }
    Ok(())
}

fn is_same(a: &Path, b: &Path) -> bool {
    let file = |path: &Path| path.canonicalize().ok();
    a != Path::new("-") && file(a).is_some() && file(a) == file(b)
}

/// Writes a redacted copy of all captures. A damaged capture has no end block in the copy, either.
fn write(bytes: &[u8], names: &mut Names, out: &mut Vec<u8>) -> Result<()> {
    let limits = input::limits();
    let mut encoder = Encoder::new(ZSTD_LEVEL)?;
    let mut writer = Writer::with_mark(out, u32::from_le_bytes(random()?))?;
    let mut series = Series::default();
    let captures = index(bytes, &limits)?;
    for entry in &captures {
        let loaded = load_some(bytes, &limits, &|number| number == entry.number)?;
        let index = captures
            .iter()
            .position(|other| other.number == entry.number);
        let capture = index.and_then(|index| loaded.captures.get(index));
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

fn random<const N: usize>() -> Result<[u8; N]> {
    let mut bytes = [0; N];
    getrandom::fill(&mut bytes).map_err(|error| anyhow!("no random numbers: {error}"))?;
    Ok(bytes)
}
