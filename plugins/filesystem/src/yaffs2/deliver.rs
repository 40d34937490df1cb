//! Puts files together out of their pages: of each page the newest counts.

use std::collections::{BTreeMap, HashSet};

use yumen_kit_container::Container;
use yumen_model::kind::kinds;
use yumen_model::{Extent, InspectError, InventoryItem, Reason};

use super::layout::{ALIAS, HEADER, Layout, Object, Tags, Type};
use crate::flash::{Attributes, Tree, Writer, show};

/// More pages than this are not read: 8 GiB of 2 KiB.
const MAX_PAGES: u64 = 4 << 20;
const ROOT: u32 = 1;
/// Objects that lie in these are deleted.
const GONE: [u32; 2] = [3, 4];

/// A page; the greater one is newer.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Page {
    sequence: u32,
    at: u64,
    bytes: u32,
}

/// The pages of an object.
#[derive(Default)]
struct Pages {
    header: Option<Page>,
    chunks: BTreeMap<u32, Page>,
}

pub(super) fn run(to: &mut Container<'_>, layout: Layout) -> Result<(), InspectError> {
    let mut reader = Reader { to, layout, objects: BTreeMap::new() };
    let count = reader.scan()?;
    let item = InventoryItem::new(kinds::FIRMWARE_IMAGE)
        .with("type", vec!["yaffs2"])
        .with("page_size", vec![layout.page])
        .with("spare_size", vec![layout.spare])
        .with("nodes", count);
    reader.to.inventory(item);
    reader.files()
}

struct Reader<'r, 'a> {
    to: &'r mut Container<'a>,
    layout: Layout,
    objects: BTreeMap<u32, Pages>,
}

impl Reader<'_, '_> {
    /// Reads all tags; labels spare areas, and pages that count no more.
    fn scan(&mut self) -> Result<u64, InspectError> {
        let (len, layout) = (self.to.len(), self.layout);
        let mut at = 0;
        let mut count = 0;
        while at < len {
            let (spare, end) = (at + layout.page, at + layout.step());
            if end > len {
                self.to.unallocated_flash(at..len)?;
                if !yumen_kit_container::window::is_erased(self.to.blob, at..len)? {
                    self.to.tell_at("truncated", at);
                }
                break;
            }
            if count >= MAX_PAGES {
                self.to.tell_at("limit", at);
                self.to.opaque(at..len, Reason::Limit)?;
                break;
            }
            let (from, until) = layout.tags();
            let bytes = self.to.window.get(spare, usize::try_from(layout.spare).unwrap_or(0))?;
            let tags = layout.parse(bytes);
            self.to.unallocated_flash(spare..spare + from)?;
            match tags {
                Some(tags) => {
                    count += 1;
                    self.to.container(spare + from..spare + until)?;
                    self.page(at, tags)?;
                }
                None => {
                    self.to.unallocated_flash(spare + from..spare + until)?;
                    self.to.unallocated_flash(at..spare)?;
                }
            }
            self.to.unallocated_flash(spare + until..end)?;
            at = end;
        }
        Ok(count)
    }

    fn page(&mut self, at: u64, tags: Tags) -> Result<(), InspectError> {
        let page = Page { sequence: tags.sequence, at, bytes: tags.bytes };
        if tags.chunk == 0 && self.layout.object(self.to.window.get(at, HEADER)?).is_none() {
            self.to.tell_at("bad-entry", at);
            return self.to.unallocated_flash(at..at + self.layout.page);
        }
        let pages = self.objects.entry(tags.object).or_default();
        let slot = if tags.chunk == 0 { pages.header.as_mut() } else { pages.chunks.get_mut(&tags.chunk) };
        let stale = match slot {
            Some(old) => {
                let stale = page.min(*old);
                *old = page.max(*old);
                stale
            }
            None if tags.chunk == 0 => {
                pages.header = Some(page);
                return Ok(());
            }
            None => {
                pages.chunks.insert(tags.chunk, page);
                return Ok(());
            }
        };
        self.to.unallocated_flash(stale.at..stale.at + self.layout.page)
    }

    fn object(&mut self, page: Page) -> Result<Option<Object>, InspectError> {
        Ok(self.layout.object(self.to.window.get(page.at, HEADER)?))
    }

