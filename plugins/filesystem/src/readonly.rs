//! What must hold of every read-only file system, checked on the images of its recipe.

use yumen_kit_container::testing::{Engine, abuse, fixture, identify, inspect, inspect_as, noise, truth};

use crate::FilesystemPlugin;

/// A read-only file system and its fixtures.
pub(crate) struct ReadOnly {
    /// Format name and topic of the fixtures.
    pub(crate) format: &'static str,
    /// The fixtures.
    pub(crate) images: &'static [&'static str],
    /// Where the magic number stands.
    pub(crate) magic_at: usize,
}

impl ReadOnly {
    /// Every image reads as the independent tool reads it.
    #[track_caller]
    pub(crate) fn every_image_reads_as_the_independent_tool_reads_it(&self) {
        for name in self.images {
            let bytes = fixture(self.format, name);
            let found = inspect(&FilesystemPlugin, "a.img", &bytes);
            assert_eq!(found.format, self.format, "{name}");
            assert_eq!(found.files(), truth(self.format, name), "{name}");
            assert!(!truth(self.format, name).is_empty(), "{name}");
            assert_eq!(found.result, Ok(()), "{name}");
            found.assert_counted();
            assert_eq!(found.opaque(), 0, "{name}: {:?} {:?}", found.labels, found.notes);
            assert!(
                found.texts.iter().any(|t| t.contains("usr/hosts.link -> ../etc/hosts\n")),
                "{name}: {:?}",
                found.texts
            );
        }
    }

    /// Broken images are counted and break nothing.
    #[track_caller]
    pub(crate) fn broken_images_are_counted_and_break_nothing(&self) {
        for name in self.images {
            abuse(&FilesystemPlugin, self.format, "a.img", &fixture(self.format, name), 60);
        }
    }

    /// What follows the image is handed over.
    #[track_caller]
    pub(crate) fn what_follows_the_image_is_handed_over(&self) {
        let mut bytes = fixture(self.format, self.images[0]);
        let room = bytes.len().next_multiple_of(4096) + 8192;
        bytes.resize(room, 0);
        let found = inspect(&FilesystemPlugin, "a.img", &bytes);
        found.assert_clear();
        bytes.extend_from_slice(b"a signature of some kind");
        let found = inspect(&FilesystemPlugin, "a.img", &bytes);
        assert!(found.child("[unallocated]").bytes.starts_with(b"a signature"));
        found.assert_counted();
    }

    /// Other data is not taken for it, with the magic number or without.
    #[track_caller]
    pub(crate) fn other_data_is_not_taken_for_it(&self) {
        let image = fixture(self.format, self.images[0]);
        let at = self.magic_at;
        let magic = &image[at..at + 4];
        for filler in [vec![b' '; 8192], noise(5, 8192), vec![0; 8192], vec![0xff; 8192]] {
            let mut data = filler;
            assert_eq!(identify(&FilesystemPlugin, &format!("a.{}", self.format), &data), None);
            data[at..at + 4].copy_from_slice(magic);
            assert_eq!(identify(&FilesystemPlugin, &format!("a.{}", self.format), &data), None);
        }
    }

    /// Of a broken file the others are read.
    #[track_caller]
    pub(crate) fn of_a_broken_file_the_others_are_read(&self) {
        for name in self.images {
            let bytes = fixture(self.format, name);
            let mut last = 0;
            // Somewhere in the first half lies data in all of them.
            for at in [bytes.len() / 8, bytes.len() / 4, bytes.len() / 3] {
                let mut broken = bytes.clone();
                broken[at..at + 16].copy_from_slice(&noise(at as u64, 16));
                let found = inspect_as(&FilesystemPlugin, self.format, "a.img", &broken, Engine::default());
                found.assert_counted();
                last = last.max(found.children.len());
            }
            assert!(last >= truth(self.format, name).len() - 1, "{name}: {last}");
        }
    }
}
