//! The generated part of the example shipments under `tests/shipments`, and the images under `tests/fixtures` that the field's own tools make. Nobody
//! in them exists, and their keys protect nothing.

use std::path::Path;
use std::process::Command;

use yumen_specimens::{Numbers, Zip, customers_gb18030, docx, gzip, private_key_pem, tar};

/// Writes or checks the files.
pub(crate) fn run(root: &Path, check: bool, tools: Option<&[String]>) -> Result<(), String> {
    let shipments = root.join("tests/shipments");
    for (path, content) in files() {
        crate::generated(&shipments.join(path), &content, check)?;
    }
    tools.map_or(Ok(()), |wanted| recipes(root, wanted))
}

/// Runs the recipes of the given names, or all of them.
fn recipes(root: &Path, wanted: &[String]) -> Result<(), String> {
    let folder = root.join("xtask/fixtures");
    let mut names: Vec<String> = std::fs::read_dir(&folder)
        .map_err(|e| format!("{}: {e}", folder.display()))?
        .filter_map(|entry| Some(entry.ok()?.file_name().to_str()?.strip_suffix(".sh")?.to_owned()))
        .filter(|name| name != "common" && (wanted.is_empty() || wanted.contains(name)))
        .collect();
    names.sort();
    if let Some(unknown) = wanted.iter().find(|w| !names.contains(w)) {
        return Err(format!("there is no recipe {unknown} in {}", folder.display()));
    }
    for name in names {
        let recipe = folder.join(format!("{name}.sh"));
        let out = root.join("tests/fixtures").join(&name);
        let status = Command::new("bash").arg(&recipe).env("OUT", out).status();
        if !status.is_ok_and(|s| s.success()) {
            return Err(format!("{} failed", recipe.display()));
        }
    }
    Ok(())
}

fn files() -> Vec<(&'static str, Vec<u8>)> {
    let source =
        b"/* Cluster display, build 20261101. */\nint brightness(int lux) { return lux > 4000 ? 255 : lux / 16; }\n";
    let keys = gzip(&tar(&[("keys/test-signing.pem", private_key_pem(41).as_bytes())]));
    let update = Zip::new()
        .deflated("src/display.c", source)
        .deflated("doc/release.docx", &docx("仪表显示更新说明：改进了夜间亮度。"))
        .stored("vendor/keys.tar.gz", &keys)
        .encrypted("ecu/cluster.enc", &Numbers::new(7).bytes(2048))
        .finish();
    vec![
        ("aftersales-de/payload/customers.csv", customers_gb18030(100..112)),
        ("aftersales-de/payload/cluster-update.zip", update.clone()),
        ("held/payload/customers.csv", customers_gb18030(200..203)),
        ("held/payload/cluster-update.zip", update),
    ]
}
