//! Parses the command line into a [`Config`]. Opens no file and reads nothing from the machine.

use std::ffi::{OsStr, OsString};
use std::num::NonZeroU32;
use std::path::PathBuf;
use std::time::Duration;

/// Where the snapshot is written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Destination {
    /// `HOSTNAME-YYYYMMDDTHHMMSSZ.whotalks` in the working directory.
    Default,
    /// `-o -`.
    Stdout,
    /// `-o FILE`.
    File(PathBuf),
}

/// `--netns`: the network namespaces to read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum NetnsChoice {
    /// All namespaces that can be entered.
    All,
    /// Only the collector's own namespace.
    Own,
}

/// `--fdinfo`: the descriptors whose `/proc/PID/fdinfo/FD` is read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum FdinfoChoice {
    /// No descriptors.
    None,
    /// Sockets and pipes with several holders, listeners, sockets with unread data, and event
    /// polls, eventfds, pidfds and io_urings.
    Shared,
    /// All descriptors.
    All,
}

/// `--waits`: what is read of each thread.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum WaitsChoice {
    /// The call that it is blocked in, and what the arguments point to.
    Yes,
    /// The call.
    Calls,
    /// Nothing.
    No,
}

/// The options, parsed and validated.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Config {
    pub(crate) destination: Destination,
    pub(crate) force: bool,
    pub(crate) netns: NetnsChoice,
    pub(crate) fdinfo: FdinfoChoice,
    pub(crate) cmdline: bool,
    pub(crate) waits: WaitsChoice,
    pub(crate) passive: bool,
    /// Whether `/proc/net/unix` keeps its first column, the hashed kernel pointers.
    pub(crate) keep_pointers: bool,
    /// Time from the start of one capture of a series to the start of the next.
    pub(crate) interval: Duration,
    /// Number of captures; `None`: until a signal ends the series.
    pub(crate) count: Option<NonZeroU32>,
    pub(crate) note: Option<OsString>,
    /// Number of reader threads; `None`: one for each available CPU.
    pub(crate) jobs: Option<NonZeroU32>,
    pub(crate) quiet: bool,
}

/// The action that the command line selects.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Command {
    Capture(Box<Config>),
    Help,
    Version,
}

/// The text of `--help`.
pub(crate) const HELP: &str = "\
Records what the kernel knows about every socket and descriptor of this machine.

Usage: whotalks-collect [OPTIONS]

  -o, --output FILE     output file, or - for standard output
                        (default: HOSTNAME-YYYYMMDDTHHMMSSZ.whotalks)
      --force           replace an existing file
      --netns WHICH     network namespaces to read: all (default), own
      --fdinfo WHICH    descriptors to read details of: none, shared (default), all
      --cmdline WHICH   command lines to record: full (default), none
      --waits WHICH     record what each thread is blocked in: yes (default: the call, and
                        what it points to in memory), calls (the call alone), no
      --passive         load no kernel module, duplicate no descriptor, list no directory,
                        read no memory
      --keep-pointers   keep the hashed kernel pointers of /proc/net/unix
      --interval TIME   write a series of captures, one every TIME (500ms, 10s, 5m, 1h)
      --count N         number of captures in the series (default: until interrupted)
      --note TEXT       store TEXT in the file
  -j, --jobs N          number of threads (default: the available CPUs)
  -q, --quiet           print no summary on standard error
  -h, --help            print this help
  -V, --version         print the version

The collector only reads. An unprivileged user gets what that user may see, and the
file records what is missing.
Exit code 0: a complete snapshot was written. 2: no snapshot was written.

Examples:
  sudo whotalks-collect
  sudo whotalks-collect -o web1.whotalks --note 'before the upgrade'
  ssh web1 sudo whotalks-collect -o - | whotalks draw - -o map.svg
  sudo whotalks-collect --interval 10s --count 6 -o minute.whotalks
";

/// Parses the arguments, without the program's name.
///
/// # Errors
/// A message for standard error: lowercase, without the program's name.
pub(crate) fn parse(arguments: impl IntoIterator<Item = OsString>) -> Result<Command, String> {
    use lexopt::Arg::{Long, Short, Value};

    let mut config = Config {
        destination: Destination::Default,
        force: false,
        netns: NetnsChoice::All,
        fdinfo: FdinfoChoice::Shared,
        cmdline: true,
        waits: WaitsChoice::Yes,
        passive: false,
        keep_pointers: false,
        interval: Duration::from_secs(1),
        count: NonZeroU32::new(1),
        note: None,
        jobs: None,
        quiet: false,
    };
    let (mut interval, mut count) = (None, None);
    let mut parser = lexopt::Parser::from_args(arguments);
    loop {
        let argument = parser.next().map_err(|error| error.to_string())?;
        match argument {
            None => break,
            Some(Short('h') | Long("help")) => return Ok(Command::Help),
            Some(Short('V') | Long("version")) => return Ok(Command::Version),
            Some(Short('o') | Long("output")) => {
                let value = value(&mut parser)?;
                config.destination = if value == "-" {
                    Destination::Stdout
                } else if value.is_empty() {
                    return Err("--output: empty file name".to_owned());
                } else {
                    Destination::File(value.into())
                };
            }
            Some(Long("force")) => config.force = true,
            Some(Long("netns")) => {
                let choices = [("all", NetnsChoice::All), ("own", NetnsChoice::Own)];
                config.netns = choice(&mut parser, "--netns", choices)?;
            }
            Some(Long("fdinfo")) => {
                let choices = [
                    ("none", FdinfoChoice::None),
                    ("shared", FdinfoChoice::Shared),
                    ("all", FdinfoChoice::All),
                ];
                config.fdinfo = choice(&mut parser, "--fdinfo", choices)?;
            }
            Some(Long("cmdline")) => {
                let choices = [("full", true), ("none", false)];
                config.cmdline = choice(&mut parser, "--cmdline", choices)?;
            }
            Some(Long("waits")) => {
                let choices = [
                    ("yes", WaitsChoice::Yes),
                    ("calls", WaitsChoice::Calls),
                    ("no", WaitsChoice::No),
                ];
                config.waits = choice(&mut parser, "--waits", choices)?;
            }
            Some(Long("passive")) => config.passive = true,
            Some(Long("keep-pointers")) => config.keep_pointers = true,
            Some(Long("interval")) => {
                let text = value(&mut parser)?;
                interval = Some(duration(&text).ok_or_else(|| {
                    format!("--interval: not a duration: {}", text.to_string_lossy())
                })?);
            }
            Some(Long("count")) => count = Some(number(&mut parser, "--count")?),
            Some(Long("note")) => config.note = Some(value(&mut parser)?),
            Some(Short('j') | Long("jobs")) => config.jobs = Some(number(&mut parser, "--jobs")?),
            Some(Short('q') | Long("quiet")) => config.quiet = true,
            Some(Value(text)) => {
                return Err(format!("unexpected argument: {}", text.to_string_lossy()));
            }
            Some(other) => return Err(other.unexpected().to_string()),
        }
    }
    if config.passive && config.waits == WaitsChoice::Yes {
        config.waits = WaitsChoice::Calls;
    }
    if let Some(interval) = interval {
        config.interval = interval;
        config.count = count;
    } else if count.is_some() {
        config.count = count;
    }
    Ok(Command::Capture(Box::new(config)))
}

