use serde_json::{Value, json};
use yumen_kit_container::testing::{self, Recorded, abuse, noise};
use yumen_model::KindId;
use yumen_model::kind::kinds;

use crate::DiagnosticsPlugin;

const DBC: &str = "VERSION \"1.0\"\n\nNS_ :\n\tCM_\n\nBS_:\n\nBU_: TBOX BCM\n\n\
BO_ 100 RemoteCommand: 8 TBOX\n SG_ UnlockRequest : 0|2@1+ (1,0) [0|3] \"\" BCM\n SG_ StartRequest m0 : 2|1@1+ (1,0) [0|1] \"\" BCM\n\n\
BO_ 2566844926 J1939Frame: 8 BCM\n SG_ Speed : 0|16@1+ (0.01,0) [0|655] \"km/h\" TBOX\n\n\
BO_ 3221225472 VECTOR__INDEPENDENT_SIG_MSG: 0 Vector__XXX\n SG_ Loose : 0|8@1+ (1,0) [0|0] \"\" Vector__XXX\n\n\
CM_ SG_ 100 UnlockRequest \"door unlock, asked for by the cloud\";\n\
BA_DEF_ \"BusType\" STRING ;\nBA_ \"BusType\" \"CAN FD\";\nVAL_ 100 UnlockRequest 0 \"none\" 1 \"unlock\" ;\n";

const A2L: &str = "ASAP2_VERSION 1 71\n/begin PROJECT P \"demo\"\n/begin MODULE M \"\"\n\
/begin MEASUREMENT Batt_Temp \"cell temperature\" UWORD CM 0 0 0 100\nECU_ADDRESS 0x1000\n/end MEASUREMENT\n\
/begin CHARACTERISTIC Chg_Limit \"charge current\" VALUE 0x2000 RL 0 CM 0 500\n/end CHARACTERISTIC\n\
/* a comment with /begin MEASUREMENT in it */\n/end MODULE\n/end PROJECT\n";

const LDF: &str = "LIN_description_file;\nLIN_protocol_version = \"2.1\";\nLIN_language_version = \"2.1\";\nLIN_speed = 19.2 kbps;\n\
Nodes {\n  Master: GW, 5 ms, 0.1 ms;\n  Slaves: SEAT, MIRROR;\n}\n\
Signals {\n  HeatLevel: 2, 0, GW, SEAT;\n  Fold: 1, 0, GW, MIRROR;\n}\n\
Frames {\n  SeatCmd: 16, GW, 1 {\n    HeatLevel, 0;\n  }\n}\n\
Schedule_tables {\n  Main {\n    SeatCmd delay 10 ms;\n  }\n}\n";

const SYM: &str = "FormatVersion=6.0 // Do not edit this line!\nTitle=\"demo\"\n\n{ENUMS}\nenum Gear(0=\"P\", 1=\"R\")\n\n\
{SIGNALS}\nSig=Torque unsigned 16 /u:Nm\n\n{SENDRECEIVE}\n\n[EngineData]\nID=100h\nLen=8\nSig=Torque 0\n";

const KCD: &str = "<?xml version=\"1.0\"?>\n<NetworkDefinition xmlns=\"http://kayak.2codeornot2code.org/1.0\"><Document name=\"d\"/>\
<Node id=\"1\" name=\"VCU\"/><Bus name=\"PT\"><Message id=\"0x10\" name=\"Pedals\"><Signal name=\"Brake\" offset=\"0\"/>\
<Signal name=\"Accelerator\" offset=\"8\"/></Message></Bus></NetworkDefinition>\n";

const ARXML: &str = "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<AUTOSAR xmlns=\"http://autosar.org/schema/r4.0\" \
xmlns:xsi=\"http://www.w3.org/2001/XMLSchema-instance\" xsi:schemaLocation=\"http://autosar.org/schema/r4.0 AUTOSAR_4-3-0.xsd\">\
<AR-PACKAGES><AR-PACKAGE><SHORT-NAME>Net</SHORT-NAME><ELEMENTS>\
<ECU-INSTANCE><SHORT-NAME>TBOX</SHORT-NAME></ECU-INSTANCE>\
<CAN-FRAME><SHORT-NAME>RemoteFrame</SHORT-NAME></CAN-FRAME>\
<I-SIGNAL><SHORT-NAME>RemoteUnlock</SHORT-NAME></I-SIGNAL>\
<I-SIGNAL><SHORT-NAME>RemoteStart</SHORT-NAME></I-SIGNAL>\
</ELEMENTS></AR-PACKAGE></AR-PACKAGES></AUTOSAR>\n";

const ODX: &str = "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<ODX MODEL-VERSION=\"2.2.0\"><DIAG-LAYER-CONTAINER ID=\"c\"><SHORT-NAME>gw</SHORT-NAME>\
<ADMIN-DATA><COMPANY-DATAS/></ADMIN-DATA><ECU-VARIANTS><ECU-VARIANT ID=\"v\"><SHORT-NAME>gw_v1</SHORT-NAME><DIAG-COMMS>\
<DIAG-SERVICE ID=\"s1\" SEMANTIC=\"SECURITY\"><SHORT-NAME>SecurityAccess_RequestSeed</SHORT-NAME></DIAG-SERVICE>\
<DIAG-SERVICE ID=\"s2\" SEMANTIC=\"SESSION\"><SHORT-NAME>Session_Start</SHORT-NAME></DIAG-SERVICE>\
</DIAG-COMMS></ECU-VARIANT></ECU-VARIANTS></DIAG-LAYER-CONTAINER></ODX>\n";

