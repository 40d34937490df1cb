//! What `candump` of can-utils writes: log files (`-L`, `-l`) and the form for the screen.
//!
//! Source: can-utils, candump(1) and asc2log.

use yumen_kit_container::FormatReader;
use yumen_model::{Artifact, Certainty, Context, Format, Identity, InspectError, Inspection, Probe};

use super::{head, hex_run, hex_words, read};
use crate::bus::{Bus, Frame};
use crate::out::Out;
use crate::time;

pub(crate) struct Candump;

const FORMATS: &[Format] = &[Format {
    name: "candump",
    title: "candump log",
    media_type: "text/plain",
    extensions: &[],
    magic: "most lines read `(seconds) interface ID#DATA` or `interface ID [n] DATA`",
    reference: "https://manpages.debian.org/can-utils/candump.1",
    evidence: "positions, motion and vehicle numbers in frames; other lines as text; bus.log with channels and identifiers",
    limitations: &[],
}];

impl FormatReader for Candump {
    fn formats(&self) -> &'static [Format] {
        FORMATS
    }

    fn identify(&self, probe: &Probe<'_>) -> Option<Identity> {
        let text = head(probe)?;
        let mut lines: Vec<&str> =
            text.lines().filter(|l| !l.trim().is_empty() && !l.starts_with('#')).take(100).collect();
        // The last may be cut.
        if lines.len() > 1 && text.len() >= 16 << 10 {
            lines.pop();
        }
        let mut data = Vec::new();
        let good = lines.iter().filter(|l| parse(l, &mut data).is_some()).count();
        let logs =
            lines.iter().filter(|l| l.contains('#') && l.starts_with('(') && parse(l, &mut data).is_some()).count();
        let sure =
            good >= 1 && good * 10 >= lines.len() * 8 && (logs > 0 || good >= 2 || probe.extension() == "candump");
        sure.then(|| Identity::new("candump", Certainty::Specific))
    }

    fn inspect(&self, artifact: &Artifact, context: &Context, out: &mut dyn Inspection) -> Result<(), InspectError> {
        let mut data = Vec::new();
        let mut number = 0;
        read(artifact, context, out, |line, at, bus, out| frame(line, at, &mut data, &mut number, bus, out))
    }
}

/// What a line says.
struct Line<'t> {
    time: Option<f64>,
    interface: &'t str,
    id: u32,
    extended: bool,
    fd: bool,
    remote: bool,
    error: bool,
}

fn is_interface(word: &str) -> bool {
    word.len() <= 16
        && word.bytes().next().is_some_and(|b| b.is_ascii_alphabetic())
        && word.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'_' | b'-' | b'.'))
}

/// Eight digits are an extended identifier, three a standard one.
fn identifier(word: &str) -> Option<(u32, bool)> {
    let id = u32::from_str_radix(word, 16).ok()?;
    match word.len() {
        3 => Some((id, false)),
        8 => Some((id, true)),
        _ => None,
    }
}

fn parse<'t>(line: &'t str, data: &mut Vec<u8>) -> Option<Line<'t>> {
    data.clear();
    let mut rest = line.trim();
    let mut time = None;
    if let Some(inner) = rest.strip_prefix('(') {
        let (stamp, more) = inner.split_once(')')?;
        time = Some(stamp.trim().parse::<f64>().ok().or_else(|| time::parse(stamp))?);
        rest = more.trim_start();
    }
    let mut words = rest.split_ascii_whitespace();
    let interface = words.next().filter(|w| is_interface(w))?;
    let mut word = words.next()?;
    if let Some((id, body)) = word.split_once('#') {
        let (number, extended) = identifier(id)?;
        let error = extended && number & 0x2000_0000 != 0;
        let mut line = Line { time, interface, id: number & 0x1fff_ffff, extended, fd: false, remote: false, error };
        match body.strip_prefix('#') {
            Some(fd) => {
                line.fd = true;
                hex_run(fd.get(1..)?, data).then_some(())?;
            }
            None if body.starts_with(['R', 'r']) => line.remote = true,
            None => {
                let body = body.split('_').next().unwrap_or(body).replace('.', "");
                hex_run(&body, data).then_some(())?;
            }
        }
        return (data.len() <= 64).then_some(line);
    }
    // For the screen: direction and flags may stand before the identifier.
    for _ in 0..4 {
        if matches!(word, "RX" | "TX" | "-" | "--" | "B" | "E" | "BE" | "BRS" | "ESI") {
            word = words.next()?;
        }
    }
    let (number, extended) = identifier(word)?;
    let len: usize = words.next()?.strip_prefix('[')?.strip_suffix(']')?.parse().ok()?;
    let fd = rest.contains(&format!("[{len:02}]"));
    let body: Vec<&str> = words.collect();
    let remote = body.first() == Some(&"remote");
    hex_words(body.iter().copied(), len.min(64), data);
    let error = extended && number & 0x2000_0000 != 0 || body.contains(&"ERRORFRAME");
    (len <= 64 && (remote || data.len() == len)).then_some(Line {
        time,
        interface,
        id: number & 0x1fff_ffff,
        extended,
        fd,
        remote,
        error,
    })
}

fn frame(
    line: &str,
    at: u64,
    data: &mut Vec<u8>,
    number: &mut u64,
    bus: &mut Bus,
    out: &mut Out<'_>,
) -> Result<bool, InspectError> {
    let Some(l) = parse(line, data) else { return Ok(line.trim().is_empty()) };
    *number += 1;
    let time_s = l.time.unwrap_or(0.0);
    let channel = bus.channel(l.interface, "CAN");
    if l.error {
        bus.error(channel, time_s);
        return Ok(true);
    }
    let frame = Frame { time_s, channel, id: l.id, extended: l.extended, fd: l.fd, remote: l.remote, data, offset: at };
    bus.frame(&frame, out)?;
    // What stands behind the frame in quotes is the same bytes as characters.
    Ok(true)
}
