//! Compares two maps: of one machine at two times, across a reboot, or of two machines set up alike.
//!
//! Within one boot a process is identified by pid and start time, and a socket by its cookie; beyond
//! that, both are matched by role. A difference that missing data may explain is counted, not
//! reported. Comparing (B, A) gives the mirror image of comparing (A, B).
//!
//! Each file imports only files above it in this list:
//!
//! 1. `side`, `labels`: plain types
//! 2. `host_pair`: which hosts are compared
//! 3. `caveats`, `coverage`: what was not captured
//! 4. `name_shape`, `random_name`, `name_classes`, `role`, `served_name`: names without the parts that
//!    differ from run to run
//! 5. `matching`: the same processes and sockets, by identity
//! 6. `role_matching`: restarted processes, by role
//! 7. `activity`, `host_processes`, `capture_processes`, `short_lived`, `noise`: which processes are
//!    ignored
//! 8. `instances`, `shared_groups`: the groups of both maps
//! 9. `report`: the results
//! 10. `context`: what all steps share, computed once
//! 11. `link_key`, `fleeting`, `pool_reassignment`, `links`: the step for links
//! 12. `significance`, `descriptors`: the step for descriptors
//! 13. `processes`, `alterations`, `listeners`: the other steps
//! 14. `merged`: the union of both maps
//! 15. `backfill`, `filter`: maps prepared for the comparison
//! 16. `compare`: runs the steps

mod activity;
mod alterations;
mod backfill;
mod capture_processes;
mod caveats;
mod compare;
mod context;
mod coverage;
mod descriptors;
mod filter;
mod fleeting;
mod host_pair;
mod host_processes;
mod instances;
mod labels;
mod link_key;
mod links;
mod listeners;
mod matching;
mod merged;
mod name_classes;
mod name_shape;
mod noise;
mod pool_reassignment;
mod processes;
mod random_name;
mod report;
mod role;
mod role_matching;
mod served_name;
mod shared_groups;
mod short_lived;
mod side;
mod significance;
#[cfg(test)]
mod tests;

pub use compare::diff;
pub use context::Options;
pub use coverage::Coverage;
pub use filter::FilteredMaps;
pub use host_pair::{HostPair, HostRelation};
pub(crate) use link_key::is_closing;
pub use matching::{MatchReason, Matching, Pair};
pub use merged::{ChangeStatus, MergedEnd, MergedLink, MergedMaps, MergedNode};
pub(crate) use name_classes::{NameClasses, PID, without_pids};
pub use name_shape::mask;
pub(crate) use noise::{Noise, Transience, transience};
pub use random_name::shape;
pub use report::{
    Alteration, Aspect, Change, DescriptorChange, Diff, Ignored, LinkChange, ListenerChange,
    ProcessChange, Unlinked,
};
pub use role::role;
pub use side::{OldNew, Side};
pub(crate) use significance::{explained, is_significant, is_significant_replacement};
