//! Everything this family promises, on files of the field's own tools and on made-up ones.

use proptest::prelude::*;
use serde_json::Value;
use yumen_kit_container::testing::{Engine, Recorded, abuse, fixture, identify, inspect, inspect_as, noise};
use yumen_model::kind::kinds;
use yumen_model::{Certainty, KindId};

use super::DiagnosticsPlugin as Plugin;

const DBC: &str = "VERSION \"1.0\"\n\nNS_ :\n\tNS_DESC_\n\tCM_\n\tBA_DEF_\n\tVAL_\n\nBS_:\n\nBU_: GW BCM\n\nBO_ 256 DoorCmd: 8 GW\n SG_ UnlockDriver : 0|8@1+ (1,0) [0|255] \"\" BCM\n SG_ Mode m0 : 8|8@1+ (1,0) [0|255] \"\" Vector__XXX\n\nBO_ 3221225472 VECTOR__INDEPENDENT_SIG_MSG: 0 Vector__XXX\n SG_ Lost : 0|8@1+ (1,0) [0|0] \"\" Vector__XXX\n\nCM_ SG_ 256 UnlockDriver \"unlocks the\ndriver's door\";\nBA_DEF_ \"BusType\" STRING ;\nBA_DEF_DEF_ \"BusType\" \"CAN FD\";\nBA_ \"GenMsgCycleTime\" BO_ 256 100;\nVAL_ 256 Mode 0 \"off\" 1 \"on\" ;\n";

const A2L: &str = "/* made up */ ASAP2_VERSION 1 71\n/begin PROJECT P \"\"\n/begin MODULE Engine \"m\"\n/begin A2ML\n block \"IF_DATA\" taggedunion { \"x\" struct { uint; }; };\n/begin MEASUREMENT not a block\n/end A2ML\n/begin MOD_PAR \"\" EPK \"E1\" ECU \"EMS\" /end MOD_PAR\n/begin IF_DATA XCP SEED_AND_KEY_EXTERNAL_FUNCTION \"sk.dll\" /begin XCP_ON_CAN 0x0100 /begin MEASUREMENT x /end MEASUREMENT /end XCP_ON_CAN /end IF_DATA\n/begin MEASUREMENT nEng \"engine \"\"speed\"\"\" UWORD CM 0 0 0 1 /end MEASUREMENT // c\n/begin CHARACTERISTIC kP \"gain\" VALUE 0x1 R 0 CM 0 1 /end CHARACTERISTIC\n/end MODULE\n/end PROJECT\n";

const ODX: &str = r#"<?xml version="1.0"?><ODX MODEL-VERSION="2.2.0"><DIAG-LAYER-CONTAINER ID="c"><SHORT-NAME>c</SHORT-NAME>
<BASE-VARIANTS><BASE-VARIANT ID="b"><SHORT-NAME>base</SHORT-NAME><DIAG-COMMS>
<DIAG-SERVICE ID="s1"><SHORT-NAME>Open_Level_1</SHORT-NAME><REQUEST-REF ID-REF="r1"/></DIAG-SERVICE>
<DIAG-SERVICE ID="s2"><SHORT-NAME>Erase</SHORT-NAME><LONG-NAME>erase memory</LONG-NAME><REQUEST-REF ID-REF="r2"/></DIAG-SERVICE>
<DIAG-SERVICE ID="s3"><SHORT-NAME>Read</SHORT-NAME><REQUEST-REF ID-REF="r3"/></DIAG-SERVICE>
<SINGLE-ECU-JOB ID="j"><SHORT-NAME>Job</SHORT-NAME></SINGLE-ECU-JOB></DIAG-COMMS><REQUESTS>
<REQUEST ID="r1"><SHORT-NAME>r1</SHORT-NAME><PARAMS><PARAM><SHORT-NAME>sid</SHORT-NAME><BYTE-POSITION>0</BYTE-POSITION><CODED-VALUE>39</CODED-VALUE></PARAM></PARAMS></REQUEST>
<REQUEST ID="r2"><SHORT-NAME>r2</SHORT-NAME><PARAMS><PARAM><SHORT-NAME>x</SHORT-NAME><BYTE-POSITION>1</BYTE-POSITION><CODED-VALUE>39</CODED-VALUE></PARAM><PARAM><SHORT-NAME>sid</SHORT-NAME><BYTE-POSITION>0</BYTE-POSITION><CODED-VALUE>49</CODED-VALUE></PARAM></PARAMS></REQUEST>
<REQUEST ID="r3"><SHORT-NAME>r3</SHORT-NAME><PARAMS><PARAM><SHORT-NAME>sid</SHORT-NAME><CODED-VALUE>34</CODED-VALUE></PARAM></PARAMS></REQUEST>
</REQUESTS></BASE-VARIANT></BASE-VARIANTS><ECU-VARIANTS><ECU-VARIANT ID="v"><SHORT-NAME>v1</SHORT-NAME><PARENT-REFS><PARENT-REF ID-REF="b"><NOT-INHERITED-DIAG-COMMS><NOT-INHERITED-DIAG-COMM><DIAG-COMM-SNREF SHORT-NAME="Read"/></NOT-INHERITED-DIAG-COMM></NOT-INHERITED-DIAG-COMMS></PARENT-REF></PARENT-REFS></ECU-VARIANT></ECU-VARIANTS></DIAG-LAYER-CONTAINER></ODX>"#;

