//! Messages on standard error: every line that the program writes there, except its errors' own text,
//! is written here, so that all begin alike.

/// Prints `whotalks: ` and a formatted message as one line.
macro_rules! message {
    ($($arguments:tt)*) => {
        eprintln!("whotalks: {}", format_args!($($arguments)*))
    };
}

/// Prints a message about something that makes the answer less complete than expected.
macro_rules! warning {
    ($($arguments:tt)*) => {
        eprintln!("whotalks: warning: {}", format_args!($($arguments)*))
    };
}

pub(crate) use {message, warning};

/// Prints an error of the command line parser in the form of the other messages.
pub(crate) fn usage_error(error: &clap::Error) {
    let text = error.to_string();
    eprint!(
        "whotalks: {}",
        text.strip_prefix("error: ").unwrap_or(&text)
    );
}
