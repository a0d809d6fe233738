//! Churn: sockets and processes that live for microseconds. Each is recorded, so that a map
//! captured meanwhile can be checked for false edges.

use std::collections::BTreeMap;
use std::io::{Error, Read, Result};
use std::os::fd::{AsFd, OwnedFd};
use std::process::{Command, Stdio, exit};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::JoinHandle;

use whotalks_tests::protocol::{Address, Churned, Kind};

use crate::{hex, sockets};

/// The threads of a churn, and the flag that stops them.
#[derive(Debug)]
pub(crate) struct Churn {
    stop: Arc<AtomicBool>,
    threads: Vec<JoinHandle<Result<Churned>>>,
}

impl Churn {
    pub(crate) fn begin(address: Address) -> Result<Self> {
        let listener = sockets::open(&address, Kind::Stream)?;
        sockets::name(listener.as_fd(), &address)?;
        rustix::net::listen(&listener, 64)?;
        let Address::Abstract(name) = address else {
            return Err(Error::other("the churn's listener has an abstract name"));
        };
        let name = hex::encode(&name);
        let stop = Arc::new(AtomicBool::new(false));
        let (one, two) = (Arc::clone(&stop), Arc::clone(&stop));
        let threads = vec![
            std::thread::spawn(move || pairs(&one)),
            std::thread::spawn(move || processes(&two, &listener, &name)),
        ];
        Ok(Self { stop, threads })
    }

    pub(crate) fn end(self) -> Result<Churned> {
        self.stop.store(true, Ordering::Relaxed);
        let mut all = Churned::default();
        for thread in self.threads {
            let part = thread
                .join()
                .map_err(|_| Error::other("a churning thread panicked"))??;
            all.pairs.extend(part.pairs);
            all.holders.extend(part.holders);
            all.processes += part.processes;
        }
        Ok(all)
    }
}

fn inode(fd: &OwnedFd) -> Result<u64> {
    Ok(rustix::fs::fstat(fd)?.st_ino)
}

/// Socket pairs of this process, a few alive at any time.
fn pairs(stop: &AtomicBool) -> Result<Churned> {
    let mut churned = Churned::default();
    let mut alive = std::collections::VecDeque::new();
    let me = std::process::id();
    while !stop.load(Ordering::Relaxed) {
        let pair = sockets::pair(Kind::Stream)?;
        let (a, b) = (inode(&pair[0])?, inode(&pair[1])?);
        churned.pairs.push((a, b));
        churned.holders.extend([(a, me), (b, me)]);
        alive.push_back(pair);
        if alive.len() > 32 {
            alive.pop_front();
        }
    }
    Ok(churned)
}

/// Processes that connect to the listener, create pairs and exit.
fn processes(stop: &AtomicBool, listener: &OwnedFd, name: &str) -> Result<Churned> {
    let mut churned = Churned::default();
    let me = std::process::id();
    while !stop.load(Ordering::Relaxed) {
        let mut child = Command::new(std::env::current_exe()?)
            .args(["--flash", name])
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .spawn()?;
        let accepted = sockets::accept(listener.as_fd())?;
        let served = inode(&accepted)?;
        let mut text = String::new();
        if let Some(mut output) = child.stdout.take() {
            output.read_to_string(&mut text)?;
        }
        let numbers: Vec<u64> = text
            .split_whitespace()
            .filter_map(|n| n.parse().ok())
            .collect();
        child.wait()?;
        drop(accepted);
        let Some((client, made)) = numbers.split_first() else {
            return Err(Error::other("a flash said nothing"));
        };
        churned.pairs.push((*client, served));
        churned
            .pairs
            .extend(made.chunks_exact(2).map(|pair| (pair[0], pair[1])));
        churned.holders.push((served, me));
        churned
            .holders
            .extend(numbers.iter().map(|inode| (*inode, child.id())));
        churned.processes += 1;
    }
    Ok(churned)
}

/// One such process: prints the inodes of its connected socket and of its pairs.
pub(crate) fn flash(name: &str) -> ! {
    let name = hex::decode(name);
    let done = (|| -> Result<()> {
        let (_client, inode_of_client) = sockets::client(&Address::Abstract(name), Kind::Stream)?;
        let mut inodes = vec![inode_of_client];
        let mut kept = BTreeMap::new();
        for kind in Kind::ALL {
            let pair = sockets::pair(kind)?;
            let both = (inode(&pair[0])?, inode(&pair[1])?);
            inodes.extend([both.0, both.1]);
            kept.insert(both, pair);
        }
        let words: Vec<String> = inodes.iter().map(ToString::to_string).collect();
        println!("{}", words.join(" "));
        Ok(())
    })();
    exit(i32::from(done.is_err()));
}
