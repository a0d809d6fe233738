//! Drawings look the same in librsvg, Chromium and resvg.
//!
//! Approximately: fonts and their smoothing differ, so thumbnails are compared.

use std::path::{Path, PathBuf};
use std::process::Command;

use whotalks_tests::World;
use whotalks_tests::environment::{skip, works};

use super::scene::command;

/// Width of the thumbnails; larger than this nothing may differ much.
const COLUMNS: usize = 40;
/// Mean difference of two thumbnails' channels, of 255: smoothing makes 0.4, other fonts more; a style
/// sheet that is not understood some dozens.
const MOST_MEAN: f64 = 5.0;
/// Part of the thumbnail's pixels that may differ visibly.
const MOST_PART: f64 = 0.05;
const VISIBLY: f64 = 60.0;

/// Red, green and blue, row by row.
struct Image {
    width: usize,
    height: usize,
    pixels: Vec<[f64; 3]>,
}

impl Image {
    fn read(file: &Path) -> Self {
        let bytes = std::fs::read(file).unwrap_or_else(|error| panic!("{file:?}: {error}"));
        let mut decoder = png::Decoder::new(std::io::Cursor::new(bytes));
        decoder.set_transformations(png::Transformations::normalize_to_color8());
        let mut reader = decoder.read_info().unwrap();
        let mut data = vec![0; reader.output_buffer_size().unwrap()];
        let info = reader.next_frame(&mut data).unwrap();
        let each = info.color_type.samples();
        let pixels = data[..info.buffer_size()].chunks_exact(each);
        let pixels = pixels.map(|pixel| match *pixel {
            [r, g, b, ..] => [f64::from(r), f64::from(g), f64::from(b)],
            ref grey => [f64::from(grey[0]); 3],
        });
        Self {
            width: info.width as usize,
            height: info.height as usize,
            pixels: pixels.collect(),
        }
    }

    /// Each pixel the mean of a square.
    fn thumbnail(&self) -> Vec<[f64; 3]> {
        let side = self.width.div_ceil(COLUMNS);
        let mut out = Vec::new();
        for top in (0..self.height).step_by(side) {
            for left in (0..self.width).step_by(side) {
                let (mut sum, mut count) = ([0.0; 3], 0.0);
                for y in top..(top + side).min(self.height) {
                    for x in left..(left + side).min(self.width) {
                        for (sum, channel) in sum.iter_mut().zip(self.pixels[y * self.width + x]) {
                            *sum += channel;
                        }
                        count += 1.0;
                    }
                }
                out.push(sum.map(|channel| channel / count));
            }
        }
        out
    }

    fn looks_like(&self, other: &Self, what: &str) {
        assert_eq!(
            (self.width, self.height),
            (other.width, other.height),
            "{what}"
        );
        let (own, others) = (self.thumbnail(), other.thumbnail());
        let apart = own.iter().zip(&others).map(|(own, other)| {
            let channels = own.iter().zip(other);
            channels.map(|(x, y)| (x - y).abs()).sum::<f64>() / 3.0
        });
        let apart: Vec<f64> = apart.collect();
        let mean = apart.iter().sum::<f64>() / apart.len() as f64;
        let visibly = apart.iter().filter(|one| **one > VISIBLY).count();
        let part = visibly as f64 / apart.len() as f64;
        assert!(
            mean < MOST_MEAN && part < MOST_PART,
            "{what}: {mean:.2} of 255 apart, {part:.3} visibly"
        );
    }
}

fn root() -> &'static Path {
    let own = Path::new(env!("CARGO_MANIFEST_DIR"));
    own.parent().unwrap_or(own)
}

/// Draws a sample in a theme; its file and its size.
fn draw(world: &World, sample: &str, theme: &str) -> (PathBuf, u32, u32) {
    let svg = world.directory().join(format!("{sample}-{theme}.svg"));
    let file = root().join(format!("snapshots/samples/{sample}.whotalks"));
    let mut draw = command(&["draw", "--theme", theme, "-o"]);
    let drawn = draw.arg(&svg).arg(file).status().unwrap();
    assert!(drawn.success());
    let text = std::fs::read_to_string(&svg).unwrap();
    let document = roxmltree::Document::parse(&text).unwrap();
    let size = |name| document.root_element().attribute(name).unwrap().parse();
    (svg, size("width").unwrap(), size("height").unwrap())
}

fn run(command: &mut Command) {
    let output = command.output().unwrap();
    assert!(output.status.success(), "{command:?}: {output:?}");
}

fn librsvg(svg: &Path) -> Image {
    let file = svg.with_extension("librsvg.png");
    run(Command::new("rsvg-convert").arg(svg).arg("-o").arg(&file));
    Image::read(&file)
}

fn chromium(svg: &Path, width: u32, height: u32) -> Image {
    let file = svg.with_extension("chromium.png");
    let profile = svg.with_extension("profile");
    run(Command::new("chromium")
        .args([
            "--headless",
            "--no-sandbox",
            "--disable-gpu",
            "--hide-scrollbars",
        ])
        .arg(format!("--window-size={width},{height}"))
        .arg(format!("--user-data-dir={}", profile.display()))
        .arg(format!("--screenshot={}", file.display()))
        .arg(format!("file://{}", svg.display())));
    Image::read(&file)
}

const DRAWINGS: [(&str, &str); 3] = [
    ("desktop", "classic"),
    ("server", "dark"),
    ("server", "auto"),
];

#[test]
fn librsvg_and_chromium_show_the_same() {
    for tool in ["rsvg-convert", "chromium"] {
        if !works(&[tool, "--version"]) {
            return skip(&format!("{tool} is not installed"));
        }
    }
    let world = World::new();
    for (sample, theme) in DRAWINGS {
        let (svg, width, height) = draw(&world, sample, theme);
        let what = format!("{sample} {theme}");
        librsvg(&svg).looks_like(&chromium(&svg, width, height), &what);
    }
}

#[test]
fn a_different_picture_is_detected() {
    if !works(&["rsvg-convert", "--version"]) {
        return skip("rsvg-convert is not installed");
    }
    let world = World::new();
    let (svg, ..) = draw(&world, "server", "light");
    let text = std::fs::read_to_string(&svg).unwrap();
    let plain = svg.with_extension("plain.svg");
    // Black boxes: what a program shows that does not understand the style sheet.
    std::fs::write(&plain, text.replace("class=\"wt ", "class=\"")).unwrap();
    let (own, other) = (librsvg(&svg), librsvg(&plain));
    let compared = std::panic::catch_unwind(|| own.looks_like(&other, "without styles"));
    assert!(compared.is_err());
}

#[cfg(feature = "png")]
#[test]
fn resvg_shows_the_same() {
    if !works(&["rsvg-convert", "--version"]) {
        return skip("rsvg-convert is not installed");
    }
    let world = World::new();
    for (sample, theme) in DRAWINGS {
        let (svg, ..) = draw(&world, sample, theme);
        let text = std::fs::read_to_string(&svg).unwrap();
        let file = svg.with_extension("resvg.png");
        std::fs::write(&file, whotalks::draw::png(&text, 1.0).unwrap()).unwrap();
        Image::read(&file).looks_like(&librsvg(&svg), &format!("{sample} {theme}"));
    }
}
