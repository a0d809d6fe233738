//! The options of the collector, for its manual page and completions.
//!
//! The collector has a smaller parser of its own; a test compares the options here with its `--help`.

use clap::{Arg, ArgAction, Command, ValueHint};

/// `whotalks-collect`.
pub(super) fn command() -> Command {
    Command::new("whotalks-collect")
        .version(env!("CARGO_PKG_VERSION"))
        .about("Records what the kernel knows of every socket and descriptor of this machine")
        .long_about(ABOUT)
        .after_help(EXAMPLES)
        .args([
            value(
                "output",
                "FILE",
                "Where to; default HOSTNAME-YYYYMMDDTHHMMSSZ.whotalks here, - for standard output",
            )
            .short('o')
            .value_hint(ValueHint::FilePath),
            flag("force", "Replace an existing file"),
            choice(
                "netns",
                ["all", "own"],
                "Network namespaces: all that may be entered, or its own",
            ),
            choice(
                "fdinfo",
                ["shared", "none", "all"],
                "Details of descriptors: of shared ones, of none, of all",
            ),
            choice("cmdline", ["full", "none"], "Command lines"),
            choice("waits", ["yes", "no"], "The call each thread is blocked in"),
            flag(
                "passive",
                "Never make the kernel load a module, never duplicate a descriptor",
            ),
            flag(
                "keep-pointers",
                "Keep the hashed kernel pointers of /proc/net/unix",
            ),
            value(
                "interval",
                "TIME",
                "A series of captures in one file, TIME apart (500ms, 10s, 5m, 1h)",
            ),
            value(
                "count",
                "N",
                "Captures in the series; without it, until interrupted",
            ),
            value("note", "TEXT", "Kept in the file"),
            value("jobs", "N", "Threads; default: the cores it may use").short('j'),
            flag("quiet", "No summary on standard error").short('q'),
        ])
}

const ABOUT: &str = "\
Records what the kernel knows of every socket and descriptor of this machine, in one compressed file \
for whotalks(1). It only reads. As an ordinary user it records what that user may see, and what it \
may not. Exit code 0: a whole snapshot was written. 2: none was.";

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
