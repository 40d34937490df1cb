use std::io::Write;
use std::process::{Command, Stdio};

use serde_json::json;
use yumen_kit_container::testing::{Engine, identify, inspect, inspect_as, noise, prose};
use yumen_model::{Grouper as _, Member};

use super::*;
use crate::OtaPlugin;

const LIST: &str = "4\n12\n0\n0\nerase 2,10,12\nnew 4,0,2,5,6\nnew 2,8,9\nzero 2,2,4\n";

#[test]
fn transfer_lists_are_text_and_a_map() {
    assert!(is_transfer_list(LIST.as_bytes()));
    for other in ["", "4\n", "9\n12\n0\n0\nnew 2,0,1\n", "4\n12\n0\n0\nprose follows\n", "a shopping list\n"] {
        assert!(!is_transfer_list(other.as_bytes()) || other == "4\n12\n", "{other}");
    }
    let out = inspect(&OtaPlugin, "system.transfer.list", LIST.as_bytes());
    assert_eq!(out.format, "android-transfer-list");
    out.assert_clear();
    assert_eq!(out.texts[0], LIST);
    let p = &out.item(kinds::SOFTWARE_PACKAGE).properties;
    assert_eq!(p["operations"], json!(["erase: 1", "new: 2", "zero: 1"]));
    assert_eq!(p["delta"], false);
    assert_eq!(ranges("4,0,2,5,6"), Some(vec![(0, 2), (5, 6)]));
    for bad in ["3,0,2,5", "2,5,5", "2,9,1", "", "x", "4,0,2"] {
        assert_eq!(ranges(bad), None, "{bad}");
    }
}

#[test]
fn a_list_is_given_to_the_data_of_the_same_partition() {
    let (a, b) = (json!({"new": [[0, 1]]}), json!({"new": [[5, 6]]}));
    let list = |name, value| Member { name, format: "android-transfer-list", exports: vec![value] };
    let all = [list("system.transfer.list", &a), list("vendor.transfer.list", &b)];
    let grant = |name| TransferGrouper.grant(&Member { name, format: "", exports: vec![] }, &all);
    assert_eq!(grant("vendor.new.dat.br"), std::slice::from_ref(&b));
    assert_eq!(grant("system.new.dat"), std::slice::from_ref(&a));
    assert!(grant("odm.new.dat").is_empty());
}

/// Opens data with the map that a list lends.
fn with_map(name: &str, bytes: &[u8], map: &Value) -> yumen_kit_container::testing::Recorded {
    /// Grants the map as the engine would.
    struct Granted(Value);
    impl yumen_model::Plugin for Granted {
        fn formats(&self) -> &'static [Format] {
            FORMATS
        }
        fn identify(&self, probe: &Probe<'_>) -> Option<Identity> {
            NewData.identify(probe)
        }
        fn inspect(&self, artifact: &Artifact, _: &Context, out: &mut dyn Inspection) -> Result<(), InspectError> {
            let fact = GroupFact { key: KEY.to_owned(), value: self.0.clone() };
            NewData.inspect(artifact, &Context { granted: vec![fact] }, out)
        }
    }
    inspect(&Granted(map.clone()), name, bytes)
}

/// The data for [`LIST`], and the image they make.
fn data() -> (Vec<u8>, Vec<u8>) {
    let data = noise(6, 4 * 4096);
    let mut image = vec![0; 9 * 4096];
    image[..8192].copy_from_slice(&data[..8192]);
    image[5 * 4096..6 * 4096].copy_from_slice(&data[8192..12288]);
    image[8 * 4096..].copy_from_slice(&data[12288..]);
    (data, image)
}

#[test]
fn blocks_go_where_the_list_says() {
    let (data, image) = data();
    let map = json!({"new": [[0, 2], [5, 6], [8, 9]]});
    let out = with_map("system.new.dat", &data, &map);
    out.assert_clear();
    assert_eq!(out.child("system.img").bytes, image);
    assert!(out.child("system.img").extents.is_some());
    // In another order.
    let turned = [&data[12288..], &data[..12288]].concat();
    let out = with_map("system.new.dat", &turned, &json!({"new": [[8, 9], [0, 2], [5, 6]]}));
    assert_eq!(out.child("system.img").bytes, image);
    // Without a list: the blocks as they come.
    let out = inspect(&OtaPlugin, "system.new.dat", &data);
    out.assert_clear();
    assert_eq!(out.child("system.img").bytes[..data.len()], data);
    // A list that promises more, one that promises less.
    let out = with_map("system.new.dat", &data, &json!({"new": [[0, 9]]}));
    assert!(out.noted("truncated"));
    let out = with_map("system.new.dat", &data, &json!({"new": [[0, 1], [0, 2]]}));
    out.assert_counted();
    out.assert_clear();
}

/// Compresses with the tool of the format's makers, if it is installed.
fn brotli(data: &[u8]) -> Option<Vec<u8>> {
    let mut child = Command::new("brotli").arg("-c").stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().ok()?;
    let mut input = child.stdin.take()?;
    let data = data.to_vec();
    let writer = std::thread::spawn(move || input.write_all(&data));
    let out = child.wait_with_output().ok()?;
    writer.join().ok()?.ok()?;
    Some(out.stdout)
}

#[test]
fn brotli_streams_become_images_too() {
    // Of one stored block: window of 16 bits, an uncompressed meta-block, the empty last one.
    let hand = |data: &[u8]| {
        let n = data.len() as u32 - 1;
        let head = n << 4 | 1 << 20;
        let mut out = vec![(head) as u8, (head >> 8) as u8, (head >> 16) as u8];
        out.extend(data);
        out.push(3);
        out
    };
    let (data, image) = data();
    let map = json!({"new": [[0, 2], [5, 6], [8, 9]]});
    let tool = brotli(&prose(100_000));
    let stored = hand(&data);
    let mut all = Vec::new();
    brotli_decompressor::Decompressor::new(&stored[..], 4096).read_to_end(&mut all).unwrap();
    assert_eq!(all, data);
    let out = with_map("system.new.dat.br", &stored, &map);
    out.assert_clear();
    assert_eq!(out.child("system.img").bytes, image);
    let out = inspect(&OtaPlugin, "system.new.dat.br", &stored);
    out.assert_clear();
    assert_eq!(out.child("system.new.dat").bytes, data);
    if let Some(stream) = tool {
        let out = inspect(&OtaPlugin, "vendor.new.dat.br", &stream);
        out.assert_clear();
        assert_eq!(out.child("vendor.new.dat").bytes, prose(100_000));
        let cut = &stream[..stream.len() / 2];
        let cut = inspect_as(&OtaPlugin, "brotli", "vendor.new.dat.br", cut, Engine::default());
        assert!(cut.opaque() > 0);
        assert!(cut.children.iter().all(|c| !c.complete));
    }
    assert_eq!(identify(&OtaPlugin, "page.html.br", &stored), None);
}
