//! Rows of `/proc/net/unix`.
//!
//! The table prints names raw, so a name with a line break makes rows of its own that look like any
//! other: nothing here may be believed that the diag dump does not support, where there is one.

/// `SO_ACCEPTCON`: the flag of a listener.
pub const ACCEPTCON: u32 = 1 << 16;
/// `SS_CONNECTED`.
pub const CONNECTED: u8 = 3;
/// `SS_CONNECTING`: what an end that was not accepted yet shows.
pub const CONNECTING: u8 = 2;

/// One row.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Row<'a> {
    /// `__SO_ACCEPTCON` or 0.
    pub flags: u32,
    /// `SOCK_*`.
    pub kind: u8,
    /// `SS_*`.
    pub state: u8,
    /// Inode; 0: an end that was not accepted yet.
    pub inode: u64,
    /// The name as printed, `@` first for an abstract one.
    pub name: &'a [u8],
    /// The whole line, for finding out where it came from.
    pub line: &'a [u8],
}

/// The rows of a table, and how many lines were none.
pub fn rows(table: &[u8]) -> (Vec<Row<'_>>, usize) {
    let mut rows = Vec::with_capacity(table.len() / 56);
    let mut other = 0;
    let mut lines = table.split(|byte| *byte == b'\n');
    // The heading.
    lines.next();
    for line in lines {
        match row(line) {
            Some(row) => rows.push(row),
            None => other += usize::from(!line.is_empty()),
        }
    }
    (rows, other)
}

/// `%pK: %08X %08X %08X %04X %02X %5lu`, then a space and the name where there is one.
fn row(line: &[u8]) -> Option<Row<'_>> {
    let mut rest = line;
    let mut column = || {
        let start = rest.iter().position(|byte| *byte != b' ')?;
        let end = rest[start..]
            .iter()
            .position(|b| *b == b' ')
            .map_or(rest.len(), |n| start + n);
        let field = std::str::from_utf8(&rest[start..end]).ok();
        rest = &rest[end..];
        field
    };
    let hex = |field: &str| u32::from_str_radix(field, 16).ok();
    column()?.strip_suffix(':')?;
    let (_references, _protocol) = (hex(column()?)?, hex(column()?)?);
    let flags = hex(column()?)?;
    let kind = u8::try_from(hex(column()?)?).ok()?;
    let state = u8::try_from(hex(column()?)?).ok()?;
    let inode = column()?.parse().ok()?;
    let name = rest.strip_prefix(b" ").unwrap_or(rest);
    Some(Row {
        flags,
        kind,
        state,
        inode,
        name,
        line,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_kept_as_they_are() {
        let table = b"Num       RefCount Protocol Flags    Type St Inode Path\n\
            000000005ef112a6: 00000003 00000000 00000000 0001 03  1060\n\
            0000000000000000: 00000002 00000000 00010000 0005 01 70311 /run/a b \n\
            0000000000000000: 00000002 00000000 00000000 0002 01 70312 @x\xff\nrest of a name\n";
        let (rows, other) = rows(table);
        let seen: Vec<_> = rows
            .iter()
            .map(|r| (r.flags, r.kind, r.state, r.inode, r.name))
            .collect();
        let expected: [(u32, u8, u8, u64, &[u8]); 3] = [
            (0, 1, 3, 1060, b""),
            (ACCEPTCON, 5, 1, 70311, b"/run/a b "),
            (0, 2, 1, 70312, b"@x\xff"),
        ];
        assert_eq!(seen, expected);
        assert_eq!(other, 1);
    }
}
