//! Rows for spreadsheets: RFC 4180, the map's conversations among them.
//!
//! Columns are a contract: new ones come last.

use std::io::{self, Write};

use crate::id;
use crate::model::{Connection, Map, Pipe, PipeId, PipeKey, ProcessId, SocketId};
use crate::query::{Via, ViaKind};
use crate::text::escape;

/// Writes one row.
///
/// # Errors
/// When writing fails.
pub fn row(out: &mut dyn Write, cells: &[&str]) -> io::Result<()> {
    let texts: Vec<Cell<'_>> = cells.iter().map(|cell| Cell::Text(cell)).collect();
    self::cells(out, &texts)
}

/// What stands in a cell.
#[derive(Debug, Clone, Copy)]
pub enum Cell<'a> {
    /// Text, which a spreadsheet must not run.
    Text(&'a str),
    /// A number, of whatever sign.
    Number(i64),
}

/// Writes one row, of numbers too.
///
/// # Errors
/// When writing fails.
pub fn cells(out: &mut dyn Write, cells: &[Cell<'_>]) -> io::Result<()> {
    let text = |cell: &Cell<'_>| match cell {
        Cell::Text(text) => escape::csv(text),
        Cell::Number(number) => number.to_string(),
    };
    let cells: Vec<String> = cells.iter().map(text).collect();
    write!(out, "{}\r\n", cells.join(","))
}

/// The two cells of a name: what kind it is, and its text; an abstract one's without the `@`.
pub fn name(via: &Via) -> (&'static str, &str) {
    let text = match via.kind {
        ViaKind::Abstract => via.text.strip_prefix('@').unwrap_or(&via.text),
        _ => &via.text,
    };
    (via.kind.as_str(), text)
}

/// Columns of [`conversations`]. Of several processes, `_pid` and `_comm` are the first's.
const COLUMNS: [&str; 21] = [
    "id",
    "host",
    "kind",
    "state",
    "evidence",
    "confirmed",
    "name_kind",
    "name",
    "name_hex",
    "remote",
    "listener",
    "a",
    "a_processes",
    "a_pid",
    "a_comm",
    "a_unit",
    "b",
    "b_processes",
    "b_pid",
    "b_comm",
    "b_unit",
];

/// One row for each connection and pipe; of a pipe `a` writes and `b` reads. The name is that of
/// the listener, else of the named end, else of a FIFO.
///
/// # Errors
/// When writing fails.
pub fn conversations(map: &Map, out: &mut dyn Write) -> io::Result<()> {
    row(out, &COLUMNS)?;
    for (at, connection) in map.connections.iter().enumerate() {
        write_row(out, connection_cells(map, at, connection))?;
    }
    for (at, pipe) in map.pipes.iter().enumerate() {
        write_row(out, pipe_cells(map, PipeId::new(at), pipe))?;
    }
    Ok(())
}

fn write_row(out: &mut dyn Write, cells: [Vec<String>; 3]) -> io::Result<()> {
    let cells: Vec<&str> = cells.iter().flatten().map(String::as_str).collect();
    debug_assert_eq!(cells.len(), COLUMNS.len());
    row(out, &cells)
}

fn connection_cells(map: &Map, at: usize, connection: &Connection) -> [Vec<String>; 3] {
    let ends = [connection.listener, connection.b, Some(connection.a)];
    let names = ends.into_iter().flatten();
    let named = names.filter_map(|id| map.socket(id).name.as_ref()).next();
    let address = || {
        let local = connection.listener.and_then(|id| map.socket(id).local);
        local.or(map.socket(connection.a).remote)
    };
    let (kind, text, hex) = match named {
        Some(name) => {
            let via = crate::query::named(name);
            let (kind, text) = self::name(&via);
            (kind, text.to_owned(), escape::hex(name.bytes()))
        }
        None => match address() {
            Some(address) => ("address", address.to_string(), String::new()),
            None => ("", String::new(), String::new()),
        },
    };
    let remote = map
        .socket(connection.a)
        .remote
        .map(|address| address.to_string());
    let socket = |id: SocketId| id::socket(map, id);
    let first = vec![
        id::connection(map, at),
        id::host(map.socket(connection.a).host),
        connection.kind.as_str().to_owned(),
        connection.state.as_str().to_owned(),
        connection.evidence.as_str().to_owned(),
        connection.confirmed.to_string(),
        kind.to_owned(),
        text,
        hex,
        remote.unwrap_or_default(),
        connection.listener.map(socket).unwrap_or_default(),
    ];
    let end = |id: Option<SocketId>| {
        let processes = id.map_or_else(Vec::new, |id| map.holding_processes(id));
        end_cells(map, id.map(socket).unwrap_or_default(), &processes)
    };
    [first, end(Some(connection.a)), end(connection.b)]
}

