//! The interface between engine and plugin: every call is one serialisable [`Message`].

use std::borrow::Cow;
use std::ops::Range;

use serde::{Deserialize, Serialize};

use crate::artifact::ChildMeta;
use crate::blob::Extent;
use crate::coverage::{Label, Reason};
use crate::evidence::{Batch, EvidenceHeader};
use crate::group::{GroupFact, Need};
use crate::note::Note;

/// What a plugin tells the engine while it inspects an artifact.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub enum Message<'a> {
    /// The body shows a more specific format than the head did (a zip that is a docx).
    Format(Cow<'static, str>),
    /// Something to tell of the artifact.
    Note(Note),
    /// A label for a byte range of the artifact.
    Label {
        /// The bytes.
        range: Range<u64>,
        /// What became of them.
        label: Label,
    },
    /// A child that is made of pieces of this artifact. The engine labels the pieces `delegated`.
    ChildExtents {
        /// What the container tells of it.
        meta: ChildMeta,
        /// Its pieces in order.
        extents: Vec<Extent>,
    },
    /// Opens a child whose bytes are decoded; one at a time.
    ChildStart {
        /// What the container tells of it.
        meta: ChildMeta,
    },
    /// The next bytes of the open child.
    ChildBytes(Cow<'a, [u8]>),
    /// A hole in the open child: so many zero bytes.
    ChildZeros(u64),
    /// Closes the open child. It is inspected also when it is not complete.
    ChildEnd {
        /// Whether all of it was decoded.
        complete: bool,
    },
    /// Opens a stream of evidence.
    Evidence(EvidenceHeader),
    /// A batch of a stream.
    Batch {
        /// Number of the stream.
        stream: u32,
        /// Its content.
        #[serde(borrow)]
        batch: Batch<'a>,
    },
    /// Closes a stream.
    EvidenceEnd {
        /// Number of the stream.
        stream: u32,
    },
    /// A fact lent to the other artifacts of the folder or container.
    Export(GroupFact),
    /// A fact of the folder or container that would let more be read. If one is granted, the artifact is inspected anew.
    Need(Need),
}

/// The engine does not take more.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Stop {
    /// The open child is over a limit: it was closed as incomplete. The plugin labels the encoded bytes opaque with this reason
    /// and goes on with the next child.
    Child(Reason),
    /// The artifact ends here: the plugin returns at once with this error. What bears no label is opaque with this reason.
    All(Reason),
}

/// Where a plugin sends what it finds.
pub trait Inspection {
    /// Takes one message.
    ///
    /// # Errors
    /// [`Stop`] when the engine does not take more.
    fn send(&mut self, message: Message<'_>) -> Result<(), Stop>;
}

/// Short forms of the messages.
pub trait InspectionExt: Inspection {
    /// Labels a byte range.
    ///
    /// # Errors
    /// [`Stop`] as in [`Inspection::send`].
    fn label(&mut self, range: Range<u64>, label: Label) -> Result<(), Stop> {
        self.send(Message::Label { range, label })
    }

    /// Labels a byte range as container.
    ///
    /// # Errors
    /// [`Stop`] as in [`Inspection::send`].
    fn container(&mut self, range: Range<u64>) -> Result<(), Stop> {
        self.label(range, Label::Container)
    }

    /// Labels a byte range as inspected.
    ///
    /// # Errors
    /// [`Stop`] as in [`Inspection::send`].
    fn inspected(&mut self, range: Range<u64>) -> Result<(), Stop> {
        self.label(range, Label::Inspected)
    }

    /// Labels a byte range as opaque.
    ///
    /// # Errors
    /// [`Stop`] as in [`Inspection::send`].
    fn opaque(&mut self, range: Range<u64>, reason: Reason) -> Result<(), Stop> {
        self.label(range, Label::Opaque(reason))
    }

    /// Tells something of the artifact.
    ///
    /// # Errors
    /// [`Stop`] as in [`Inspection::send`].
    fn note(&mut self, note: Note) -> Result<(), Stop> {
        self.send(Message::Note(note))
    }

    /// Hands over a child that is one byte range of this artifact.
    ///
    /// # Errors
    /// [`Stop`] as in [`Inspection::send`].
    fn child_range(&mut self, meta: ChildMeta, range: Range<u64>) -> Result<(), Stop> {
        self.send(Message::ChildExtents { meta, extents: vec![Extent::of(range)] })
    }

    /// Opens a decoded child.
    ///
    /// # Errors
    /// [`Stop`] as in [`Inspection::send`].
    fn child_start(&mut self, meta: ChildMeta) -> Result<(), Stop> {
        self.send(Message::ChildStart { meta })
    }

