//! Names of Unix sockets: arbitrary bytes, never text.

/// The address a Unix socket is bound to, exactly as the kernel stores it.
///
/// Abstract names begin with NUL and may contain more NULs; paths have no terminating NUL.
/// See unix(7).
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Name(Box<[u8]>);

impl Name {
    /// Reads the diag attribute `UNIX_DIAG_NAME`; `None` for an unnamed socket.
    pub fn from_diag(bytes: &[u8]) -> Option<Self> {
        let exact = match bytes {
            [] => return None,
            [0, ..] => bytes,
            // The kernel counts a path's terminating NUL.
            path => path.strip_suffix(b"\0").unwrap_or(path),
        };
        Some(Self(exact.into()))
    }

    /// Reads the last column of `/proc/net/unix`, where `@` stands for NUL.
    pub fn from_proc(bytes: &[u8]) -> Option<Self> {
        match bytes {
            [] => None,
            [b'@', rest @ ..] => Some(Self([&[0], rest].concat().into())),
            path => Some(Self(path.into())),
        }
    }

    /// `path` or `abstract`, the word in JSON and CSV.
    pub fn kind(&self) -> &'static str {
        if self.is_abstract() {
            "abstract"
        } else {
            "path"
        }
    }

    /// Whether the name is abstract.
    pub fn is_abstract(&self) -> bool {
        self.0.first() == Some(&0)
    }

    /// The exact bytes, including the leading NUL of an abstract name.
    pub fn bytes(&self) -> &[u8] {
        &self.0
    }
}
