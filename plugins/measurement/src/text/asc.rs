//! ASC, the text recordings of Vector's CANalyzer and CANoe: CAN, CAN FD, LIN, FlexRay, Ethernet, positions, variables.
//!
//! Source: Vector, "CAN ASCII log file format" as the readers of python-can and others document it.

use yumen_kit_container::FormatReader;
use yumen_model::{Artifact, Certainty, Context, Fix, Format, Identity, InspectError, Inspection, Probe};

use super::{head, hex_run, hex_words, read};
use crate::bus::{Bus, Frame};
use crate::net::Net;
use crate::out::{Out, SourceId};
use crate::time;

pub(crate) struct Asc;

const FORMATS: &[Format] = &[Format {
    name: "asc",
    title: "Vector ASC bus recording",
    media_type: "text/plain",
    extensions: &[],
    magic: "a line `date …` with `base hex|dec timestamps absolute|relative`, or `Begin Triggerblock`, and lines of frames",
    reference: "https://python-can.readthedocs.io/en/stable/file_io.html#asc-ascii-logging-format",
    evidence: "positions, motion and vehicle numbers in frames; GPS lines and variables; comments and other lines as text; bus.log with channels and identifiers",
    limitations: &["LIN, FlexRay and MOST frames are counted, their signals are not decoded."],
}];

/// The words of a line that tell what it is.
fn is_frame_line(line: &str) -> bool {
    let mut words = line.split_ascii_whitespace();
    let time = words.next().is_some_and(|w| w.contains('.') && w.parse::<f64>().is_ok());
    let second = words.next().unwrap_or("");
    let third = words.next().unwrap_or("");
    let fourth = words.next().unwrap_or("");
    let channel = second.parse::<u16>().is_ok()
        && (matches!(fourth, "Rx" | "Tx" | "TxRq") || matches!(third, "ErrorFrame" | "Statistic:"));
    time && (channel
        || matches!(second, "CANFD" | "CAN" | "Start" | "SV:" | "ETH" | "Fr" | "CANXL")
        || matches!(third, "Statistic:"))
}

impl FormatReader for Asc {
    fn formats(&self) -> &'static [Format] {
        FORMATS
    }

    fn identify(&self, probe: &Probe<'_>) -> Option<Identity> {
        let text = head(probe)?;
        let mut marks = 0;
        let mut frames = 0;
        for line in text.lines().take(200) {
            let line = line.trim().trim_start_matches('\u{feff}');
            let mut words = line.split_ascii_whitespace();
            match words.next().unwrap_or("") {
                "date" if time::parse(&line[4..]).is_some() || line.matches(':').count() >= 2 => marks |= 1,
                "base" if matches!(words.next(), Some("hex" | "dec")) && line.contains("timestamps") => marks |= 2,
                "Begin" if line.to_ascii_lowercase().starts_with("begin triggerblock") => marks |= 4,
                "internal" | "no" if line.ends_with("internal events logged") => marks |= 8,
                _ if is_frame_line(line) => frames += 1,
                _ => {}
            }
        }
        let sure =
            i32::count_ones(marks) >= 2 || marks != 0 && frames >= 1 || frames >= 3 && probe.extension() == "asc";
        sure.then(|| Identity::new("asc", Certainty::Specific))
    }

    fn inspect(&self, artifact: &Artifact, context: &Context, out: &mut dyn Inspection) -> Result<(), InspectError> {
        let mut state = State { hex: true, ..State::default() };
        read(artifact, context, out, |line, at, bus, out| state.line(line, at, bus, out))
    }
}

#[derive(Default)]
struct State {
    hex: bool,
    relative: bool,
    based: bool,
    now: f64,
    data: Vec<u8>,
    gps: Option<SourceId>,
    net: Net,
}

impl State {
    fn number(&self, word: &str) -> Option<u32> {
        u32::from_str_radix(word, if self.hex { 16 } else { 10 }).ok()
    }

    /// An identifier: `123`, `18EBFF00x`.
    fn id(&self, word: &str) -> Option<(u32, bool)> {
        let (digits, extended) = match word.strip_suffix(['x', 'X']) {
            Some(digits) => (digits, true),
            None => (word, false),
        };
        let id = self.number(digits).filter(|&id| id < 1 << 29)?;
        Some((id, extended || id > 0x7ff))
    }

