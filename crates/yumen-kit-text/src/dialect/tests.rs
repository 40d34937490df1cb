use super::*;

fn sniff(text: &str) -> Option<(char, usize, bool, usize)> {
    Dialect::sniff(text, true, false).map(|d| (char::from(d.delimiter), d.preamble, d.header, d.columns))
}

#[test]
fn headers_are_told_from_data() {
    assert_eq!(
        sniff("vin,phone\nLVSBZYDW9K4458422,13800000000\nLVSBZYDW9K4458423,13900000000\n"),
        Some((',', 0, true, 2))
    );
    assert_eq!(sniff("LVSBZYDW9K4458422,13800000000\nLVSBZYDW9K4458423,13900000000\n"), Some((',', 0, false, 2)));
    assert_eq!(sniff("姓名;城市;部门\n张三;北京;研发\n李四;上海;测试\n"), Some((';', 0, true, 3)));
    assert_eq!(sniff("张三;北京;研发\n李四;上海;测试\n王五;广州;研发\n"), Some((';', 0, false, 3)));
    assert_eq!(sniff("1,2.5,3\n4,5.5,6\n"), Some((',', 0, false, 3)));
    assert_eq!(sniff("x,y,z\n1,2.5,3\n4,5.5,6\n"), Some((',', 0, true, 3)));
    // The digits of a reference system are part of its name.
    for names in ["时间,CGCS2000经度,CGCS2000纬度", "t,CGCS2000_lon,CGCS2000_lat", "时刻,北京1954X坐标,北京1954Y坐标"]
    {
        let text =
            format!("{names}\n2024-05-01 08:00:00,116.391333,39.907710\n2024-05-01 08:00:01,116.391431,39.907768\n");
        assert_eq!(sniff(&text), Some((',', 0, true, 3)), "{names}");
    }
}

#[test]
fn comments_and_titles_stand_before_the_table() {
    assert_eq!(sniff("# a comment, with a comma\n# b\nt,x,y\n1,2,3\n4,5,6\n"), Some((',', 2, true, 3)));
    assert_eq!(sniff("车辆台账,,\n序号,车架号,车牌\n1,a,b\n2,c,d\n"), Some((',', 1, true, 3)));
}

#[test]
fn a_delimiter_inside_quotes_does_not_count() {
    assert_eq!(
        sniff("name;note;n\n\"a;b\";\"x, y\";1\n\"c\";\"z;1\";2\n\"d\";\"e\";3\n").map(|s| (s.0, s.3)),
        Some((';', 3))
    );
}

#[test]
fn prose_code_and_logs_are_no_tables() {
    for text in [
        "One sentence, two parts.\nAnother, with more words in it.\nAnd a third, too.\n",
        "let a = f(1, 2);\nlet b = g(3, 4);\n",
        "Nov 23 10:00:00 host app[1]: started, ok\nNov 23 10:00:01 host app[1]: stopped, ok\n",
        "key: value\nother: value\n",
        "alpha\nbeta\ngamma\n",
    ] {
        assert_eq!(sniff(text), None, "{text}");
    }
}
