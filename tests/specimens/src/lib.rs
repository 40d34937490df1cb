//! Synthetic specimens: persons, vehicles, keys, archives. All are computed from a number; nobody in them exists.

pub mod archive;
pub mod key;
pub mod payload;

pub use archive::{Zip, cpio, docx, gzip, tar};
pub use key::private_key_pem;
pub use payload::{payload, xz};

/// A small generator of well-spread numbers (SplitMix64).
#[derive(Clone, Debug)]
pub struct Numbers(u64);

impl Numbers {
    /// A sequence that depends on the seed alone.
    #[must_use]
    pub fn new(seed: u64) -> Self {
        Numbers(seed)
    }

    /// The next number.
    pub fn next_u64(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        z ^ (z >> 31)
    }

    /// A number below `n`.
    pub fn below(&mut self, n: u64) -> u64 {
        self.next_u64() % n.max(1)
    }

    /// One of the items.
    pub fn pick<'a, T>(&mut self, items: &'a [T]) -> &'a T {
        let n = self.below(items.len() as u64);
        &items[usize::try_from(n).unwrap_or(0)]
    }

    /// So many bytes.
    pub fn bytes(&mut self, n: usize) -> Vec<u8> {
        std::iter::repeat_with(|| self.next_u64().to_le_bytes()).flatten().take(n).collect()
    }
}

/// A person who does not exist.
#[derive(Clone, Debug)]
pub struct Person {
    /// Name.
    pub name: String,
    /// Resident identity number with a valid check digit.
    pub id_number: String,
    /// Mobile number.
    pub phone: String,
    /// The person's car.
    pub vin: String,
    /// And its plate.
    pub plate: String,
}

/// The person of a number.
#[must_use]
pub fn person(number: u64) -> Person {
    let mut n = Numbers::new(number.wrapping_mul(7919).wrapping_add(17));
    let surname = n.pick(&["王", "李", "张", "刘", "陈", "杨", "黄", "赵", "周", "吴"]);
    let given = n.pick(&["伟", "芳", "秀英", "敏", "丽华", "志强", "建国", "晓明", "婷婷", "桂兰"]);
    Person {
        name: format!("{surname}{given}"),
        id_number: id_number(&mut n),
        phone: format!("{}{:08}", n.pick(&["138", "139", "150", "186", "177"]), n.below(100_000_000)),
        vin: vin(&mut n),
        plate: plate(&mut n),
    }
}

fn id_number(n: &mut Numbers) -> String {
    let region = n.pick(&["110101", "310104", "440106", "330106", "510107", "420106"]);
    let (year, month, day) = (1960 + n.below(40), 1 + n.below(12), 1 + n.below(28));
    let head = format!("{region}{year}{month:02}{day:02}{:03}", n.below(1000));
    let weights = [7, 9, 10, 5, 8, 4, 2, 1, 6, 3, 7, 9, 10, 5, 8, 4, 2];
    let sum: u32 = head.chars().zip(weights).map(|(c, w)| c.to_digit(10).unwrap_or(0) * w).sum();
    let check = "10X98765432".as_bytes()[(sum % 11) as usize] as char;
    format!("{head}{check}")
}

/// A VIN with a valid check digit.
#[must_use]
pub fn vin(n: &mut Numbers) -> String {
    const ALPHABET: &[u8] = b"ABCDEFGHJKLMNPRSTUVWXYZ0123456789";
    let mut s: Vec<u8> = n.pick(&["LSV", "LVS", "LFV", "LGB", "LHG"]).bytes().collect();
    s.extend((0..5).map(|_| *n.pick(ALPHABET)));
    s.push(b'0');
    s.push(*n.pick(b"KLMNPRS"));
    s.extend((0..7).map(|i| if i == 0 { *n.pick(ALPHABET) } else { *n.pick(b"0123456789") }));
    let value = |c: u8| -> u32 {
        match c {
            b'0'..=b'9' => u32::from(c - b'0'),
            b'A'..=b'H' => u32::from(c - b'A') + 1,
            b'J'..=b'N' => u32::from(c - b'J') + 1,
            b'P' => 7,
            b'R' => 9,
            _ => u32::from(c - b'S') + 2,
        }
    };
    let weights = [8, 7, 6, 5, 4, 3, 2, 10, 0, 9, 8, 7, 6, 5, 4, 3, 2];
    let sum: u32 = s.iter().zip(weights).map(|(c, w)| value(*c) * w).sum();
    s[8] = match sum % 11 {
        10 => b'X',
        d => b'0' + u8::try_from(d).unwrap_or(0),
    };
    String::from_utf8_lossy(&s).into_owned()
}

