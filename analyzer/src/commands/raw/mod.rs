//! `whotalks raw`: lists the blocks of a snapshot, or extracts their bytes without interpreting them.

mod content;
mod entry;
mod list;

use std::ffi::{OsStr, OsString};
use std::io::IsTerminal;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail};
use clap::{Args, ValueHint};
use whotalks::text::escape;

use super::outcome::{NothingFound, Outcome};
use super::suggest::{similar, suggestion};
use crate::messages::message;
use crate::{input, output};
use entry::RawEntry;

const AFTER_HELP: &str = "\
BLOCK is the number of a block or the name of its source. A source is put together from all of \
its blocks. A single argument is the SNAPSHOT if it is -, an existing file, or ends in .whotalks.

Examples:
  whotalks raw web1.whotalks            list the blocks
  whotalks raw net/unix web1.whotalks   print /proc/net/unix
  whotalks raw diag/unix web1.whotalks | xxd
  whotalks raw 12 web1.whotalks > block.bin";

/// `whotalks raw`.
#[derive(Debug, Args)]
#[command(after_help = AFTER_HELP, override_usage = "whotalks raw [OPTIONS] [BLOCK] [SNAPSHOT]")]
pub(crate) struct RawArgs {
    /// Block to extract (without it, blocks are listed), then a snapshot file (- is standard input)
    #[arg(value_name = "BLOCK|SNAPSHOT", num_args = 0..=2, value_hint = ValueHint::AnyPath)]
    pub(crate) words: Vec<OsString>,
}

pub(super) fn run(args: &RawArgs) -> Result<Outcome> {
    let (block, file) = block_and_file(&args.words);
    let snapshots = input::open(file.as_slice())?;
    let Some(snapshot) = snapshots.first() else {
        bail!("no snapshot");
    };
    let limits = input::limits();
    let entries = entry::read_all(&snapshot.bytes, &limits).context(snapshot.name.clone())?;
    let Some(block) = block else {
        output::stdout(|out| list::write(out, &entries))?;
        return Ok(Outcome::Success);
    };
    let block = escape::display(block.as_encoded_bytes());
    let Some(found) = entry::find(&entries, &block) else {
        let similar = similar(&block, entries.iter().filter_map(RawEntry::source));
        let suggestion = suggestion(&similar);
        let name = &snapshot.name;
        bail!(NothingFound(format!(
            "{name}: no block {block}{suggestion}"
        )));
    };
    let is_text = found.first().is_some_and(|entry| entry.is_text());
    let is_terminal = std::io::stdout().is_terminal();
    if is_terminal && !is_text {
        bail!("{block}: binary is not written to a terminal (redirect it)");
    }
    report_others(&entries, &found, &block);
    output::stdout(|out| {
        content::write(out, &snapshot.bytes, &limits, &found, is_terminal)
            .context(snapshot.name.clone())
    })?;
    Ok(Outcome::Success)
}

/// The block and the file of the command line. A single argument may be either.
fn block_and_file(words: &[OsString]) -> (Option<OsString>, Option<PathBuf>) {
    match words {
        [file] if is_file(file) => (None, Some(file.into())),
        [block, file, ..] => (Some(block.clone()), Some(file.into())),
        [block] => (Some(block.clone()), None),
        [] => (None, None),
    }
}

fn is_file(word: &OsStr) -> bool {
    let path = Path::new(word);
    let is_number = word.to_str().is_some_and(|text| {
        let mut bytes = text.bytes();
        bytes.all(|byte| byte.is_ascii_digit() || byte == b'.') && !text.starts_with('.')
    });
    let has_suffix = path.extension() == Some(OsStr::new("whotalks"));
    !is_number && (word == "-" || has_suffix || path.exists())
}

/// Prints that there are more sources of the same name than the one that is written.
fn report_others(entries: &[RawEntry<'_>], found: &[&RawEntry<'_>], name: &str) {
    const NAMED: usize = 8;
    let Some(first) = found.first() else { return };
    let named = entries.iter().filter(|entry| entry.has_source(name));
    let others = named.filter(|entry| entry.bytes > 0 && !entry.is_same_source(first));
    let others: Vec<String> = others.map(RawEntry::number).collect();
    if !others.is_empty() {
        let named = others[..others.len().min(NAMED)].join(", ");
        let more = if others.len() > NAMED { ", …" } else { "" };
        message!("{name}: the first of several; more in blocks {named}{more} (by number)");
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_argument_is_a_block_or_a_file() {
        let check = |words: &[&str]| {
            let words: Vec<OsString> = words.iter().map(OsString::from).collect();
            let (block, file) = block_and_file(&words);
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
}
