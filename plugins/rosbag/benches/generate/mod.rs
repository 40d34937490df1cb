//! Recordings of any length: a drive with a receiver, an inertial unit, a lidar and notes, as MCAP (CDR) or ROS 1 bag.
#![allow(missing_docs, dead_code, clippy::unwrap_used)]

use std::io::{Seek, SeekFrom, Write};

const START: u64 = 1_767_225_600_000_000_000;
const CHUNK: usize = 1 << 20;

/// Writes the fields of a message, as ROS 1 or as CDR.
struct Writer {
    ros1: bool,
    out: Vec<u8>,
}

impl Writer {
    fn new(ros1: bool) -> Self {
        Writer { ros1, out: if ros1 { Vec::new() } else { vec![0, 1, 0, 0] } }
    }
    fn raw(&mut self, bytes: &[u8]) -> &mut Self {
        if !self.ros1 {
            while !(self.out.len() - 4).is_multiple_of(bytes.len()) {
                self.out.push(0);
            }
        }
        self.out.extend_from_slice(bytes);
        self
    }
    fn u8(&mut self, v: u8) -> &mut Self {
        self.raw(&[v])
    }
    fn u32(&mut self, v: u32) -> &mut Self {
        self.raw(&v.to_le_bytes())
    }
    fn f64(&mut self, v: f64) -> &mut Self {
        self.raw(&v.to_le_bytes())
    }
    fn text(&mut self, v: &str) -> &mut Self {
        let nul = usize::from(!self.ros1);
        self.u32((v.len() + nul) as u32);
        self.out.extend_from_slice(v.as_bytes());
        self.out.extend(std::iter::repeat_n(0, nul));
        self
    }
    fn header(&mut self, time: u64, frame: &str) -> &mut Self {
        if self.ros1 {
            self.u32(0);
        }
        self.u32((time / 1_000_000_000) as u32).u32((time % 1_000_000_000) as u32).text(frame)
    }
}

const HEADER1: &str = "uint32 seq\ntime stamp\nstring frame_id\n";
const HEADER2: &str = "builtin_interfaces/Time stamp\nstring frame_id\n";
const BAR: &str = "================================================================================\n";

/// Topic, type, definition.
pub(crate) fn channels(ros1: bool) -> Vec<(&'static str, String, String)> {
    let (header, kind) = if ros1 { ("Header", "/") } else { ("std_msgs/Header", "/msg/") };
    let tail = if ros1 {
        format!("{BAR}MSG: std_msgs/Header\n{HEADER1}")
    } else {
        format!("{BAR}MSG: std_msgs/Header\n{HEADER2}{BAR}MSG: builtin_interfaces/Time\nint32 sec\nuint32 nanosec\n")
    };
    let vector = format!("{BAR}MSG: geometry_msgs/Vector3\nfloat64 x\nfloat64 y\nfloat64 z\n");
    let quaternion = format!("{BAR}MSG: geometry_msgs/Quaternion\nfloat64 x\nfloat64 y\nfloat64 z\nfloat64 w\n");
    vec![
        (
            "/gps/fix",
            format!("sensor_msgs{kind}NavSatFix"),
            format!(
                "{header} header\nsensor_msgs/NavSatStatus status\nfloat64 latitude\nfloat64 longitude\nfloat64 altitude\nfloat64[9] position_covariance\nuint8 position_covariance_type\n{tail}{BAR}MSG: sensor_msgs/NavSatStatus\nint8 status\nuint16 service\n"
            ),
        ),
        (
            "/imu",
            format!("sensor_msgs{kind}Imu"),
            format!(
                "{header} header\ngeometry_msgs/Quaternion orientation\nfloat64[9] orientation_covariance\ngeometry_msgs/Vector3 angular_velocity\nfloat64[9] angular_velocity_covariance\ngeometry_msgs/Vector3 linear_acceleration\nfloat64[9] linear_acceleration_covariance\n{tail}{vector}{quaternion}"
            ),
        ),
        (
            "/lidar/points",
            format!("sensor_msgs{kind}PointCloud2"),
            format!(
                "{header} header\nuint32 height\nuint32 width\nsensor_msgs/PointField[] fields\nbool is_bigendian\nuint32 point_step\nuint32 row_step\nuint8[] data\nbool is_dense\n{tail}{BAR}MSG: sensor_msgs/PointField\nstring name\nuint32 offset\nuint8 datatype\nuint32 count\n"
            ),
        ),
        ("/notes", format!("std_msgs{kind}String"), "string data\n".to_owned()),
    ]
}

