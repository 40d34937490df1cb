//! Diagnostics over CAN: ISO 15765-2 transport, UDS (ISO 14229-1) and OBD (ISO 15031-5).

use std::collections::{BTreeMap, BTreeSet, HashMap};

use serde_json::Value;
use yumen_model::InspectError;

use super::{Frame, tell_vin};
use crate::out::Out;

/// Messages under way at one time.
const MAX_OPEN: usize = 512;
/// Longest message that is put together; the standard's short form has 4095.
const MAX_LEN: usize = 64 << 10;

struct Open {
    len: usize,
    data: Vec<u8>,
    next: u8,
}

#[derive(Default)]
pub(super) struct IsoTp {
    open: HashMap<u64, Open>,
    services: BTreeMap<u8, u64>,
    obd: u64,
    /// Pages of identifiers whose first byte counts them, as broadcast vehicle numbers have.
    pages: HashMap<u64, [Option<[u8; 7]>; 4]>,
}

/// Identifiers that diagnostics use: those of OBD, and 18DAxxxx, 18DBxxxx.
fn is_diagnostic(id: u32, extended: bool) -> bool {
    if extended { matches!(id >> 16 & 0x3ff, 0xda | 0xdb | 0xcd | 0xce) } else { matches!(id, 0x7df..=0x7ef) }
}

impl IsoTp {
    pub(super) fn frame(
        &mut self,
        frame: &Frame<'_>,
        seen: &mut BTreeSet<String>,
        out: &mut Out<'_>,
    ) -> Result<(), InspectError> {
        let d = frame.data;
        let key = u64::from(frame.channel) << 32 | u64::from(frame.extended) << 31 | u64::from(frame.id);
        let diagnostic = is_diagnostic(frame.id, frame.extended);
        match d[0] >> 4 {
            0 if diagnostic => {
                let (from, len) =
                    if d[0] == 0 && d.len() > 8 { (2, usize::from(d[1])) } else { (1, usize::from(d[0] & 0xf)) };
                if let Some(message) = d.get(from..from + len).filter(|m| !m.is_empty()) {
                    self.message(message, true, frame.offset, seen, out)?;
                }
            }
            1 if d.len() >= 8 => {
                let len = usize::from(d[0] & 0xf) << 8 | usize::from(d[1]);
                // Elsewhere only what is beyond doubt: replies that hold a vehicle's number.
                let number = matches!(d[2..], [0x49, 0x02, ..] | [0x62, 0xf1, 0x90, ..]);
                if len > d.len() - 2 && len <= MAX_LEN && (diagnostic || number && len >= 19) {
                    if self.open.len() >= MAX_OPEN && !self.open.contains_key(&key) {
                        self.open.clear();
                    }
                    self.open.insert(key, Open { len, data: d[2..].to_vec(), next: 1 });
                }
            }
            2 => {
                let Some(open) = self.open.get_mut(&key) else { return self.page(key, frame, seen, out) };
                if d[0] & 0xf != open.next {
                    self.open.remove(&key);
                    return Ok(());
                }
                open.next = (open.next + 1) & 0xf;
                let want = open.len - open.data.len();
                open.data.extend_from_slice(&d[1..d.len().min(want + 1)]);
                if open.data.len() >= open.len
                    && let Some(done) = self.open.remove(&key)
                {
                    self.message(&done.data, diagnostic, frame.offset, seen, out)?;
                }
            }
            _ => {}
        }
        self.page(key, frame, seen, out)
    }

    /// A vehicle's number that is broadcast in pages: the first byte counts them from 0 or 1, seven characters in each.
    fn page(
        &mut self,
        key: u64,
        frame: &Frame<'_>,
        seen: &mut BTreeSet<String>,
        out: &mut Out<'_>,
    ) -> Result<(), InspectError> {
        let [page @ 0..=3, rest @ ..] = frame.data else { return Ok(()) };
        let Ok(rest) = <[u8; 7]>::try_from(rest) else { return Ok(()) };
        if rest.iter().filter(|b| b.is_ascii_alphanumeric()).count() < 3
            || !rest.iter().all(|b| b.is_ascii_alphanumeric() || matches!(b, 0 | 0xff | b' '))
        {
            return Ok(());
        }
        if self.pages.len() >= MAX_OPEN && !self.pages.contains_key(&key) {
            return Ok(());
        }
        let pages = self.pages.entry(key).or_default();
        pages[usize::from(*page)] = Some(rest);
        let all: Vec<u8> = pages.iter().flatten().flatten().copied().filter(u8::is_ascii_alphanumeric).collect();
        if all.len() == 17 { tell_vin(&all, frame.offset, seen, out) } else { Ok(()) }
    }

