//! The conversations of a map as CSV (`export --format csv`).
//!
//! Columns are a contract with other programs: new ones come last.

use std::io::{self, Write};

use super::csv::{self, Cell};
use crate::id;
use crate::model::{
    Connection, Holder, Map, Pipe, PipeId, PipeKey, ProcessId, SocketId, using_processes,
};
use crate::query::Via;
use crate::text::escape;

/// The columns. Of several processes `_pid`, `_comm` and `_unit` are those of the first.
const COLUMNS: &str = "\
    id,host,kind,state,evidence,confirmed,name_kind,name,name_hex,remote,listener,\
    a,a_processes,a_pid,a_comm,a_unit,b,b_processes,b_pid,b_comm,b_unit";

/// Writes a row for each connection and pipe; of a pipe `a` is the writers' end. The name is that of
/// the listener, else of the named end, else of the FIFO.
///
/// # Errors
/// When writing fails.
pub fn write(map: &Map, out: &mut dyn Write) -> io::Result<()> {
    csv::heading(out, COLUMNS)?;
    for (index, connection) in map.connections.iter().enumerate() {
        write_row(out, connection_cells(map, index, connection))?;
    }
    for (index, pipe) in map.pipes.iter().enumerate() {
        write_row(out, pipe_cells(map, PipeId::new(index), pipe))?;
    }
    Ok(())
}

fn write_row(out: &mut dyn Write, cells: [Vec<String>; 3]) -> io::Result<()> {
    let cells = cells.iter().flatten().map(|cell| cell as &dyn Cell);
    csv::row(out, &cells.collect::<Vec<_>>())
}

fn connection_cells(map: &Map, index: usize, connection: &Connection) -> [Vec<String>; 3] {
    let ends = [connection.listener, connection.b, Some(connection.a)];
    let mut names = ends.into_iter().flatten();
    let name = names.find_map(|id| map.socket(id).name.as_ref());
    let remote = map.socket(connection.a).remote;
    let local = connection.listener.and_then(|id| map.socket(id).local);
    let address = || local.or(remote).map(Via::from);
    let via = name.map(Via::from).or_else(address).unwrap_or_default();
    let (name_kind, text) = csv::name_cells(&via);
    let socket = |id: SocketId| id::socket(map, id);
    let first = vec![
        id::connection(map, index),
        id::host(map.socket(connection.a).host),
        connection.kind.as_str().to_owned(),
        connection.state.as_str().to_owned(),
        connection.evidence.as_str().to_owned(),
        connection.confirmed.to_string(),
        name_kind.to_owned(),
        text.to_owned(),
        name.map_or_else(String::new, |name| escape::hex(name.bytes())),
        remote.map_or_else(String::new, |address| address.to_string()),
        connection.listener.map(socket).unwrap_or_default(),
    ];
    let end = |id: Option<SocketId>| {
        let processes = id.map_or_else(Vec::new, |id| map.using_processes(id));
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
    let end = |holders: &[Holder]| end_cells(map, String::new(), &using_processes(holders));
    [first, end(&pipe.writers), end(&pipe.readers)]
}

/// The socket, the ids of its processes, and pid, comm and unit of the first.
fn end_cells(map: &Map, socket: String, processes: &[ProcessId]) -> Vec<String> {
    let ids: Vec<String> = processes.iter().map(|id| id::process(map, *id)).collect();
    let first = processes.first().map(|id| map.process(*id));
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
    fn rows_are_quoted_and_guarded() {
        let mut map = Map::with_host();
        let one = map.add_process(7, b"=cmd|' /C calc'!A0");
        let two = map.add_process(8, b"a\",b");
        let socket = map.add_listener(&[two], b"\0-x");
        map.add_connection(&[one], &[two], Some(socket));
        map.add_pipe(&[one, two], &[two]);
        let mut out = Vec::new();
        assert!(write(&map, &mut out).is_ok());
        let text = String::from_utf8_lossy(&out).into_owned();
        let lines: Vec<&str> = text.split("\r\n").collect();
        assert_eq!(lines[0], COLUMNS);
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
