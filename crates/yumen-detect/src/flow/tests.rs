use super::*;
use yumen_model::SubjectKey;
use yumen_model::finding::Aggregate;

fn batches(header: &str, rows: &[String], cut: usize) -> Vec<RecordBatch<'static>> {
    let names: Vec<String> = header.split(',').map(str::to_owned).collect();
    let mut line = 1;
    rows.chunks(cut)
        .map(|chunk| {
            let mut batch = RecordBatch { names: names.clone(), ..RecordBatch::default() };
            let mut text = String::new();
            for row in chunk {
                line += 1;
                batch.records.push(batch.cells.len() as u32);
                for (i, value) in row.split(',').enumerate() {
                    let start = text.len() as u32;
                    text.push_str(value);
                    let end = text.len() as u32;
                    text.push(RecordBatch::CELL_END);
                    batch.cells.push(Cell {
                        name: i as u32,
                        column_index: i as u32,
                        start,
                        end,
                        byte_start: line,
                        byte_end: line + 1,
                        line,
                        column: 1,
                        verbatim: true,
                    });
                }
            }
            batch.text = text.into();
            batch
        })
        .collect()
}

fn detect(header: &str, rows: &[String], cut: usize) -> Vec<Aggregate> {
    let told = EvidenceHeader {
        stream: 0,
        kind: EvidenceKind::Records,
        format: "csv".into(),
        name: "a.csv".into(),
        properties: Default::default(),
    };
    let mut session = FlowDetector.start(&told).unwrap();
    let mut out = Findings::new(SubjectKey::new([0; 32]), 20, false);
    for batch in batches(header, rows, cut) {
        session.feed(&Batch::Records(batch), &mut out);
    }
    session.finish(&mut out);
    out.into_parts().aggregates
}

fn table(header: &str, row: &str) -> Vec<Aggregate> {
    let rows: Vec<String> = (0..12).map(|i| row.replace('#', &i.to_string())).collect();
    detect(header, &rows, 5)
}

#[test]
fn tables_of_many_styles_are_flows() {
    for (header, row, kind) in [
        ("road_id,time,traffic_volume", "R#,2026-01-0# 08:00,34#", kinds::FLOW_VEHICLE),
        ("路段编号,时间,车流量,平均速度", "L#,2026-01-0# 08:00,12#,41", kinds::FLOW_VEHICLE),
        ("路口名称,统计时段,方向,流量(辆/h),占有率", "某路口#,08:0#,东,53#,0.2", kinds::FLOW_VEHICLE),
        ("link_id,interval,flow,speed", "#,#,52#,61", kinds::FLOW_VEHICLE),
        ("detectorId,timestamp,lane,volume,occupancy", "D#,1700000#00,1,3#,0.1", kinds::FLOW_VEHICLE),
        ("count_point_id,year,road_name,cars_and_taxis,all_motor_vehicles", "#,2019,M#,400#,500#", kinds::FLOW_VEHICLE),
        ("lat,lon,hour,vehicle_count", "31.23#,121.47#,#,7#", kinds::FLOW_VEHICLE),
        ("卡口名称,日期,过车数", "卡口#,2026-01-0#,84#", kinds::FLOW_VEHICLE),
        ("门架编号,时间,小客车数,货车数", "G#,2026-01-01 0#:00,5#,3#", kinds::FLOW_VEHICLE),
        ("origin_zone,destination_zone,date,trips", "Z#,Z1,2026-01-0#,4#", kinds::FLOW_VEHICLE),
        ("grid_id,time_slot,inflow,outflow", "#,#,4#,5#", kinds::FLOW_VEHICLE),
        ("data.intersection.id,data.time,data.vehicle_count", "#,2026-01-0#T08:00:00Z,9#", kinds::FLOW_VEHICLE),
        ("站点,日期,进站量,出站量", "某站#,2026-01-0#,1234#,1230#", kinds::FLOW_PERSON),
        ("station_name,date,boardings,alightings", "S#,2026-01-0#,12#,11#", kinds::FLOW_PERSON),
        ("商圈,时段,人流量", "某商圈#,#时,320#", kinds::FLOW_PERSON),
        (
            "sensor_id,date_time,location,hourly_counts,pedestrian_count",
            "#,2026-01-01 0#:00,Street #,5#,5#",
            kinds::FLOW_PERSON,
        ),
        ("station,date,entries,exits", "S#,2026-01-0#,10#,9#", kinds::FLOW_PERSON),
        ("景区名称,日期,游客量", "景区#,2026-01-0#,100#", kinds::FLOW_PERSON),
        ("始发城市,目的城市,日期,货运量(吨)", "甲#,乙,2026-01-0#,30#", kinds::FLOW_LOGISTICS),
        ("port,month,cargo_tons,teu", "P#,2026-0#,100#,20#", kinds::FLOW_LOGISTICS),
        ("网点,日期,揽收量,派件量", "网点#,2026-01-0#,30#,31#", kinds::FLOW_LOGISTICS),
        ("origin,destination,week,freight_volume", "A#,B,#,300#", kinds::FLOW_LOGISTICS),
        ("充电站名称,经度,纬度,桩数,功率(kW)", "某充电站#,121.47#,31.23#,1#,120", kinds::FLOW_CHARGING),
        (
            "充电桩编号,开始时间,结束时间,充电量(kWh),起始SOC",
            "P#,2026-01-01 0#:00,2026-01-01 0#:40,3#,20",
            kinds::FLOW_CHARGING,
        ),
        ("sessionId,evse_id,start_time,kwh", "#,E#,2026-01-0# 08:00,2#.5", kinds::FLOW_CHARGING),
        (
            "Station Name,EV Level2 EVSE Num,EV Connector Types,Latitude,Longitude",
            "S#,2,J1772,31.23#,121.47#",
            kinds::FLOW_CHARGING,
        ),
        ("station_id,connector_type,kwhTotal,created", "#,CCS,7.#,2026-01-0#", kinds::FLOW_CHARGING),
    ] {
        let found = table(header, row);
        assert_eq!(found.len(), 1, "{header}: {found:?}");
        assert_eq!((found[0].kind, &found[0].properties["rows"]), (kind, &json!(12)), "{header}");
        assert!(found[0].properties["places"].as_u64().unwrap() >= 1, "{header}");
        assert_eq!(found[0].places[0].0.line, Some(2), "{header}");
    }
    let found = table("路段编号,时间,车流量", "L#,2026-01-01 08:00,12#");
    assert_eq!(
        (&found[0].properties["places"], found[0].lists["period"].first().unwrap().as_ref()),
        (&json!(12), "2026-01-01/2026-01-01")
    );
    let found = table("lat,lon,hour,vehicle_count", "31.23#,121.47#,#,7#");
    assert_eq!(found[0].lists["provinces"].first().unwrap(), "CN-SH");
}