const CDD: &str = "<?xml version='1.0' encoding='iso-8859-1'?><!DOCTYPE CANDELA SYSTEM 'candela.dtd'><CANDELA dtdvers='4.0.1'><ECUDOC><ECU id='e'><NAME><TUV xml:lang='en-US'>Door</TUV></NAME><QUAL>Door</QUAL><VAR id='v'><NAME><TUV>Base</TUV></NAME><QUAL>Base</QUAL><DIAGCLASS><DIAGINST id='d'><QUAL>SecurityAccess_L1</QUAL><SERVICE id='s'><QUAL>Seed</QUAL></SERVICE></DIAGINST></DIAGCLASS></VAR></ECU></ECUDOC></CANDELA>";

const ARXML: &str = "<AUTOSAR xmlns=\"http://autosar.org/schema/r4.0\" xmlns:xsi=\"x\" xsi:schemaLocation=\"http://autosar.org/schema/r4.0 AUTOSAR_4-2-2.xsd\"><AR-PACKAGES><AR-PACKAGE><SHORT-NAME>p</SHORT-NAME><ELEMENTS><I-SIGNAL><SHORT-NAME>BrakeReq</SHORT-NAME></I-SIGNAL><CAN-FRAME><SHORT-NAME>F</SHORT-NAME></CAN-FRAME><I-SIGNAL-REF DEST=\"I-SIGNAL\">/p/BrakeReq</I-SIGNAL-REF><DIAGNOSTIC-SECURITY-LEVEL><SHORT-NAME>L1</SHORT-NAME></DIAGNOSTIC-SECURITY-LEVEL></ELEMENTS></AR-PACKAGE></AR-PACKAGES></AUTOSAR>";

const NCF: &str = "node_capability_file;\nLIN_language_version = \"2.1\";\nnode door {\n general { LIN_protocol_version = \"2.1\"; }\n frames { publish status { length = 2; signals { state { size = 8; init_value = 0; } lock { size = 1; } } } }\n}\n";
const LDF: &str = "LIN_description_file;\nLIN_speed = 19.2 kbps;\nNodes { Master: M, 5 ms, 0.1 ms; Slaves: A, B; }\nSignals { s1: 8, 0, M, A; }\nFrames { f1: 1, M, 1 { s1, 0; } }\nSchedule_tables { t { f1 delay 10 ms; } }\n";
const SYM: &str = "FormatVersion=6.0 // Do not edit this line!\nTitle=\"t\"\n{ENUMS}\nenum E(0=\"off\", 1=\"on\")\n{SIGNALS}\nSig=a unsigned 8 // speed\n{SENDRECEIVE}\n[Msg]\nID=100h\nMux=m0 0,8 0\nSig=a 8\n[Msg]\nMux=m1 0,8 1\nVar=b unsigned 16,8\n";
const DCM: &str = "* comment\nKONSERVIERUNG_FORMAT 2.0\nFUNKTIONEN\n FKT f \"\" \"x\"\nEND\nFESTWERT kP\n LANGNAME \"gain\"\n WERT 1.0\nEND\nKENNLINIE c 2\nEND\n";

