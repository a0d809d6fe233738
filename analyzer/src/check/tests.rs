//! Tests of the table of rules: each has documentation, a unique name, a firing and a quiet case.

use std::collections::BTreeSet;

use super::test_scene::Scene;
use super::{HEADINGS, RULES, sections};

#[test]
fn every_rule_is_documented() {
    for rule in RULES {
        let found = sections(rule.doc);
        let headings: Vec<&str> = found.iter().map(|section| section.heading).collect();
        assert_eq!(headings, HEADINGS, "{}", rule.code);
        assert!(
            found.iter().all(|section| !section.text.is_empty()),
            "{}",
            rule.code
        );
        let summary = rule.summary();
        assert!(
            !summary.is_empty() && !summary.starts_with('#'),
            "{}",
            rule.code
        );
        assert!(summary.len() <= 90, "{}: {summary}", rule.code);
        let width = rule.doc.lines().map(|line| line.chars().count()).max();
        assert!(width <= Some(100), "{}: {width:?}", rule.code);
        assert!(!rule.since.is_empty(), "{}", rule.code);
    }
}

#[test]
fn codes_and_names_are_unique_and_sorted() {
    let codes: Vec<&str> = RULES.iter().map(|rule| rule.code).collect();
    assert!(codes.is_sorted(), "{codes:?}");
    let unique: BTreeSet<&str> = codes.iter().copied().collect();
    assert_eq!(unique.len(), codes.len());
    let names: BTreeSet<&str> = RULES.iter().map(|rule| rule.name).collect();
    assert_eq!(names.len(), codes.len());
    for rule in RULES {
        let digits = rule.code.strip_prefix("WT");
        assert!(digits.is_some_and(|d| d.len() == 3 && d.bytes().all(|b| b.is_ascii_digit())));
    }
}

#[test]
fn every_rule_has_a_file_of_its_name() {
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/src/check/rules");
    let entries = std::fs::read_dir(folder).expect("the rules have a folder");
    let files: BTreeSet<String> = entries
        .map(|entry| entry.expect("it can be listed").file_name())
        .map(|name| name.to_string_lossy().into_owned())
        .filter(|name| name.starts_with("wt"))
        .collect();
    let expected = RULES.iter().map(|rule| {
        let (code, name) = (rule.code.to_lowercase(), rule.name.replace('-', "_"));
        format!("{code}_{name}.rs")
    });
    assert_eq!(files, expected.collect());
}

#[test]
fn every_rule_fires_and_is_quiet_where_it_should() {
    for rule in RULES {
        let (mut fires, mut quiet) = (false, false);
        for case in rule.cases {
            let mut scene = Scene::new();
            (case.scene)(&mut scene);
            let report = scene.report();
            let found = report.findings.iter().map(|f| (f.code, f.severity));
            let found: Vec<_> = found.collect();
            let expected = case.finds.map(|severity| (rule.code, severity));
            assert_eq!(
                found,
                Vec::from_iter(expected),
                "{}: {}: {report:#?}",
                rule.code,
                case.about
            );
            assert_eq!(report, scene.report(), "{}: {}", rule.code, case.about);
            fires |= case.finds.is_some();
            quiet |= case.finds.is_none();
            assert!(case.finds <= Some(rule.severity), "{}", rule.code);
            for finding in &report.findings {
                assert!(!finding.evidence.is_empty() && !finding.advice.is_empty());
            }
        }
        assert!(
            fires && quiet,
            "{}: has no firing or no quiet case",
            rule.code
        );
    }
}
