//! Everything in an MDF 4 that is no data: text, comments, attachments.

use std::io::Read as _;

use yumen_kit_container::window::num::{le16, le64};
use yumen_model::{ChildMeta, InspectError, Message, Reason, Stop};

use super::{Block, Blocks, MAX_BLOCKS};
use crate::bus::Bus;
use crate::mdf::channel::plain;
use crate::out::Out;

/// Longest text or comment that is read in one.
const MAX_TEXT: u64 = 4 << 20;
/// Largest attachment that is decompressed here.
const MAX_ATTACHED: u64 = 4 << 30;
/// Largest CAN database.
const MAX_DATABASE: u64 = 16 << 20;

/// Visits every block that a link leads to from `start`.
pub(super) fn walk(start: u64, blocks: &mut Blocks, bus: &mut Bus, out: &mut Out<'_>) -> Result<(), InspectError> {
    let len = out.to.len();
    let mut open = vec![start];
    while let Some(at) = open.pop() {
        if at == 0 || at >= len || blocks.visited.len() >= MAX_BLOCKS || !blocks.visited.insert(at) {
            continue;
        }
        let Some(block) = blocks.header(at, out)? else { continue };
        // In reverse, so that blocks come in the order of their links.
        open.extend(block.links.iter().rev().filter(|l| !blocks.visited.contains(l)));
        let range = block.at..block.at + block.len;
        match &block.id {
            b"TX" => text(&block, blocks, out)?,
            b"MD" => comment(&block, blocks, out)?,
            b"AT" => attachment(&block, blocks, bus, out)?,
            // Labelled where their content is read.
            b"DT" | b"SD" | b"DV" | b"DI" | b"DZ" => {
                if !(blocks.unfinalised && block.len <= 24) {
                    blocks.cover.add(range);
                } else {
                    let end = blocks.next_block(at + 24, out);
                    blocks.cover.add(at..end);
                }
            }
            // Reductions of samples: means and extremes of what is read elsewhere.
            b"RD" | b"RV" | b"RI" => {
                blocks.cover.add(range.clone());
                out.to.label(range, yumen_model::Label::Inspected)?;
            }
            _ => blocks.own(range, out)?,
        }
        // Blocks are padded to multiples of eight.
        let end = block.at + block.len;
        let padded = end.next_multiple_of(8).min(len);
        if padded > end && out.to.window.get(end, usize::try_from(padded - end).unwrap_or(0))?.iter().all(|&b| b == 0) {
            blocks.own(end..padded, out)?;
        }
    }
    Ok(())
}

fn text(block: &Block, blocks: &mut Blocks, out: &mut Out<'_>) -> Result<(), InspectError> {
    let (from, end) = (block.body(), block.at + block.len);
    blocks.own(block.at..from, out)?;
    blocks.cover.add(from..end);
    let bytes = out.to.window.get(from, usize::try_from((end - from).min(MAX_TEXT)).unwrap_or(0))?;
    let used = bytes.iter().position(|&b| b == 0).unwrap_or(bytes.len()) as u64;
    out.to.comment(from..from + used)?;
    // Behind the end of the text there is padding only.
    out.to.padding(from + used..end)
}

/// A comment is XML: each text in it with the name of what it stands in.
fn comment(block: &Block, blocks: &mut Blocks, out: &mut Out<'_>) -> Result<(), InspectError> {
    let (from, end) = (block.body(), block.at + block.len);
    blocks.own(block.at..from, out)?;
    blocks.cover.add(from..end);
    if end - from > MAX_TEXT {
        return out.to.hand_over_range(ChildMeta::named(b"[comment].xml"), from..end);
    }
    let bytes = out.to.window.get(from, usize::try_from(end - from).unwrap_or(0))?.to_vec();
    let used = bytes.iter().position(|&b| b == 0).unwrap_or(bytes.len());
    let text = plain(&bytes[..used]);
    let cells = texts(&text);
    if cells.is_empty() && !text.trim().is_empty() && !text.contains('<') {
        return out.to.comment(from..from + used as u64);
    }
    out.record(cells.iter().map(|(n, v)| (n.as_str(), v.as_str())), from, end)?;
    out.to.label(from..from + used as u64, yumen_model::Label::Inspected)?;
    out.to.padding(from + used as u64..end)
}

/// Texts of an XML, each with the `name` of its element if it has one (`<e name="author">`), else the element's own.
pub(super) fn texts(xml: &str) -> Vec<(String, String)> {
    let mut out = Vec::new();
    let mut name = String::new();
    let mut rest = xml;
    while let Some(open) = rest.find('<') {
        let text = unescaped(rest[..open].trim());
        if !text.is_empty() && out.len() < 4096 {
            out.push((name.clone(), text));
        }
        rest = &rest[open..];
        if let Some(data) = rest.strip_prefix("<![CDATA[") {
            let end = data.find("]]>").unwrap_or(data.len());
            if out.len() < 4096 && end > 0 {
                out.push((name.clone(), data[..end].to_owned()));
            }
            rest = data.get(end + 3..).unwrap_or("");
            continue;
        }
        let Some(close) = rest.find('>') else { break };
        let tag = &rest[1..close];
        if !tag.starts_with(['/', '?', '!']) {
            name = attribute(tag, "name")
                .unwrap_or_else(|| tag.split([' ', '\t', '\n', '/']).next().unwrap_or("").to_owned());
        }
        rest = &rest[close + 1..];
    }
    let text = rest.trim();
    if !text.is_empty() && !text.starts_with('<') && !out.is_empty() {
        out.push((name, unescaped(text)));
    }
    out
}

