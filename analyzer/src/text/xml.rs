//! Writes XML. Attribute values and text are always escaped: only what is a part of the program can be
//! written otherwise.
//!
//! White space is written by [`XmlWriter::newline`] alone, so that the caller decides the layout of the
//! document to the byte.

use std::fmt::{self, Display, Write as _};
use std::io;

use crate::text::escape;

/// Writes elements into a buffer.
#[derive(Debug, Default)]
pub struct XmlWriter {
    out: String,
    /// Names of the elements that are not closed yet.
    open: Vec<&'static str>,
    /// The start tag of the last of them can still get attributes.
    in_tag: bool,
}

/// Complete elements, to be written several times or compared.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct XmlFragment(String);

impl XmlWriter {
    /// A writer of a document or fragment.
    pub fn new() -> Self {
        Self::default()
    }

    /// The XML declaration, for UTF-8.
    pub fn declaration(&mut self) -> &mut Self {
        self.out
            .push_str("<?xml version=\"1.0\" encoding=\"UTF-8\"?>");
        self
    }

    /// Starts an element.
    pub fn start(&mut self, name: &'static str) -> &mut Self {
        self.close_tag();
        self.out.push('<');
        self.out.push_str(name);
        self.open.push(name);
        self.in_tag = true;
        self
    }

    /// Writes an attribute of the element that was just started.
    pub fn attr(&mut self, name: &'static str, value: impl Display) -> &mut Self {
        debug_assert!(self.in_tag, "{name} is not in a start tag");
        self.out.push(' ');
        self.out.push_str(name);
        self.out.push_str("=\"");
        // Writing into a string does not fail.
        let _ = write!(Escaped(&mut self.out), "{value}");
        self.out.push('"');
        self
    }

    /// Writes an attribute whose value is a part of the program and keeps its apostrophes.
    pub fn constant_attr(&mut self, name: &'static str, value: &'static str) -> &mut Self {
        let value = escape::xml(value).replace("&#39;", "'");
        self.out += &format!(" {name}=\"{value}\"");
        self
    }

    /// Writes markup that is a part of the program, with its placeholders replaced. A line that is
    /// indented by four blanks continues the one before.
    pub fn constant<const N: usize>(
        &mut self,
        markup: &'static str,
        placeholders: [(&'static str, &'static str); N],
    ) -> &mut Self {
        self.close_tag();
        let markup = markup.replace("\n    ", "");
        let replace = |text: String, (name, value)| text.replace(name, value);
        self.out += &placeholders.into_iter().fold(markup, replace);
        self
    }

    /// Writes text; a line break becomes a blank.
    pub fn text(&mut self, text: &str) -> &mut Self {
        self.close_tag();
        push_escaped(&mut self.out, text);
        self
    }

    /// Writes lines of text.
    pub fn lines<'t>(&mut self, lines: impl IntoIterator<Item = &'t str>) -> &mut Self {
        for (number, line) in lines.into_iter().enumerate() {
            if number > 0 {
                self.newline();
            }
            self.text(line);
        }
        self
    }

    /// Writes complete elements.
    pub fn fragment(&mut self, fragment: &XmlFragment) -> &mut Self {
        self.close_tag();
        self.out.push_str(&fragment.0);
        self
    }

    /// Writes a line break.
    pub fn newline(&mut self) -> &mut Self {
        self.close_tag();
        self.out.push('\n');
        self
    }

    /// Ends the element that was started last. One without content is written as `<name/>`.
    pub fn end(&mut self) -> &mut Self {
        debug_assert!(!self.open.is_empty(), "no element is open");
        let name = self.open.pop().unwrap_or_default();
        match std::mem::take(&mut self.in_tag) {
            true => self.out.push_str("/>"),
            false => self.out += &format!("</{name}>"),
        }
        self
    }

    /// Moves what is written so far to an output.
    ///
    /// # Errors
    /// When writing fails.
    pub fn flush(&mut self, out: &mut dyn io::Write) -> io::Result<()> {
        out.write_all(self.out.as_bytes())?;
        self.out.clear();
        Ok(())
    }

    /// The document. All elements must have been ended.
    pub fn finish(self) -> String {
        debug_assert!(self.open.is_empty(), "{:?} is open", self.open);
        self.out
    }

    /// What is written, to be part of a document. All elements must have been ended.
    pub fn into_fragment(self) -> XmlFragment {
        XmlFragment(self.finish())
    }

    fn close_tag(&mut self) {
        if std::mem::take(&mut self.in_tag) {
            self.out.push('>');
        }
    }
}

/// Escapes what is formatted into it.
struct Escaped<'a>(&'a mut String);

impl fmt::Write for Escaped<'_> {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        push_escaped(self.0, text);
        Ok(())
    }
}

fn push_escaped(out: &mut String, text: &str) {
    // Nearly all values: printable ASCII without markup, copied as it is.
    let is_plain = |byte: u8| matches!(byte, b' '..=b'~') && !b"&<>\"'".contains(&byte);
    match text.bytes().all(is_plain) {
        true => out.push_str(text),
        false => out.push_str(&escape::xml(text)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn attributes_and_text_are_escaped() {
        let mut xml = XmlWriter::new();
        xml.start("a").attr("b", "<\"&'>").attr("c", 1.5);
        xml.text("x < y\u{1}\n").start("d").end().newline().end();
        let expected = "<a b=\"&lt;&quot;&amp;&#39;&gt;\" c=\"1.5\">x &lt; y\u{fffd} <d/>\n</a>";
        assert_eq!(xml.finish(), expected);
    }

    #[test]
    fn constants_keep_their_apostrophes_and_nothing_else() {
        let mut xml = XmlWriter::new();
        xml.start("a").constant_attr("b", "'x' \"&").end();
        assert_eq!(xml.finish(), "<a b=\"'x' &quot;&amp;\"/>");
    }

    #[test]
    fn constant_markup_is_completed() {
        let mut xml = XmlWriter::new();
        xml.start("a")
            .constant("<b c=\"X\"\n     d=\"Y\"/>\n", [("X", "1"), ("Y", "2")])
            .end();
        assert_eq!(xml.finish(), "<a><b c=\"1\" d=\"2\"/>\n</a>");
    }

    #[test]
    fn fragments_are_written_as_they_are() {
        let mut part = XmlWriter::new();
        part.start("p").text("&").end();
        let part = part.into_fragment();
        let mut xml = XmlWriter::new();
        xml.start("a")
            .fragment(&part)
            .lines(["one", "two"])
            .fragment(&part)
            .end();
        assert_eq!(xml.finish(), "<a><p>&amp;</p>one\ntwo<p>&amp;</p></a>");
    }
}
