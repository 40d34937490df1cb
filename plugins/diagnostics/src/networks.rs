//! XML formats whose things are told by an element and a name: ARXML, FIBEX, KCD, CDD, CDFX. A table says what counts as what; what is particular to one of
//! them is told apart below.

use yumen_kit_container::FormatReader;
use yumen_kit_xml::{Markup, Place, Root, Visitor};
use yumen_model::kind::kinds;
use yumen_model::{Artifact, Certainty, Context, Format, Identity, InspectError, Inspection, KindId, Probe};

use crate::names::{Counts, List, Named, Names, is_routine, is_security_access, send_inventory};
use crate::outline::{Items, Path, local, with_root};

pub(crate) struct Networks;

const FORMATS: &[Format] = &[
    Format {
        name: "arxml",
        title: "AUTOSAR description (ARXML)",
        media_type: "application/xml",
        extensions: &["arxml"],
        magic: "the root element AUTOSAR with a name space of autosar.org, or with packages",
        reference: "https://www.autosar.org/standards",
        evidence: "records as of XML; names of ECUs, frames, PDUs, signals, components, diagnostic services; diag.arxml with counts of definitions",
        limitations: &["References are not resolved: counts are of definitions in the file."],
    },
    Format {
        name: "fibex",
        title: "FIBEX (ASAM MCD-2 NET)",
        media_type: "application/xml",
        extensions: &["fibex"],
        magic: "the root element FIBEX with a name space of ASAM, or with PROJECT and ELEMENTS",
        reference: "https://www.asam.net/standards/detail/mcd-2-net/",
        evidence: "records as of XML; names of ECUs, frames, PDUs, signals; diag.fibex with counts",
        limitations: &["References are not resolved: counts are of definitions in the file."],
    },
    Format {
        name: "kcd",
        title: "KCD (CAN network description)",
        media_type: "application/xml",
        extensions: &["kcd"],
        magic: "the root element NetworkDefinition with its name space, or with Bus or Node",
        reference: "https://github.com/julietkilo/kcd",
        evidence: "records as of XML; names of nodes, messages, signals, values; diag.kcd with counts",
        limitations: &[],
    },
    Format {
        name: "cdd",
        title: "CANdela diagnostic description (CDD)",
        media_type: "application/xml",
        extensions: &["cdd", "cddt"],
        magic: "the root element CANDELA, with ECUDOC",
        reference: "https://www.vector.com/int/en/products/products-a-z/software/candelastudio/",
        evidence: "records as of XML; names of ECUs, variants, services, data identifiers, trouble codes; diag.cdd with counts",
        limitations: &[
            "The format is not public: what is told rests on files seen; the older binary form is not read.",
        ],
    },
    Format {
        name: "cdfx",
        title: "Calibration data format (CDF)",
        media_type: "application/xml",
        extensions: &["cdfx"],
        magic: "the root element MSRSW with SW-SYSTEMS or CATEGORY CDF20",
        reference: "https://www.asam.net/standards/detail/cdf/",
        evidence: "records as of XML; names and descriptions of parameters; diag.a2l with counts",
        limitations: &[],
    },
];

