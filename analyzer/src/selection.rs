//! Tells selectors from snapshot files on the command line, and turns them into a filter.

use std::path::{Path, PathBuf};

use anyhow::{Result, anyhow};
use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;
use whotalks::model::At;
use whotalks::query::{Filter, KINDS, Selector, SelectorSet};

use crate::cli::FilterArgs;

impl FilterArgs {
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
    pub(crate) fn filter(&self) -> Result<Filter> {
        let only = self.only.iter().cloned().chain(self.selectors());
        let hide = self
            .hide
            .iter()
            .map(|text| parse(std::iter::once(text.clone())));
        Ok(Filter {
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
            || matches!(&*text, "." | "..")
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
    if text == "all" {
        return Ok(At::All);
    }
    if let Some(ns) = time_of_day(text) {
        return Ok(At::Day(ns));
    }
    let time = OffsetDateTime::parse(text, &Rfc3339).map_err(|_| {
        anyhow!("expected a number, last, all, or a time as 17:05 or 2026-11-22T17:05:00Z")
    })?;
    // Whole seconds are meant to their end: what began within them counts.
    let whole = time.nanosecond() == 0;
    let ns = time.unix_timestamp_nanos() + if whole { 999_999_999 } else { 0 };
    // Later than 64 bits can tell: after everything.
    Ok(At::Time(u64::try_from(ns.max(0)).unwrap_or(u64::MAX)))
}

/// Selectors given together.
pub(crate) fn parse(texts: impl Iterator<Item = String>) -> Result<SelectorSet> {
    let selectors = texts.map(|text| text.parse::<Selector>().map_err(|error| anyhow!("{error}")));
    Ok(SelectorSet::new(selectors.collect::<Result<_>>()?))
}

/// `17:05` or `17:05:30` as nanoseconds since midnight, to the end of that minute or second: what
/// began within it counts.
fn time_of_day(text: &str) -> Option<u64> {
    let digits = |part: &str| part.len() == 2 && part.bytes().all(|byte| byte.is_ascii_digit());
    let parts: Vec<&str> = text.split(':').collect();
    if !(2..=3).contains(&parts.len()) || !parts.iter().copied().all(digits) {
        return None;
    }
    let number = |at: usize| parts.get(at).map_or(Ok(0), |part| part.parse::<u64>());
    let (hour, minute, second) = (number(0).ok()?, number(1).ok()?, number(2).ok()?);
    if hour > 23 || minute > 59 || second > 59 {
        return None;
    }
    let whole = (hour * 60 + minute) * 60 + second;
    let meant = if parts.len() == 2 { 60 } else { 1 };
    Some((whole + meant) * 1_000_000_000 - 1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times() {
        let minute = |minutes: u64| Some(minutes * 60_000_000_000 - 1);
        assert_eq!(time_of_day("00:00"), minute(1));
        assert_eq!(time_of_day("17:05"), minute(17 * 60 + 6));
        assert_eq!(time_of_day("17:05:59"), minute(17 * 60 + 6));
        for bad in [
            "24:00",
            "17:60",
            "7:05",
            "17:05:",
            "17:05:61",
            "17",
            "-1:00",
            "17:05:00:00",
        ] {
            assert_eq!(time_of_day(bad), None, "{bad}");
        }
    }
}
