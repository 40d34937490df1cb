//! What a FIT says of its images and configurations, gathered while its tree is read.

use std::ops::Range;

use yumen_kit_container::window::num::{be32, be64};
use yumen_model::InventoryItem;
use yumen_model::kind::kinds;

use crate::common::field;

/// Images and configurations that are kept.
const MAX_IMAGES: usize = 4096;

/// A node below `/images`.
#[derive(Debug, Default)]
pub(super) struct Image {
    pub(super) name: Vec<u8>,
    /// Where its data stand.
    pub(super) data: Option<Range<u64>>,
    /// `data-offset`, from the end of the tree.
    offset: Option<u64>,
    /// `data-position`, from the start of the file.
    position: Option<u64>,
    size: Option<u64>,
    /// Algorithm and value of each hash.
    pub(super) hashes: Vec<(String, Vec<u8>)>,
    pub(super) signed: bool,
    pub(super) cipher: bool,
    /// type, compression, os, arch, description.
    pub(super) attributes: Vec<(&'static str, String)>,
}

impl Image {
    /// Finds data that stand behind the tree.
    pub(super) fn locate(&mut self, base: u64) {
        if self.data.is_some() {
            return;
        }
        let start = self.position.or_else(|| Some(base.saturating_add(self.offset?)));
        if let (Some(start), Some(size)) = (start, self.size) {
            self.data = Some(start..start.saturating_add(size));
        }
    }

    fn attribute(&self, name: &str) -> Option<&str> {
        self.attributes.iter().find(|(n, _)| *n == name).map(|(_, v)| v.as_str())
    }
}

/// What was gathered.
#[derive(Debug, Default)]
pub(super) struct Fit {
    images: Vec<Image>,
    description: Option<String>,
    default: Option<String>,
    configurations: Vec<String>,
    compatible: Vec<String>,
    key_hints: Vec<String>,
    signed_configurations: bool,
    timestamp: Option<u64>,
}

impl Fit {
    /// A node begins; `path` begins with the root's empty name.
    pub(super) fn begin(&mut self, path: &[Vec<u8>]) {
        match path {
            [_, images, name] if images == b"images" && self.images.len() < MAX_IMAGES => {
                self.images.push(Image { name: name.clone(), ..Image::default() });
            }
            [_, images, _, node] if images == b"images" => {
                if let Some(image) = self.images.last_mut() {
                    if node.starts_with(b"hash") {
                        image.hashes.push((String::new(), Vec::new()));
                    } else if node.starts_with(b"cipher") {
                        image.cipher = true;
                    }
                }
            }
            [_, configurations, name]
                if configurations == b"configurations" && self.configurations.len() < MAX_IMAGES =>
            {
                self.configurations.push(String::from_utf8_lossy(name).into_owned());
            }
            _ => {}
        }
    }

    /// Whether a property is an image's content; it becomes a child.
    pub(super) fn takes_data(&mut self, path: &[Vec<u8>], name: &[u8], range: &Range<u64>) -> bool {
        let taken = matches!(path, [_, images, _] if images == b"images") && name == b"data";
        if taken
            && let Some(image) = self.images.last_mut()
            && image.data.is_none()
        {
            image.data = Some(range.clone());
            return true;
        }
        false
    }

    /// A property with the beginning of its value.
    pub(super) fn property(&mut self, path: &[Vec<u8>], name: &[u8], value: &[u8]) {
        let number = || match value.len() {
            4 => Some(u64::from(be32(value, 0))),
            8 => Some(be64(value, 0)),
            _ => None,
        };
        match path {
            [_] => match name {
                b"description" => self.description = field(value),
                b"timestamp" => self.timestamp = number(),
                _ => {}
            },
            [_, node] if node == b"configurations" && name == b"default" => self.default = field(value),
            [_, node, _] if node == b"configurations" && name == b"compatible" => {
                for text in value.split(|&b| b == 0).filter_map(field) {
                    add(&mut self.compatible, text);
                }
            }
            [_, node, _, sub] if node == b"configurations" && sub.starts_with(b"signature") => match name {
                b"value" => self.signed_configurations = true,
                b"key-name-hint" => self.key_hints.extend(field(value)),
                _ => {}
            },
            [_, node, _] if node == b"images" => {
                let Some(image) = self.images.last_mut() else { return };
                match name {
                    b"data-offset" => image.offset = number(),
                    b"data-position" => image.position = number(),
                    b"data-size" => image.size = number(),
                    _ => {
                        const KEPT: &[&str] =
                            &["type", "compression", "os", "arch", "description", "load", "entry", "version"];
                        let kept = KEPT.iter().find(|k| k.as_bytes() == name);
                        let text = match (field(value), number()) {
                            _ if name == b"load" || name == b"entry" => number().map(crate::common::hex),
                            (text, _) => text,
                        };
                        if let (Some(kept), Some(text)) = (kept, text) {
                            image.attributes.push((kept, text));
                        }
                    }
                }
            }
            [_, node, _, sub] if node == b"images" => {
                let Some(image) = self.images.last_mut() else { return };
                if sub.starts_with(b"hash") {
                    if let Some(hash) = image.hashes.last_mut() {
                        match name {
                            b"algo" => hash.0 = field(value).unwrap_or_default(),
                            b"value" => hash.1 = value.to_vec(),
                            _ => {}
                        }
                    }
                } else if sub.starts_with(b"signature") {
                    match name {
                        b"value" => image.signed = true,
                        b"key-name-hint" => self.key_hints.extend(field(value)),
                        _ => {}
                    }
                }
            }
            _ => {}
        }
        self.key_hints.truncate(64);
    }

    pub(super) fn take_images(&mut self) -> Vec<Image> {
        std::mem::take(&mut self.images)
    }

    /// What the image is, for the inventory.
    pub(super) fn inventory(&mut self, images: &[Image]) -> InventoryItem {
        let all = |name: &str| {
            let mut out = Vec::new();
            images.iter().filter_map(|i| i.attribute(name)).for_each(|v| add(&mut out, v.to_owned()));
            out
        };
        let names: Vec<String> =
            images.iter().take(256).map(|i| String::from_utf8_lossy(&i.name).into_owned()).collect();
        self.configurations.truncate(256);
        let mut item = InventoryItem::new(kinds::FIRMWARE_IMAGE)
            .with("container", "fit")
            .with("images", names)
            .with("types", all("type"))
            .with("architecture", all("arch"))
            .with("os", all("os"))
            .with("version", all("version"))
            .with("configurations", std::mem::take(&mut self.configurations))
            .with("compatible", std::mem::take(&mut self.compatible))
            .with("signed", self.signed_configurations || images.iter().any(|i| i.signed))
            .with("encrypted", images.iter().any(|i| i.cipher));
        let mut hints = std::mem::take(&mut self.key_hints);
        hints.sort();
        hints.dedup();
        item = item.with("key_names", hints);
        if let Some(description) = self.description.take() {
            item = item.with("description", vec![description]);
        }
        if let Some(default) = self.default.take() {
            item = item.with("default", default);
        }
        if let Some(time) = self.timestamp {
            item = item.with("timestamp", time);
        }
        item
    }
}

fn add(list: &mut Vec<String>, text: String) {
    if list.len() < 64 && !list.contains(&text) {
        list.push(text);
    }
}
