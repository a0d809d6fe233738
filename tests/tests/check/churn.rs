//! No findings about shells that start commands all the time, however often they are captured.

use whotalks_tests::World;
use whotalks_tests::environment::{skip, works};
use whotalks_tests::findings::check;

use super::foreign_process::ForeignProcess;

/// Command substitutions, pipelines and process substitutions.
const CHURN: &str = "while :; do
  one=$(true); two=$(echo a | cat | cat); three=$(echo $(echo b))
  cat <(echo c) > /dev/null; echo d | while read line; do :; done
done";

const CAPTURES: usize = 200;

#[test]
fn shells_that_start_commands() {
    if !works(&["bash", "-c", ""]) {
        return skip("no bash");
    }
    let world = World::new();
    let script = world.directory().join("churn.sh");
    std::fs::write(&script, CHURN).expect("the world is ours");
    let name = script.to_str().expect("a test's path is text");
    let shells = [(); 2].map(|()| ForeignProcess::start(&["bash", name]));
    let files: Vec<_> = (0..CAPTURES)
        .map(|number| world.snapshot_as(&number.to_string(), &[], &[]))
        .collect();
    drop(shells);
    let mut wrong = Vec::new();
    for file in &files {
        let document = check(&[], &[file]);
        let findings = document["findings"].as_array().expect("an array");
        let about = findings
            .iter()
            .filter(|finding| finding.to_string().contains("churn.sh"));
        wrong.extend(about.cloned());
    }
    assert!(
        wrong.is_empty(),
        "{} of {CAPTURES}: {wrong:#?}",
        wrong.len()
    );
}
