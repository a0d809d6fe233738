//! Selectors and snapshot files: tells them apart on the command line, and builds the filter.

use std::borrow::Cow;
use std::ffi::{OsStr, OsString};
use std::path::{Path, PathBuf};

use anyhow::Result;
use clap::Args;
use whotalks::model::At;
use whotalks::query::{Filter, KINDS, Selector, SelectorSet};
use whotalks::text::escape;

use super::at;

/// Which part of the map is used, and the snapshots to read it from.
#[derive(Debug, Clone, Args)]
pub(crate) struct FilterArgs {
    /// Include only conversations with an end that matches (repeatable; see whotalks --help for
    /// selectors)
    #[arg(long, value_name = "SEL")]
    pub(crate) only: Vec<String>,
    /// Include only the neighbourhood of what matches
    #[arg(long, value_name = "SEL")]
    pub(crate) focus: Vec<String>,
    /// Size of the neighbourhood of --focus, in conversations
    #[arg(long, value_name = "N", default_value_t = 1, requires = "focus")]
    pub(crate) hops: usize,
    /// Exclude what matches (repeatable)
    #[arg(long, value_name = "SEL")]
    pub(crate) hide: Vec<String>,
    /// Include conversations with loggers, such as journald and rsyslogd (always in check, waits, show
    /// and export)
    #[arg(long)]
    pub(crate) logs: bool,
    /// Capture of a series to use: a number (-1 is the last), last, all, or a time (17:05 in UTC,
    /// or RFC 3339)
    #[arg(long, value_name = "WHEN", default_value = "last", value_parser = at::parse)]
    #[arg(allow_negative_numbers = true)]
    pub(crate) at: At,
    /// Selectors, as for --only, then snapshot files (- is standard input)
    #[arg(value_name = "SELECTOR|SNAPSHOT")]
    pub(crate) words: Vec<OsString>,
    /// How many of the last words may be the name of a file without a path or suffix.
    #[arg(skip = 1_usize)]
    pub(crate) bare_files: usize,
}

impl FilterArgs {
    /// The snapshot files among the words.
    pub(crate) fn files(&self) -> Vec<PathBuf> {
        self.words_that(true).map(PathBuf::from).collect()
    }

    /// The selectors among the words.
    pub(crate) fn selectors(&self) -> Vec<String> {
        let words = self.words_that(false).map(OsStr::to_string_lossy);
        words.map(Cow::into_owned).collect()
    }

    /// The selectors of all options, for messages.
    pub(crate) fn all_selectors(&self) -> Vec<String> {
        let options = self.only.iter().chain(&self.focus).chain(&self.hide);
        self.selectors()
            .into_iter()
            .chain(options.cloned())
            .collect()
    }

    /// The options that leave something out, as on the command line; empty: nothing is left out.
    pub(crate) fn words_of_filter(&self) -> String {
        let option = |name: &str, values: &[String]| {
            let option = |value: &String| format!("{name} {}", quoted(value));
            values.iter().map(option).collect::<Vec<_>>()
        };
        let mut words = option("--only", &self.only);
        words.extend(option("--focus", &self.focus));
        if !self.focus.is_empty() && self.hops != 1 {
            words.push(format!("--hops {}", self.hops));
        }
        words.extend(option("--hide", &self.hide));
        words.extend(self.selectors().iter().map(|word| quoted(word)));
        words.join(" ")
    }

    /// The filter that these options describe.
    pub(crate) fn filter(&self) -> Result<Filter> {
        let hide = self.hide.iter().map(|text| parse_selectors([text]));
        Ok(Filter {
            only: parse_selectors(self.only.iter().chain(&self.selectors()))?,
            focus: parse_selectors(&self.focus)?,
            hops: self.hops,
            hide: hide.collect::<Result<_>>()?,
            ..Filter::default()
        })
    }

    /// The same for commands about conversations, which leave out those with loggers by default.
    pub(crate) fn talk_filter(&self) -> Result<Filter> {
        Ok(Filter {
            hide_logs: !self.logs,
            ..self.filter()?
        })
    }

    fn words_that(&self, are_files: bool) -> impl Iterator<Item = &OsStr> {
        let words = self.words.iter().enumerate();
        words
            .filter(move |(index, _)| self.is_file(*index) == are_files)
            .map(|(_, word)| word.as_os_str())
    }

    /// Whether a word names a snapshot: `-`, the path of a file other than a socket, a name with the suffix
    /// of snapshots, or one of the last words if a file of that name exists. All others are selectors.
    fn is_file(&self, index: usize) -> bool {
        let word = &self.words[index];
        let text = word.to_string_lossy();
        if text
            .split_once(':')
            .is_some_and(|(kind, _)| KINDS.contains(&kind))
        {
            return false;
        }
        let may_be_bare = index + self.bare_files >= self.words.len();
        let is_there = || {
            let is_special = text.starts_with("/dev/") || text.starts_with("/proc/");
            let file = Path::new(word).metadata();
            file.is_ok_and(|file| is_special || file.is_file() || file.is_dir())
        };
        match &*text {
            "-" | "." | ".." => true,
            text if text.ends_with(".whotalks") => true,
            // A socket or FIFO is something in the map.
            text if text.contains('/') => is_there(),
            _ => may_be_bare && Path::new(word).is_file(),
        }
    }
}

/// A word as a shell would read it, printable.
fn quoted(word: &str) -> String {
    let is_plain = |c: char| c.is_ascii_alphanumeric() || "_-.,:/@+%=".contains(c);
    let word = escape::display(word.as_bytes());
    match !word.is_empty() && word.chars().all(is_plain) {
        true => word,
        false => format!("'{}'", word.replace('\'', "'\\''")),
    }
}

/// Parses selectors that apply together.
pub(crate) fn parse_selectors(texts: impl IntoIterator<Item: AsRef<str>>) -> Result<SelectorSet> {
    let selectors = texts
        .into_iter()
        .map(|text| text.as_ref().parse::<Selector>());
    Ok(SelectorSet::new(selectors.collect::<Result<_, _>>()?))
}
