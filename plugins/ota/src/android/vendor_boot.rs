//! `vendor_boot` images, versions 3 and 4: ramdisks by a table, a device tree, boot configuration.
//!
//! Source: AOSP system/tools/mkbootimg, include/bootimg/bootimg.h.

use yumen_kit_container::Container;
use yumen_kit_container::window::num::le32;
use yumen_model::kind::kinds;
use yumen_model::{InspectError, InventoryItem};

use super::boot::{between, claim_header, rest, section, unsupported};
use super::{field, text};

/// Ramdisks of one image at most.
const MOST_RAMDISKS: u32 = 4096;
const ENTRY_LEN: u64 = 108;

/// Whether an image begins with the header of one.
pub(super) fn starts(head: &[u8]) -> bool {
    let page = le32(head, 12);
    head.starts_with(b"VNDRBOOT")
        && head.len() >= 2112
        && le32(head, 8) >= 3
        && page.is_power_of_two()
        && (1024..=131_072).contains(&page)
}

pub(super) fn open(to: &mut Container<'_>) -> Result<(), InspectError> {
    let head = to.window.get(0, 2128)?.to_vec();
    let (version, page) = (le32(&head, 8), u64::from(le32(&head, 12)));
    let number = |at| u64::from(le32(&head, at));
    let header_len = number(2096).clamp(2112, 131_072);
    let board = text(head.get(2080..2096).unwrap_or_default());
    let (ramdisk, dtb) = (number(24), number(2100));
    claim_header(to, header_len, page, &[28..2076, 2080..2096])?;
    let mut names = Vec::new();
    let mut at = header_len.next_multiple_of(page);
    if version < 4 {
        at = section(to, "vendor_ramdisk", at, ramdisk, page)?;
        at = section(to, "dtb", at, dtb, page)?;
    } else {
        let (table_len, entries, entry_len, config) = (number(2112), le32(&head, 2116), number(2120), number(2124));
        let dtb_at = at.saturating_add(ramdisk).next_multiple_of(page);
        let table_at = dtb_at.saturating_add(dtb).next_multiple_of(page);
        names = ramdisks(to, at, ramdisk, page, table_at, (entries, entry_len, table_len))?;
        at = section(to, "dtb", dtb_at.min(to.len()), dtb, page)?;
        let table_end = (table_at + table_len).min(to.len());
        if table_at < table_end {
            let next = table_end.next_multiple_of(page).min(to.len());
            to.padding(table_end..next)?;
            at = next;
        }
        at = section(to, "bootconfig", at, config, page)?;
    }
    let mut parts: Vec<String> = names.iter().map(|n| format!("vendor_ramdisk/{n}")).collect();
    if version < 4 && ramdisk > 0 {
        parts.push("vendor_ramdisk".to_owned());
    }
    for (name, len) in [("dtb", dtb), ("bootconfig", if version >= 4 { number(2124) } else { 0 })] {
        if len > 0 {
            parts.push(name.to_owned());
        }
    }
    to.inventory(
        InventoryItem::new(kinds::FIRMWARE_IMAGE)
            .with("header_version", vec![version.to_string()])
            .with("parts", parts)
            .with("board", if board.is_empty() { Vec::new() } else { vec![board] })
            .at(0, header_len),
    );
    if version > 4 {
        return unsupported(to, at);
    }
    rest(to, at)
}

/// Hands over the ramdisks that the table names; returns their names.
fn ramdisks(
    to: &mut Container<'_>,
    base: u64,
    total: u64,
    page: u64,
    table_at: u64,
    (entries, entry_len, table_len): (u32, u64, u64),
) -> Result<Vec<String>, InspectError> {
    let end = base.saturating_add(total).min(to.len());
    if base.saturating_add(total) > to.len() {
        to.tell_at("truncated", to.len());
    }
    let mut names = Vec::new();
    let mut parts = Vec::new();
    if (ENTRY_LEN..=4096).contains(&entry_len) {
        for i in 0..entries.min(MOST_RAMDISKS) {
            let at = table_at + u64::from(i) * entry_len;
            if at + entry_len > table_at.saturating_add(table_len) {
                to.tell_at("bad-entry", at);
                break;
            }
            let entry = to.window.get(at, 108)?.to_vec();
            if entry.len() < 108 {
                to.tell_at("truncated", at);
                break;
            }
            to.container(at..at + entry_len)?;
            let kind = match le32(&entry, 8) {
                1 => "platform",
                2 => "recovery",
                3 => "dlkm",
                _ => "none",
            };
            let name = field(&entry[12..44]);
            to.comment(at + 12..at + 12 + name.len() as u64)?;
            let name = if name.is_empty() { kind.as_bytes().to_vec() } else { name.to_vec() };
            let start = base.saturating_add(u64::from(le32(&entry, 4)));
            let stop = start.saturating_add(u64::from(le32(&entry, 0)));
            if stop > base.saturating_add(total) {
                to.tell_at("bad-entry", at);
            }
            names.push(String::from_utf8_lossy(&name).into_owned());
            parts.push((start.min(end)..stop.min(end), name));
        }
    } else if entries > 0 {
        to.tell_at("bad-entry", table_at);
    }
    if parts.is_empty() && base < end {
        parts.push((base..end, b"ramdisk".to_vec()));
        names.push("ramdisk".to_owned());
    }
    parts.sort_by_key(|(range, _)| range.start);
    let mut at = base;
    for (range, name) in parts {
        if range.start > at {
            between(to, at..range.start)?;
        }
        at = at.max(range.end);
        let meta = to.child(&[b"vendor_ramdisk/", &name[..]].concat());
        to.hand_over_range(meta, range)?;
    }
    if at < end {
        between(to, at..end)?;
    }
    to.padding(end..end.next_multiple_of(page).min(to.len()))?;
    Ok(names)
}