/// The payload of one message of a channel.
fn payload(ros1: bool, channel: usize, time: u64, n: u64, points: &mut Vec<u8>) -> Vec<u8> {
    let mut w = Writer::new(ros1);
    let far = n as f64 * 1e-6;
    match channel {
        0 => {
            w.header(time, "gps").u8(0).raw(&1u16.to_le_bytes()).f64(39.9042 + far).f64(116.4074 + far).f64(43.5);
            (0..9).for_each(|_| {
                w.f64(0.0);
            });
            w.u8(0);
        }
        1 => {
            w.header(time, "imu");
            [0.0, 0.0, 0.0, 1.0].iter().for_each(|&v| {
                w.f64(v);
            });
            (0..3 + 9 + 9 + 3 + 9).for_each(|i| {
                w.f64(f64::from(i) * 0.01 + far);
            });
        }
        2 => {
            let count = 20_000u32;
            if points.is_empty() {
                for i in 0..count {
                    let a = i as f32 * 0.01;
                    for v in [a.cos() * a, a.sin() * a, a * 0.01, (i % 255) as f32] {
                        points.extend(v.to_le_bytes());
                    }
                }
            }
            let at = (n as usize * 16) % points.len();
            points[at] ^= n as u8;
            w.header(time, "lidar").u32(1).u32(count).u32(4);
            for (i, name) in ["x", "y", "z", "intensity"].iter().enumerate() {
                w.text(name).u32(4 * i as u32).u8(7).u32(1);
            }
            w.u8(0).u32(16).u32(16 * count).u32(points.len() as u32);
            w.out.extend_from_slice(points);
            w.u8(1);
        }
        _ => {
            w.text(&format!("note {n}: the vehicle entered the yard at dawn"));
        }
    }
    w.out
}

/// Calls `each` with channel, time and payload until `bytes` of payloads were made.
pub(crate) fn drive(ros1: bool, bytes: u64, mut each: impl FnMut(usize, u64, &[u8])) {
    let (mut made, mut n, mut points) = (0u64, 0u64, Vec::new());
    while made < bytes {
        let time = START + n * 10_000_000;
        let due = [n % 10 == 0, true, n % 10 == 5, n % 100 == 7];
        for (channel, _) in due.iter().enumerate().filter(|(_, due)| **due) {
            let data = payload(ros1, channel, time, n, &mut points);
            each(channel, time, &data);
            made += data.len() as u64;
        }
        n += 1;
    }
}

fn compress(how: &str, bytes: &[u8]) -> Vec<u8> {
    match how {
        "lz4" => {
            let mut encoder = lz4_flex::frame::FrameEncoder::new(Vec::new());
            encoder.write_all(bytes).unwrap();
            encoder.finish().unwrap()
        }
        "zstd" => zstd::encode_all(bytes, 1).unwrap(),
        "bz2" => {
            let mut encoder = bzip2::write::BzEncoder::new(Vec::new(), bzip2::Compression::fast());
            encoder.write_all(bytes).unwrap();
            encoder.finish().unwrap()
        }
        _ => bytes.to_vec(),
    }
}

fn text(t: &str) -> Vec<u8> {
    [&(t.len() as u32).to_le_bytes()[..], t.as_bytes()].concat()
}

fn record(op: u8, body: &[u8]) -> Vec<u8> {
    [&[op][..], &(body.len() as u64).to_le_bytes(), body].concat()
}