const ALL: [(&str, &str, &str, KindId); 7] = [
    ("dbc", "a.dbc", DBC, kinds::DIAG_DBC),
    ("a2l", "a.a2l", A2L, kinds::DIAG_A2L),
    ("ldf", "a.ldf", LDF, kinds::DIAG_LDF),
    ("sym", "a.sym", SYM, kinds::DIAG_SYM),
    ("kcd", "a.kcd", KCD, kinds::DIAG_KCD),
    ("arxml", "a.arxml", ARXML, kinds::DIAG_ARXML),
    ("odx", "a.odx-d", ODX, kinds::DIAG_ODX),
];

fn read(name: &str, bytes: &[u8]) -> Recorded {
    testing::inspect(&DiagnosticsPlugin, name, bytes)
}

fn is(found: &Recorded, kind: KindId, wanted: &[(&str, Value)]) {
    let item = found.item(kind);
    for (name, value) in wanted {
        assert_eq!(item.properties.get(*name), Some(value), "{name} of {kind}: {:?}", item.properties);
    }
}

#[test]
fn each_description_is_counted_and_leaves_nothing_opaque() {
    let figures: [&[(&str, Value)]; 7] = [
        // The pseudo message for signals without one is no message.
        &[("messages", json!(2)), ("ecus", json!(2)), ("nodes", json!(["BCM", "TBOX"]))],
        &[("measurements", json!(1)), ("characteristics", json!(1))],
        &[("frames", json!(1)), ("signals", json!(2))],
        &[("messages", json!(1))],
        &[("messages", json!(1)), ("signals", json!(2))],
        &[("ecus", json!(1)), ("frames", json!(1)), ("signals", json!(2))],
        &[
            ("ecu_variants", json!(1)),
            ("services", json!(2)),
            ("security_access", json!(["SecurityAccess_RequestSeed"])),
        ],
    ];
    for ((format, name, text, kind), wanted) in ALL.into_iter().zip(figures) {
        // The content tells the format, whatever the name.
        for name in [name, "renamed.txt"] {
            let identity = testing::identify(&DiagnosticsPlugin, name, text.as_bytes());
            assert_eq!(identity.map(|i| i.format), Some(format), "{name}");
        }
        let found = read(name, text.as_bytes());
        found.assert_clear();
        is(&found, kind, wanted);
    }
}

#[test]
fn names_are_evidence_by_their_role() {
    let found = read("a.dbc", DBC.as_bytes());
    for (name, value) in [("message", "RemoteCommand"), ("signal", "UnlockRequest"), ("node", "TBOX")] {
        assert!(found.values.iter().any(|(n, v)| n == name && v == value), "{name} {value}: {:?}", found.values);
    }
    let found = read("a.a2l", A2L.as_bytes());
    assert!(found.values.iter().any(|(n, v)| n == "characteristic" && v == "Chg_Limit"));
    let found = read("a.odx-d", ODX.as_bytes());
    assert!(found.values.iter().any(|(n, v)| n == "security-access" && v == "SecurityAccess_RequestSeed"));
}

#[test]
fn an_error_costs_its_line_only() {
    let broken = DBC.replace("BO_ 2566844926", "BO_ nonsense here\nSG_ : : :\n\nBO_ 2566844926");
    let found = read("a.dbc", broken.as_bytes());
    is(&found, kinds::DIAG_DBC, &[("messages", json!(2))]);
    assert!(found.noted("syntax-error"));
    let no_end = A2L.replace("/end MODULE\n/end PROJECT\n", "");
    is(&read("a.a2l", no_end.as_bytes()), kinds::DIAG_A2L, &[("measurements", json!(1))]);
}

#[test]
fn other_encodings_are_read() {
    let chinese = DBC.replace("door unlock, asked for by the cloud", "远程解锁车门");
    for encoding in ["gb18030", "utf-16le"] {
        let bytes = match encoding {
            "gb18030" => b"VERSION \"\"\n\nBU_: A\n\nBO_ 1 Door: 8 A\n SG_ Lock : 0|1@1+ (1,0) [0|1] \"\" A\n\nCM_ SG_ 1 Lock \"\xd4\xb6\xb3\xcc\xbd\xe2\xcb\xf8\xb3\xb5\xc3\xc5\";\n".to_vec(),
            _ => [0xFF, 0xFE].into_iter().chain(chinese.encode_utf16().flat_map(u16::to_le_bytes)).collect(),
        };
        let found = read("a.dbc", &bytes);
        found.assert_clear();
        let texts = found.texts.concat();
        assert!(texts.contains("远程解锁车门"), "{encoding}: {texts}");
    }
}

#[test]
fn damage_is_survived() {
    for (format, name, text, _) in ALL {
        abuse(&DiagnosticsPlugin, format, name, text.as_bytes(), 60);
    }
}

#[test]
fn other_content_is_not_claimed() {
    let others: [(&str, &[u8]); 8] = [
        ("a.dbc", b"\x03\x79\x01\x01\x02\x00\x00\x00 a dBase table named so"),
        ("a.sym", b"0000000000001000 T main\n0000000000001010 T exit\n"),
        ("a.odx", b"<?xml version=\"1.0\"?><html><body>ODX</body></html>"),
        ("a.arxml", b"<?xml version=\"1.0\"?><note>AUTOSAR</note>"),
        ("a.ldf", b"the LIN_description_file is described in this note"),
        ("notes.txt", b"The BO_ and SG_ keywords of a DBC are explained here.\n"),
        ("a.a2l", b"just a few words\n"),
        ("a.c", b"int main(void) { return 0; }\n"),
    ];
    for (name, bytes) in others {
        assert_eq!(testing::identify(&DiagnosticsPlugin, name, bytes), None, "{name}");
    }
    assert_eq!(testing::identify(&DiagnosticsPlugin, "a.dbc", &noise(4, 4000)), None);
}
