//! The options of the collector, for its manual page and completions.
//!
//! The collector has a smaller parser of its own; a test compares the options here with its `--help`.

use clap::{Arg, ArgAction, Command, ValueHint};

/// `whotalks-collect`.
pub(super) fn command() -> Command {
    Command::new("whotalks-collect")
        .version(env!("CARGO_PKG_VERSION"))
        .about("Capture the sockets and descriptors of this machine")
        .long_about(ABOUT)
        .after_help(EXAMPLES)
        .args([
            value(
                "output",
                "FILE",
                "Output file [default: HOSTNAME-YYYYMMDDTHHMMSSZ.whotalks]; - is standard output",
            )
            .short('o')
            .value_hint(ValueHint::FilePath),
            flag("force", "Replace an existing file"),
            choice("netns", ["all", "own"], "Network namespaces to read"),
            choice(
                "fdinfo",
                ["shared", "none", "all"],
                "Descriptors to read details of",
            ),
            choice("cmdline", ["full", "none"], "Command lines to record"),
            choice(
                "waits",
                ["yes", "no"],
                "Record the call each thread is blocked in",
            ),
            flag(
                "passive",
                "Load no kernel module, duplicate no descriptor, list no directory",
            ),
            flag(
                "keep-pointers",
                "Keep the hashed kernel pointers of /proc/net/unix",
            ),
            value(
                "interval",
                "TIME",
                "Write a series of captures, one every TIME (500ms, 10s, 5m, 1h)",
            ),
            value(
                "count",
                "N",
                "Number of captures in the series [default: until interrupted]",
            ),
            value("note", "TEXT", "Store TEXT in the file"),
            value(
                "jobs",
                "N",
                "Number of threads [default: the available CPUs]",
            )
            .short('j'),
            flag("quiet", "Print no summary on standard error").short('q'),
        ])
}

const ABOUT: &str = "\
Captures the kernel's tables of all sockets and descriptors of this machine into one compressed file \
for whotalks(1). It only reads. Run by an ordinary user, it captures what that user may read, and \
records what was denied. Exit code 0 means that a complete snapshot was written, 2 that none was.";

const EXAMPLES: &str = "\
Examples:
  sudo whotalks-collect
  sudo whotalks-collect -o web1.whotalks --note 'before the upgrade'
  ssh web1 sudo whotalks-collect -o - | whotalks draw - -o map.svg
  sudo whotalks-collect --interval 10s --count 6 -o minute.whotalks";

fn flag(name: &'static str, help: &'static str) -> Arg {
    Arg::new(name)
        .long(name)
        .help(help)
        .action(ArgAction::SetTrue)
}

fn value(name: &'static str, value: &'static str, help: &'static str) -> Arg {
    Arg::new(name).long(name).help(help).value_name(value)
}

/// The first is the default.
fn choice<const N: usize>(
    name: &'static str,
    values: [&'static str; N],
    help: &'static str,
) -> Arg {
    value(name, "WHICH", help)
        .value_parser(values)
        .default_value(values[0])
}
