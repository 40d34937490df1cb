//! TRC, the recordings of PEAK's PCAN tools, versions 1.0 to 2.1.
//!
//! Source: PEAK-System, "PCAN trace file formats".

use yumen_kit_container::FormatReader;
use yumen_model::{Artifact, Certainty, Context, Format, Identity, InspectError, Inspection, Probe};

use super::{head, hex_words, read};
use crate::bus::{Bus, Frame};
use crate::out::Out;
use crate::time;

pub(crate) struct Trc;

const FORMATS: &[Format] = &[Format {
    name: "trc",
    title: "PEAK trace",
    media_type: "text/plain",
    extensions: &[],
    magic: "`;$FILEVERSION=` 1.x or 2.x, or a header `; Message Number, Time Offset, ID` with numbered lines",
    reference: "https://www.peak-system.com/produktcd/Pdf/English/PEAK_CAN_TRC_File_Format.pdf",
    evidence: "positions, motion and vehicle numbers in frames; header and event lines as text; bus.log with channels and identifiers",
    limitations: &[],
}];

impl FormatReader for Trc {
    fn formats(&self) -> &'static [Format] {
        FORMATS
    }

    fn identify(&self, probe: &Probe<'_>) -> Option<Identity> {
        let text = head(probe)?;
        let version =
            text.lines().take(5).any(|l| l.trim_start_matches('\u{feff}').trim().starts_with(";$FILEVERSION="));
        let old = || {
            text.starts_with(';')
                && text.lines().take(40).any(|l| l.starts_with(";---+") || l.starts_with(";---"))
                && text.lines().filter(|l| numbered(l).is_some()).count() >= 1
        };
        (version || old()).then(|| Identity::new("trc", Certainty::Specific))
    }

    fn inspect(&self, artifact: &Artifact, context: &Context, out: &mut dyn Inspection) -> Result<(), InspectError> {
        let mut state = State::default();
        read(artifact, context, out, |line, at, bus, out| state.line(line, at, bus, out))
    }
}

/// The words of a line that begins with a number and a bracket.
fn numbered(line: &str) -> Option<Vec<&str>> {
    let words: Vec<&str> = line.split_ascii_whitespace().take(100).collect();
    let number = words.first()?.strip_suffix(')')?.parse::<u64>().is_ok();
    (number && words.get(1)?.parse::<f64>().is_ok()).then_some(words)
}

#[derive(Default)]
struct State {
    /// Major and minor number.
    version: (u32, u32),
    columns: Vec<char>,
    data: Vec<u8>,
}

impl State {
    fn line(&mut self, line: &str, at: u64, bus: &mut Bus, out: &mut Out<'_>) -> Result<bool, InspectError> {
        let text = line.trim();
        if let Some(rest) = text.strip_prefix(";$") {
            match rest.split_once('=') {
                Some(("FILEVERSION", v)) => {
                    let mut parts = v.trim().split('.').map(|p| p.parse().unwrap_or(0));
                    self.version = (parts.next().unwrap_or(1), parts.next().unwrap_or(0));
                    if self.version.0 >= 2 && self.columns.is_empty() {
                        self.columns = "NOTIRLD".chars().collect();
                    }
                }
                Some(("STARTTIME", v)) => bus.base = v.trim().parse().map_or(0.0, time::of_ole),
                Some(("COLUMNS", v)) => self.columns = v.split(',').filter_map(|c| c.trim().chars().next()).collect(),
                _ => {}
            }
            return Ok(false);
        }
        if text.is_empty() || text.starts_with(';') {
            if bus.base == 0.0
                && let Some(start) = text.split_once("Start time:").and_then(|(_, t)| time::parse(t))
            {
                bus.base = start;
            }
            return Ok(text.is_empty());
        }
        if self.version.0 >= 2 { self.second(text, at, bus, out) } else { self.first(text, at, bus, out) }
    }