fn value(parser: &mut lexopt::Parser) -> Result<OsString, String> {
    parser.value().map_err(|error| error.to_string())
}

fn choice<T: Copy, const N: usize>(
    parser: &mut lexopt::Parser,
    option: &str,
    choices: [(&str, T); N],
) -> Result<T, String> {
    let text = value(parser)?;
    let found = choices.iter().find(|(name, _)| text == *name);
    found.map(|(_, choice)| *choice).ok_or_else(|| {
        let names: Vec<_> = choices.iter().map(|(name, _)| *name).collect();
        let text = text.to_string_lossy();
        format!("{option}: {text} is none of {}", names.join(", "))
    })
}

fn number(parser: &mut lexopt::Parser, option: &str) -> Result<NonZeroU32, String> {
    let text = value(parser)?;
    let parsed = text.to_str().and_then(|text| text.parse().ok());
    parsed.ok_or_else(|| {
        let text = text.to_string_lossy();
        format!("{option}: not a whole number above 0: {text}")
    })
}

/// Parses `500ms`, `10s`, `5m` or `1h`. A number without a unit is in seconds.
fn duration(text: &OsStr) -> Option<Duration> {
    let text = text.to_str()?;
    let digits = text.trim_end_matches(|c: char| c.is_ascii_alphabetic());
    let milliseconds = match &text[digits.len()..] {
        "ms" => 1,
        "" | "s" => 1_000,
        "m" => 60_000,
        "h" => 3_600_000,
        _ => return None,
    };
    let number: u64 = digits.parse().ok()?;
    Some(Duration::from_millis(number.checked_mul(milliseconds)?)).filter(|time| !time.is_zero())
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test fails by panicking")]
    use super::*;

    fn config(arguments: &[&str]) -> Result<Config, String> {
        match parse(arguments.iter().map(OsString::from))? {
            Command::Capture(config) => Ok(*config),
            other => Err(format!("{other:?}")),
        }
    }

    #[test]
    fn series() {
        let check = |arguments: &[&str]| {
            let config = config(arguments).unwrap();
            (
                config.interval.as_millis(),
                config.count.map(NonZeroU32::get),
            )
        };
        assert_eq!(check(&[]), (1_000, Some(1)));
        assert_eq!(check(&["--count", "3"]), (1_000, Some(3)));
        assert_eq!(check(&["--interval=250ms"]), (250, None));
        assert_eq!(
            check(&["--interval", "2m", "--count=9"]),
            (120_000, Some(9))
        );
        assert_eq!(check(&["--interval", "7"]), (7_000, None));
    }

    #[test]
    fn passive_reads_no_memory() {
        let check = |arguments: &[&str]| config(arguments).unwrap().waits;
        assert_eq!(check(&[]), WaitsChoice::Yes);
        assert_eq!(check(&["--passive"]), WaitsChoice::Calls);
        assert_eq!(check(&["--passive", "--waits", "yes"]), WaitsChoice::Calls);
        assert_eq!(check(&["--waits", "no", "--passive"]), WaitsChoice::No);
    }

    #[test]
    fn destinations() {
        assert_eq!(config(&[]).unwrap().destination, Destination::Default);
        assert_eq!(
            config(&["-o", "-"]).unwrap().destination,
            Destination::Stdout
        );
        assert_eq!(
            config(&["-ox"]).unwrap().destination,
            Destination::File("x".into())
        );
    }

    #[test]
    fn usage_errors_are_reported() {
        for (arguments, message) in [
            (
                &["--netns", "some"][..],
                "--netns: some is none of all, own",
            ),
            (&["--interval", "0s"], "--interval: not a duration: 0s"),
            (
                &["--interval", "5 parsecs"],
                "--interval: not a duration: 5 parsecs",
            ),
            (
                &["--waits", "all"],
                "--waits: all is none of yes, calls, no",
            ),
            (&["-j", "0"], "--jobs: not a whole number above 0: 0"),
            (&["file"], "unexpected argument: file"),
            (&["--output="], "--output: empty file name"),
            (&["--bogus"], "invalid option '--bogus'"),
        ] {
            assert_eq!(config(arguments).unwrap_err(), message);
        }
    }
}
