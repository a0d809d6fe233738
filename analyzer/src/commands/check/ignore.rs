//! `--ignore FILE`: findings that somebody has looked at, with the reason.

use std::collections::BTreeSet;
use std::path::Path;

use anyhow::{Context, Result, bail};
use serde::Deserialize;
use time::OffsetDateTime;
use whotalks::check::{Finding, Report, Rule};
use whotalks::model::Map;
use whotalks::policy::one_line;
use whotalks::query::{Glob, SelectorSet, matching_processes, matching_sockets};

use super::{ids, read_text};
use crate::selection::parse;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
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

/// One entry.
struct Ignore {
    rule: &'static Rule,
    selector: Option<SelectorSet>,
    title: Option<Glob>,
    expires: Option<time::Date>,
}

/// What a file names.
pub(super) struct Ignores {
    file: String,
    entries: Vec<Ignore>,
}

impl Ignores {
    /// Reads a file.
    pub(super) fn read(path: &Path) -> Result<Self> {
        let name = whotalks::text::escape::display(path.as_os_str().as_encoded_bytes());
        let file: File = toml::from_str(&read_text(path)?)
            .map_err(|error| anyhow::anyhow!("{}", one_line(&error.to_string())))
            .with_context(|| format!("{name}: cannot read"))?;
        let entries = file
            .ignore
            .into_iter()
            .enumerate()
            .map(|(at, row)| entry(row).with_context(|| format!("{name}: entry {}", at + 1)));
        Ok(Self {
            entries: entries.collect::<Result<_>>()?,
            file: name,
        })
    }

    /// Takes findings out of a report; says which entries did nothing, and why.
    pub(super) fn apply(&self, map: &Map, report: &mut Report) -> Vec<String> {
        let today = OffsetDateTime::now_utc().date();
        let mut said = Vec::new();
        for (at, entry) in self.entries.iter().enumerate() {
            let name = format!("{}: entry {} ({})", self.file, at + 1, entry.rule.code);
            if let Some(date) = entry.expires.filter(|date| *date < today) {
                said.push(format!("{name}: expired on {date}"));
                continue;
            }
            let before = report.findings.len();
            let meant = entry.selector.as_ref().map(|selection| {
                let processes = matching_processes(map, selection);
                let sockets = matching_sockets(map, selection);
                ids(map, |at| processes[at], |at| sockets[at])
            });
            report
                .findings
                .retain(|finding| !entry.means(finding, meant.as_ref()));
            if report.findings.len() == before {
                said.push(format!("{name}: nothing to ignore"));
            }
        }
        said
    }
}

impl Ignore {
    fn means(&self, finding: &Finding, ids: Option<&BTreeSet<String>>) -> bool {
        let named = |ids: &BTreeSet<String>| {
            let about = finding.processes.iter().chain(&finding.sockets);
            about.chain([&finding.subject]).any(|id| ids.contains(id))
        };
        finding.code == self.rule.code
            && ids.is_none_or(named)
            && self
                .title
                .as_ref()
                .is_none_or(|title| title.matches(&finding.title))
    }
}

fn entry(row: Row) -> Result<Ignore> {
    let Some(rule) = Rule::find(&row.code) else {
        bail!("code {:?}: there is no such rule", row.code);
    };
    if row.reason.trim().is_empty() {
        bail!("the reason is empty");
    }
    let selector = row.selector.map(|text| parse(std::iter::once(text)));
    let expires = row.expires.map(|datetime| {
        let date = datetime
            .date
            .context("expires: expected a date as 2027-01-31")?;
        let month = time::Month::try_from(date.month)?;
        anyhow::Ok(time::Date::from_calendar_date(
            date.year.into(),
            month,
            date.day,
        )?)
    });
    Ok(Ignore {
        rule,
        selector: selector.transpose()?,
        title: row.title.as_deref().map(Glob::new),
        expires: expires.transpose()?,
    })
}
