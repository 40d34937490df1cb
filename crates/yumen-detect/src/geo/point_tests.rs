use proptest::prelude::*;
use yumen_model::finding::Prop;

use super::super::marked::Marked;
use super::*;
use crate::marks::testing::all;

fn found_in(text: &str, place: Place<'_>, extension: &str) -> Vec<(String, String)> {
    let mut matches = all(&Pair, text, place, extension);
    for m in all(&Marked, text, place, extension) {
        if matches.iter().all(|k| m.end <= k.start || m.start >= k.end) {
            matches.push(m);
        }
    }
    matches
        .iter()
        .map(|m| {
            let Prop::Word(region) = &m.distinct[0].1 else { panic!("no region") };
            (text[m.start..m.end].to_owned(), region.to_string())
        })
        .collect()
}

fn found(text: &str) -> Vec<(String, String)> {
    found_in(text, Place::Prose, "txt")
}

#[test]
fn pairs_of_all_forms_are_found_once_and_placed() {
    for (text, value, region) in [
        ("31.230416,121.473701", "31.230416,121.473701", "inside"),
        ("121.4737 31.2304", "121.4737 31.2304", "inside"),
        ("车辆位置：121.473701,31.230416\n", "121.473701,31.230416", "inside"),
        ("lat: 31.2304, lon: 121.4737", "31.2304, lon: 121.4737", "inside"),
        ("latitude=39.904211 longitude=116.407394", "39.904211 longitude=116.407394", "inside"),
        ("经度：121.473701 纬度：31.230416", "121.473701 纬度：31.230416", "inside"),
        ("北纬31.2304度，东经121.4737度", "31.2304度，东经121.4737度", "inside"),
        ("位于北纬31°14′02″，东经121°28′25″的路口", "北纬31°14′02″，东经121°28′25″", "inside"),
        ("31°14'02\"N 121°28'25\"E", "31°14'02\"N 121°28'25\"E", "inside"),
        ("N31.2304 E121.4737", "31.2304 E121.4737", "inside"),
        ("52.5200N, 13.4050E", "52.5200N, 13.4050E", "outside"),
        ("POINT(121.4737 31.2304)", "121.4737 31.2304", "inside"),
        ("geo:31.2304,121.4737", "31.2304,121.4737", "inside"),
        ("https://www.google.com/maps/@31.2304,121.4737,15z", "31.2304,121.4737", "inside"),
        ("https://maps.example/?ll=48.8584,2.2945&z=3", "48.8584,2.2945", "outside"),
        ("https://uri.amap.com/marker?position=121.4737%2C31.2304", "121.4737%2C31.2304", "inside"),
        ("?location=116.3974,39.9087&radius=100", "116.3974,39.9087", "inside"),
        ("gps 49.0069, 8.4037 at the gate", "49.0069, 8.4037", "outside"),
        ("{\"lat\":31.2304,\"lng\":121.4737}", "31.2304,\"lng\":121.4737", "inside"),
        ("GPS position [121.4737, 31.2304]", "121.4737, 31.2304", "inside"),
        ("2024-01-02 12:00:00 31.2304,121.4737 ok", "31.2304,121.4737", "inside"),
        ("Standort: 53.0793° N, 8.8017° E", "53.0793° N, 8.8017° E", "outside"),
        ("| gate | 31.2304 | 121.4737 |", "31.2304 | 121.4737", "inside"),
        ("西经 73.9857°，北纬 40.7484°", "西经 73.9857°，北纬 40.7484°", "outside"),
    ] {
        let found = found(text);
        assert_eq!(found.len(), 1, "{text}: {found:?}");
        assert!(found[0].0.contains(value) || value.contains(&found[0].0), "{text}: {found:?}");
        assert_eq!(found[0].1, region, "{text}");
    }
}

#[test]
fn lists_of_labelled_pairs_count_each_once() {
    assert_eq!(found("{\"lat\":31.2304,\"lng\":121.4737},{\"lat\":31.2404,\"lng\":121.4837}").len(), 2);
    assert_eq!(found("<p lat=\"45.7771\" lon=\"14.3571\"/><p lat=\"45.7772\" lon=\"14.3572\"/>").len(), 2);
    assert_eq!(found("lon=121.4737 lat=31.2304\nlon=121.4837 lat=31.2404\n").len(), 2);
}

#[test]
fn numbers_that_are_no_positions_are_left_alone() {
    for text in [
        "31.230416",
        "31.23, 121.47",
        "0.123456, 0.654321",
        "1.0000 2.0000",
        "12.3456 45.6789",
        "[0.1234, 0.5678, 0.9012, 0.3456]",
        "31.2304, 121.4737, 8.1234, 9.1234",
        "3.1415926, 2.7182818",
        "version 31.2304.121",
        "rgb(31.2304, 121.4737, 12.0000)",
        "M121.4737 31.2304 L122.4737 32.2304 Z",
        "translate(121.4737px, 31.2304px)",
        "took 31.2304s, 121.4737s",
        "31.2304%, 121.4737%",
        "$31.2304 121.4737",
        "mean 31.2304 std 121.4737",
        "loss: 31.2304, accuracy: 121.4737",
        "lat: 31.2, lon: 121.4",
        "温度31度，湿度50度",
        "37°C and 45°F",
        "rotate 31° then 121°",
        "lat_acc 1.23456 long_acc 2.34567",
        "latency 31.2304 121.4737 8.1234",
        "lat: 0.00001, lon: 0.00002",
        "10.1234 20.1234\n",
        "latitude: 15.333333333333334, longitude: 38.88333333333333",
        "foldEQ_latin1|5.013002|5.013002|n",
        "HAS_LONG_LONG|5.005000|5.015000|Vn",
    ] {
        assert_eq!(found(text), [], "{text}");
    }
    assert_eq!(found_in("assert_eq!(f(31.2304, 121.4737));", Place::Prose, "rs"), []);
    assert_eq!(found_in("let p = Point::new(48.8584, 2.2945);", Place::Prose, "rs"), []);
    assert_eq!(found_in("31.2304,121.4737", Place::Binary, "bin"), []);
}

#[test]
fn columns_that_the_track_detector_reads_are_declined() {
    let cell = |name, text: &str| found_in(text, Place::Cell { name, start: 0, end: text.len() }, "csv");
    assert_eq!(cell("location", "121.4737,31.2304"), []);
    assert_eq!(cell("经纬度", "121.4737,31.2304"), []);
    assert_eq!(cell("remark", "在 121.4737,31.2304 处").len(), 1);
    assert_eq!(cell("position", "他在 121.4737,31.2304 处").len(), 1);
}

proptest! {
    #[test]
    fn any_text_is_survived(text in "[0-9.,NSEW°′″ 度latlon:北纬东经%C@/\\[\\]()-]{0,60}") {
        let _ = found(&text);
    }

    #[test]
    fn labelled_pairs_are_found_wherever_they_are(lat in -85.0f64..85.0, lon in -179.0f64..179.0) {
        prop_assume!(lat.abs() > 1.5 || lon.abs() > 1.5);
        let text = format!("x {{\"latitude\": {lat:.6}, \"longitude\": {lon:.6}}} y");
        prop_assert_eq!(found(&text).len(), 1);
    }
}
