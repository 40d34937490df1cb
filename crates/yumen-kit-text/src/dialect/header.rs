//! Is the first row a header?

use super::Row;

/// What a cell holds, as far as its look tells.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
enum Sort {
    Empty,
    Number,
    /// Dates, times, phone numbers, identifiers with digits, addresses of mail.
    Code,
    Word,
    Prose,
}

fn sort(cell: &str) -> Sort {
    let c = cell.trim();
    if c.is_empty() {
        return Sort::Empty;
    }
    let number = c.trim_start_matches(['+', '-']).trim_end_matches(['%', '°']);
    if number.starts_with(|c: char| c.is_ascii_digit() || c == '.')
        && number.bytes().all(|b| b.is_ascii_digit() || matches!(b, b'.' | b',' | b'e' | b'E' | b'-' | b'+'))
    {
        return Sort::Number;
    }
    if c.starts_with("0x") {
        return Sort::Number;
    }
    let digits = c.bytes().filter(u8::is_ascii_digit).count();
    if digits >= 4 || (digits > 0 && c.contains([':', '/'])) || (c.contains('@') && c.contains('.')) {
        return Sort::Code;
    }
    if c.split_whitespace().count() > 5 { Sort::Prose } else { Sort::Word }
}

/// Whether most cells are numbers.
pub(super) fn mostly_numbers(rows: &[&Row<'_>]) -> bool {
    let all: Vec<Sort> = rows.iter().flat_map(|r| r.cells.iter().map(|c| sort(c))).collect();
    let numbers = all.iter().filter(|s| matches!(s, Sort::Number | Sort::Empty)).count();
    numbers * 2 > all.len()
}

/// Whether each column holds one sort of item, the first row aside, and one of them at least is no running text; for tables of two columns.
pub(super) fn one_sort(rows: &[&Row<'_>]) -> bool {
    let Some((first, rest)) = rows.split_first() else { return false };
    if rest.is_empty() {
        return false;
    }
    let mut codes = false;
    for column in 0..first.cells.len() {
        let sorts: Vec<Sort> = rest.iter().filter_map(|r| r.cells.get(column)).map(|c| sort(c)).collect();
        let Some(&usual) = sorts.iter().max_by_key(|s| sorts.iter().filter(|t| t == s).count()) else { return false };
        let fits = sorts.iter().filter(|&&s| s == usual || s == Sort::Empty).count();
        if fits * 10 < sorts.len() * 9 || usual == Sort::Prose {
            return false;
        }
        codes |= matches!(usual, Sort::Number | Sort::Code);
    }
    codes || rest.len() >= 3 && rows.iter().all(|r| r.cells.iter().all(|c| !c.contains(' ') && c.chars().count() <= 40))
}

/// Words that stand in headers; parts of names too.
const WORDS: &[&str] = &[
    "id",
    "name",
    "vin",
    "phone",
    "mobile",
    "tel",
    "email",
    "mail",
    "address",
    "addr",
    "plate",
    "time",
    "date",
    "timestamp",
    "lat",
    "lon",
    "lng",
    "latitude",
    "longitude",
    "speed",
    "heading",
    "altitude",
    "type",
    "status",
    "state",
    "code",
    "no",
    "number",
    "num",
    "key",
    "value",
    "description",
    "city",
    "province",
    "country",
    "gender",
    "sex",
    "age",
    "user",
    "account",
    "password",
    "owner",
    "model",
    "brand",
    "color",
    "count",
    "amount",
    "price",
    "qty",
    "quantity",
    "unit",
    "version",
    "x",
    "y",
    "z",
    "title",
    "text",
    "label",
    "url",
    "path",
    "file",
    "size",
    "start",
    "end",
    "created",
    "updated",
    "first",
    "last",
    "remark",
    "note",
    "comment",
    "category",
    "index",
    "year",
    "month",
    "day",
    "t",
    "ts",
    "track",
    "frame",
    "agent",
    "width",
    "length",
    "part",
    "supplier",
    "signal",
    "message",
    "channel",
    "sensor",
    "device",
    "imei",
    "mac",
    "ip",
    "host",
    "port",
    "column",
    "row",
    "class",
    "score",
];
const HAN: &[&str] = &[
    "名",
    "号",
    "码",
    "时间",
    "日期",
    "地址",
    "电话",
    "手机",
    "邮箱",
    "经度",
    "纬度",
    "车",
    "类型",
    "型号",
    "状态",
    "备注",
    "性别",
    "年龄",
    "数量",
    "单位",
    "价格",
    "金额",
    "序号",
    "编号",
    "编码",
    "姓",
    "证",
    "联系",
    "城市",
    "省",
    "市",
    "区",
    "部门",
    "公司",
    "品牌",
    "颜色",
    "版本",
    "描述",
    "说明",
    "用户",
    "账户",
    "账号",
    "密码",
    "速度",
    "里程",
    "方向",
    "位置",
    "坐标",
    "供应商",
    "零件",
    "物料",
    "规格",
    "等级",
    "结果",
    "日",
    "月",
    "年",
    "率",
    "温度",
    "电压",
    "电流",
];

/// Names of reference systems, whose digits are no data: `CGCS2000经度`, `北京1954 X`, `EPSG:4490_lat`.
const SYSTEMS: &[&str] = &[
    "cgcs2000",
    "epsg:4326",
    "epsg:4490",
    "epsg4326",
    "epsg4490",
    "wgs1984",
    "wgs_1984",
    "wgs-1984",
    "beijing1954",
    "xian1980",
    "北京1954",
    "西安1980",
    "国家2000",
    "大地2000",
    "2000坐标",
    "2000国家",
];

/// What a cell of a header holds.
fn sort_of_name(cell: &str) -> Sort {
    let lower = cell.to_lowercase();
    match SYSTEMS.iter().find(|s| lower.contains(**s)) {
        Some(system) => sort(&lower.replacen(system, "datum ", 1)),
        None => sort(cell),
    }
}

/// Whether a row names the columns of those that follow: words without data in them, and either words that headers use or columns below
/// that hold something else.
pub(super) fn is_header(first: &Row<'_>, rest: &[Row<'_>]) -> bool {
    let cells: Vec<&str> = first.cells.iter().map(|c| c.trim()).collect();
    let filled: Vec<&str> = cells.iter().copied().filter(|c| !c.is_empty()).collect();
    if filled.is_empty() || filled.len() * 2 < cells.len() {
        return false;
    }
    let named = |c: &str| {
        let lower = c.to_lowercase();
        lower
            .split(|c: char| !c.is_alphanumeric())
            .any(|w| WORDS.contains(&w.trim_end_matches(|c: char| c.is_ascii_digit())))
            || (c.chars().count() <= 12 && HAN.iter().any(|h| c.contains(h)))
    };
    let data = filled.iter().filter(|c| matches!(sort_of_name(c), Sort::Number | Sort::Code | Sort::Prose)).count();
    let known = filled.iter().filter(|c| named(c)).count();
    // A year or a number among many names is a pivot's header; more data than that is data.
    if data * 4 > filled.len() || (data > 0 && known * 2 < filled.len()) {
        return false;
    }
    let distinct = {
        let mut sorted = filled.clone();
        sorted.sort_unstable();
        sorted.dedup();
        sorted.len() * 10 >= filled.len() * 8
    };
    if !distinct || filled.iter().any(|c| c.chars().count() > 60) {
        return false;
    }
    if rest.is_empty() {
        return known * 2 > filled.len();
    }
    let rest = &rest[..rest.len().min(100)];
    // Columns whose items differ in sort from the name above them speak for a header; a name that comes again below speaks against it.
    let (mut differ, mut again) = (0, 0);
    for (i, name) in cells.iter().enumerate().filter(|(_, c)| !c.is_empty()) {
        let below: Vec<&str> =
            rest.iter().filter_map(|r| r.cells.get(i)).map(|c| c.trim()).filter(|c| !c.is_empty()).collect();
        let coded = below.iter().filter(|c| matches!(sort(c), Sort::Number | Sort::Code)).count();
        differ += usize::from(!below.is_empty() && coded * 10 >= below.len() * 8);
        again += usize::from(below.contains(name));
    }
    if again * 3 > filled.len() {
        return false;
    }
    let technical = filled.iter().all(|c| {
        c.bytes().all(|b| {
            b.is_ascii_alphanumeric() || matches!(b, b'_' | b'.' | b'-' | b'[' | b']' | b'(' | b')' | b'/' | b' ')
        })
    });
    let latin_words = known * 2 >= filled.len();
    latin_words || differ > 0 && (known > 0 || technical || differ * 2 >= filled.len())
}
