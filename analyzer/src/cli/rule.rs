//! Rules on the command line: `WT101` or `shared-connected-socket`.

use whotalks::check::Rule;

/// Parses the code or name of a rule.
pub(crate) fn parse(text: &str) -> Result<&'static Rule, String> {
    Rule::find(text).ok_or_else(|| "there is no such rule (whotalks explain lists them)".to_owned())
}