    /// Bytes as the header says they are written.
    fn bytes<'t>(&mut self, words: impl Iterator<Item = &'t str>, most: usize) {
        if self.hex {
            hex_words(words, most, &mut self.data);
        } else {
            self.data.clear();
            self.data.extend(words.take(most).map_while(|w| w.parse::<u8>().ok()));
        }
    }

    fn line(&mut self, line: &str, at: u64, bus: &mut Bus, out: &mut Out<'_>) -> Result<bool, InspectError> {
        let text = line.trim();
        let Some(first) = text.split_ascii_whitespace().next() else { return Ok(true) };
        match first {
            "date" => {
                if let Some(base) = time::parse(&text[4..]) {
                    bus.base = base;
                    self.based = true;
                }
                return Ok(false);
            }
            "Begin" => {
                if let Some(base) = text.get(18..).and_then(time::parse)
                    && text.to_ascii_lowercase().starts_with("begin triggerblock")
                {
                    bus.base = base;
                }
                return Ok(false);
            }
            "base" => {
                self.hex = !text.contains("dec");
                self.relative = text.contains("relative");
                return Ok(false);
            }
            _ => {}
        }
        let Some(time) = first.parse::<f64>().ok().filter(|t| t.is_finite()) else { return Ok(false) };
        let time = if self.relative { self.now + time } else { time };
        self.now = time;
        let words: Vec<&str> = text.split_ascii_whitespace().take(2000).collect();
        let word = |i: usize| words.get(i).copied().unwrap_or("");
        match word(1) {
            "CANFD" => self.can_fd(&words, time, at, bus, out),
            "CANXL" => {
                let channel = bus.channel(word(2), "CAN XL");
                bus.other(channel, time, 0);
                Ok(true)
            }
            "CAN" => Ok(false),
            "ETH" => {
                // `ETH 1 Rx 64:0011…`
                let Some((_, hex)) =
                    words.iter().find_map(|w| w.split_once(':').filter(|(n, _)| u32::from_str_radix(n, 16).is_ok()))
                else {
                    return Ok(false);
                };
                let mut data = std::mem::take(&mut self.data);
                hex_run(hex, &mut data);
                let channel = bus.channel(word(2), "Ethernet");
                bus.other(channel, time, data.len());
                let result = self.net.ethernet(&data, bus.base + time, at, bus, out);
                self.data = data;
                result?;
                Ok(true)
            }
            "Fr" => {
                let channel = bus.channel(
                    words.get(3..).and_then(|w| w.iter().find(|w| w.parse::<u8>().is_ok())).copied().unwrap_or("1"),
                    "FlexRay",
                );
                bus.other(channel, time, 0);
                Ok(true)
            }
            "SV:" => self.variable(text, time, at, bus, out),
            w if w.starts_with("GPS") || word(2).starts_with("GPS") => self.gps(&words, time, at, bus, out),
            w if w.len() <= 4 && w.starts_with('L') && w[1..].parse::<u8>().is_ok() || w == "Li" => {
                // Frames are followed by a direction; the rest are events with words.
                let frame = words.iter().skip(2).take(3).any(|w| matches!(*w, "Rx" | "Tx"));
                let channel = bus.channel(w, "LIN");
                if frame {
                    bus.other(channel, time, 8);
                }
                Ok(frame)
            }
            w if w.parse::<u16>().is_ok() => self.can(&words, time, at, bus, out),
            _ => Ok(false),
        }
    }

    fn can(
        &mut self,
        words: &[&str],
        time: f64,
        at: u64,
        bus: &mut Bus,
        out: &mut Out<'_>,
    ) -> Result<bool, InspectError> {
        let word = |i: usize| words.get(i).copied().unwrap_or("");
        let channel = bus.channel(word(1), "CAN");
        match word(2) {
            "ErrorFrame" | "OverloadFrame" => {
                bus.error(channel, time);
                return Ok(true);
            }
            "Statistic:" => return Ok(true),
            "J1939TP" => {
                bus.protocol("J1939");
                // `FEE3p 6 0 0 - Rx d 23 A0 …`: the group, and the message that its frames make up.
                let group = word(3).strip_suffix('p').and_then(|w| u32::from_str_radix(w, 16).ok());
                let data = words.iter().position(|w| *w == "d");
                if let (Some(group), Some(at_data)) = (group, data) {
                    self.bytes(words.iter().skip(at_data + 2).copied(), 1785);
                    bus.parameter_group(group, &self.data, at, out)?;
                }
                return Ok(true);
            }
            _ => {}
        }
        // A symbolic name may stand for the identifier, which follows at the end then.
        let id = self.id(word(2)).or_else(|| {
            let at = words.iter().rposition(|w| *w == "=").filter(|&i| i > 0 && words.get(i - 1) == Some(&"ID"))?;
            let number = words.get(at + 1)?.trim_end_matches(['x', 'X']).parse::<u32>().ok()?;
            Some((number, number > 0x7ff || words.get(at + 1).is_some_and(|w| w.ends_with('x'))))
        });
        let (Some((id, extended)), "Rx" | "Tx" | "TxRq") = (id, word(3)) else { return Ok(false) };
        let remote = word(4) == "r";
        if !remote && word(4) != "d" {
            return Ok(false);
        }
        let len = usize::from_str_radix(word(5), 16).unwrap_or(0).min(8);
        self.bytes(words.iter().skip(6).copied(), if remote { 0 } else { len });
        let frame = Frame { time_s: time, channel, id, extended, fd: false, remote, data: &self.data, offset: at };
        bus.frame(&frame, out)?;
        Ok(true)
    }

    fn can_fd(
        &mut self,
        words: &[&str],
        time: f64,
        at: u64,
        bus: &mut Bus,
        out: &mut Out<'_>,
    ) -> Result<bool, InspectError> {
        let word = |i: usize| words.get(i).copied().unwrap_or("");
        let channel = bus.channel(word(2), "CAN");
        if word(4) == "ErrorFrame" || word(3) == "ErrorFrame" {
            bus.error(channel, time);
            return Ok(true);
        }
        let (Some((id, extended)), "Rx" | "Tx" | "TxRq") = (self.id(word(4)), word(3)) else { return Ok(false) };
        // A name may stand between the identifier and the two flags.
        let flags =
            |i: usize| matches!(word(i), "0" | "1") && matches!(word(i + 1), "0" | "1") && word(i + 2).len() == 1;
        let Some(k) = [5, 6].into_iter().find(|&i| flags(i)) else { return Ok(false) };
        let len = word(k + 3).parse::<usize>().unwrap_or(0).min(64);
        hex_words(words.iter().skip(k + 4).copied(), len, &mut self.data);
        // Flags of the frame behind the data: bit 12 says it is CAN FD, bit 4 that it is remote.
        let flags = words.get(k + 6 + self.data.len()).and_then(|w| u32::from_str_radix(w, 16).ok()).unwrap_or(0x1000);
        let remote = flags & 0x10 != 0 && self.data.is_empty();
        let frame = Frame {
            time_s: time,
            channel,
            id,
            extended,
            fd: flags & 0x1000 != 0,
            remote,
            data: &self.data,
            offset: at,
        };
        bus.frame(&frame, out)?;
        Ok(true)
    }

    /// `SV: 2 0 1 ::Namespace::Name = value`.
    fn variable(
        &mut self,
        text: &str,
        time: f64,
        at: u64,
        bus: &mut Bus,
        out: &mut Out<'_>,
    ) -> Result<bool, InspectError> {
        let Some((left, value)) = text.split_once('=') else { return Ok(false) };
        let name = left.split_ascii_whitespace().last().unwrap_or("");
        match value.trim().parse::<f64>() {
            Ok(value) => bus.variable(name, value, time, at, out),
            Err(_) => Ok(false),
        }
    }

    /// A line with a position: latitude, longitude and height, with or without words before them.
    fn gps(
        &mut self,
        words: &[&str],
        time: f64,
        at: u64,
        bus: &mut Bus,
        out: &mut Out<'_>,
    ) -> Result<bool, InspectError> {
        let mut named: [Option<f64>; 3] = [None; 3];
        let mut plain = Vec::new();
        let mut label = "";
        for w in words.iter().skip(1) {
            let (key, value) = w.split_once([':', '=']).unwrap_or((label, w));
            if value.is_empty() || value.parse::<f64>().is_err() {
                label = w.trim_end_matches([':', '=']);
                continue;
            }
            let Ok(value) = value.parse::<f64>() else { continue };
            match key.to_lowercase().as_str() {
                k if k.starts_with("la") => named[0] = Some(value),
                k if k.starts_with("lo") => named[1] = Some(value),
                k if k.starts_with("al") => named[2] = Some(value),
                _ if w.contains('.') => plain.push(value),
                _ => {}
            }
            label = "";
        }
        let (y, x, z) = match (named, plain.as_slice()) {
            ([Some(y), Some(x), z], _) => (y, x, z),
            (_, &[y, x, ref rest @ ..]) => (y, x, rest.first().copied()),
            _ => return Ok(false),
        };
        let source = *self.gps.get_or_insert_with(|| out.source("GPS", None, Some("wgs84"), false));
        out.fix(source, Fix { x, y, z, time_s: Some(bus.base + time), entity: 0, offset: at })?;
        Ok(true)
    }
}