fn pipe_cells(map: &Map, id: PipeId, pipe: &Pipe) -> [Vec<String>; 3] {
    let kind = match pipe.key {
        PipeKey::Pipe(_) => "pipe",
        PipeKey::Fifo(..) => "fifo",
    };
    let path = pipe.path.as_deref();
    let first = vec![
        id::pipe(map, id),
        id::host(pipe.host),
        kind.to_owned(),
        String::new(),
        String::new(),
        String::new(),
        path.map_or("", |_| "path").to_owned(),
        path.map(escape::display).unwrap_or_default(),
        path.map(escape::hex).unwrap_or_default(),
        String::new(),
        String::new(),
    ];
    let end = |holders: &[crate::model::Holder]| {
        let mut processes: Vec<_> = holders.iter().map(|holder| holder.process).collect();
        processes.dedup();
        end_cells(map, String::new(), &processes)
    };
    [first, end(&pipe.writers), end(&pipe.readers)]
}

/// The socket, all its processes' ids, and the first one's pid, comm and unit.
fn end_cells(map: &Map, socket: String, processes: &[ProcessId]) -> Vec<String> {
    let ids: Vec<String> = processes.iter().map(|at| id::process(map, *at)).collect();
    let first = processes.first().map(|at| map.process(*at));
    let unit = first.and_then(|process| process.unit.as_deref());
    vec![
        socket,
        ids.join(" "),
        first.map_or_else(String::new, |process| process.pid.to_string()),
        first.map_or_else(String::new, |process| escape::display(&process.comm)),
        unit.map_or_else(String::new, |unit| escape::display(unit.as_bytes())),
    ]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_no_formulas() {
        let mut out = Vec::new();
        let row = [Cell::Number(-5), Cell::Text("-5"), Cell::Number(7)];
        assert!(cells(&mut out, &row).is_ok());
        assert_eq!(out, b"-5,'-5,7\r\n");
    }

    #[test]
    fn rows_are_flat_and_harmless() {
        let mut map = Map::with_host();
        let one = map.add_process(7, b"=cmd|' /C calc'!A0");
        let two = map.add_process(8, b"a\",b");
        let socket = map.add_listener(&[two], b"\0-x");
        map.add_connection(&[one], &[two], Some(socket));
        map.add_pipe(&[one, two], &[two]);
        let mut out = Vec::new();
        assert!(conversations(&map, &mut out).is_ok());
        let text = String::from_utf8_lossy(&out).into_owned();
        let lines: Vec<&str> = text.split("\r\n").collect();
        assert_eq!(lines[0], COLUMNS.join(","));
        assert_eq!(
            lines[1],
            "h0/c0,h0,unix,established,peer,true,abstract,'-x,002d78,,h0/s1000,\
             h0/s1001,h0/p7,7,'=cmd|' /C calc'!A0,,h0/s1002,h0/p8,8,\"a\"\",b\","
        );
        assert_eq!(
            lines[2],
            "h0/i500,h0,pipe,,,,,,,,,,h0/p7 h0/p8,7,'=cmd|' /C calc'!A0,,,h0/p8,8,\"a\"\",b\","
        );
        assert_eq!(lines[3..], [""]);
    }
}