    fn files(&mut self) -> Result<(), InspectError> {
        let headers: Vec<(u32, Page)> = self.objects.iter().filter_map(|(&n, p)| Some((n, p.header?))).collect();
        let mut tree = Tree::new(u64::from(ROOT));
        let mut found = Vec::new();
        let mut gone: HashSet<u32> = GONE.into();
        for (number, page) in headers {
            let Some(object) = self.object(page)? else { continue };
            if object.kind == Type::Directory {
                tree.directory(u64::from(number), u64::from(object.parent), &object.name);
            }
            if GONE.contains(&object.parent) {
                gone.insert(number);
            }
            found.push((number, page, object));
        }
        let mut paths = Vec::new();
        for (number, page, object) in found {
            if gone.contains(&number) {
                self.deleted(number)?;
            } else if number == ROOT {
                self.header(page)?;
            } else {
                paths.push((tree.path(u64::from(object.parent), &object.name), number, page, object));
            }
        }
        paths.sort_by(|a, b| (&a.0, a.1).cmp(&(&b.0, b.1)));
        for (path, number, page, object) in paths {
            self.entry(&path, number, page, &object)?;
        }
        // Pages of files without a header.
        let nameless: Vec<u32> = self.objects.iter().filter(|(_, p)| p.header.is_none()).map(|(&n, _)| n).collect();
        for number in nameless {
            self.file(format!("[object-{number}]").as_bytes(), number, None)?;
        }
        Ok(())
    }

    /// The page of a header: behind the header stand extended attributes.
    fn header(&mut self, page: Page) -> Result<(), InspectError> {
        let end = page.at + HEADER as u64;
        self.to.container(page.at..end)?;
        self.to.unallocated_flash(end..page.at + self.layout.page)
    }

    /// A deleted object: its pages are free space.
    fn deleted(&mut self, number: u32) -> Result<(), InspectError> {
        let Some(pages) = self.objects.remove(&number) else { return Ok(()) };
        for page in pages.header.iter().chain(pages.chunks.values()) {
            self.to.unallocated_flash(page.at..page.at + self.layout.page)?;
        }
        Ok(())
    }

    fn entry(&mut self, path: &[u8], number: u32, page: Page, object: &Object) -> Result<(), InspectError> {
        self.header(page)?;
        let code = match object.kind {
            Type::File => return self.file(path, number, Some((page, object))),
            Type::Directory => "directory-entries",
            Type::Symlink | Type::HardLink => "link",
            Type::Special => "special-file",
        };
        self.to.check_path(path);
        self.to.tell(code);
        if object.kind == Type::Symlink {
            let start = page.at + ALIAS.0 as u64;
            let alias = self.to.window.get(start, ALIAS.1)?;
            let len = alias.iter().position(|&b| b == 0).unwrap_or(alias.len()) as u64;
            show(self.to, start..start + len)?;
        }
        // Pages of what is no file.
        let stray: Vec<Page> =
            self.objects.get(&number).map(|p| p.chunks.values().copied().collect()).unwrap_or_default();
        stray.into_iter().try_for_each(|p| self.to.unallocated_flash(p.at..p.at + self.layout.page))
    }

    fn file(&mut self, path: &[u8], number: u32, header: Option<(Page, &Object)>) -> Result<(), InspectError> {
        let page_size = self.layout.page;
        let pages: Vec<(u64, Page)> = match self.objects.get(&number) {
            Some(p) => p.chunks.iter().map(|(&n, &p)| (u64::from(n - 1) * page_size, p)).collect(),
            None => Vec::new(),
        };
        // What was written after the header is not counted in it yet.
        let newer = pages.iter().filter(|(_, p)| header.is_none_or(|(h, _)| *p > h));
        let size = newer.map(|(at, p)| at + u64::from(p.bytes)).max().unwrap_or(0).max(header.map_or(0, |h| h.1.size));
        let mut extents = Vec::new();
        let mut done = 0;
        for (at, page) in pages {
            let n = u64::from(page.bytes).min(page_size).min(size.saturating_sub(at));
            self.to.unallocated_flash(page.at + n..page.at + page_size)?;
            if n == 0 {
                continue;
            }
            if at > done {
                extents.push(Extent::Zero { len: at - done });
            }
            extents.push(Extent::of(page.at..page.at + n));
            done = at + n;
        }
        if size > done {
            extents.push(Extent::Zero { len: size - done });
        }
        let mut meta = self.to.child(path);
        match header {
            Some((_, o)) => {
                Attributes { mode: o.mode, uid: o.uid, gid: o.gid, mtime: i64::from(o.mtime) }.put(&mut meta);
            }
            None => self.to.tell("bad-entry"),
        }
        if extents.is_empty() {
            let writer = Writer::start(self.to, meta)?;
            return writer.end(self.to, true).map(|_| ());
        }
        self.to.hand_over(meta, extents)
    }
}