fn is_format(root: &Root<'_>) -> Option<&'static str> {
    let body = root.body;
    let spaces = || root.attributes.iter().map(|(_, v)| v.to_ascii_lowercase());
    match root.local() {
        "AUTOSAR" => (spaces().any(|v| v.contains("autosar"))
            || ["<AR-PACKAGE", "<TOP-LEVEL-PACKAGES", "<ADMIN-DATA"].iter().any(|w| body.contains(w)))
        .then_some("arxml"),
        "FIBEX" => (spaces().any(|v| v.contains("fbx") || v.contains("fibex") || v.contains("asam"))
            || (body.contains("PROJECT") && body.contains("ELEMENTS")))
        .then_some("fibex"),
        "NetworkDefinition" => (spaces().any(|v| v.contains("kayak") || v.contains("can-definition"))
            || ["<Bus", "<Node", "<Document", ":Bus", ":Node"].iter().any(|w| body.contains(w)))
        .then_some("kcd"),
        "CANDELA" => (body.contains("<ECUDOC") || root.attribute("dtdvers").is_some()).then_some("cdd"),
        "MSRSW" => (body.contains("<SW-SYSTEM") || body.contains("CDF2")).then_some("cdfx"),
        _ => None,
    }
}

impl FormatReader for Networks {
    fn formats(&self) -> &'static [Format] {
        FORMATS
    }

    fn identify(&self, probe: &Probe<'_>) -> Option<Identity> {
        with_root(probe, is_format).map(|format| Identity::new(format, Certainty::Specific))
    }

    fn inspect(&self, artifact: &Artifact, _: &Context, out: &mut dyn Inspection) -> Result<(), InspectError> {
        let kind = match artifact.format {
            "arxml" => Kind::Arxml,
            "fibex" => Kind::Fibex,
            "kcd" => Kind::Kcd,
            "cdd" => Kind::Cdd,
            _ => Kind::Cdfx,
        };
        let mut reader = Reader {
            kind,
            path: Path::default(),
            items: Items::default(),
            names: Names::new(artifact),
            counts: Counts::default(),
            versions: List::default(),
            nodes: List::of(100),
            buses: List::default(),
            security: List::default(),
            routines: List::default(),
            service_interfaces: List::default(),
            vars: 0,
            plain_name: false,
        };
        yumen_kit_xml::inspect(artifact, Markup::Xml, &mut reader, out)?;
        reader.finish(artifact, out)
    }
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Kind {
    Arxml,
    Fibex,
    Kcd,
    Cdd,
    Cdfx,
}

struct Reader {
    kind: Kind,
    path: Path,
    items: Items,
    names: Names,
    counts: Counts,
    versions: List,
    nodes: List,
    buses: List,
    security: List,
    routines: List,
    service_interfaces: List,
    /// Variants of a CDD so far.
    vars: u64,
    /// The open thing of a CDD has a qualifier for its name.
    plain_name: bool,
}

/// What an element is told as, and what it counts as; both may be empty.
type Entry = Option<(&'static str, &'static str)>;

fn arxml(name: &str) -> Entry {
    Some(match name {
        "AR-PACKAGE" => ("", "packages"),
        "ECU-INSTANCE" => ("ecu", "ecus"),
        "CAN-FRAME"
        | "FLEXRAY-FRAME"
        | "ETHERNET-FRAME"
        | "GENERIC-ETHERNET-FRAME"
        | "LIN-UNCONDITIONAL-FRAME"
        | "LIN-SPORADIC-FRAME"
        | "LIN-EVENT-TRIGGERED-FRAME"
        | "FRAME"
        | "TTCAN-FRAME" => ("frame", "frames"),
        "I-SIGNAL-I-PDU"
        | "SIGNAL-I-PDU"
        | "NM-PDU"
        | "N-PDU"
        | "DCM-I-PDU"
        | "GENERAL-PURPOSE-PDU"
        | "GENERAL-PURPOSE-I-PDU"
        | "MULTIPLEXED-I-PDU"
        | "SECURED-I-PDU"
        | "CONTAINER-I-PDU"
        | "USER-DEFINED-PDU"
        | "USER-DEFINED-I-PDU"
        | "J-1939-DCM-I-PDU"
        | "XCP-PDU" => ("pdu", "pdus"),
        "I-SIGNAL" => ("signal", "signals"),
        "SYSTEM-SIGNAL" => ("signal", "system_signals"),
        "I-SIGNAL-GROUP" => ("signal", "signal_groups"),
        "CAN-CLUSTER" | "LIN-CLUSTER" | "FLEXRAY-CLUSTER" | "ETHERNET-CLUSTER" | "TTCAN-CLUSTER" | "J-1939-CLUSTER"
        | "CLUSTER" => ("attribute", "clusters"),
        "APPLICATION-SW-COMPONENT-TYPE"
        | "COMPOSITION-SW-COMPONENT-TYPE"
        | "SERVICE-SW-COMPONENT-TYPE"
        | "ECU-ABSTRACTION-SW-COMPONENT-TYPE"
        | "SENSOR-ACTUATOR-SW-COMPONENT-TYPE"
        | "COMPLEX-DEVICE-DRIVER-SW-COMPONENT-TYPE"
        | "PARAMETER-SW-COMPONENT-TYPE"
        | "NV-BLOCK-SW-COMPONENT-TYPE"
        | "SERVICE-PROXY-SW-COMPONENT-TYPE"
        | "APPLICATION-SOFTWARE-COMPONENT-TYPE"
        | "COMPOSITION-TYPE"
        | "SENSOR-ACTUATOR-SOFTWARE-COMPONENT-TYPE"
        | "ATOMIC-SOFTWARE-COMPONENT-TYPE"
        | "SERVICE-COMPONENT-TYPE"
        | "CALPRM-COMPONENT-TYPE"
        | "COMPLEX-DEVICE-DRIVER-COMPONENT-TYPE"
        | "ADAPTIVE-APPLICATION-SW-COMPONENT-TYPE" => ("attribute", "software_components"),
        "RUNNABLE-ENTITY" => ("attribute", "runnables"),
        "SERVICE-INTERFACE"
        | "SOMEIP-SERVICE-INTERFACE-DEPLOYMENT"
        | "PROVIDED-SOMEIP-SERVICE-INSTANCE"
        | "REQUIRED-SOMEIP-SERVICE-INSTANCE"
        | "PROVIDED-SERVICE-INSTANCE"
        | "CONSUMED-SERVICE-INSTANCE" => ("service", "someip_services"),
        "CLIENT-SERVER-OPERATION" => ("attribute", "operations"),
        "DIAGNOSTIC-SECURITY-ACCESS" | "DIAGNOSTIC-SECURITY-LEVEL" => ("security-access", "security_access_count"),
        "DIAGNOSTIC-ROUTINE" | "DIAGNOSTIC-ROUTINE-CONTROL" => ("routine", "routine_control_count"),
        "DIAGNOSTIC-DATA-IDENTIFIER" | "DIAGNOSTIC-DYNAMIC-DATA-IDENTIFIER" => ("service", "dids"),
        "DIAGNOSTIC-TROUBLE-CODE-UDS" | "DIAGNOSTIC-TROUBLE-CODE-OBD" | "DIAGNOSTIC-TROUBLE-CODE-J-1939" => {
            ("dtc", "dtcs")
        }
        "DIAGNOSTIC-READ-DATA-BY-IDENTIFIER"
        | "DIAGNOSTIC-WRITE-DATA-BY-IDENTIFIER"
        | "DIAGNOSTIC-IO-CONTROL"
        | "DIAGNOSTIC-REQUEST-DOWNLOAD"
        | "DIAGNOSTIC-REQUEST-UPLOAD"
        | "DIAGNOSTIC-TRANSFER-EXIT"
        | "DIAGNOSTIC-ECU-RESET"
        | "DIAGNOSTIC-SESSION-CONTROL"
        | "DIAGNOSTIC-COM-CONTROL"
        | "DIAGNOSTIC-CONTROL-DTC-SETTING"
        | "DIAGNOSTIC-CLEAR-DIAGNOSTIC-INFORMATION"
        | "DIAGNOSTIC-READ-DTC-INFORMATION"
        | "DIAGNOSTIC-READ-MEMORY-BY-ADDRESS"
        | "DIAGNOSTIC-WRITE-MEMORY-BY-ADDRESS"
        | "DIAGNOSTIC-AUTHENTICATION"
        | "DIAGNOSTIC-REQUEST-FILE-TRANSFER"
        | "DIAGNOSTIC-RESPONSE-ON-EVENT" => ("service", "diagnostic_services"),
        "ECUC-CONTAINER-VALUE" | "CONTAINER" => ("", ""),
        "COMPU-METHOD" => ("attribute", ""),
        _ => return None,
    })
}

fn fibex(name: &str, parent: &str) -> Entry {
    Some(match (name, parent) {
        ("ECU", "ECUS") => ("ecu", "ecus"),
        ("FRAME", "FRAMES") => ("frame", "frames"),
        ("PDU", "PDUS") => ("pdu", "pdus"),
        ("SIGNAL", "SIGNALS") => ("signal", "signals"),
        ("CLUSTER", "CLUSTERS") => ("attribute", "clusters"),
        ("CHANNEL", "CHANNELS") => ("attribute", "channels"),
        ("FUNCTION", "FUNCTIONS") => ("attribute", "functions"),
        ("SERVICE-INTERFACE", "SERVICE-INTERFACES") => ("service", "someip_services"),
        ("CODING", "CODINGS") => ("attribute", ""),
        ("PROJECT", _) => ("", ""),
        _ => return None,
    })
}

fn kcd(name: &str) -> Entry {
    Some(match name {
        "Node" => ("node", "ecus"),
        "Bus" => ("attribute", "buses"),
        "Message" => ("message", "messages"),
        "Signal" => ("signal", "signals"),
        // The multiplexer is a signal too.
        "Multiplex" => ("signal", "signals"),
        _ => return None,
    })
}

fn cdd(name: &str, parent: &str) -> Entry {
    Some(match (name, parent) {
        ("ECU", "ECUDOC") => ("ecu", "ecus"),
        ("VAR", "ECU") => ("ecu", "variants"),
        ("DIAGINST", _) => ("service", "instances"),
        ("SERVICE", _) => ("service", "services"),
        ("PROTOCOLSERVICE", _) => ("service", "protocol_services"),
        ("DCLTMPL" | "DIAGCLASS" | "DCLSRVTMPL", _) => ("attribute", ""),
        ("DID", "DIDS") => ("attribute", "did_definitions"),
        ("RECORD", "RECORDDT") => ("dtc", "dtcs"),
        _ => return None,
    })
}

impl Reader {
    fn element(&self, name: &str) -> Entry {
        match self.kind {
            Kind::Arxml => arxml(name),
            Kind::Fibex => fibex(name, self.path.up(1)),
            Kind::Kcd => kcd(name),
            Kind::Cdd => cdd(name, self.path.up(1)),
            Kind::Cdfx => (name == "SW-INSTANCE").then_some(("characteristic", "characteristics")),
        }
    }

    fn finish(self, artifact: &Artifact, out: &mut dyn Inspection) -> Result<(), InspectError> {
        let (kind, always): (KindId, &[&str]) = match self.kind {
            Kind::Arxml => (
                kinds::DIAG_ARXML,
                &["packages", "ecus", "frames", "pdus", "signals", "clusters", "software_components"],
            ),
            Kind::Fibex => (kinds::DIAG_FIBEX, &["ecus", "frames", "pdus", "signals"]),
            Kind::Kcd => (kinds::DIAG_KCD, &["ecus", "messages", "signals"]),
            Kind::Cdd => (kinds::DIAG_CDD, &["ecus", "variants", "services", "dids", "dtcs"]),
            Kind::Cdfx => (kinds::DIAG_A2L, &["characteristics"]),
        };
        self.names.finish(out)?;
        let item = self
            .counts
            .into_item(kind, always)
            .with("format", if self.kind == Kind::Cdfx { "cdfx" } else { "" })
            .with("version", self.versions.value())
            .with("nodes", self.nodes.value())
            .with("bus_names", self.buses.value())
            .with("someip_names", self.service_interfaces.value())
            .with("security_access", self.security.value())
            .with("routine_control", self.routines.value());
        send_inventory(artifact, item, out)
    }

    fn version(&mut self, name: &str, value: &str) {
        match self.kind {
            Kind::Arxml => {
                // `…/r4.0 AUTOSAR_4-2-2.xsd`, `AUTOSAR_00049.xsd`, `http://autosar.org/3.1.2`.
                let schema = value.split_whitespace().filter_map(|w| w.strip_suffix(".xsd")).next_back();
                if let Some((_, version)) = schema.and_then(|s| s.rsplit_once('_')) {
                    self.versions.add(&version.replace('-', "."));
                } else if name == "xmlns"
                    && let Some((_, version)) = value.rsplit_once("autosar.org/")
                    && version.starts_with(|c: char| c.is_ascii_digit())
                {
                    self.versions.add(version.trim_end_matches(".DAI.1").trim_end_matches('/'));
                }
            }
            Kind::Fibex if name == "VERSION" => self.versions.add(value),
            Kind::Cdd if name == "dtdvers" => self.versions.add(value),
            _ => {}
        }
    }
}

impl Visitor for Reader {
    fn start(&mut self, name: &str, _: Place, _: &mut dyn Inspection) -> Result<(), InspectError> {
        let name = local(name);
        self.path.push(name);
        if let Some((cell, count)) = self.element(name) {
            self.items.open(self.path.depth(), cell);
            if !count.is_empty() {
                self.counts.add(count);
            }
            if self.kind == Kind::Cdd {
                self.plain_name = false;
                self.vars += u64::from(name == "VAR");
                // As cantools counts them: the instances of the first variant.
                if name == "DIAGINST" && self.path.up(1) == "DIAGCLASS" && self.path.up(2) == "VAR" && self.vars == 1 {
                    self.counts.add("dids");
                }
            }
        }
        Ok(())
    }

    fn attribute(&mut self, name: &str, value: &str, place: Place, _: &mut dyn Inspection) -> Result<(), InspectError> {
        let depth = self.path.depth();
        if depth == 1 {
            self.version(name, value);
            return Ok(());
        }
        match self.kind {
            Kind::Kcd => match (self.path.up(0), name) {
                (_, "name") if self.items.last().is_some_and(|i| i.depth == depth) => {
                    self.items.name(depth, Named::of(value, place));
                }
                ("Label" | "LabelGroup", "name") => self.items.say("value-description", Named::of(value, place)),
                ("Document", "version") => self.versions.add(value),
                _ => {}
            },
            // Records of trouble codes bear their code.
            Kind::Cdd if name == "v" && self.path.up(0) == "CONSTCOMP" && self.path.up(1) == "REQ" => {
                let sid = value.parse::<u64>().ok();
                if let Some(item) = self.items.last().filter(|i| i.cell == "service") {
                    match sid {
                        Some(0x27) => item.cell = "security-access",
                        Some(0x31) => item.cell = "routine",
                        _ => {}
                    }
                }
            }
            _ => {}
        }
        Ok(())
    }

    fn text(&mut self, value: &str, _: bool, place: Place, _: &mut dyn Inspection) -> Result<(), InspectError> {
        let depth = self.path.depth();
        let (name, parent) = (self.path.up(0), self.path.up(1));
        match self.kind {
            Kind::Arxml | Kind::Fibex | Kind::Cdfx => match name {
                "SHORT-NAME" => self.items.name(depth - 1, Named::of(value, place)),
                "L-1" | "L-2" | "L-4" | "LONG-NAME" | "DESC" => self.items.say("comment", Named::of(value, place)),
                "VT" => self.items.say("value-description", Named::of(value, place)),
                "DEFINITION-REF" if parent == "ECUC-CONTAINER-VALUE" || parent == "CONTAINER" => {
                    // Configuration of the diagnostic module: rows of security levels and routines.
                    let what = value.rsplit('/').next().unwrap_or("");
                    if let Some(item) = self.items.last().filter(|i| i.depth + 1 == depth) {
                        match what {
                            "DcmDspSecurityRow" => {
                                item.cell = "security-access";
                                self.counts.add("security_access_count");
                            }
                            "DcmDspRoutine" => {
                                item.cell = "routine";
                                self.counts.add("routine_control_count");
                            }
                            "DcmDspDid" => {
                                item.cell = "service";
                                self.counts.add("dids");
                            }
                            // The same of the communication module, in an extract for one ECU.
                            "ComIPdu" => {
                                item.cell = "pdu";
                                self.counts.add("pdus");
                            }
                            "ComSignal" | "ComGroupSignal" => {
                                item.cell = "signal";
                                self.counts.add("signals");
                            }
                            _ => {}
                        }
                    }
                }
                _ => {}
            },
            Kind::Kcd => {
                if matches!(name, "Notes") {
                    self.items.say("comment", Named::of(value, place));
                }
            }
            Kind::Cdd => match (name, parent) {
                ("QUAL", _) if self.items.last().is_some_and(|i| i.depth + 1 == depth) => {
                    let named = Named::of(value, place);
                    if let Some(item) = self.items.last() {
                        if let Some(old) = item.name.replace(named) {
                            item.said.push(("comment", old));
                        }
                        self.plain_name = true;
                    }
                }
                ("TUV", "NAME" | "TEXT") if self.items.last().is_some_and(|i| i.depth + 2 == depth) => {
                    let unnamed = self.items.last().is_some_and(|i| i.name.is_none());
                    if unnamed && !self.plain_name {
                        self.items.name(depth - 2, Named::of(value, place));
                    } else {
                        self.items.say("comment", Named::of(value, place));
                    }
                }
                ("TUV" | "PARA", _) => self.items.say("comment", Named::of(value, place)),
                ("SHORTCUTNAME", _) => self.items.say("comment", Named::of(value, place)),
                _ => {}
            },
        }
        Ok(())
    }

    fn end(&mut self, name: &str, out: &mut dyn Inspection) -> Result<(), InspectError> {
        let name = local(name);
        let depth = self.path.depth();
        self.path.pop();
        let Some(mut item) = self.items.end(depth) else { return Ok(()) };
        if item.cell == "service" && self.kind != Kind::Arxml {
            if is_security_access(item.name()) {
                item.cell = "security-access";
            } else if is_routine(item.name()) {
                item.cell = "routine";
            }
        }
        match item.cell {
            "ecu" | "node" => self.nodes.add(item.name()),
            "security-access" => self.security.add(item.name()),
            "routine" => self.routines.add(item.name()),
            "service" if name.contains("SERVICE-INTER") || name.contains("SERVICE-INSTANCE") => {
                self.service_interfaces.add(item.name());
            }
            "attribute" if name == "Bus" || name.ends_with("CLUSTER") => self.buses.add(item.name()),
            _ => {}
        }
        item.tell(&mut self.names, out)
    }
}
