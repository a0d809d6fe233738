#![allow(clippy::unwrap_used)] // a test that cannot parse what was drawn has failed

use super::worlds::{World, desktop};
use super::*;

#[test]
fn look_at() {
    let map = desktop();
    for (name, theme, layout) in [
        ("classic", Theme::Classic, Layout::Stress),
        ("light", Theme::Light, Layout::Stress),
        ("dark", Theme::Dark, Layout::Stress),
        ("auto", Theme::Auto, Layout::Stress),
        ("layered", Theme::Classic, Layout::Layered),
    ] {
        let s = svg(
            &map,
            &Options {
                theme,
                layout,
                ..Options::default()
            },
        )
        .unwrap();
        std::fs::write(format!("/tmp/drawx/{name}.svg"), s).unwrap();
    }
}
