//! OSTree: objects of a repository (commits, trees, their metadata, compressed files), its summary, and static deltas. All but the files are GVariant.
//!
//! Source: libostree manual, "Anatomy of an OSTree repository" and "OSTree data formats"; ostree-core.h for the types.

mod filez;

use std::ops::Range;

use yumen_kit_container::window::num::{be32, be64};
use yumen_kit_container::{Container, FormatReader};
use yumen_model::kind::kinds;
use yumen_model::{
    Artifact, Blob, Certainty, ChildMeta, Context, Format, Identity, InspectError, Inspection, InventoryItem, Probe,
    Reason,
};

use crate::gvariant::{Node, parse};

/// Reads objects, summaries and deltas.
pub(crate) struct Ostree;

/// Larger objects are not taken apart, in bytes.
const LARGEST: u64 = 16 << 20;
const COMMIT: &str = "(a{sv}aya(say)sstayay)";
const SUMMARY: &str = "(a(s(taya{sv}))a{sv})";
const SUPERBLOCK: &str = "(a{sv}tayay(a{sv}aya(say)sstayay)aya(uayttay)a(yaytt))";
/// Longest text that is shown where it stands, in bytes; longer ones become children.
const LONGEST_KEY: usize = 4096;

const FORMATS: &[Format] = &[Format {
    name: "ostree",
    title: "OSTree object, summary or static delta",
    media_type: "application/octet-stream",
    extensions: &["filez", "dirtree", "dirmeta", "commitmeta"],
    magic: "a name as repositories have it (62 hexadecimal digits and the kind of object, `summary`, `superblock`, a number under `deltas`), and content that is a value of its type throughout",
    reference: "libostree manual, OSTree data formats",
    evidence: "compressed files as children; subjects, bodies, names of files, refs, extended attributes and metadata as text; the package with version, refs and size",
    limitations: &[
        "files of static deltas are not put together: their data is opaque, and swept",
        "objects without a name of a repository are not recognised",
    ],
}];

/// What an object is.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Kind {
    Commit,
    CommitMeta,
    Tree,
    TreeMeta,
    File,
    Summary,
    Superblock,
    /// A part of a delta, compressed.
    Part,
    /// The same without its compression.
    OpenPart,
}

impl Kind {
    /// The kind that a path promises.
    fn named(path: &str) -> Option<Kind> {
        let base = path.rsplit('/').next().unwrap_or(path);
        match base {
            "summary" => return Some(Kind::Summary),
            "superblock" => return Some(Kind::Superblock),
            _ if base.ends_with(".delta") => return Some(Kind::Superblock),
            _ if base.ends_with(".index") && path.contains("delta-indexes/") => return Some(Kind::CommitMeta),
            _ if base.ends_with(".part") => return Some(Kind::OpenPart),
            _ if !base.is_empty() && base.len() <= 6 && base.bytes().all(|b| b.is_ascii_digit()) => {
                return Some(Kind::Part);
            }
            _ => {}
        }
        let (stem, suffix) = base.rsplit_once('.')?;
        if !matches!(stem.len(), 62 | 64) || !stem.bytes().all(|b| b.is_ascii_hexdigit()) {
            return None;
        }
        Some(match suffix {
            "commit" => Kind::Commit,
            "commitmeta" => Kind::CommitMeta,
            "dirtree" => Kind::Tree,
            "dirmeta" => Kind::TreeMeta,
            "filez" => Kind::File,
            _ => return None,
        })
    }

