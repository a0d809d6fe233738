//! Rows of `/proc/net/unix`.
//!
//! The table prints names raw, so a name with a line break adds lines that look like rows: where there is
//! a sock_diag dump, a row counts only if the dump confirms it.

/// `SO_ACCEPTCON`: the flag of a listener.
pub const ACCEPTCON: u32 = 1 << 16;
/// `SS_CONNECTED`.
pub const CONNECTED: u8 = 3;
/// `SS_CONNECTING`: the state of a connection not yet accepted.
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
    /// Inode; 0: a connection not yet accepted.
    pub inode: u64,
    /// The name as printed; abstract names begin with `@`.
    pub name: &'a [u8],
    /// The whole line, to trace its origin.
    pub line: &'a [u8],
}

/// The rows of a table. Other lines (the heading, the rest of a name with a line break) are skipped.
pub fn rows(table: &[u8]) -> impl Iterator<Item = Row<'_>> {
    table.split(|byte| *byte == b'\n').filter_map(row_of)
}

/// Parses a line: `%pK: %08X %08X %08X %04X %02X %5lu`, then a space and the name, if any; `None`: not a
/// row.
pub fn row_of(line: &[u8]) -> Option<Row<'_>> {
    let mut rest = line;
    let mut column = || {
        let start = rest.iter().position(|byte| *byte != b' ')?;
        let field = &rest[start..];
        let end = field.iter().position(|byte| *byte == b' ');
        let (field, after) = field.split_at(end.unwrap_or(field.len()));
        rest = after;
        Some(field)
    };
    column()?.strip_suffix(b":")?;
    let (_references, _protocol) = (number(column()?, 16)?, number(column()?, 16)?);
    let flags = u32::try_from(number(column()?, 16)?).ok()?;
    let kind = u8::try_from(number(column()?, 16)?).ok()?;
    let state = u8::try_from(number(column()?, 16)?).ok()?;
    let inode = number(column()?, 10)?;
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

/// A number of digits only. Hand-written because large tables have hundreds of thousands of numbers.
fn number(digits: &[u8], radix: u32) -> Option<u64> {
    let fold = |number: u64, byte: &u8| {
        let digit = char::from(*byte).to_digit(radix)?;
        number.checked_mul(radix.into())?.checked_add(digit.into())
    };
    (!digits.is_empty()).then(|| digits.iter().try_fold(0, fold))?
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
        let seen: Vec<_> = rows(table)
            .map(|r| (r.flags, r.kind, r.state, r.inode, r.name))
            .collect();
        let expected: [(u32, u8, u8, u64, &[u8]); 3] = [
            (0, 1, 3, 1060, b""),
            (ACCEPTCON, 5, 1, 70311, b"/run/a b "),
            (0, 2, 1, 70312, b"@x\xff"),
        ];
        assert_eq!(seen, expected);
    }
}
