//! Reads imports, module declarations and the stated order from one Rust file.
//!
//! Works on tokens and is no parser of Rust: enough for the style of this package. Items
//! under `#[cfg(test)]`, comments and strings are skipped.

use std::collections::BTreeMap;

/// The facts about one file.
#[derive(Debug, Default)]
pub(super) struct Source {
    /// Paths of `use` declarations, and paths in code that begin with a keyword or a module.
    pub(super) paths: Vec<PathUse>,
    /// Names that `use` declarations bring into scope, with the paths they stand for.
    pub(super) names: BTreeMap<String, Vec<String>>,
    /// Modules declared without a body, except those for tests.
    pub(super) modules: Vec<String>,
    /// The modules in the order that the `//!` lines state, lowest first.
    pub(super) order: Option<Vec<String>>,
}

/// A path in a file.
#[derive(Debug)]
pub(super) struct PathUse {
    pub(super) segments: Vec<String>,
    pub(super) line: usize,
    /// Part of a `pub use`.
    pub(super) reexport: bool,
}

/// A `//!` line with these words, ending in a colon, introduces the list of modules.
pub(super) const ORDER_MARKER: [&str; 2] = ["import", "only"];

type Token = (String, usize);

/// Reads a file.
pub(super) fn read(text: &str) -> Source {
    let tokens = without_tests(tokens(text));
    let mut source = Source {
        order: order(text),
        ..Source::default()
    };
    let word = |i: usize| tokens.get(i).map_or("", |token| token.0.as_str());
    let mut i = 0;
    while i < tokens.len() {
        let line = tokens[i].1;
        let starts_path = i == 0 || word(i - 1) != "::";
        if word(i) == "mod" && word(i + 2) == ";" {
            source.modules.push(word(i + 1).to_owned());
            i += 3;
        } else if word(i) == "use" && is_name(word(i + 1)) {
            let reexport = i > 0 && matches!(word(i - 1), "pub" | ")");
            i = use_tree(&tokens, i + 1, &[], reexport, &mut source);
        } else if starts_path && is_name(word(i)) && word(i + 1) == "::" {
            let mut segments = vec![word(i).to_owned()];
            while word(i + 1) == "::" && is_name(word(i + 2)) {
                segments.push(word(i + 2).to_owned());
                i += 2;
            }
            source.paths.push(PathUse {
                segments,
                line,
                reexport: false,
            });
            i += 1;
        } else {
            i += 1;
        }
    }
    source
}

/// Reads one tree of a `use` declaration; returns the index after it.
fn use_tree(
    tokens: &[Token],
    mut i: usize,
    prefix: &[String],
    reexport: bool,
    source: &mut Source,
) -> usize {
    let word = |i: usize| tokens.get(i).map_or("", |token| token.0.as_str());
    let line = tokens.get(i).map_or(0, |token| token.1);
    let mut segments = prefix.to_vec();
    loop {
        match word(i) {
            "{" => {
                i += 1;
                while !matches!(word(i), "}" | "") {
                    i = use_tree(tokens, i, &segments, reexport, source);
                    i += usize::from(word(i) == ",");
                }
                return i + 1;
            }
            "::" => {}
            "self" if !segments.is_empty() => {}
            name if is_name(name) || name == "*" => segments.push(name.to_owned()),
            _ => break,
        }
        i += 1;
        if word(i) == "as" {
            break;
        }
    }
    let mut name = segments.last().cloned().unwrap_or_default();
    if word(i) == "as" {
        name = word(i + 1).to_owned();
        i += 2;
    }
    source.names.insert(name, segments.clone());
    source.paths.push(PathUse {
        segments,
        line,
        reexport,
    });
    // Every turn of the caller must advance.
    i.max(1)
}

fn is_name(word: &str) -> bool {
    word.starts_with(|c: char| c.is_ascii_alphabetic() || c == '_')
}

