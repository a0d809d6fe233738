//! Output formats.

use clap::ValueEnum;

/// Output format of an answer that is not a table.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, ValueEnum)]
pub(crate) enum Format {
    /// Plain text
    #[default]
    Text,
    /// JSON
    Json,
}

/// Output format of an answer in rows.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, ValueEnum)]
pub(crate) enum TableFormat {
    /// Aligned columns
    #[default]
    Text,
    /// JSON
    Json,
    /// CSV, one row for each element
    Csv,
}

/// The word for a value on the command line, which documents repeat.
pub(crate) fn value_name(value: impl ValueEnum) -> String {
    let value = value.to_possible_value();
    value.map_or_else(String::new, |value| value.get_name().to_owned())
}
