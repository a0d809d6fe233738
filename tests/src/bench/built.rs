//! What is built before anything is measured, and the size of an empty static program with the
//! collector's profile.

use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context as _, Result, ensure};

/// The workspace's folder.
pub fn workspace() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..")
}

fn cargo() -> Command {
    let mut cargo = Command::new(std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
    // Those of the program that runs this benchmark are not those of the collector.
    cargo.env_remove("RUSTFLAGS").env_remove("CARGO_TARGET_DIR");
    cargo
}

/// Builds the static collector.
///
/// # Errors
/// Where cargo fails.
pub fn collector() -> Result<PathBuf> {
    let status = cargo().arg("collector").current_dir(workspace()).status()?;
    ensure!(status.success(), "cargo collector: {status}");
    Ok(workspace().join("target/dist/whotalks-collect"))
}

/// The program that runs and measures others; it is built where it is missing.
///
/// # Errors
/// Where cargo fails.
pub fn helper() -> Result<PathBuf> {
    beside("whotalks-tests", "whotalks-actor")
}

/// The analyzer; it is built where it is missing.
///
/// # Errors
/// Where cargo fails.
pub fn analyzer() -> Result<PathBuf> {
    beside("whotalks", "whotalks")
}

/// A program of the release profile, beside the one that runs.
fn beside(package: &str, name: &str) -> Result<PathBuf> {
    let program = std::env::current_exe()?.with_file_name(name);
    if !program.exists() {
        let mut build = cargo();
        build.args(["build", "--release", "-p", package, "--bin", name]);
        let status = build.current_dir(workspace()).status()?;
        ensure!(status.success(), "{build:?}: {status}");
    }
    Ok(program)
}

/// Builds a program that does nothing with the same profile; its size in bytes. `alike`: linked with
/// all of the collector's flags as well, not only statically.
///
/// # Errors
/// Where cargo fails.
pub fn size(scratch: &Path, alike: bool) -> Result<u64> {
    let folder = scratch.join("empty");
    std::fs::create_dir_all(folder.join("src"))?;
    let manifest = std::fs::read_to_string(workspace().join("Cargo.toml"))?;
    let profiles = manifest
        .find("[profile.release]")
        .map(|at| &manifest[at..])
        .context("Cargo.toml has no [profile.release]")?;
    let package = "[package]\nname = \"empty\"\nedition = \"2024\"\n[workspace]\n";
    std::fs::write(folder.join("Cargo.toml"), [package, profiles].concat())?;
    std::fs::write(folder.join("src/main.rs"), "fn main() {}\n")?;
    // The linker script that the flags name, relative to the workspace.
    std::fs::create_dir_all(folder.join("collector"))?;
    let script = "collector/dist.ld";
    std::fs::copy(workspace().join(script), folder.join(script))?;
    let mut build = cargo();
    build.args(["rustc", "--quiet", "--profile", "dist", "--"]);
    if alike {
        build.args(flags()?);
    } else {
        build.args(["-C", "target-feature=+crt-static"]);
    }
    let status = build.current_dir(&folder).status()?;
    ensure!(status.success(), "{build:?}: {status}");
    Ok(std::fs::metadata(folder.join("target/dist/empty"))?.len())
}

/// What `cargo collector` gives to rustc: the words after `--` in the alias.
fn flags() -> Result<Vec<String>> {
    let config = std::fs::read_to_string(workspace().join(".cargo/config.toml"))?;
    let alias = config
        .lines()
        .find_map(|line| line.strip_prefix("collector = "))
        .context("no alias `collector`")?;
    let words: Vec<String> = serde_json::from_str(alias)?;
    let flags = words.into_iter().skip_while(|word| word != "--");
    Ok(flags.skip(1).collect())
}
