//! Which plugin an artifact belongs to.

use std::collections::HashMap;
use std::panic::{AssertUnwindSafe, catch_unwind};

use yumen_model::{Blob, Certainty, Format, Grouper, Identity, Memo, Plugin, Probe};

/// How much of the head and the tail identification sees.
const PROBE: u64 = 64 << 10;

/// Format name of what no plugin knows.
pub(crate) const UNKNOWN: &str = "unknown";
/// Format name of free space and slack of an image.
pub(crate) const FREE_SPACE: &str = "free-space";
/// Format name of an artifact without bytes.
pub(crate) const EMPTY: &str = "empty";

/// The plugins and their formats.
pub struct Registry {
    plugins: Vec<Box<dyn Plugin>>,
    by_extension: HashMap<&'static str, Vec<&'static Format>>,
    by_name: HashMap<&'static str, &'static Format>,
}

/// What an artifact was identified as.
pub(crate) struct Identified<'a> {
    pub(crate) plugin: Option<&'a dyn Plugin>,
    pub(crate) format: &'static str,
    /// How sure that is; none where no plugin knows it.
    pub(crate) certainty: Option<Certainty>,
    /// A plugin crashed while it looked.
    pub(crate) crashed: bool,
}

impl Registry {
    /// A registry of plugins; where two are equally sure of an artifact, the earlier gets it.
    #[must_use]
    pub fn new(plugins: Vec<Box<dyn Plugin>>) -> Self {
        let mut by_extension: HashMap<_, Vec<_>> = HashMap::new();
        let mut by_name = HashMap::new();
        for format in plugins.iter().flat_map(|p| p.formats()) {
            by_name.insert(format.name, format);
            for extension in format.extensions {
                by_extension.entry(*extension).or_default().push(format);
            }
        }
        Registry { plugins, by_extension, by_name }
    }

    /// Every format, in the order of the plugins.
    pub fn formats(&self) -> impl Iterator<Item = &'static Format> + '_ {
        self.plugins.iter().flat_map(|p| p.formats())
    }

    /// The groupers of all plugins.
    pub(crate) fn groupers(&self) -> Vec<Box<dyn Grouper>> {
        self.plugins.iter().flat_map(|p| p.groupers()).collect()
    }

    /// Identifies by content first, name second.
    ///
    /// # Errors
    /// The bytes could not be read.
    pub(crate) fn identify(&self, blob: &Blob, name: &str) -> std::io::Result<Identified<'_>> {
        if blob.is_empty() {
            return Ok(Identified { plugin: None, format: EMPTY, certainty: None, crashed: false });
        }
        let head = blob.bytes(0..PROBE)?;
        let tail_bytes;
        let tail: &[u8] = if blob.len() > PROBE {
            tail_bytes = blob.bytes(blob.len() - PROBE..blob.len())?;
            &tail_bytes
        } else {
            &head
        };
        let memo = Memo::default();
        let probe = Probe::new(&head, tail, blob, name).sharing(&memo);
        let mut best: Option<(Certainty, &dyn Plugin, Identity)> = None;
        let mut crashed = false;
        for plugin in &self.plugins {
            match catch_unwind(AssertUnwindSafe(|| plugin.identify(&probe))) {
                Ok(Some(identity)) if best.as_ref().is_none_or(|(c, _, _)| identity.certainty > *c) => {
                    best = Some((identity.certainty, plugin.as_ref(), identity));
                }
                Ok(_) => {}
                Err(_) => crashed = true,
            }
        }
        Ok(match best {
            Some((certainty, plugin, identity)) => {
                Identified { plugin: Some(plugin), format: identity.format, certainty: Some(certainty), crashed }
            }
            None => Identified { plugin: None, format: UNKNOWN, certainty: None, crashed },
        })
    }

    /// The format that the name's extension promises, when the content is something else.
    pub(crate) fn promised(&self, name: &str, found: &str) -> Option<&'static str> {
        let extension = yumen_model::artifact::extension(name);
        let promised = self.by_extension.get(extension.as_str())?;
        let first = promised.first()?;
        if promised.iter().any(|f| f.name == found) || found == EMPTY {
            return None;
        }
        // Text formats shade into one another, and the forms of zip (jar, docx) into zip.
        if let Some(found) = self.by_name.get(found)
            && promised.iter().any(|f| (is_textual(f) && is_textual(found)) || (is_zip(f) && is_zip(found)))
        {
            return None;
        }
        Some(first.name)
    }
}

fn is_textual(format: &Format) -> bool {
    let m = format.media_type;
    m.starts_with("text/") || ["json", "+xml", "/xml", "yaml", "sql", "toml", "csv"].iter().any(|t| m.contains(t))
}

fn is_zip(format: &Format) -> bool {
    let m = format.media_type;
    m == "application/zip"
        || ["+zip", "java-archive", "openxmlformats", "opendocument", "android.package"].iter().any(|t| m.contains(t))
}