fn attribute(tag: &str, name: &str) -> Option<String> {
    let at = tag.find(&format!(" {name}="))? + name.len() + 2;
    let quote = tag[at..].chars().next().filter(|q| matches!(q, '"' | '\''))?;
    let value = &tag[at + 1..];
    Some(unescaped(&value[..value.find(quote)?]))
}

fn unescaped(text: &str) -> String {
    if !text.contains('&') {
        return text.to_owned();
    }
    text.replace("&lt;", "<").replace("&gt;", ">").replace("&quot;", "\"").replace("&apos;", "'").replace("&amp;", "&")
}

fn attachment(block: &Block, blocks: &mut Blocks, bus: &mut Bus, out: &mut Out<'_>) -> Result<(), InspectError> {
    let body = blocks.body(block, 40, out)?;
    let flags = le16(&body, 0);
    let (original, stored) = (le64(&body, 24), le64(&body, 32));
    let from = (block.body() + 40).min(block.at + block.len);
    let end = from.saturating_add(stored).min(block.at + block.len);
    blocks.cover.add(block.at..block.at + block.len);
    out.to.container(block.at..from)?;
    out.to.padding(end..block.at + block.len)?;
    if flags & 1 == 0 || from == end {
        return Ok(());
    }
    let mut name = String::new();
    if block.link(1) != 0
        && let Some(tx) = blocks.header(block.link(1), out)?
    {
        name = plain(&blocks.body(&tx, 4096, out)?);
    }
    let name = name.rsplit(['/', '\\']).next().filter(|n| !n.is_empty()).unwrap_or("attachment").to_owned();
    let is_database = name.to_ascii_lowercase().ends_with(".dbc");
    let meta = ChildMeta { encoded: Some(end - from), ..ChildMeta::named(name.as_bytes()) };
    if flags & 2 == 0 {
        if is_database && end - from <= MAX_DATABASE {
            let bytes = out.to.blob.bytes(from..end).map_err(|e| InspectError::read(from, &e))?;
            bus.add_database(&yumen_kit_bus::parse_dbc(&plain(&bytes)));
        }
        return out.to.hand_over_range(meta, from..end);
    }
    let packed = out.to.blob.slice(&[yumen_model::Extent::of(from..end)]);
    let reader = std::io::BufReader::with_capacity(64 << 10, packed.reader());
    let mut unpacked = flate2::bufread::ZlibDecoder::new(reader).take(original.min(MAX_ATTACHED));
    let mut database = Vec::new();
    let mut buffer = vec![0; 256 << 10];
    let mut sent = 0u64;
    let mut result = out.to.send(Message::ChildStart { meta });
    while result.is_ok() {
        match unpacked.read(&mut buffer) {
            Ok(0) => {
                let complete = sent == original;
                result = out.to.send(Message::ChildEnd { complete });
                if !complete {
                    out.to.tell_at("incomplete-child", from);
                    return out.to.opaque(from..end, Reason::Corrupt);
                }
                break;
            }
            Ok(n) => {
                sent += n as u64;
                if is_database && sent <= MAX_DATABASE {
                    database.extend_from_slice(&buffer[..n]);
                }
                result = out.to.send(Message::ChildBytes(buffer[..n].into()));
            }
            Err(_) => {
                out.to.tell_at("incomplete-child", from);
                out.to.send(Message::ChildEnd { complete: false })?;
                return out.to.opaque(from..end, Reason::Corrupt);
            }
        }
    }
    match result {
        Ok(()) => {}
        Err(Stop::Child(reason)) => return out.to.opaque(from..end, reason),
        Err(stop) => return Err(stop.into()),
    }
    if is_database {
        bus.add_database(&yumen_kit_bus::parse_dbc(&plain(&database)));
    }
    out.to.container(from..end)
}

#[cfg(test)]
mod tests {
    use super::texts;

    #[test]
    fn texts_of_a_comment_have_names() {
        let xml = "<HDcomment><TX>a &amp; b</TX><common_properties><e name=\"author\">张三</e><e name='project' ci=\"1\"> X </e></common_properties><x/><![CDATA[raw]]></HDcomment>";
        let want = [("TX", "a & b"), ("author", "张三"), ("project", "X"), ("x", "raw")];
        assert_eq!(texts(xml), want.map(|(a, b)| (a.to_owned(), b.to_owned())));
        assert!(texts("plain").is_empty());
        assert!(texts("<a").is_empty());
    }
}
