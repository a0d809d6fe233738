//! Pipes and FIFOs: readers and writers.

use whotalks_tests::World;

fn processes(ends: &serde_json::Value) -> Vec<&str> {
    let ends = ends.as_array().unwrap();
    ends.iter()
        .map(|end| end["process"].as_str().unwrap())
        .collect()
}

#[test]
fn readers_and_writers_of_a_pipe() {
    let world = World::new();
    let parent = world.actor();
    let (read, write) = parent.pipe();
    let writer = world.heir(&parent, &[write.fd]);
    let both = world.heir(&parent, &[read.fd, write.fd]);
    parent.close_descriptor(write.fd);
    let map = world.capture();
    map.is_exactly(&[]);
    let pipe = map.pipe(read.inode);
    let id = |pid: u32| format!("h0/p{pid}");
    assert_eq!(pipe["id"], format!("h0/i{}", read.inode));
    assert_eq!(pipe["path"], serde_json::Value::Null);
    let mut readers = [id(parent.pid()), id(both.pid())];
    let mut writers = [id(writer.pid()), id(both.pid())];
    for (expected, ends) in [(&mut readers, "readers"), (&mut writers, "writers")] {
        let mut found = processes(&pipe[ends]);
        found.sort_unstable();
        expected.sort_unstable();
        assert_eq!(found, *expected, "{ends} of {pipe:#}");
    }
}

#[test]
fn a_fifo_has_a_path_and_its_ends() {
    let world = World::new();
    let path = world.directory().join("fifo");
    let mode = rustix::fs::Mode::from_raw_mode(0o600);
    rustix::fs::mknodat(rustix::fs::CWD, &path, rustix::fs::FileType::Fifo, mode, 0).unwrap();
    let (reader, writer, both) = (world.actor(), world.actor(), world.actor());
    let fifo = world.path("fifo");
    let read = reader.open(&fifo, true, false);
    writer.open(&fifo, false, true);
    both.open(&fifo, true, true);
    let map = world.capture();
    map.is_exactly(&[]);
    let row = map.pipe(read.inode);
    assert_eq!(row["path"], path.to_str().unwrap());
    let id = row["id"].as_str().unwrap();
    assert!(
        id.starts_with("h0/f") && id.ends_with(&format!("-{}", read.inode)),
        "{id}"
    );
}
