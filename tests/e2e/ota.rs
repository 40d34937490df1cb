//! OTA-1: its limbs, one by one, and the exemptions that lift it.

use serde_json::Value;

use crate::kit::{Place, Report, text};

const REMOTE: &str = "#include \"bcm_api.h\"\n/* 云端下发指令 */\nint tbox_handle(const tsp_msg_t *msg) {\n  switch (msg->cmd) {\n  case RMT_DOOR_UNLOCK: return remoteUnlockDoor(msg->vin);\n  }\n  return -1;\n}\n";
const BRAKE: &str = "#include \"Rte_AebSwc.h\"\nvoid AEB_Run(void) {\n  if (ttc < AEB_TTC_MIN) { Rte_Write_EmergencyBrakeRequest(VehicleDecel); }\n}\n";
const OTA: &str = "class OtaUpdateManager:\n    def download_ota_package(self, campaign):\n        self.install_ota_package(campaign.ecu)\n";
const NEAR: &str =
    "// BLE digital key\nvoid bleKeyUnlockDoor(Vehicle vehicle) {\n  if (nfcKeyPresent()) vehicle.unlockDoor();\n}\n";

const SHIPMENT: &str = "shipment: ota-1\nprocessor: {name: Maker, ciio: false}\nrecipient: {name: Partner GmbH, country: DE, access: transfer}\nscenario: software-upgrade\ntransfer-date: 2026-11-20\n";

fn scan(files: &[(&str, &[u8])], manifest: &str) -> (Place, Report) {
    let place = Place::new();
    for (name, content) in files {
        place.file(&format!("in/{name}"), content);
    }
    place.file("shipment.yaml", format!("{SHIPMENT}{manifest}"));
    let (_, report) = place.scan(&["in", "--shipment", "shipment.yaml", "--as-of", "2026-11-23"]);
    (place, report)
}

fn all() -> Vec<(&'static str, &'static [u8])> {
    vec![("rvc/remote.c", REMOTE.as_bytes()), ("adas/aeb.c", BRAKE.as_bytes()), ("ota/manager.py", OTA.as_bytes())]
}

fn classified(report: &Report) -> bool {
    report.list("classifications").iter().any(|c| c["row"] == "OTA-1")
}

/// The states of the limbs: package source, remote control, safety function, vehicles in China.
fn limbs(report: &Report) -> Vec<String> {
    let row = report.list("examined").iter().find(|e| e["row"] == "OTA-1");
    let limbs = row.and_then(|r| r["limbs"].as_array()).map(Vec::as_slice).unwrap_or_default();
    limbs.iter().map(|l| text(&l["state"])).collect()
}

const YES: &str = "facts:\n  upgrade.vehicles-in-china: true\n";

#[test]
fn all_limbs_make_it_important() {
    let (place, report) = scan(&all(), YES);
    assert!(classified(&report));
    assert_eq!(limbs(&report), ["holds"; 4]);
    assert_eq!((report.outcome(), report.route()), ("hold", "security-assessment"));
    assert_eq!(report.finding("code.remote-control", "in/rvc/remote.c")["properties"]["form"], "source");
    place.file("report.json", report.0.to_string());
    let explained = place.yumen(&["explain", "OTA-1", "--report", "report.json", "--lang", "en"]).stdout;
    for part in ["In this report: holds", "in/rvc/remote.c", "in/adas/aeb.c", "fact:upgrade.vehicles-in-china"] {
        assert!(explained.contains(part), "{part}: {explained}");
    }
    for args in [&["scan", "in", "--lang", "en"][..], &["scan", "in", "--format", "markdown", "--lang", "en"]] {
        let shown = place.yumen(args).stdout;
        assert!(shown.contains("limb by limb") && shown.contains("in/adas/aeb.c"), "{shown}");
    }
}

#[test]
fn a_limb_that_is_not_declared_is_asked_for() {
    let (_, report) = scan(&all(), "");
    assert_eq!(report.route(), "undetermined");
    assert_eq!(report.question_keys(), ["facts.upgrade.vehicles-in-china"]);
    assert_eq!(limbs(&report), ["holds", "holds", "holds", "unknown"]);
    // Without code of an upgrade it is asked whether it is one, since both other limbs stand in source.
    let (_, report) = scan(&all()[..2], YES);
    assert_eq!(report.question_keys(), ["facts.upgrade.package-source"]);
}

#[test]
fn vehicles_abroad_fail_the_limb_and_clear_nothing_else() {
    let (_, report) = scan(&all(), "facts:\n  upgrade.vehicles-in-china: false\n");
    assert!(!classified(&report));
    assert_eq!((report.outcome(), report.route()), ("pass", "free"));
    assert_eq!(limbs(&report), ["holds", "holds", "holds", "fails"]);
    let reasons = report.reasons();
    assert!(reasons.contains("row-limb-missing") && reasons.contains("clears nothing else"), "{reasons}");
    assert!(reasons.contains("vehicles that operate within China"));
}