/// Names, `::` and single characters, with their lines.
fn tokens(text: &str) -> Vec<Token> {
    let text: Vec<char> = text.chars().collect();
    let at = |i: usize| text.get(i).copied().unwrap_or('\0');
    let (mut tokens, mut line, mut i) = (Vec::new(), 1, 0);
    while i < text.len() {
        let begin = i;
        match text[i] {
            '/' if at(i + 1) == '/' => {
                while i < text.len() && at(i) != '\n' {
                    i += 1;
                }
            }
            '"' => i = after_string(&text, i),
            '\'' if at(i + 1) == '\\' => {
                i += 3;
                while i < text.len() && at(i) != '\'' {
                    i += 1;
                }
                i += 1;
            }
            '\'' if at(i + 2) == '\'' => i += 3,
            c if c.is_alphanumeric() || c == '_' => {
                while at(i).is_alphanumeric() || at(i) == '_' {
                    i += 1;
                }
                let name: String = text[begin..i].iter().collect();
                let raw = matches!(name.as_str(), "r" | "br" | "cr");
                if raw && (at(i) == '"' || at(i) == '#' && matches!(at(i + 1), '"' | '#')) {
                    i = after_raw_string(&text, i);
                } else {
                    tokens.push((name, line));
                }
            }
            ':' if at(i + 1) == ':' => {
                tokens.push(("::".to_owned(), line));
                i += 2;
            }
            c => {
                if !c.is_whitespace() {
                    tokens.push((c.to_string(), line));
                }
                i += 1;
            }
        }
        line += text[begin..i.min(text.len())]
            .iter()
            .filter(|&&c| c == '\n')
            .count();
    }
    tokens
}

fn after_string(text: &[char], mut i: usize) -> usize {
    i += 1;
    while i < text.len() && text[i] != '"' {
        i += if text[i] == '\\' { 2 } else { 1 };
    }
    i + 1
}

fn after_raw_string(text: &[char], mut i: usize) -> usize {
    let hashes = text[i..].iter().take_while(|&&c| c == '#').count();
    i += hashes + 1;
    while i < text.len() {
        let closing = text[i + 1..].iter().take_while(|&&c| c == '#').count();
        if text[i] == '"' && closing >= hashes {
            return i + 1 + hashes;
        }
        i += 1;
    }
    i
}

/// Drops every item under `#[cfg(test)]`, and everything under `#![cfg(test)]`.
fn without_tests(tokens: Vec<Token>) -> Vec<Token> {
    let matches_at = |i: usize, words: &[&str]| {
        let found = tokens[i..].iter().map(|token| token.0.as_str());
        tokens.len() - i >= words.len() && found.take(words.len()).eq(words.iter().copied())
    };
    let (mut kept, mut i) = (Vec::new(), 0);
    while i < tokens.len() {
        if matches_at(i, &["#", "!", "[", "cfg", "(", "test", ")", "]"]) {
            return Vec::new();
        }
        if !matches_at(i, &["#", "[", "cfg", "(", "test", ")", "]"]) {
            kept.push(tokens[i].clone());
            i += 1;
            continue;
        }
        i += 7;
        let mut depth = 0;
        while i < tokens.len() {
            let word = tokens[i].0.as_str();
            depth += match word {
                "{" | "(" | "[" => 1,
                "}" | ")" | "]" => -1,
                _ => 0,
            };
            i += 1;
            // The end of the item, not of a further attribute of it.
            if depth == 0 && matches!(word, "}" | ";") {
                break;
            }
        }
    }
    kept
}

/// The modules in backticks after the marker, up to the end of the paragraph or list.
fn order(text: &str) -> Option<Vec<String>> {
    let docs: Vec<&str> = text
        .lines()
        .map_while(|line| line.strip_prefix("//!"))
        .map(str::trim)
        .collect();
    let marked =
        |line: &&str| line.ends_with(':') && ORDER_MARKER.iter().all(|word| line.contains(word));
    let begin = docs.iter().position(marked)?;
    let list: Vec<&str> = docs[begin + 1..]
        .iter()
        .skip_while(|line| line.is_empty())
        .take_while(|line| !line.is_empty())
        .copied()
        .collect();
    let list = list.join(" ");
    Some(
        list.split('`')
            .skip(1)
            .step_by(2)
            .map(str::to_owned)
            .collect(),
    )
}