    /// Version 1: number, time, then what the minor version has.
    fn first(&mut self, text: &str, at: u64, bus: &mut Bus, out: &mut Out<'_>) -> Result<bool, InspectError> {
        let Some(words) = numbered(text) else { return Ok(false) };
        let time = words[1].parse::<f64>().unwrap_or(0.0) / 1000.0;
        let mut rest = &words[2..];
        let mut channel = "1";
        if self.version.1 >= 2 {
            let Some((bus, more)) = rest.split_first() else { return Ok(false) };
            (channel, rest) = (bus, more);
        }
        if self.version.1 >= 1 {
            let Some((kind, more)) = rest.split_first() else { return Ok(false) };
            rest = more;
            match *kind {
                "Rx" | "Tx" => {}
                "Error" => {
                    let channel = bus.channel(channel, "CAN");
                    bus.error(channel, time);
                    return Ok(true);
                }
                _ => return Ok(false),
            }
        }
        let Some((id, mut rest)) = rest.split_first() else { return Ok(false) };
        // The reserved column of version 1.3.
        if let Some((&"-", more)) = rest.split_first() {
            rest = more;
        }
        let Some((len, data)) = rest.split_first() else { return Ok(false) };
        let (Ok(number), Ok(len)) = (u32::from_str_radix(id, 16), len.parse::<usize>()) else { return Ok(false) };
        let remote = data.first() == Some(&"RTR");
        hex_words(data.iter().copied(), if remote { 0 } else { len.min(64) }, &mut self.data);
        let channel = bus.channel(channel, "CAN");
        // An identifier of all ones marks a change of the bus's state.
        if number == u32::MAX {
            return Ok(true);
        }
        let frame = Frame {
            time_s: time,
            channel,
            id: number & 0x1fff_ffff,
            extended: id.len() > 4,
            fd: false,
            remote,
            data: &self.data,
            offset: at,
        };
        bus.frame(&frame, out)?;
        Ok(true)
    }

    /// Version 2: the columns that the header names.
    fn second(&mut self, text: &str, at: u64, bus: &mut Bus, out: &mut Out<'_>) -> Result<bool, InspectError> {
        let mut words = text.split_ascii_whitespace();
        let (mut time, mut kind, mut channel, mut id, mut len) = (0.0, "", "1", "", 0usize);
        for column in &self.columns {
            if *column == 'D' {
                break;
            }
            let Some(word) = words.next() else { break };
            match column {
                'N' if word.parse::<u64>().is_err() => return Ok(false),
                'O' => match word.parse::<f64>() {
                    Ok(ms) => time = ms / 1000.0,
                    Err(_) => return Ok(false),
                },
                'T' => kind = word,
                'B' => channel = word,
                'I' => id = word,
                'l' => len = word.parse().unwrap_or(0),
                'L' => {
                    let code = word.parse::<usize>().unwrap_or(0);
                    len = if code <= 8 { code } else { *[12, 16, 20, 24, 32, 48, 64].get(code - 9).unwrap_or(&64) };
                }
                _ => {}
            }
        }
        let number = channel;
        let channel = bus.channel(number, "CAN");
        let (fd, remote) = match kind {
            "DT" => (false, false),
            "FD" | "FB" | "FE" | "BI" => (true, false),
            "RR" => (false, true),
            "ER" => {
                bus.error(channel, time);
                return Ok(true);
            }
            "ST" | "EC" => return Ok(true),
            _ => return Ok(false),
        };
        let Ok(parsed) = u32::from_str_radix(id, 16) else { return Ok(false) };
        hex_words(words, if remote { 0 } else { len.min(64) }, &mut self.data);
        let frame = Frame {
            time_s: time,
            channel,
            id: parsed & 0x1fff_ffff,
            extended: id.len() > 4 || parsed > 0x7ff,
            fd,
            remote,
            data: &self.data,
            offset: at,
        };
        bus.frame(&frame, out)?;
        Ok(true)
    }
}
