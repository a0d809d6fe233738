//! `whotalks --generate`: manual pages and shell completions of both programs, generated from their options.

mod collector;

use anyhow::Result;
use clap::{Command, CommandFactory};
use clap_complete::Shell;

use crate::arguments::{Arguments, Generate};
use crate::output;

/// Prints manual pages or completions.
pub(crate) fn run(what: Generate) -> Result<()> {
    let text = match what {
        Generate::Man => man()?,
        Generate::CompleteBash => complete(Shell::Bash),
        Generate::CompleteZsh => zsh(),
        Generate::CompleteFish => complete(Shell::Fish),
    };
    output::stdout(|out| Ok(out.write_all(&text)?))
}

/// A page for each program and command, each with a `.TH` line.
fn man() -> Result<Vec<u8>> {
    let mut out = Vec::new();
    let mut whotalks = Arguments::command();
    // Adds the global options and full names to the commands.
    whotalks.build();
    let commands: Vec<Command> = whotalks.get_subcommands().cloned().collect();
    page(whotalks.clone(), &mut out)?;
    for command in commands {
        if command.get_name() == "help" {
            continue;
        }
        let name = format!("whotalks-{}", command.get_name());
        let command = command
            .display_name(name)
            .version(env!("CARGO_PKG_VERSION"));
        page(command, &mut out)?;
    }
    page(collector::command(), &mut out)?;
    Ok(out)
}

fn page(command: Command, out: &mut Vec<u8>) -> Result<()> {
    clap_mangen::Man::new(command)
        .source("whotalks")
        .manual("User Commands")
        .render(out)?;
    Ok(())
}

fn complete(shell: Shell) -> Vec<u8> {
    let mut out = Vec::new();
    for (mut command, name) in programs() {
        clap_complete::generate(shell, &mut command, name, &mut out);
    }
    out
}

fn programs() -> [(Command, &'static str); 2] {
    [
        (Arguments::command(), "whotalks"),
        (collector::command(), "whotalks-collect"),
    ]
}

/// The completions of both programs as one file for zsh's fpath. Such a file has one `#compdef` line; the
/// variable `$service` has the name of the command that is completed.
fn zsh() -> Vec<u8> {
    let mut out = b"#compdef whotalks whotalks-collect\n".to_vec();
    for (mut command, name) in programs() {
        let mut script = Vec::new();
        clap_complete::generate(Shell::Zsh, &mut command, name, &mut script);
        let script = String::from_utf8_lossy(&script).into_owned();
        let body = script.split_once('\n').map_or("", |(_, rest)| rest);
        let end = body.find("\nif [ \"$funcstack[1]\"");
        out.extend_from_slice(&body.as_bytes()[..end.unwrap_or(body.len())]);
        out.push(b'\n');
    }
    out.extend_from_slice(ZSH_END.as_bytes());
    out
}

const ZSH_END: &str = r#"
if [ "$funcstack[1]" = "_whotalks" ]; then
    case "$service" in
        whotalks-collect) _whotalks-collect "$@" ;;
        *) _whotalks "$@" ;;
    esac
else
    compdef _whotalks whotalks
    compdef _whotalks-collect whotalks-collect
fi
"#;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn definitions_are_sound() {
        Arguments::command().debug_assert();
        collector::command().debug_assert();
    }

    #[test]
    fn every_command_has_examples_and_a_page() {
        let pages = String::from_utf8_lossy(&man().unwrap_or_default()).into_owned();
        for command in Arguments::command().get_subcommands() {
            let name = command.get_name();
            let after = command.get_after_help().map(ToString::to_string);
            assert!(
                after.is_some_and(|after| after.contains(&format!("  whotalks {name}"))),
                "{name}"
            );
            assert!(pages.contains(&format!(".TH whotalks-{name} ")), "{name}");
        }
        assert!(pages.contains(".TH whotalks-collect "));
    }

    #[test]
    fn zsh_has_one_head_and_one_tail() {
        let script = String::from_utf8_lossy(&zsh()).into_owned();
        assert_eq!(script.matches("#compdef").count(), 1);
        assert_eq!(script.matches("$funcstack[1]").count(), 1);
        for function in ["_whotalks() {", "_whotalks-collect() {"] {
            assert_eq!(
                script.matches(&format!("\n{function}")).count(),
                1,
                "{function}"
            );
        }
    }
}
