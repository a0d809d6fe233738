//! `--ignore FILE`: known findings, each with the reason why it is accepted.

use std::collections::BTreeSet;
use std::path::Path;

use anyhow::{Context, Result, anyhow, bail};
use serde::Deserialize;
use time::{Date, Month, OffsetDateTime};
use whotalks::check::{Finding, Report, Rule};
use whotalks::model::Map;
use whotalks::policy::toml_error;
use whotalks::query::{Glob, SelectorSet, matching_processes, matching_sockets};
use whotalks::text::escape;

use super::toml_file;
use crate::cli::parse_selectors;
use crate::commands::findings::{ids_of, is_about};

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Document {
    #[serde(default)]
    ignore: Vec<Row>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Row {
    code: String,
    selector: Option<String>,
    title: Option<String>,
    reason: String,
    expires: Option<toml::value::Datetime>,
}

/// An entry of the file.
struct IgnoreEntry {
    rule: &'static Rule,
    selector: Option<SelectorSet>,
    title: Option<Glob>,
    expires: Option<Date>,
}

/// An ignore file.
pub(super) struct IgnoreFile {
    name: String,
    entries: Vec<IgnoreEntry>,
}

impl IgnoreFile {
    /// Reads a file.
    pub(super) fn read(path: &Path) -> Result<Self> {
        let name = escape::display(path.as_os_str().as_encoded_bytes());
        let text = toml_file::read(path)?;
        let document: Document = toml::from_str(&text)
            .map_err(|error| anyhow!("{}", toml_error(&text, &error)))
            .with_context(|| format!("{name}: cannot read"))?;
        let rows = document.ignore.into_iter().zip(1..);
        let entries = rows.map(|(row, number)| {
            IgnoreEntry::parse(row).with_context(|| format!("{name}: entry {number}"))
        });
        Ok(Self {
            entries: entries.collect::<Result<_>>()?,
            name,
        })
    }

    /// Removes findings from a report. Returns messages about entries that are unused or expired.
    pub(super) fn apply(&self, map: &Map, report: &mut Report) -> Vec<String> {
        let today = OffsetDateTime::now_utc().date();
        let mut messages = Vec::new();
        for (entry, number) in self.entries.iter().zip(1..) {
            let name = format!("{}: entry {number} ({})", self.name, entry.rule.code);
            if let Some(date) = entry.expires.filter(|date| *date < today) {
                messages.push(format!("{name}: expired on {date}"));
                continue;
            }
            let before = report.findings.len();
            let ids = entry.selector.as_ref().map(|selectors| {
                let processes = matching_processes(map, selectors);
                let sockets = matching_sockets(map, selectors);
                ids_of(map, |index| processes[index], |index| sockets[index])
            });
            let findings = &mut report.findings;
            findings.retain(|finding| !entry.matches(finding, ids.as_ref()));
            if report.findings.len() == before {
                messages.push(format!("{name}: nothing to ignore"));
            }
        }
        messages
    }
}

impl IgnoreEntry {
    fn parse(row: Row) -> Result<Self> {
        let Some(rule) = Rule::find(&row.code) else {
            bail!("code {:?}: there is no such rule", row.code);
        };
        if row.reason.trim().is_empty() {
            bail!("the reason is empty");
        }
        let selector = row.selector.map(|text| parse_selectors([text]));
        Ok(Self {
            rule,
            selector: selector.transpose()?,
            title: row.title.as_deref().map(Glob::new),
            expires: row.expires.map(date).transpose()?,
        })
    }

    /// Whether a finding is to be ignored; `ids` are what the selector matches.
    fn matches(&self, finding: &Finding, ids: Option<&BTreeSet<String>>) -> bool {
        let title = self.title.as_ref();
        finding.code == self.rule.code
            && ids.is_none_or(|ids| is_about(finding, ids))
            && title.is_none_or(|title| title.matches(&finding.title))
    }
}

fn date(datetime: toml::value::Datetime) -> Result<Date> {
    let date = datetime
        .date
        .context("expires: expected a date as 2027-01-31")?;
    let month = Month::try_from(date.month)?;
    Ok(Date::from_calendar_date(date.year.into(), month, date.day)?)
}
