use super::*;
use yumen_kit_text::testing::Recorder;
use yumen_model::{InspectError, Inspection};

fn run(format: &'static str, text: &str) -> Recorder {
    let (artifact, mut out) = Recorder::of("a.xml", format, text.as_bytes());
    let markup = if format == "html" { Markup::Html } else { Markup::Xml };
    inspect(&artifact, markup, &mut (), &mut out).unwrap();
    assert!(out.labelled().opaque.is_empty());
    out
}

#[test]
fn elements_of_leaves_are_records() {
    let text = "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<owners>\n  <owner id=\"7\">\n    <姓名>张三</姓名>\n    <phone type='m'>13800000000</phone>\n  </owner>\n  <node lat=\"31.1\" lon=\"121.2\"/>\n</owners>";
    let out = run("xml", text);
    assert_eq!(
        out.rows(),
        [
            vec![
                "owners.owner.id=7",
                "owners.owner.姓名=张三",
                "owners.owner.phone.type=m",
                "owners.owner.phone=13800000000"
            ],
            vec!["owners.node.lat=31.1", "owners.node.lon=121.2"],
        ]
    );
    let phone = out.find("13800000000").unwrap();
    let at = text.find("138").unwrap() as u64;
    assert_eq!((phone.bytes, phone.place, phone.verbatim), ((at, at + 11), (5, 21), true));
    assert!(out.notes.is_empty());
}

#[test]
fn references_cdata_comments_and_mixed_text() {
    let out = run(
        "xml",
        "<a><!-- 备注 139 --><b>&#x5F20;&#19977; &amp; co</b><c><![CDATA[<x> 138]]></c><p>电话 <i>136</i> 结束</p></a>",
    );
    let all = out.rows().concat();
    for want in ["<!-- 备注 139 -->", "a.b=张三 & co", "a.c=<x> 138", "电话", "a.p.i=136", "结束"] {
        assert!(all.contains(&want.to_owned()), "{want}: {all:?}");
    }
    assert!(!out.find("张三 & co").unwrap().verbatim);
}

#[test]
fn broken_markup_loses_nothing() {
    let text = "<a><b>1 < 2 && 138</c></b> <unclosed attr=\"139\n tail 137 <";
    let out = run("xml", text);
    for want in ["138", "139", "137"] {
        assert!(out.everything().contains(want), "{want} {:?}", out.rows());
    }
}

#[test]
fn html_rows_and_text() {
    let text = "<!DOCTYPE html><html><head><title>车主</title><script>var k='139';</script></head><body><p>电话：<b>138</b>&nbsp;谢谢</p>\
                <table><tr><th>姓名</th><th>手机号</th></tr><tr><td>张三</td><td><a href=\"tel:136\">13600000000</a></td></tr></table></body></html>";
    let out = run("html", text);
    let rows = out.rows();
    assert!(rows.contains(&vec!["姓名=张三".to_owned(), "手机号=13600000000".to_owned()]), "{rows:?}");
    let all = rows.concat();
    for want in ["车主", "var k='139';", "电话：138 谢谢", "a.href=tel:136"] {
        assert!(all.contains(&want.to_owned()), "{want}: {all:?}");
    }
}

#[test]
fn a_doctype_with_entities_is_seen_and_not_expanded() {
    let out = run("xml", "<!DOCTYPE a [<!ENTITY x \"13800000000\"><!ENTITY y \"&x;&x;\">]><a>&y;</a>");
    assert!(out.everything().contains("13800000000"));
    assert_eq!(out.rows().last().unwrap(), &["a=&y;"]);
}

#[derive(Default)]
struct Told(Vec<String>);

impl Visitor for Told {
    fn start(&mut self, name: &str, place: Place, _: &mut dyn Inspection) -> Result<(), InspectError> {
        self.0.push(format!("<{name} {}:{}", place.spot.line, place.spot.column));
        Ok(())
    }

    fn attribute(&mut self, name: &str, value: &str, place: Place, _: &mut dyn Inspection) -> Result<(), InspectError> {
        self.0.push(format!("{name}={value} {}..{}", place.spot.byte, place.byte_end));
        Ok(())
    }

    fn text(&mut self, value: &str, leaf: bool, place: Place, _: &mut dyn Inspection) -> Result<(), InspectError> {
        self.0.push(format!("{value} {leaf} {}", place.spot.byte));
        Ok(())
    }

    fn end(&mut self, name: &str, _: &mut dyn Inspection) -> Result<(), InspectError> {
        self.0.push(format!(">{name}"));
        Ok(())
    }
}

fn visit(text: &str) -> Vec<String> {
    let (artifact, mut out) = Recorder::of("a.xml", "xml", text.as_bytes());
    let mut told = Told::default();
    inspect(&artifact, Markup::Xml, &mut told, &mut out).unwrap();
    told.0
}

#[test]
fn a_visitor_sees_elements_attributes_and_text_in_order() {
    assert_eq!(
        visit("<?xml version='1.0'?>\n<x:a k=\"&lt;1\" x:l='2'>\n <b> t&amp;u </b>mixed<c/></x:a>"),
        [
            "<x:a 2:2",
            "k=<1 30..35",
            "l=2 42..43",
            "<b 3:3",
            "t&u true 51",
            ">b",
            "mixed false 63",
            "<c 3:24",
            ">c",
            ">x:a"
        ]
    );
}

#[test]
fn a_visitor_is_told_the_end_of_what_does_not_end() {
    assert_eq!(
        visit("<a><b>x<c></b><d>y"),
        ["<a 1:2", "<b 1:5", "x false 6", "<c 1:9", ">c", ">b", "<d 1:16", "y false 17", ">d", ">a"]
    );
}

#[test]
fn the_root_is_found_behind_what_may_stand_before_it() {
    let text = "\u{FEFF}<?xml version='1.0'?>\n<!-- <no> --><?x y?><!DOCTYPE r [<!ENTITY a '>'>]>\n<p:r xmlns:p=\"u&amp;v\" b='1'>rest";
    let root = root(text).unwrap();
    assert_eq!((root.name, root.local(), root.body), ("p:r", "r", "rest"));
    assert_eq!((root.attribute("p"), root.attribute("b"), root.attribute("c")), (Some("u&v"), Some("1"), None));
    assert_eq!(super::root("text <a>"), None);
    assert_eq!(super::root("<a b='"), None);
}