    /// A whole message.
    pub(super) fn message(
        &mut self,
        data: &[u8],
        counted: bool,
        offset: u64,
        seen: &mut BTreeSet<String>,
        out: &mut Out<'_>,
    ) -> Result<(), InspectError> {
        let &[service, ref rest @ ..] = data else { return Ok(()) };
        match (service, rest) {
            (0x49, [0x02, _, vin @ ..]) => {
                let from = vin.len().saturating_sub(17);
                tell_vin(&vin[from..], offset, seen, out)?;
            }
            (0x62, [0xf1, 0x90, vin @ ..]) => tell_vin(vin.get(..17).unwrap_or(vin), offset, seen, out)?,
            // Identification of the control unit: numbers of parts, serials, versions, dates.
            (0x62, [0xf1, did @ 0x80..=0x9f, value @ ..]) => {
                let end = value.iter().rposition(|&b| b != 0 && b != 0xff && b != b' ').map_or(0, |i| i + 1);
                if (3..=256).contains(&end) && value[..end].iter().all(|b| (0x20..0x7f).contains(b)) {
                    let text = String::from_utf8_lossy(&value[..end]);
                    let name = match did {
                        0x8c => "ecu_serial_number",
                        0x87 => "part_number",
                        0x8a => "supplier",
                        0x97 => "system_name",
                        0x98 => "repair_shop",
                        _ => "identification",
                    };
                    out.record([(name, &*text)], offset, offset)?;
                }
            }
            _ => {}
        }
        if counted {
            match service {
                0x01..=0x0a | 0x41..=0x4a => self.obd += 1,
                0x10..=0x3e | 0x83..=0x88 => *self.services.entry(service).or_default() += 1,
                _ => {}
            }
        }
        Ok(())
    }

    pub(super) fn finish(&self, protocols: &mut BTreeSet<&'static str>, more: &mut BTreeMap<String, Value>) {
        if self.obd > 0 {
            protocols.insert("OBD");
        }
        if !self.services.is_empty() {
            protocols.insert("UDS");
            let rows: Vec<Value> = self
                .services
                .iter()
                .map(|(service, n)| serde_json::json!({"service": format!("0x{service:02X}"), "name": name(*service), "requests": n}))
                .collect();
            more.insert("uds_services".to_owned(), rows.into());
        }
    }
}

fn name(service: u8) -> &'static str {
    match service {
        0x10 => "DiagnosticSessionControl",
        0x11 => "ECUReset",
        0x14 => "ClearDiagnosticInformation",
        0x19 => "ReadDTCInformation",
        0x22 => "ReadDataByIdentifier",
        0x23 => "ReadMemoryByAddress",
        0x27 => "SecurityAccess",
        0x28 => "CommunicationControl",
        0x29 => "Authentication",
        0x2a => "ReadDataByPeriodicIdentifier",
        0x2c => "DynamicallyDefineDataIdentifier",
        0x2e => "WriteDataByIdentifier",
        0x2f => "InputOutputControlByIdentifier",
        0x31 => "RoutineControl",
        0x34 => "RequestDownload",
        0x35 => "RequestUpload",
        0x36 => "TransferData",
        0x37 => "RequestTransferExit",
        0x38 => "RequestFileTransfer",
        0x3d => "WriteMemoryByAddress",
        0x3e => "TesterPresent",
        0x85 => "ControlDTCSetting",
        0x86 => "ResponseOnEvent",
        0x87 => "LinkControl",
        _ => "other",
    }
}