    /// Writes the next bytes of the open child.
    ///
    /// # Errors
    /// [`Stop`] as in [`Inspection::send`].
    fn child_bytes(&mut self, bytes: &[u8]) -> Result<(), Stop> {
        self.send(Message::ChildBytes(Cow::Borrowed(bytes)))
    }

    /// Closes the open child.
    ///
    /// # Errors
    /// [`Stop`] as in [`Inspection::send`].
    fn child_end(&mut self, complete: bool) -> Result<(), Stop> {
        self.send(Message::ChildEnd { complete })
    }

    /// Sends a batch of a stream.
    ///
    /// # Errors
    /// [`Stop`] as in [`Inspection::send`].
    fn batch(&mut self, stream: u32, batch: Batch<'_>) -> Result<(), Stop> {
        self.send(Message::Batch { stream, batch })
    }
}

impl<T: Inspection + ?Sized> InspectionExt for T {}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::evidence::*;
    use crate::finding::Seconds;
    use crate::kind::kinds;
    use crate::spatial::*;
    use serde_json::json;

    /// The interface is plain data: every message survives serialisation.
    #[test]
    fn every_message_is_plain_data() {
        let cell = Cell {
            name: 0,
            column_index: 0,
            start: 0,
            end: 3,
            byte_start: 9,
            byte_end: 12,
            line: 2,
            column: 1,
            verbatim: true,
        };
        let header = EvidenceHeader {
            stream: 1,
            kind: EvidenceKind::Records,
            format: "csv".into(),
            name: "a.csv".into(),
            properties: [("datum".to_owned(), json!("wgs84"))].into(),
        };
        let key = KeyMaterial {
            what: KeyWhat::PrivateKey,
            form: "pkcs8".into(),
            algorithm: Some("rsa".into()),
            encrypted: Some(false),
            bytes: (0, 10),
            properties: [("bits".to_owned(), json!(2048))].into(),
        };
        let meta = ChildMeta { encoded: Some(3), opaque: Some(Reason::Encrypted), ..ChildMeta::named(b"x") };
        let batch = |batch| Message::Batch { stream: 1, batch };
        let all = [
            Message::Format("docx".into()),
            Message::Note(Note::new("name-lies").with("expected", json!("zip"))),
            Message::Label { range: 0..5, label: Label::Opaque(Reason::Corrupt) },
            Message::ChildExtents {
                meta: meta.clone(),
                extents: vec![Extent::Data { offset: 1, len: 2 }, Extent::Zero { len: 3 }],
            },
            Message::ChildStart { meta },
            Message::ChildBytes(Cow::Borrowed(b"abc")),
            Message::ChildZeros(7),
            Message::ChildEnd { complete: false },
            Message::Evidence(header),
            batch(Batch::Text(TextBatch { text: "a".into(), map: ByteMap::identity(4) })),
            batch(Batch::Records(RecordBatch {
                names: vec!["vin".into()],
                text: "abc\u{1f}".into(),
                cells: vec![cell],
                records: vec![0],
                origins: vec![RecordOrigin { cell: 0, topic: "/a".into(), time_s: Seconds::new(1.5) }],
            })),
            batch(Batch::Raw(RawBatch { offset: 3, bytes: Cow::Borrowed(&[1, 2]) })),
            batch(Batch::Keys(KeyBatch { items: vec![key] })),
            batch(Batch::Inventory(InventoryBatch {
                items: vec![InventoryItem::new(kinds::DIAG_DBC).with("messages", 3).at(0, 9)],
            })),
            batch(Batch::Fixes(FixBatch {
                fixes: vec![Fix { x: 116.4, y: 39.9, z: None, time_s: Some(0.5), entity: 2, offset: 7 }],
            })),
            batch(Batch::Spatial(SpatialBatch {
                items: vec![Spatial {
                    samples: vec![[1.0, 2.0, 3.0]],
                    ..Spatial::new(kinds::GEO_MAP).with("lanes", 4)
                }],
            })),
            Message::EvidenceEnd { stream: 1 },
            Message::Export(GroupFact { key: "table-schema".into(), value: json!({"names": ["a"]}) }),
            Message::Need(Need { key: "table-schema".into() }),
        ];
        for message in all {
            let text = serde_json::to_vec(&message).unwrap();
            let back: Message<'_> = serde_json::from_slice::<Message<'_>>(&text).unwrap();
            assert_eq!(back, message);
        }
    }
}