fn item(told: &Recorded, kind: KindId, name: &str) -> Value {
    told.item(kind).properties.get(name).cloned().unwrap_or(Value::Null)
}

fn told(name: &str, format: &str, bytes: &[u8]) -> Recorded {
    let identity = identify(&Plugin, name, bytes).unwrap_or_else(|| panic!("{name} is not known"));
    assert_eq!((identity.format, identity.certainty), (format, Certainty::Specific), "{name}");
    let told = inspect(&Plugin, name, bytes);
    told.assert_clear();
    told
}

fn has(told: &Recorded, cell: &str, value: &str) -> bool {
    told.values.iter().any(|(c, v)| c == cell && v == value)
}

#[test]
fn fixtures_count_as_the_tools_count() {
    let all: &[(&str, &'static str, KindId)] = &[
        ("canmatrix.dbc", "dbc", kinds::DIAG_DBC),
        ("cantools.dbc", "dbc", kinds::DIAG_DBC),
        ("canmatrix.dbf", "busmaster-dbf", kinds::DIAG_DBC),
        ("canmatrix.kcd", "kcd", kinds::DIAG_KCD),
        ("cantools.kcd", "kcd", kinds::DIAG_KCD),
        ("canmatrix.sym", "sym", kinds::DIAG_SYM),
        ("cantools.sym", "sym", kinds::DIAG_SYM),
        ("canmatrix.arxml", "arxml", kinds::DIAG_ARXML),
        ("canmatrix.fibex", "fibex", kinds::DIAG_FIBEX),
        ("doors.ldf", "ldf", kinds::DIAG_LDF),
    ];
    for (name, format, kind) in all {
        let bytes = fixture("diagnostics", name);
        let told = told(name, format, &bytes);
        assert!(told.notes.is_empty(), "{name}: {:?}", told.notes);
        let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../../tests/fixtures/diagnostics/");
        let truth = std::fs::read_to_string(format!("{path}{name}.json")).unwrap();
        let truth: std::collections::BTreeMap<String, u64> = serde_json::from_str(&truth).unwrap();
        assert!(truth.values().any(|&n| n > 0));
        for (property, n) in truth {
            assert_eq!(item(&told, *kind, &property), Value::from(n), "{name} {property}");
        }
        abuse(&Plugin, format, name, &bytes, 40);
    }
}

#[test]
fn dbc_in_any_encoding_and_with_any_line_end() {
    let chinese = DBC.replace("unlocks the", "解锁驾驶员车门的信号，用于远程控制");
    let gbk = encoding_rs::GBK.encode(&chinese).0.into_owned();
    let utf16: Vec<u8> = "\u{FEFF}".chars().chain(chinese.chars()).flat_map(|c| (c as u16).to_le_bytes()).collect();
    let crlf = chinese.replace('\n', "\r\n").into_bytes();
    let cr = chinese.replace('\n', "\r").into_bytes();
    let bom = format!("\u{FEFF}{chinese}").into_bytes();
    for bytes in [gbk, utf16, crlf, cr, bom, chinese.into_bytes()] {
        let told = told("a.dbc", "dbc", &bytes);
        let get = |name| item(&told, kinds::DIAG_DBC, name);
        assert_eq!((get("messages"), get("signals"), get("ecus")), (1.into(), 2.into(), 2.into()));
        assert_eq!(
            (get("independent_signals"), get("multiplexed"), get("cycle_times")),
            (1.into(), 1.into(), 1.into())
        );
        assert_eq!(get("bus_type"), serde_json::json!(["CAN FD"]));
        assert!(told.notes.is_empty(), "{:?}", told.notes);
        assert!(has(&told, "signal", "UnlockDriver") && has(&told, "value-description", "off"));
        assert!(told.values.iter().any(|(c, v)| c == "comment" && v.contains("远程控制")));
        assert!(told.texts[0].contains("远程控制") && told.texts[0].contains("Lost"));
    }
}

#[test]
fn an_error_in_a_dbc_costs_one_statement() {
    let broken = DBC.replace(
        "CM_ SG_ 256",
        "BO_ 300 2017_5: 8 GW\nCM_ SG_ 256 \"no name\";\nCM_ \"never closed\nBO_ 301 After: 8 GW\n SG_ Good : 0|8@1+ (1,0) [0|1] \"\" GW\n SG_ Bad 0|8\nrubbish here\nCM_ SG_ 256",
    );
    let told = told("a.dbc", "dbc", broken.as_bytes());
    assert_eq!(item(&told, kinds::DIAG_DBC, "messages"), 3);
    assert!(has(&told, "signal", "Good") && has(&told, "value-description", "on"));
    let note = told.notes.iter().find(|n| n.code == "syntax-error").unwrap();
    let line = broken.lines().position(|l| l.contains("2017_5")).unwrap() + 1;
    assert_eq!(note.detail["line"], line);
}

#[test]
fn a2l_is_read_past_grammars_and_interface_data() {
    let told = told("a.a2l", "a2l", A2L.as_bytes());
    let get = |name| item(&told, kinds::DIAG_A2L, name);
    assert_eq!((get("measurements"), get("characteristics")), (1.into(), 1.into()));
    assert_eq!(
        (get("seed_and_key"), get("transports")),
        (serde_json::json!(["sk.dll"]), serde_json::json!(["XCP_ON_CAN"]))
    );
    assert_eq!((get("epk"), get("version")), (serde_json::json!(["E1"]), serde_json::json!(["1.71"])));
    assert!(has(&told, "measurement", "nEng") && has(&told, "comment", "engine \"speed\""));
    assert!(told.notes.is_empty(), "{:?}", told.notes);
    let broken = A2L.replace("/end MEASUREMENT // c", "\"never closed\n");
    let told = super::tests::told("a.a2l", "a2l", broken.as_bytes());
    assert!(has(&told, "characteristic", "kP") && told.noted("syntax-error"));
}

#[test]
fn odx_services_are_told_by_what_they_request() {
    let told = told("x.odx-d", "odx", ODX.as_bytes());
    let get = |name| item(&told, kinds::DIAG_ODX, name);
    assert_eq!(
        (get("layers"), get("ecu_variants"), get("services"), get("jobs")),
        (2.into(), 1.into(), 3.into(), 1.into())
    );
    assert_eq!(get("security_access"), serde_json::json!(["Open_Level_1"]));
    assert_eq!(get("routine_control"), serde_json::json!(["Erase"]));
    assert_eq!(get("services_by_variant"), serde_json::json!(["v1: 2"]));
    assert!(
        has(&told, "security-access", "Open_Level_1")
            && has(&told, "routine", "Erase")
            && has(&told, "service", "Read")
    );
    // Cut in the middle: what came before is told.
    let cut = inspect_as(&Plugin, "odx", "x", &ODX.as_bytes()[..ODX.len() / 2], Engine::default());
    cut.assert_counted();
    assert!(cut.noted("truncated") && cut.values.iter().any(|(_, v)| v == "Open_Level_1"));
}

#[test]
fn a_layer_that_inherits_from_itself_ends() {
    let odd = ODX.replace("<PARENT-REF ID-REF=\"b\">", "<PARENT-REF ID-REF=\"v\">");
    assert_eq!(item(&told("x", "odx", odd.as_bytes()), kinds::DIAG_ODX, "services_by_variant"), Value::Null);
}

#[test]
fn the_other_formats_are_told() {
    let t = told("a.cdd", "cdd", CDD.as_bytes());
    assert_eq!(item(&t, kinds::DIAG_CDD, "dids"), 1);
    assert_eq!(item(&t, kinds::DIAG_CDD, "security_access"), serde_json::json!(["SecurityAccess_L1"]));
    let t = told("a", "arxml", ARXML.as_bytes());
    assert_eq!((item(&t, kinds::DIAG_ARXML, "signals"), item(&t, kinds::DIAG_ARXML, "frames")), (1.into(), 1.into()));
    assert_eq!(item(&t, kinds::DIAG_ARXML, "version"), serde_json::json!(["4.2.2"]));
    assert!(has(&t, "signal", "BrakeReq") && has(&t, "security-access", "L1"));
    let t = told("a.ncf", "ncf", NCF.as_bytes());
    assert_eq!((item(&t, kinds::DIAG_LDF, "frames"), item(&t, kinds::DIAG_LDF, "signals")), (1.into(), 2.into()));
    let t = told("a.ldf", "ldf", LDF.as_bytes());
    assert_eq!((item(&t, kinds::DIAG_LDF, "ecus"), item(&t, kinds::DIAG_LDF, "schedules")), (3.into(), 1.into()));
    let t = told("a.sym", "sym", SYM.as_bytes());
    assert_eq!((item(&t, kinds::DIAG_SYM, "messages"), item(&t, kinds::DIAG_SYM, "signals")), (1.into(), 3.into()));
    let t = told("a.dcm", "dcm", DCM.as_bytes());
    assert_eq!(item(&t, kinds::DIAG_A2L, "characteristics"), 2);
    assert!(has(&t, "characteristic", "kP") && has(&t, "comment", "gain"));
}

#[test]
fn other_content_is_left_to_others() {
    let others: &[(&str, &[u8])] = &[
        ("a.dbc", b"just a text about VERSION and BU_ and BO_ lines\n"),
        ("README.md", b"# DBC\n\nBO_ 100 A: 8 X\n SG_ b : 0|8@1+ (1,0) [0|1] \"\" X\nBU_: X\n"),
        ("a.a2l", b"hello"),
        ("a.arxml", b"<project><AUTOSAR/></project>"),
        ("a.odx", b"<html><body>ODX</body></html>"),
        ("a.ldf", b"A log of LIN_description_file; and Nodes\n"),
        ("a.sym", b"Version=1\nTitle=x\n"),
        ("a.xml", b"<CATALOG><CD><TITLE>x</TITLE></CD></CATALOG>"),
        ("a.xml", b"<AUTOSAR><x/></AUTOSAR>"),
        ("a.dbf", b"[a]\nx=1\n"),
    ];
    for (name, bytes) in others {
        assert_eq!(identify(&Plugin, name, bytes), None, "{name}");
    }
    assert_eq!(identify(&Plugin, "a.dbc", &noise(3, 4096)), None);
}

#[test]
fn a_few_signs_of_a_code_page_do_not_hide_a_database() {
    let mut bytes = b"VERSION \"\"\n\nBS_:\n\nBU_: A\n\nCM_ \"".to_vec();
    bytes.extend([0x81, 0x8D, 0xFC]);
    bytes.extend(b"\";\n");
    let told = told("a.dbc", "dbc", &bytes);
    assert_eq!(item(&told, kinds::DIAG_DBC, "ecus"), 1);
}

#[test]
fn damaged_files_never_break_the_reader() {
    let all: &[(&'static str, &str)] = &[
        ("dbc", DBC),
        ("a2l", A2L),
        ("odx", ODX),
        ("cdd", CDD),
        ("arxml", ARXML),
        ("ncf", NCF),
        ("ldf", LDF),
        ("sym", SYM),
        ("dcm", DCM),
    ];
    for (format, text) in all {
        abuse(&Plugin, format, "a", text.as_bytes(), 200);
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(200))]

    #[test]
    fn text_is_never_lost(which in 0usize..5, at in 0usize..900, odd in "[\"/;{}<>@a-z \n]{0,12}") {
        let (format, text) = [("dbc", DBC), ("a2l", A2L), ("ldf", LDF), ("sym", SYM), ("ncf", NCF)][which];
        let mut text = text.to_owned();
        let at = text.floor_char_boundary(at.min(text.len()));
        text.insert_str(at, &odd);
        let told = inspect_as(&Plugin, format, "a", text.as_bytes(), Engine::default());
        told.assert_clear();
        prop_assert_eq!(&told.texts[0], &text);
    }
}
