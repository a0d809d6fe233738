//! Tells selectors from snapshot files on the command line, and turns them into a restriction.

use std::path::{Path, PathBuf};

use anyhow::{Result, anyhow};
use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;
use whotalks::model::At;
use whotalks::query::{KINDS, Restriction, Selection as Selected, Selector};

use crate::cli::Selection;

impl Selection {
    /// The snapshot files among the words.
    pub(crate) fn files(&self) -> Vec<PathBuf> {
        let files = self
            .words
            .iter()
            .enumerate()
            .filter(|(at, _)| self.is_file(*at));
        files.map(|(_, word)| PathBuf::from(word)).collect()
    }

    /// The selectors among the words.
    pub(crate) fn selectors(&self) -> Vec<String> {
        let words = self
            .words
            .iter()
            .enumerate()
            .filter(|(at, _)| !self.is_file(*at));
        words
            .map(|(_, word)| word.to_string_lossy().into_owned())
            .collect()
    }

    /// All selectors, of whatever option.
    pub(crate) fn all_selectors(&self) -> Vec<String> {
        let options = self
            .only
            .iter()
            .chain(&self.focus)
            .chain(&self.hide)
            .cloned();
        self.selectors().into_iter().chain(options).collect()
    }

    /// What of a map these options keep.
    pub(crate) fn restriction(&self) -> Result<Restriction> {
        let only = self.only.iter().cloned().chain(self.selectors());
        let hide = self
            .hide
            .iter()
            .map(|text| parse(std::iter::once(text.clone())));
        Ok(Restriction {
            only: parse(only)?,
            focus: parse(self.focus.iter().cloned())?,
            hops: self.hops,
            hide: hide.collect::<Result<_>>()?,
        })
    }

    /// Whether the word at a place is a snapshot's name: `-`, something with a path or a snapshot's
    /// ending, or one of the last words, where a file of that name exists. Everything else selects.
    fn is_file(&self, at: usize) -> bool {
        let word = &self.words[at];
        let text = word.to_string_lossy();
        if text
            .split_once(':')
            .is_some_and(|(kind, _)| KINDS.contains(&kind))
        {
            return false;
        }
        let last = at + self.bare_files >= self.words.len();
        text == "-"
            || text.contains('/')
            || text.ends_with(".whotalks")
            || last && Path::new(word).is_file()
    }
}

/// Reads `--at`.
pub(crate) fn at(text: &str) -> Result<At> {
    if text == "last" {
        return Ok(At::Last);
    }
    if let Ok(number) = text.parse::<i64>() {
        return Ok(At::Number(number));
    }
    let time = OffsetDateTime::parse(text, &Rfc3339)
        .map_err(|_| anyhow!("expected a number, last, or a time as 2026-11-22T17:05:00Z"))?;
    let ns = u64::try_from(time.unix_timestamp_nanos()).unwrap_or_default();
    // Whole seconds are meant to their end: what began within them counts.
    Ok(At::Time(
        ns + if time.nanosecond() == 0 {
            999_999_999
        } else {
            0
        },
    ))
}

/// Selectors given together.
pub(crate) fn parse(texts: impl Iterator<Item = String>) -> Result<Selected> {
    let selectors = texts.map(|text| text.parse::<Selector>().map_err(|error| anyhow!("{error}")));
    Ok(Selected::new(selectors.collect::<Result<_>>()?))
}
