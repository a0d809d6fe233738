//! Numbers the ends of links: groups, and what stands where no group is known or too many are.

use std::collections::{BTreeMap, BTreeSet};

use super::context::Context;
use super::labels::Labels;
use super::side::Side;
use crate::graph::ConversationEnds;
use crate::query::{MAX_GROUPS_AT_END, UnknownEnd, unknown_end};

/// An end that is not one group.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum OtherEnd {
    /// Not on a captured machine.
    Outside,
    /// No process is known.
    Unknown,
    /// More groups than are listed.
    Several(BTreeSet<u32>),
}

/// The ends of links, by number. The first numbers are those of the groups.
pub(super) struct LinkEnds {
    labels: Labels,
    /// The number of the end whose holder could not be read.
    pub(super) unreadable: u32,
    /// The ends that are not one group, by number.
    pub(super) others: BTreeMap<u32, OtherEnd>,
}

impl LinkEnds {
    /// Numbers the groups.
    pub(super) fn new(context: &Context<'_>) -> Self {
        let mut labels = context.groups.labels().clone();
        let unreadable = labels.number(UnknownEnd::Unreadable.to_string());
        Self {
            labels,
            unreadable,
            others: BTreeMap::new(),
        }
    }

    /// The label of an end, printable.
    pub(super) fn label(&self, number: u32) -> &str {
        self.labels.text(number)
    }

    /// Whether no process is known at an end.
    pub(super) fn is_unknown(&self, number: u32) -> bool {
        let other = self.others.get(&number);
        other.is_some_and(|end| !matches!(end, OtherEnd::Several(_)))
    }

    /// The numbers of the client's or the server's end of a conversation.
    pub(super) fn numbers(
        &mut self,
        context: &Context<'_>,
        side: Side,
        ends: &ConversationEnds,
        client: bool,
    ) -> Vec<u32> {
        let processes = if client { &ends.from } else { &ends.to };
        if processes.is_empty() {
            let end = unknown_end(context.maps.of(side), ends, client);
            let number = self.labels.number(end.to_string());
            self.others.entry(number).or_insert(match end {
                UnknownEnd::Outside(_) => OtherEnd::Outside,
                UnknownEnd::Translated(_) | UnknownEnd::Unreadable | UnknownEnd::Unheld => {
                    OtherEnd::Unknown
                }
            });
            return vec![number];
        }
        let groups = processes.iter().map(|id| context.groups.group(side, *id));
        let mut groups: Vec<u32> = groups.collect();
        groups.sort_unstable();
        groups.dedup();
        match groups.len() > MAX_GROUPS_AT_END {
            true => vec![self.several(groups)],
            false => groups,
        }
    }

    /// The number of an end that many groups share.
    fn several(&mut self, groups: Vec<u32>) -> u32 {
        let first = groups.iter().map(|group| self.label(*group)).min();
        let label = format!("{} and many more", first.unwrap_or_default());
        let number = self.labels.number(label);
        let several = OtherEnd::Several(BTreeSet::new());
        if let OtherEnd::Several(all) = self.others.entry(number).or_insert(several) {
            all.extend(groups);
        }
        number
    }
}
