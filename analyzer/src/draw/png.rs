//! Renders a drawing as PNG, by resvg, with the fonts of this machine.

use resvg::{tiny_skia, usvg};

/// Most pixels (400 MB); a larger drawing is scaled down.
const MAX_PIXELS: f64 = 1e8;

/// Why there is no PNG.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum PngError {
    /// The SVG cannot be read.
    #[error(transparent)]
    Svg(#[from] usvg::Error),
    /// There are no fonts, so that all text would be missing.
    #[error("this machine has no fonts to draw text with (install some, or write an .svg)")]
    Fonts,
    /// There is no memory for so many pixels.
    #[error("no memory for {width} × {height} pixels")]
    Size {
        /// Pixels in a row.
        width: u32,
        /// Rows.
        height: u32,
    },
    /// The pixels cannot be written.
    #[error("cannot encode: {0}")]
    Encode(String),
}

/// Renders an SVG at `scale` pixels for each unit, smaller where that would be too large.
///
/// Fonts are those of the machine, so other machines give other bytes.
///
/// # Errors
/// When the SVG cannot be read or is too large, and where there are no fonts.
pub fn png(svg: &str, scale: f64) -> Result<Vec<u8>, PngError> {
    let mut options = usvg::Options::default();
    options.fontdb_mut().load_system_fonts();
    let family = sans(&options.fontdb).ok_or(PngError::Fonts)?;
    options.fontdb_mut().set_sans_serif_family(family);
    let tree = usvg::Tree::from_str(svg, &options)?;
    let size = tree.size();
    let all = f64::from(size.width()) * f64::from(size.height());
    let scale = scale.min((MAX_PIXELS / all).sqrt()) as f32;
    let pixels = |length: f32| (length * scale).round().max(1.0) as u32;
    let (width, height) = (pixels(size.width()), pixels(size.height()));
    let mut pixmap =
        tiny_skia::Pixmap::new(width, height).ok_or(PngError::Size { width, height })?;
    let transform = tiny_skia::Transform::from_scale(scale, scale);
    resvg::render(&tree, transform, &mut pixmap.as_mut());
    pixmap
        .encode_png()
        .map_err(|error| PngError::Encode(error.to_string()))
}

/// The font in place of Helvetica: fontdb guesses Arial, which most machines do not have.
fn sans(fonts: &usvg::fontdb::Database) -> Option<String> {
    let has = |family: &str| {
        let mut families = fonts.faces().flat_map(|face| &face.families);
        families.any(|(name, _)| name == family)
    };
    let known = ["Liberation Sans", "Arial", "DejaVu Sans", "Noto Sans"];
    let first = || {
        fonts
            .faces()
            .next()?
            .families
            .first()
            .map(|(name, _)| name.clone())
    };
    let known = known.into_iter().find(|name| has(name));
    known.map(str::to_owned).or_else(first)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn without_fonts_there_is_no_picture() {
        assert_eq!(sans(&usvg::fontdb::Database::new()), None);
        let message = PngError::Fonts.to_string();
        assert!(message.contains("no fonts") && message.contains(".svg"));
    }
}
