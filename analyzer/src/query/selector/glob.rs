//! Glob patterns of selectors and policies. Must not depend on the map.

/// A pattern in which `*` matches any text and `?` any one character.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Glob(String);

impl Glob {
    /// Makes a pattern; every text is one.
    pub fn new(pattern: &str) -> Self {
        Self(pattern.to_owned())
    }

    /// The only text that the pattern matches; `None` if it has wildcards.
    pub fn literal(&self) -> Option<&str> {
        (!self.0.contains(['*', '?'])).then_some(&self.0)
    }

    /// Whether the pattern matches the whole text.
    pub fn matches(&self, text: &str) -> bool {
        let (pattern, text): (Vec<char>, Vec<char>) =
            (self.0.chars().collect(), text.chars().collect());
        let (mut p, mut t) = (0, 0);
        // The last `*`: its index in the pattern, and where in the text its match ends. Only the last
        // one is ever retried, so the time is at most pattern times text.
        let mut star: Option<(usize, usize)> = None;
        while t < text.len() {
            match pattern.get(p) {
                Some('*') => {
                    star = Some((p, t));
                    p += 1;
                }
                Some(c) if *c == '?' || *c == text[t] => {
                    p += 1;
                    t += 1;
                }
                _ => match &mut star {
                    Some((index, end)) => {
                        *end += 1;
                        (p, t) = (*index + 1, *end);
                    }
                    None => return false,
                },
            }
        }
        pattern[p..].iter().all(|c| *c == '*')
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn globs() {
        let check = |pattern: &str, text: &str| Glob::new(pattern).matches(text);
        assert!(check("dbus*", "dbus-daemon") && check("*", "") && check("*worker*", "a worker"));
        assert!(check("a?c", "aéc") && check("*a*b", "xaxbab"));
        assert!(!check("dbus", "dbus-daemon") && !check("a?", "a") && !check("", "x"));
    }
}