#[test]
fn each_limb_is_needed() {
    for (leave, at) in [("rvc/remote.c", 1), ("adas/aeb.c", 2)] {
        let files: Vec<_> = all().into_iter().filter(|f| f.0 != leave).collect();
        let (_, report) = scan(&files, YES);
        assert!(!classified(&report), "{leave}");
        assert_eq!(limbs(&report)[at], "fails");
        assert_eq!(report.outcome(), "pass");
    }
    let (_, report) = scan(&all()[..2], "facts:\n  upgrade.vehicles-in-china: true\n  upgrade.package-source: false\n");
    assert!(!classified(&report) && limbs(&report)[0] == "fails");
}

#[test]
fn near_field_is_no_remote_control() {
    let files: [(&str, &[u8]); 3] =
        [("key/ble.java", NEAR.as_bytes()), ("adas/aeb.c", BRAKE.as_bytes()), ("ota/manager.py", OTA.as_bytes())];
    let (_, report) = scan(&files, YES);
    report.finding("code.near-field", "in/key/ble.java");
    assert!(!report.found().iter().any(|(kind, _)| kind == "code.remote-control"), "{:?}", report.found());
    assert!(!classified(&report) && limbs(&report)[1] == "fails");
}

#[test]
fn symbols_of_a_binary_are_told_and_are_no_source() {
    let mut binary = vec![0u8, 1, 2, 3, 0xFF, 0xFE];
    for name in ["remoteDoorUnlock", "AEB_EmergencyBrakeRequest", "vehicle_bcm_ctrl"] {
        binary.extend(name.as_bytes());
        binary.extend([0, 0x9F, 0]);
    }
    let (_, report) = scan(&[("lib/libtbox.so", &binary), ("ota/manager.py", OTA.as_bytes())], YES);
    let found = report.finding("code.remote-control", "in/lib/libtbox.so");
    assert_eq!(found["properties"]["form"], "binary");
    assert!(
        !classified(&report)
            || report.list("classifications").iter().all(|c| c["row"] != "OTA-1" || c["status"] != "firm")
    );
    let row = report.list("examined").iter().find(|e| e["row"] == "OTA-1").unwrap();
    assert_eq!(row["limbs"][1]["beside"], Value::from(vec![text(&found["id"])]));
}

#[test]
fn the_exemption_needs_filing_authority_and_a_day_not_after_the_transfer() {
    let claim = |rest: &str| format!("{YES}exemptions:\n  - {{kind: E9, rows: [OTA-1]{rest}}}\n");
    let full = ", filing: QZ-2026-17, authority: SAMR";
    let (_, report) = scan(&all(), &claim(&format!("{full}, filed: 2026-11-20")));
    assert_eq!((report.outcome(), report.route()), ("pass", "exempt"));
    for (rest, code) in [
        (full.to_owned(), "exemption-incomplete"),
        (format!("{full}, filed: 2026-11-21"), "exemption-filed-late"),
        (format!("{full}, filed: 2027-01-01"), "exemption-filed-late"),
        (", authority: SAMR, filed: 2026-11-01".to_owned(), "exemption-incomplete"),
        (", filing: QZ-1, filed: 2026-11-01".to_owned(), "exemption-incomplete"),
        (", filing: QZ-1, authority: MIIT, filed: 2026-11-01".to_owned(), "exemption-authority"),
    ] {
        let (_, report) = scan(&all(), &claim(&rest));
        assert_eq!(report.route(), "security-assessment", "{rest}");
        assert!(report.reasons().contains(code), "{rest}: {}", report.reasons());
    }
    let other = format!("{YES}exemptions:\n  - {{kind: E7, rows: [OTA-1]{full}, filed: 2026-11-01}}\n");
    let (_, report) = scan(&all(), &other);
    assert_eq!(report.route(), "security-assessment");
    assert!(report.reasons().contains("exemption-not-for-row"));
}

#[test]
fn an_incident_reported_beforehand_is_lifted_by_its_own_exemption_only() {
    let with = |kind: &str| {
        format!(
            "facts:\n  incident.data: true\nexemptions:\n  - {{kind: {kind}, rows: [INC-a], filing: R-1, authority: MIIT, filed: 2026-11-01}}\n"
        )
    };
    let files: [(&str, &[u8]); 1] = [("a.txt", b"harmless\n")];
    let (_, report) = scan(&files, &with("E8"));
    assert_eq!((report.outcome(), report.route()), ("pass", "exempt"));
    let (_, report) = scan(&files, &with("E7"));
    assert_eq!(report.outcome(), "hold");
}