fn plate(n: &mut Numbers) -> String {
    let province = n.pick(&["京", "沪", "粤", "浙", "苏", "川"]);
    let city = *n.pick(b"ABCDEFGH") as char;
    format!("{province}{city}{}{:04}", *n.pick(b"ABCDEFGHJKLMNPQRSTUVWXYZ") as char, n.below(10_000))
}

/// A customer table with a header, one row a person, in GB18030.
#[must_use]
pub fn customers_gb18030(persons: std::ops::Range<u64>) -> Vec<u8> {
    let mut text = String::from("姓名,身份证号,手机号,车架号,车牌\r\n");
    for number in persons {
        let p = person(number);
        text.push_str(&format!("{},{},{},{},{}\r\n", p.name, p.id_number, p.phone, p.vin, p.plate));
    }
    encoding_rs::GB18030.encode(&text).0.into_owned()
}

/// Source text of about `len` bytes in which nothing is to be found.
#[must_use]
pub fn harmless_source(seed: u64, len: usize) -> Vec<u8> {
    let mut n = Numbers::new(seed);
    let words = [
        "frame", "index", "buffer", "speed", "limit", "torque", "filter", "state", "angle", "offset", "sample",
        "window",
    ];
    let mut out = String::with_capacity(len + 200);
    while out.len() < len {
        let (a, b, c) = (*n.pick(&words), *n.pick(&words), *n.pick(&words));
        let (x, y) = (n.below(4096), n.below(1000));
        out.push_str(&format!(
            "/// Gives the {a} of the {b} after {y} steps.\nfn {a}_{b}_{x}({c}: &[f64]) -> f64 {{\n    let mut {b} = {x}.{y:03};\n    for v in {c} {{\n        {b} += v * 0x{x:04x} as f64 / {y}.5; // {c} {a}\n    }}\n    {b}\n}}\n\n"
        ));
    }
    out.truncate(len);
    out.into_bytes()
}

/// Labelled lines of Chinese prose: JSON objects with `text` and `spans` (type, value, start and end in characters).
#[must_use]
pub fn labelled_lines(seed: u64, lines: usize) -> String {
    let mut n = Numbers::new(seed);
    let mut out = String::new();
    for line in 0..lines {
        let p = person(n.next_u64() >> 20);
        let (batch, code) = (n.below(1_000_000), n.next_u64());
        let (km, speed) = (n.below(200_000), n.below(120));
        let parts: Vec<(&str, String)> = match n.below(9) {
            0 => vec![
                ("", "客户".into()),
                ("NAME", p.name),
                ("", "，身份证号码：".into()),
                ("ID_CARD", p.id_number),
                ("", "。".into()),
            ],
            1 => vec![("", "请联系".into()), ("MOBILE", p.phone), ("", format!("，工单{batch}已关闭"))],
            2 => vec![("", "VIN：".into()), ("VIN", p.vin), ("", format!("，里程{km}公里"))],
            3 => vec![("PLATE", p.plate), ("", format!("于高速以{speed}公里每小时驶过"))],
            4 => vec![
                ("", "车牌号".into()),
                ("PLATE", p.plate),
                ("", "，车架号".into()),
                ("VIN", p.vin),
                ("", "，手机".into()),
                ("MOBILE", p.phone),
            ],
            5 => vec![("", format!("固件校验和 {code:016x}，批次 {batch:08}，耗时 {}.{speed:03} 秒", km % 60))],
            6 => vec![("", format!("坐标系转换残差 0.{batch:06}，迭代 {speed} 次，序列号 SN{code:012}"))],
            7 => vec![
                ("", "车主：".into()),
                ("NAME", p.name),
                ("", "；电话：".into()),
                ("MOBILE", p.phone),
                ("", "；车牌：".into()),
                ("PLATE", p.plate),
            ],
            _ => vec![
                ("", "身份证 ".into()),
                ("ID_CARD", p.id_number),
                ("", " 已核验，流水 ".into()),
                ("", format!("{batch:06}{line:04}")),
            ],
        };
        let mut text = String::new();
        let mut spans = Vec::new();
        for (label, value) in parts {
            let start = text.chars().count();
            text.push_str(&value);
            if !label.is_empty() {
                let end = text.chars().count();
                spans.push(format!(r#"{{"type":"{label}","value":"{value}","start":{start},"end":{end}}}"#));
            }
        }
        out.push_str(&format!("{{\"text\":\"{text}\",\"spans\":[{}]}}\n", spans.join(",")));
    }
    out
}
