//! Builds the programs to measure, and an empty static program for comparing sizes.

use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context as _, Result, ensure};

/// The folder of the workspace.
pub fn workspace() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..")
}

fn cargo() -> Command {
    let mut cargo = Command::new(std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
    // Flags for the benchmark itself must not apply to the collector.
    cargo.env_remove("RUSTFLAGS").env_remove("CARGO_TARGET_DIR");
    cargo
}

/// Builds the static collector.
///
/// # Errors
/// If cargo fails.
pub fn collector() -> Result<PathBuf> {
    let status = cargo().arg("collector").current_dir(workspace()).status()?;
    ensure!(status.success(), "cargo collector: {status}");
    Ok(workspace().join("target/dist/whotalks-collect"))
}

/// The program that runs and measures others, built if it is missing.
///
/// # Errors
/// If cargo fails.
pub fn helper() -> Result<PathBuf> {
    beside("whotalks-tests", "whotalks-actor")
}

/// The analyzer, built if it is missing.
///
/// # Errors
/// If cargo fails.
pub fn analyzer() -> Result<PathBuf> {
    beside("whotalks", "whotalks")
}

/// A program of the release profile, beside the running one.
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

/// Builds an empty program with the same profile; returns its size in bytes. `alike` links it with
/// all flags of the collector, instead of only statically.
///
/// # Errors
/// If cargo fails.
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
    // The linker script in the flags is relative to the workspace.
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

/// The flags that `cargo collector` passes to rustc: the words after `--` in the alias.
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
