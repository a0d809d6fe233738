//! No findings on a healthy machine.

use std::path::PathBuf;

use whotalks_tests::findings::check;

fn sample(name: &str) -> PathBuf {
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/../snapshots/samples");
    PathBuf::from(folder).join(name)
}

#[test]
fn the_samples_are_healthy() {
    for name in ["desktop.whotalks", "guest.whotalks", "server.whotalks"] {
        let document = check(&["--min-severity", "medium"], &[&sample(name)]);
        assert_eq!(document["findings"], serde_json::json!([]), "{name}");
    }
}
