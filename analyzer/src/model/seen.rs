//! In how many captures of a series each item of the map was present.

/// Numbers of captures, by index into the map's tables.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Seen {
    /// Captures of the longest series.
    pub captures: u32,
    /// By process.
    pub processes: Vec<u32>,
    /// By socket.
    pub sockets: Vec<u32>,
    /// By connection.
    pub connections: Vec<u32>,
    /// By pipe.
    pub pipes: Vec<u32>,
}

impl Seen {
    /// The numbers of the rows whose flag is set.
    #[must_use]
    pub(crate) fn retain(
        &self,
        processes: &[bool],
        sockets: &[bool],
        connections: &[bool],
        pipes: &[bool],
    ) -> Self {
        let retain = |counts: &[u32], keep: &[bool]| -> Vec<u32> {
            let kept = counts.iter().zip(keep).filter(|(_, keep)| **keep);
            kept.map(|(count, _)| *count).collect()
        };
        Self {
            captures: self.captures,
            processes: retain(&self.processes, processes),
            sockets: retain(&self.sockets, sockets),
            connections: retain(&self.connections, connections),
            pipes: retain(&self.pipes, pipes),
        }
    }
}
