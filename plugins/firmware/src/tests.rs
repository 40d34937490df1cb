use proptest::prelude::*;

use crate::testing::{format_of, identify, noise, prose};
use yumen_model::Certainty;

/// What is none of the family's must not be claimed: it would lose its own reader.
#[test]
fn other_content_is_not_claimed() {
    let zip = b"PK\x03\x04\x14\0\0\0\x08\0abcdefghijklmnopqrstuvwxyz0123456789".repeat(4);
    let texts: &[&[u8]] = &[
        b"",
        b"a",
        b"just some text\nand another line\n",
        b":root { color: red }\n.b { x: 1 }\n",
        b":wq\n:1234\n",
        b"S1 is a signal\nS2 is another\nS3\n",
        b"S0123 part number\nS1234\n",
        b"@startuml\nA -> B\n@enduml\n",
        b"@1234 said so\nno bytes here\n",
        b"@user 12\n34 56\n",
        b"vbf_version is described in this document, see header { and }\n",
        b"A line that quotes :0300300002337A1E in prose\nand goes on\nand on\n",
        b"MZ is not a program\n",
        b"#!/bin/sh\necho :00000001FF\n",
        b"HDR0 this is text that begins like an image but is none at all, not even nearly so\n",
        b"DfuSX",
        b"Salted__",
        b"Salted__ peanuts are tasty, they say, and this is only text that goes on for a bit\n",
        b"\x7fELX",
        b"dex\nnot a dex file, a list of words that begins with dex and goes on for more than one hundred and twelve bytes, to be sure of it\n",
        b"{\"a\": 1}\n",
        b"car,plate\n1,2\n",
        b"1,2,3\n4,5,6\n",
        b"00 11 22 33\n44 55 66 77\n",
    ];
    for text in texts {
        assert_eq!(format_of(text), None, "{}", String::from_utf8_lossy(text));
    }
    assert_eq!(format_of(&zip), None);
    assert_eq!(format_of(&prose(100_000)), None);
    assert_eq!(format_of(&vec![0; 100_000]), None);
    assert_eq!(format_of(&vec![0xff; 100_000]), None);
}

#[test]
fn noise_is_claimed_only_as_the_least_sure() {
    for seed in 0..200 {
        for len in [100, 4096, 70_000] {
            let found = identify("x", &noise(seed, len));
            if let Some(found) = found {
                assert_eq!((found.format, found.certainty), ("high-entropy", Certainty::Fallback), "{seed} {len}");
                assert!(len >= 4096);
            }
        }
    }
}

proptest! {
    #[test]
    fn text_is_never_claimed(text in "[ -~\n]{0,400}") {
        prop_assert_eq!(format_of(text.as_bytes()), None);
    }

    #[test]
    fn small_binary_is_never_claimed(bytes in proptest::collection::vec(any::<u8>(), 0..600)) {
        prop_assert_eq!(format_of(&bytes), None);
    }
}
