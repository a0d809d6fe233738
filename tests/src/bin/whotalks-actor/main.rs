//! The helper process of the live tests: executes commands, and reports exactly what the kernel
//! returned. Exits at the end of its standard input, so that no test leaves one behind.
//!
//! `whotalks-actor [--leave-main | --name HEX | --flash HEX | --adopt FD,… | --measure PROGRAM … |
//! --refuse CALLS PROGRAM … | --fuse FOLDER |
//! --storm HEX | --netns-cookie]`

mod actor;
mod churn;
mod fuse;
mod hex;
mod measure;
mod raw;
mod refuse;
mod sockets;
mod storm;
mod table;

use std::io::{BufRead, Write};
use std::os::fd::AsFd;
use std::process::exit;

use whotalks_tests::protocol::{Command, Reply};

fn main() {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let value = || arguments.get(1).cloned().unwrap_or_default();
    let adopted = match arguments.first().map(String::as_str) {
        Some("--adopt") => value()
            .split(',')
            .filter_map(|fd| fd.parse().ok())
            .collect(),
        _ => Vec::new(),
    };
    table::close_strays(&adopted);
    match arguments.first().map(String::as_str) {
        None => serve(actor::Actor::default()),
        Some("--adopt") => serve(actor::Actor::adopting(&adopted)),
        // The thread group leader becomes a zombie; the process continues.
        Some("--leave-main") => {
            std::thread::spawn(|| {
                while !is_zombie() {
                    std::thread::yield_now();
                }
                serve(actor::Actor::default());
            });
            raw::leave_thread();
        }
        Some("--measure") => measure::run(&arguments[1..]),
        Some("--refuse") => refuse::run(&arguments[1..]),
        Some("--storm") => storm::run(&value()),
        Some("--netns-cookie") => {
            let cookie = sockets::pair(whotalks_tests::Kind::Stream)
                .and_then(|[socket, _]| Ok(raw::netns_cookie(socket.as_fd())?));
            match cookie {
                Ok(cookie) => println!("{cookie}"),
                Err(error) => eprintln!("whotalks-actor: {error}"),
            }
            exit(0)
        }
        Some("--fuse") => fuse::run(&value()),
        Some("--flash") => churn::flash(&value()),
        Some("--name") => {
            let name = std::ffi::CString::new(hex::decode(&value())).unwrap_or_default();
            let named = rustix::thread::set_name(&name);
            debug_assert!(named.is_ok());
            serve(actor::Actor::default());
        }
        Some(other) => {
            eprintln!("whotalks-actor: unknown argument {other}");
            exit(2);
        }
    }
}

/// Whether the main thread has exited.
fn is_zombie() -> bool {
    let stat = std::fs::read_to_string("/proc/self/stat").unwrap_or_default();
    stat.rsplit_once(") ")
        .is_some_and(|(_, rest)| rest.starts_with('Z'))
}

/// Executes commands until the input ends.
fn serve(mut actor: actor::Actor) {
    let mut answers = std::io::stdout();
    for line in std::io::stdin().lock().lines() {
        let Ok(line) = line else { break };
        let reply = match serde_json::from_str::<Command>(&line) {
            Ok(command) => actor
                .perform(command)
                .unwrap_or_else(|error| Reply::Failed(format!("{error} ({line})"))),
            Err(error) => Reply::Failed(error.to_string()),
        };
        let text = serde_json::to_string(&reply).unwrap_or_default();
        if writeln!(answers, "{text}").is_err() || actor.block().is_err() {
            break;
        }
    }
    actor.end_others();
    // Exits instead of returning: blocked threads must not keep the process alive.
    exit(0);
}
