//! The generated part of the example shipments under `tests/shipments`. Nobody in them exists, and their keys protect nothing.

use std::path::Path;

use yumen_specimens::{Numbers, Zip, customers_gb18030, docx, gzip, private_key_pem, tar};

/// Writes or checks the files.
pub(crate) fn run(root: &Path, check: bool) -> Result<(), String> {
    let shipments = root.join("tests/shipments");
    for (path, content) in files() {
        crate::generated(&shipments.join(path), &content, check)?;
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
