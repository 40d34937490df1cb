use yumen_kit_container::testing::{abuse, identify, inspect, prose};
use yumen_model::kind::kinds;

use crate::OtaPlugin;

const LIBCONFIG: &str = r#"// for the gateway
software =
{
	version = "0.1" ".0";
	hardware-compatibility = [ "revA" ];
	embedded-script = "
function preinst() return true end
";
	board: {
		hardware-compatibility: [ "1.0", "1.3" ];
		stable = {
			main = {
				images: ( { filename = "rootfs.ext4.enc"; device = "/dev/mmcblk0p2"; encrypted = true; sha256 = "00"; hook = "pre"; },
				          { filename = "uImage"; volume = "kernel"; type = "ubivol"; sha256 = "@uImage"; } );
				scripts: ( { filename = "a.lua"; type = "lua"; sha256 = "11" } );
				uboot: ( { name = "bootpart"; value = "0:2"; } );
			};
		};
	};
}
"#;

#[test]
fn libconfig_is_read() {
    let r = inspect(&OtaPlugin, "sw-description", LIBCONFIG.as_bytes());
    r.assert_clear();
    assert_eq!((r.format.as_str(), r.texts.concat().as_str()), ("sw-description", LIBCONFIG));
    let p = &r.item(kinds::SOFTWARE_PACKAGE).properties;
    assert_eq!(p["version"], "0.1.0");
    assert_eq!(p["target"], serde_json::json!(["1.0", "1.3", "revA"]));
    assert_eq!(p["compatible"], serde_json::json!(["board/stable/main"]));
    assert_eq!(p["partitions"], serde_json::json!(["/dev/mmcblk0p2", "kernel"]));
    assert_eq!(p["scripts"], serde_json::json!(["a.lua"]));
    assert_eq!(p["variables"], serde_json::json!(["bootpart"]));
    assert_eq!((&p["encrypted"], &p["hashed"], &p["embedded_script"]), (&true.into(), &true.into(), &true.into()));
    assert_eq!(p["images"], 3);
}

#[test]
fn json_is_read_with_records() {
    let text = r#"{"software": {"version": "1", "board": {"images": [{"filename": "a", "volume": "rootfs", "owner": "13800138000"}]}}}"#;
    let r = inspect(&OtaPlugin, "sw-description", text.as_bytes());
    r.assert_clear();
    assert!(r.values.iter().any(|(_, v)| v == "13800138000"));
    assert_eq!(r.item(kinds::SOFTWARE_PACKAGE).properties["partitions"], serde_json::json!(["rootfs"]));
}

#[test]
fn other_texts_are_none() {
    for other in [
        "software = 5;\n",
        "software is nice { version }",
        "server = { software = { version = \"1\"; } }",
        "/* a comment */ int main() { return 0; }",
        "{\"software\": \"x\", \"version\": 1}",
        "# software\nversion: 1\n",
    ] {
        assert_eq!(identify(&OtaPlugin, "x", other.as_bytes()), None, "{other}");
    }
    assert_eq!(identify(&OtaPlugin, "sw-description", &prose(5000)), None);
}

#[test]
fn damaged_descriptions_are_read_without_harm() {
    abuse(&OtaPlugin, "sw-description", "sw-description", LIBCONFIG.as_bytes(), 100);
}