    /// The type of its content; of files and compressed parts none.
    fn signature(self) -> Option<&'static str> {
        Some(match self {
            Kind::Commit => COMMIT,
            Kind::CommitMeta => "a{sv}",
            Kind::Tree => "(a(say)a(sayay))",
            Kind::TreeMeta => "(uuua(ayay))",
            Kind::Summary => SUMMARY,
            Kind::Superblock => SUPERBLOCK,
            Kind::OpenPart => "(a(uuu)aa(ayay)ayay)",
            Kind::File | Kind::Part => return None,
        })
    }

    /// The value, when the content is one of this kind.
    fn read(self, blob: &Blob) -> Option<(Vec<u8>, Node)> {
        if blob.len() > LARGEST || blob.is_empty() {
            return None;
        }
        let bytes = blob.bytes(0..blob.len()).ok()?;
        let node = parse(self.signature()?, &bytes)?;
        self.fits(&bytes, &node).then_some((bytes, node))
    }

    /// Whether the parts of a value have the lengths they must have.
    fn fits(self, bytes: &[u8], node: &Node) -> bool {
        let list = node.list();
        let digest = |n: Option<&Node>| matches!(n, Some(Node::Bytes(r)) if r.len() == 32);
        let perhaps = |n: Option<&Node>| matches!(n, Some(Node::Bytes(r)) if r.is_empty() || r.len() == 32);
        match self {
            Kind::Commit => perhaps(list.get(1)) && digest(list.get(6)) && digest(list.get(7)),
            Kind::Tree => {
                let all = |i: usize, each: &dyn Fn(&[Node]) -> bool| {
                    list.get(i).is_some_and(|l| l.list().iter().all(|e| each(e.list())))
                };
                all(0, &|e| digest(e.get(1))) && all(1, &|e| digest(e.get(1)) && digest(e.get(2)))
            }
            Kind::TreeMeta => match list.get(2) {
                Some(Node::Fixed(r)) => be32(bytes, r.start) & 0o170_000 == 0o040_000,
                _ => false,
            },
            Kind::Summary => {
                let refs = list.first().map(Node::list).unwrap_or_default();
                let known = refs.iter().all(|r| digest(r.list().get(1).and_then(|v| v.list().get(1))));
                known && !(refs.is_empty() && list.get(1).is_none_or(|m| m.list().is_empty()))
            }
            Kind::Superblock => {
                let commit = list.get(4).map(Node::list).unwrap_or_default();
                perhaps(list.get(2)) && digest(list.get(3)) && digest(commit.get(6))
            }
            // Signatures and other metadata by name, one at least.
            Kind::CommitMeta => !list.is_empty(),
            Kind::OpenPart => matches!(list.get(3), Some(Node::Bytes(r)) if !r.is_empty()),
            Kind::File | Kind::Part => false,
        }
    }
}

impl FormatReader for Ostree {
    fn formats(&self) -> &'static [Format] {
        FORMATS
    }

    fn identify(&self, probe: &Probe<'_>) -> Option<Identity> {
        let kind = Kind::named(probe.name)?;
        let known = match kind {
            Kind::File => filez::Header::of(probe.blob).is_some(),
            Kind::Part => probe.head.starts_with(b"x\xfd7zXZ\0"),
            _ => kind.read(probe.blob).is_some(),
        };
        known.then(|| Identity::new("ostree", Certainty::Specific))
    }

    fn inspect(&self, artifact: &Artifact, _context: &Context, out: &mut dyn Inspection) -> Result<(), InspectError> {
        let broken = InspectError::corrupt(0, "the object is not what its name says");
        let kind = Kind::named(&artifact.name).ok_or(broken)?;
        let mut to = Container::new(artifact, out);
        let result = match kind {
            Kind::File => filez::open(&mut to, artifact),
            Kind::Part => {
                let name = format!("{}.part.xz", artifact.base_name());
                let len = to.len();
                to.container(0..1).and_then(|()| to.hand_over_range(ChildMeta::named(name.as_bytes()), 1..len))
            }
            _ => match kind.read(&artifact.blob) {
                Some((bytes, node)) => Object { to: &mut to, bytes: &bytes }.send(kind, &node),
                None => Err(broken),
            },
        };
        to.finish(result)
    }
}

/// An object in memory.
struct Object<'t, 'a> {
    to: &'t mut Container<'a>,
    bytes: &'t [u8],
}

impl Object<'_, '_> {
    fn send(&mut self, kind: Kind, node: &Node) -> Result<(), InspectError> {
        let len = self.to.len();
        self.to.container(0..len)?;
        let list = node.list();
        let at = |i: usize| list.get(i).map(Node::list).unwrap_or_default();
        match kind {
            Kind::Commit => {
                self.commit(list)?;
                let item = self.package(list);
                self.to.inventory(item);
            }
            Kind::CommitMeta => self.dictionary(list)?,
            Kind::Tree => {
                for entry in at(0).iter().chain(at(1)) {
                    self.node(entry.list().first())?;
                }
            }
            Kind::TreeMeta => self.attributes(at(3))?,
            Kind::Summary => {
                let mut refs = Vec::new();
                for entry in at(0) {
                    let name = entry.list().first();
                    self.node(name)?;
                    refs.extend(name.and_then(|n| self.text(n)));
                    let details = entry.list().get(1).map(Node::list).unwrap_or_default();
                    self.dictionary(details.get(2).map(Node::list).unwrap_or_default())?;
                }
                self.dictionary(at(1))?;
                refs.truncate(1000);
                self.to.inventory(InventoryItem::new(kinds::SOFTWARE_PACKAGE).with("refs", refs));
            }
            Kind::Superblock => {
                self.dictionary(at(0))?;
                self.commit(at(4))?;
                let from = matches!(list.get(2), Some(Node::Bytes(r)) if !r.is_empty());
                let item =
                    self.package(at(4)).with("delta", from).with("parts", at(6).len()).with("fallbacks", at(7).len());
                self.to.inventory(item);
            }
            Kind::OpenPart => {
                at(1).iter().try_for_each(|set| self.attributes(set.list()))?;
                if let Some(Node::Bytes(data)) = list.get(2) {
                    self.to.tell("unsupported-method");
                    self.to.opaque(wide(data), Reason::Unsupported)?;
                }
            }
            Kind::File | Kind::Part => {}
        }
        Ok(())
    }

