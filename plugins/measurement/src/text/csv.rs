//! Tables of frames as tools for CAN write them: python-can, SavvyCAN (GVRET), CL1000 loggers.

use yumen_kit_container::FormatReader;
use yumen_model::{Artifact, Certainty, Context, Format, Identity, InspectError, Inspection, Probe};

use super::{head, hex_run, hex_words, read};
use crate::bus::{Bus, Frame};
use crate::out::Out;

pub(crate) struct CanCsv;

const FORMATS: &[Format] = &[Format {
    name: "can-csv",
    title: "CAN recording as a table",
    media_type: "text/csv",
    extensions: &[],
    magic: "the header line of python-can, SavvyCAN or CL1000 loggers",
    reference: "https://python-can.readthedocs.io/en/stable/file_io.html#csvwriter",
    evidence: "positions, motion and vehicle numbers in frames; other lines as text; bus.log with channels and identifiers",
    limitations: &["Other tools' tables are read as any table is."],
}];

#[derive(Clone, Copy, PartialEq)]
enum Tool {
    PythonCan,
    SavvyCan { bus: usize, len: usize },
    Logger(char),
}

fn tool(line: &str) -> Option<Tool> {
    let line = line.trim().trim_start_matches('\u{feff}').to_ascii_lowercase();
    if line == "timestamp,arbitration_id,extended,remote,error,dlc,data" {
        return Some(Tool::PythonCan);
    }
    if line.starts_with("time stamp,id,extended,") {
        let columns: Vec<&str> = line.split(',').collect();
        let at = |name| columns.iter().position(|c| *c == name);
        return Some(Tool::SavvyCan { bus: at("bus")?, len: at("len")? });
    }
    let separator = line.strip_prefix("timestamp")?.chars().next().filter(|c| matches!(c, ';' | ','))?;
    let rest: Vec<&str> = line.split(separator).collect();
    (rest == ["timestamp", "type", "id", "data"]).then_some(Tool::Logger(separator))
}

impl FormatReader for CanCsv {
    fn formats(&self) -> &'static [Format] {
        FORMATS
    }

    fn identify(&self, probe: &Probe<'_>) -> Option<Identity> {
        let text = head(probe)?;
        let line = text.lines().find(|l| !l.starts_with('#') && !l.trim().is_empty())?;
        tool(line).map(|_| Identity::new("can-csv", Certainty::Specific))
    }

    fn inspect(&self, artifact: &Artifact, context: &Context, out: &mut dyn Inspection) -> Result<(), InspectError> {
        let mut form = None;
        let mut data = Vec::new();
        read(artifact, context, out, |text, at, bus, out| {
            let Some(tool_) = form else {
                form = tool(text);
                return Ok(false);
            };
            line(text, tool_, at, &mut data, bus, out)
        })
    }
}

fn line(
    text: &str,
    tool: Tool,
    at: u64,
    data: &mut Vec<u8>,
    bus: &mut Bus,
    out: &mut Out<'_>,
) -> Result<bool, InspectError> {
    let separator = if let Tool::Logger(c) = tool { c } else { ',' };
    let cells: Vec<&str> = text.split(separator).map(str::trim).take(80).collect();
    let cell = |i: usize| cells.get(i).copied().unwrap_or("");
    let hex = |text: &str| u32::from_str_radix(text.trim_start_matches("0x"), 16).ok();
    let Some(time) = cell(0).parse::<f64>().ok() else { return Ok(text.trim().is_empty()) };
    data.clear();
    let (id, extended, channel, time, remote, error) = match tool {
        Tool::PythonCan => {
            if !base64(cell(6), data) {
                return Ok(false);
            }
            let Some(id) = hex(cell(1)) else { return Ok(false) };
            (id, cell(2) == "1", "1", time, cell(3) == "1", cell(4) == "1")
        }
        Tool::SavvyCan { bus: column, len } => {
            let n = cell(len).parse::<usize>().unwrap_or(0).min(64);
            hex_words(cells.iter().skip(len + 1).copied(), n, data);
            let Some(id) = hex(cell(1)) else { return Ok(false) };
            (id, matches!(cell(2), "true" | "1"), cell(column), time / 1e6, false, false)
        }
        Tool::Logger(_) => {
            if !hex_run(cell(3), data) {
                return Ok(false);
            }
            let Some(id) = hex(cell(2)) else { return Ok(false) };
            (id, cell(1) == "1", "1", time, false, false)
        }
    };
    let channel = bus.channel(channel, "CAN");
    if error {
        bus.error(channel, time);
        return Ok(true);
    }
    let fd = data.len() > 8;
    let frame = Frame {
        time_s: time,
        channel,
        id: id & 0x1fff_ffff,
        extended: extended || id > 0x7ff,
        fd,
        remote,
        data,
        offset: at,
    };
    bus.frame(&frame, out)?;
    Ok(true)
}

fn base64(text: &str, data: &mut Vec<u8>) -> bool {
    let mut bits = 0u32;
    let mut n = 0;
    for b in text.bytes().filter(|&b| b != b'=') {
        let value = match b {
            b'A'..=b'Z' => b - b'A',
            b'a'..=b'z' => b - b'a' + 26,
            b'0'..=b'9' => b - b'0' + 52,
            b'+' => 62,
            b'/' => 63,
            _ => return false,
        };
        bits = bits << 6 | u32::from(value);
        n += 6;
        if n >= 8 {
            n -= 8;
            data.push((bits >> n) as u8);
        }
    }
    data.len() <= 64
}
