//! Options of `show`.

use clap::Args;

use crate::cli::{FilterArgs, Format};

const AFTER_HELP: &str = "\
Selectors of sockets (socket:, inode:, port:, ...) show sockets. If there are only unit: or only \
container: selectors, each unit or container is shown as a whole. Other selectors show processes. \
The first three matches are shown in detail, the others are listed.

Examples:
  whotalks show pid:812 web1.whotalks    show peers, queues, waits
  whotalks show unit:nginx.service web1.whotalks
  whotalks show socket:/run/docker.sock  show holders, connections
  whotalks show --format json inode:1452 web1.whotalks | jq '.pages[0]'";

/// `whotalks show`.
#[derive(Debug, Args)]
#[command(after_help = AFTER_HELP)]
pub(crate) struct ShowArgs {
    /// Output format
    #[arg(long, value_enum, default_value_t)]
    pub(crate) format: Format,
    #[command(flatten)]
    pub(crate) selection: FilterArgs,
}