    fn text(&self, node: &Node) -> Option<String> {
        match node.inner() {
            Node::Text(range) => Some(String::from_utf8_lossy(self.bytes.get(range.clone())?).into_owned()),
            _ => None,
        }
    }

    /// Subject, body and metadata.
    fn commit(&mut self, commit: &[Node]) -> Result<(), InspectError> {
        self.dictionary(commit.first().map(Node::list).unwrap_or_default())?;
        for related in commit.get(2).map(Node::list).unwrap_or_default() {
            self.node(related.list().first())?;
        }
        self.node(commit.get(3))?;
        self.node(commit.get(4))
    }

    /// What a commit tells of the package.
    fn package(&self, commit: &[Node]) -> InventoryItem {
        let entries = commit.first().map(Node::list).unwrap_or_default();
        let value = |name: &str| {
            entries
                .iter()
                .find(|e| e.list().first().and_then(|k| self.text(k)).as_deref() == Some(name))
                .and_then(|e| e.list().get(1))
        };
        let text = |name: &str| value(name).and_then(|v| self.text(v)).unwrap_or_default();
        let refs: Vec<_> = value("ostree.ref-binding")
            .map(|v| v.inner().list().iter().filter_map(|n| self.text(n)).collect())
            .unwrap_or_default();
        let mut item = InventoryItem::new(kinds::SOFTWARE_PACKAGE)
            .with("version", text("version"))
            .with("target", text("ostree.architecture"))
            .with("refs", refs)
            .with("subject", commit.get(3).and_then(|n| self.text(n)).unwrap_or_default());
        if let Some(Node::Fixed(time)) = commit.get(5) {
            item = item.with("timestamp", be64(self.bytes, time.start));
        }
        item
    }

    /// Names and values of metadata.
    fn dictionary(&mut self, entries: &[Node]) -> Result<(), InspectError> {
        for entry in entries {
            let (name, value) = (entry.list().first(), entry.list().get(1));
            self.node(name)?;
            let known = name.and_then(|n| self.text(n)).is_some_and(|n| is_binary(&n));
            if !known {
                self.node(value)?;
            }
        }
        Ok(())
    }

    /// Extended attributes: pairs of name and value.
    fn attributes(&mut self, pairs: &[Node]) -> Result<(), InspectError> {
        for pair in pairs {
            for part in pair.list() {
                self.node(Some(part))?;
            }
        }
        Ok(())
    }

    /// Everything in a value that is a text, or bytes of no known meaning.
    fn node(&mut self, node: Option<&Node>) -> Result<(), InspectError> {
        match node {
            Some(Node::Text(range)) => self.to.comment(wide(range)),
            Some(Node::Bytes(range)) => {
                let bytes = self.bytes.get(range.clone()).unwrap_or_default();
                let text = bytes.strip_suffix(&[0]).unwrap_or(bytes);
                if text.is_empty() {
                    return Ok(());
                }
                let shown = range.start..range.start + text.len();
                let plain = std::str::from_utf8(text)
                    .is_ok_and(|t| !t.contains(|c: char| c.is_control() && !c.is_whitespace()));
                if plain && text.len() <= LONGEST_KEY {
                    self.to.comment(wide(&shown))
                } else {
                    self.to.hand_over_range(ChildMeta::named(b"[metadata]"), wide(&shown))
                }
            }
            Some(Node::List(list)) => list.iter().try_for_each(|n| self.node(Some(n))),
            Some(Node::Variant(inner)) => self.node(Some(inner)),
            Some(Node::Fixed(_)) | None => Ok(()),
        }
    }
}

fn wide(range: &Range<usize>) -> Range<u64> {
    range.start as u64..range.end as u64
}

/// Metadata whose values are digests, signatures or sizes.
fn is_binary(name: &str) -> bool {
    matches!(
        name,
        "ostree.gpgsigs"
            | "ostree.sizes"
            | "ostree.static-deltas"
            | "ostree.commit.timestamp"
            | "ostree.commit.version-digest"
    ) || name.starts_with("ostree.sign.")
        || name.starts_with("ostree.composefs.")
}

#[cfg(test)]
mod tests;
