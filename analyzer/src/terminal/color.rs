//! Colour on the terminal (`--color`). Documents for programs have none.

use std::ffi::OsString;
use std::io::IsTerminal;
use std::sync::OnceLock;

use clap::{ColorChoice, ValueEnum};

/// The value of `--color`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, ValueEnum)]
pub(crate) enum Color {
    /// On a terminal, unless NO_COLOR is set
    #[default]
    Auto,
    /// Always
    Always,
    /// Never
    Never,
}

static ENABLED: OnceLock<bool> = OnceLock::new();

/// Decides for the whole run, from `--color`, the environment and what standard output is.
pub(crate) fn init(color: Color) {
    let enabled = match color {
        Color::Always => true,
        Color::Never => false,
        Color::Auto => {
            let set = |name| std::env::var_os(name).is_some_and(|value| !value.is_empty());
            let dumb = std::env::var_os("TERM").is_none_or(|term| term == "dumb");
            std::io::stdout().is_terminal() && !set("NO_COLOR") && !dumb
        }
    };
    // Only main calls this, once.
    let _ = ENABLED.set(enabled);
}

/// The heading of a table.
pub(crate) fn heading(text: &str) -> String {
    styled(text, "1")
}

/// Something that waits or is not known.
pub(crate) fn warning(text: &str) -> String {
    styled(text, "33")
}

/// Something that is wrong.
pub(crate) fn error(text: &str) -> String {
    styled(text, "1;31")
}

/// The text in an SGR rendition (ECMA-48).
fn styled(text: &str, rendition: &str) -> String {
    if text.is_empty() || !ENABLED.get().copied().unwrap_or(false) {
        return text.to_owned();
    }
    format!("\x1b[{rendition}m{text}\x1b[0m")
}

/// The value of `--color` for clap's own messages, which may come before the arguments are parsed.
pub(crate) fn for_help(arguments: impl Iterator<Item = OsString>) -> ColorChoice {
    let mut choice = ColorChoice::Auto;
    let mut arguments = arguments.skip(1).take_while(|argument| argument != "--");
    while let Some(argument) = arguments.next() {
        let value = match argument.to_str() {
            Some("--color") => arguments.next().and_then(|value| value.into_string().ok()),
            Some(argument) => argument.strip_prefix("--color=").map(str::to_owned),
            None => None,
        };
        match value.and_then(|value| Color::from_str(&value, false).ok()) {
            Some(Color::Always) => choice = ColorChoice::Always,
            Some(Color::Never) => choice = ColorChoice::Never,
            Some(Color::Auto) => choice = ColorChoice::Auto,
            None => {}
        }
    }
    choice
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_last_option_before_two_dashes_counts() {
        let check = |line: &str| for_help(line.split(' ').map(OsString::from));
        assert_eq!(check("whotalks list"), ColorChoice::Auto);
        assert_eq!(check("whotalks --color never list"), ColorChoice::Never);
        assert_eq!(check("whotalks list --color=always"), ColorChoice::Always);
        assert_eq!(
            check("whotalks --color=always --color bogus"),
            ColorChoice::Always
        );
        assert_eq!(check("whotalks path -- --color=never x"), ColorChoice::Auto);
    }
}