/// An MCAP file of about `bytes` of payloads; `how` is none, lz4, zstd or unchunked.
pub(crate) fn mcap(out: &mut impl Write, bytes: u64, how: &str) {
    out.write_all(b"\x89MCAP0\r\n").unwrap();
    out.write_all(&record(1, &[text("ros2"), text("yumen bench")].concat())).unwrap();
    for (i, (topic, kind, definition)) in channels(false).iter().enumerate() {
        let id = (i as u16 + 1).to_le_bytes();
        let schema = [id.to_vec(), text(kind), text("ros2msg"), text(definition)].concat();
        out.write_all(&record(3, &schema)).unwrap();
        let channel = [id.to_vec(), id.to_vec(), text(topic), text("cdr"), text("")].concat();
        out.write_all(&record(4, &channel)).unwrap();
    }
    let mut chunk = Vec::new();
    let mut flush = |chunk: &mut Vec<u8>| {
        if how == "unchunked" {
            out.write_all(chunk).unwrap();
        } else if !chunk.is_empty() {
            let stored = compress(how, chunk);
            let mut body = [START.to_le_bytes(), START.to_le_bytes(), (chunk.len() as u64).to_le_bytes()].concat();
            body.extend(crc32fast::hash(chunk).to_le_bytes());
            body.extend(text(if how == "none" { "" } else { how }));
            body.extend((stored.len() as u64).to_le_bytes());
            body.extend(stored);
            out.write_all(&record(6, &body)).unwrap();
        }
        chunk.clear();
    };
    drive(false, bytes, |channel, time, data| {
        let head =
            [&(channel as u16 + 1).to_le_bytes()[..], &[0; 4], &time.to_le_bytes(), &time.to_le_bytes()].concat();
        chunk.push(5);
        chunk.extend(((head.len() + data.len()) as u64).to_le_bytes());
        chunk.extend(head);
        chunk.extend_from_slice(data);
        if chunk.len() >= CHUNK {
            flush(&mut chunk);
        }
    });
    flush(&mut chunk);
    out.write_all(&[record(15, &[0; 4]), record(2, &[0; 20]), b"\x89MCAP0\r\n".to_vec()].concat()).unwrap();
}

fn field(name: &str, value: &[u8]) -> Vec<u8> {
    [&((name.len() + 1 + value.len()) as u32).to_le_bytes()[..], name.as_bytes(), b"=", value].concat()
}

fn bag_record(header: &[Vec<u8>], data: &[u8]) -> Vec<u8> {
    let header = header.concat();
    [&(header.len() as u32).to_le_bytes()[..], &header, &(data.len() as u32).to_le_bytes(), data].concat()
}

/// A ROS 1 bag of about `bytes` of payloads; `how` is none, lz4 or bz2.
pub(crate) fn bag(out: &mut (impl Write + Seek), bytes: u64, how: &str) {
    let header = |index: u64, chunks: u32| {
        let fields = [
            field("op", &[3]),
            field("index_pos", &index.to_le_bytes()),
            field("conn_count", &4u32.to_le_bytes()),
            field("chunk_count", &chunks.to_le_bytes()),
        ];
        let padding = 4096 - 8 - fields.concat().len();
        [b"#ROSBAG V2.0\n".to_vec(), bag_record(&fields, &vec![b' '; padding])].concat()
    };
    let connections: Vec<u8> = channels(true)
        .iter()
        .enumerate()
        .flat_map(|(i, (topic, kind, definition))| {
            let data = [
                field("topic", topic.as_bytes()),
                field("type", kind.as_bytes()),
                field("md5sum", b"00000000000000000000000000000000"),
                field("message_definition", definition.as_bytes()),
            ];
            bag_record(
                &[field("op", &[7]), field("conn", &(i as u32).to_le_bytes()), field("topic", topic.as_bytes())],
                &data.concat(),
            )
        })
        .collect();
    out.write_all(&header(0, 0)).unwrap();
    let mut chunk = connections.clone();
    let (mut chunks, mut infos, mut at) = (0u32, Vec::new(), 4096u64 + 13);
    let mut flush = |chunk: &mut Vec<u8>| {
        let stored = compress(how, chunk);
        let fields = [
            field("op", &[5]),
            field("compression", how.as_bytes()),
            field("size", &(chunk.len() as u32).to_le_bytes()),
        ];
        let record = bag_record(&fields, &stored);
        out.write_all(&record).unwrap();
        infos.extend(bag_record(
            &[
                field("op", &[6]),
                field("ver", &1u32.to_le_bytes()),
                field("chunk_pos", &at.to_le_bytes()),
                field("start_time", &[0; 8]),
                field("end_time", &[0; 8]),
                field("count", &0u32.to_le_bytes()),
            ],
            &[],
        ));
        at += record.len() as u64;
        chunks += 1;
        chunk.clear();
    };
    drive(true, bytes, |channel, time, data| {
        let stamp =
            [((time / 1_000_000_000) as u32).to_le_bytes(), ((time % 1_000_000_000) as u32).to_le_bytes()].concat();
        chunk.extend(bag_record(
            &[field("op", &[2]), field("conn", &(channel as u32).to_le_bytes()), field("time", &stamp)],
            data,
        ));
        if chunk.len() >= CHUNK {
            flush(&mut chunk);
        }
    });
    flush(&mut chunk);
    out.write_all(&connections).unwrap();
    out.write_all(&infos).unwrap();
    out.seek(SeekFrom::Start(0)).unwrap();
    out.write_all(&header(at, chunks)).unwrap();
}
