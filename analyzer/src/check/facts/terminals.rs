//! Pseudo-terminals: which process holds the master of a terminal.

use std::collections::{BTreeMap, BTreeSet};

use whotalks_snapshot::descriptors::Link;

use super::base::Facts;
use crate::load::proc_pid::status_line;
use crate::model::{HostId, ProcessId};

/// Files that a master of a pseudo-terminal is opened through.
const MASTERS: [&[u8]; 2] = [b"/dev/ptmx", b"/dev/pts/ptmx"];

/// Terminals of some processes, and holders of their masters.
#[derive(Debug, Default)]
pub(crate) struct Terminals {
    /// The terminals (numbers of `/dev/pts`) at descriptors 0, 1 and 2 of the wanted processes.
    pub(crate) stdio: BTreeMap<(ProcessId, u32), u32>,
    /// Holders of masters by the number of their terminal; `None`: the number was not captured.
    pub(crate) masters: BTreeMap<(HostId, Option<u32>), BTreeSet<ProcessId>>,
}

impl Facts<'_> {
    /// The terminals of some processes.
    pub(crate) fn terminals(&self, wanted: &BTreeSet<ProcessId>) -> Terminals {
        let mut terminals = Terminals::default();
        for (index, capture) in self.captures.iter().enumerate() {
            let host = HostId::new(index);
            let mut numbers: BTreeMap<(u32, u32), u32> = BTreeMap::new();
            for info in &capture.descriptor_infos {
                let number = status_line(&info.text, "tty-index");
                if let Some(number) = number.and_then(|text| text.parse().ok()) {
                    numbers.insert((info.pid, info.fd), number);
                }
            }
            for table in capture.tables.iter().filter(|table| table.tid == 0) {
                let Some(process) = self.process_by_pid(host, table.pid) else {
                    continue;
                };
                let is_wanted = wanted.contains(&process);
                for (fd, link) in table.entries().map_while(Result::ok) {
                    let Link::Other { text } = link else { continue };
                    if MASTERS.contains(&text) {
                        let number = numbers.get(&(table.pid, fd)).copied();
                        let masters = terminals.masters.entry((host, number));
                        masters.or_default().insert(process);
                    } else if is_wanted
                        && fd <= 2
                        && let Some(number) = slave(text)
                    {
                        terminals.stdio.insert((process, fd), number);
                    }
                }
            }
        }
        terminals
    }
}

/// The number of `/dev/pts/3`.
fn slave(link: &[u8]) -> Option<u32> {
    let number = link.strip_prefix(b"/dev/pts/")?;
    std::str::from_utf8(number).ok()?.parse().ok()
}