#[test]
fn other_tables_are_none() {
    for (header, row) in [
        ("region,date,cash_flow", "R#,2026-01-0#,100#"),
        ("date,symbol,open,close,volume", "2026-01-0#,A#,1#,2#,300#"),
        ("src_ip,dst_ip,timestamp,flow_bytes,packets", "10.0.0.#,10.0.0.2,1700000#00,5#,3"),
        ("link,time,flow,bytes,packets,speed", "eth#,1700000#00,5#,3#,3,100"),
        ("workflow,step,date,count", "w#,#,2026-01-0#,4"),
        ("station,date,temp,precipitation,wind_speed", "S#,2026-01-0#,1#,0,3"),
        ("站名,时间,水位,流量", "某站#,2026-01-0#,1#.2,30#"),
        ("vin,time,lat,lon,speed", "V#,2026-01-0# 08:00,31.23#,121.47#,3#"),
        ("plate,road_id,time,speed,count", "P#,R#,2026-01-0# 08:00,3#,1"),
        ("user_id,station,date,entries", "U#,S#,2026-01-0#,1"),
        ("vin,time,soc,charging_status,power", "V#,2026-01-0# 08:00,5#,1,30"),
        ("时间,SOC,充电状态,总电压", "2026-01-0# 08:00,5#,1,35#"),
        ("name,age,city", "n#,3#,c"),
        ("test,duration,count", "t#,0.#,1"),
        ("file,date,volume", "f#,2026-01-0#,1"),
        ("sku,warehouse,date,packages", "K#,W#,2026-01-0#,4"),
        ("id,x,y,count", "#,1.#,2.#,3"),
        ("frame,object_id,lane,speed,time", "#,#,2,1#,0.#"),
        ("资金账户,日期,资金流量,省份", "A#,2026-01-0#,10#,B"),
        ("road_id,time,traffic_volume", "R#,2026-01-0# 08:00,unknown"),
    ] {
        let found = table(header, row);
        assert!(found.is_empty(), "{header}: {found:?}");
    }
}

#[test]
fn the_cut_of_batches_changes_nothing() {
    let rows: Vec<String> = (0..40).map(|i| format!("R{},2026-01-{:02},{}", i % 7, 1 + i % 28, i * 3)).collect();
    let whole = detect("road_id,date,traffic_volume", &rows, 1000);
    for cut in 1..20 {
        assert_eq!(whole, detect("road_id,date,traffic_volume", &rows, cut));
    }
    assert_eq!(whole[0].properties["places"], json!(7));
}
