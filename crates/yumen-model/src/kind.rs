//! Data kinds: the names that findings carry, rules refer to and users filter by. One registry.

use std::fmt;

use schemars::JsonSchema;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// A data kind with its documentation.
#[derive(Clone, Copy, Debug)]
pub struct DataKind {
    /// Dotted name.
    pub name: &'static str,
    /// Title in Chinese.
    pub zh: &'static str,
    /// Title in English.
    pub en: &'static str,
    /// What counts, and what does not.
    pub counts: &'static str,
    /// Says what is there; alone it is no alarm.
    pub inventory: bool,
}

/// A data kind by its place in the registry. Serialises as its name.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct KindId(u8);

impl KindId {
    /// The kind of a name.
    #[must_use]
    pub fn named(name: &str) -> Option<KindId> {
        KINDS.iter().position(|k| k.name == name).and_then(|i| u8::try_from(i).ok()).map(KindId)
    }

    /// Its entry in the registry.
    #[must_use]
    pub fn info(self) -> &'static DataKind {
        &KINDS[usize::from(self.0)]
    }

    /// Its dotted name.
    #[must_use]
    pub fn name(self) -> &'static str {
        self.info().name
    }

    /// Every kind.
    pub fn all() -> impl Iterator<Item = KindId> {
        (0..KINDS.len()).filter_map(|i| u8::try_from(i).ok()).map(KindId)
    }

    /// How strongly a value of this kind names a natural person; 0 is strongest, none names nobody. ID number, passport, licence,
    /// account (bank cards among them), phone, e-mail, VIN, plate, then what names a vehicle's or a person's device.
    #[must_use]
    pub fn rank(self) -> Option<u8> {
        use kinds as k;
        [
            &[k::PERSON_ID_NUMBER][..],
            &[k::PERSON_PASSPORT],
            &[k::PERSON_DRIVER_LICENCE],
            &[k::PERSON_ACCOUNT, k::PERSON_BANK_CARD],
            &[k::PERSON_PHONE],
            &[k::PERSON_EMAIL],
            &[k::VEHICLE_VIN],
            &[k::VEHICLE_PLATE],
            &[k::VEHICLE_ENGINE_NUMBER],
            &[k::DEVICE_ICCID],
            &[k::DEVICE_IMSI],
            &[k::DEVICE_IMEI],
        ]
        .iter()
        .position(|same| same.contains(&self))
        .and_then(|r| u8::try_from(r).ok())
    }
}

impl fmt::Debug for KindId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

impl fmt::Display for KindId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

impl Serialize for KindId {
    fn serialize<S: Serializer>(&self, s: S) -> Result<S::Ok, S::Error> {
        s.serialize_str(self.name())
    }
}

impl<'de> Deserialize<'de> for KindId {
    fn deserialize<D: Deserializer<'de>>(d: D) -> Result<Self, D::Error> {
        let name = String::deserialize(d)?;
        KindId::named(&name).ok_or_else(|| serde::de::Error::custom("not a data kind"))
    }
}

impl JsonSchema for KindId {
    fn schema_name() -> std::borrow::Cow<'static, str> {
        "DataKind".into()
    }
    fn json_schema(_: &mut schemars::SchemaGenerator) -> schemars::Schema {
        let names: Vec<_> = KINDS.iter().map(|k| k.name).collect();
        schemars::json_schema!({ "type": "string", "enum": names })
    }
}

/// A set of kinds.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct KindSet(u128);

impl KindSet {
    /// The set of the given kinds.
    #[must_use]
    pub fn of(kinds: &[KindId]) -> Self {
        kinds.iter().copied().collect()
    }

    /// Whether it holds no kind.
    #[must_use]
    pub fn is_empty(self) -> bool {
        self.0 == 0
    }

    /// Whether it holds a kind.
    #[must_use]
    pub fn contains(self, kind: KindId) -> bool {
        self.0 & (1 << kind.0) != 0
    }

    /// Adds a kind.
    pub fn insert(&mut self, kind: KindId) {
        self.0 |= 1 << kind.0;
    }

    /// The kinds of both.
    #[must_use]
    pub fn union(self, other: KindSet) -> KindSet {
        KindSet(self.0 | other.0)
    }

    /// Whether both have a kind in common.
    #[must_use]
    pub fn intersects(self, other: KindSet) -> bool {
        self.0 & other.0 != 0
    }

    /// Its kinds in the order of the registry.
    pub fn iter(self) -> impl Iterator<Item = KindId> {
        KindId::all().filter(move |&k| self.contains(k))
    }
}

impl FromIterator<KindId> for KindSet {
    fn from_iter<I: IntoIterator<Item = KindId>>(iter: I) -> Self {
        let mut set = KindSet::default();
        iter.into_iter().for_each(|k| set.insert(k));
        set
    }
}

impl Serialize for KindSet {
    fn serialize<S: Serializer>(&self, s: S) -> Result<S::Ok, S::Error> {
        s.collect_seq(self.iter())
    }
}

impl<'de> Deserialize<'de> for KindSet {
    fn deserialize<D: Deserializer<'de>>(d: D) -> Result<Self, D::Error> {
        Ok(Vec::<KindId>::deserialize(d)?.into_iter().collect())
    }
}

macro_rules! kinds {
    ($($constant:ident $name:literal $($inventory:ident)?: $zh:literal, $en:literal, $counts:literal;)*) => {
        /// Every data kind.
        pub const KINDS: &[DataKind] = &[$(DataKind {
            name: $name, zh: $zh, en: $en, counts: $counts, inventory: kinds!(@ $($inventory)?),
        }),*];

        /// The kinds by name.
        #[allow(missing_docs, non_camel_case_types, clippy::upper_case_acronyms)]
        pub mod kinds {
            use super::KindId;
            enum Place { $($constant),* }
            $(pub const $constant: KindId = KindId(Place::$constant as u8);)*
        }
    };
    (@ inventory) => { true };
    (@) => { false };
}

kinds! {
    VEHICLE_VIN "vehicle.vin": "车辆识别代号", "vehicle identification number",
        "17 characters with a valid check digit (GB 16735, ISO 3779); by context alone with confidence at most 0.5 and checksum false";
    VEHICLE_PLATE "vehicle.plate": "机动车号牌", "Chinese licence plate",
        "GA 36 plates: ordinary, new-energy, special; military and armed police told apart";
    VEHICLE_ENGINE_NUMBER "vehicle.engine-number": "发动机号", "engine number", "by context only";
    PERSON_ID_NUMBER "person.id-number": "居民身份证号", "resident identity number",
        "18 digits with valid region, date and check digit (GB 11643)";
    PERSON_PHONE "person.phone": "电话号码", "phone number", "mainland mobile numbers; landlines with context";
    PERSON_NAME "person.name": "姓名", "name of a person", "Chinese or Latin names, by context or column";
    PERSON_ADDRESS "person.address": "住址", "postal address", "postal addresses, by form, context or column";
    PERSON_EMAIL "person.email": "电子邮箱", "e-mail address", "addresses of persons; not package authors' placeholders";
    PERSON_ACCOUNT "person.account": "账号", "account", "account names and numbers of persons, by column or key";
    PERSON_BANK_CARD "person.bank-card": "银行卡号", "bank card number", "13 to 19 digits with valid Luhn digit and an ISO/IEC 7812 issuer prefix";
    PERSON_PASSPORT "person.passport": "护照号", "passport number", "Chinese passport numbers, by form and context";
    PERSON_DRIVER_LICENCE "person.driver-licence": "驾驶证号", "driving licence", "licence and file numbers, by context";
    PERSON_BIOMETRIC "person.biometric": "生物识别信息", "biometric data", "face embeddings, fingerprints, voiceprints";
    PERSON_HEALTH "person.health": "健康信息", "health data", "health data of persons, by column or context";
    PERSON_VOICE "person.voice": "语音", "voice", "cabin audio with speech";
    DEVICE_IMEI "device.imei": "国际移动设备识别码", "IMEI", "15 digits with valid Luhn digit, with context or in a column of them";
    DEVICE_IMSI "device.imsi": "国际移动用户识别码", "IMSI", "15 digits beginning 460 and a network code";
    DEVICE_ICCID "device.iccid": "集成电路卡识别码", "ICCID", "19 or 20 digits beginning 8986, checked where a check digit exists";
    DEVICE_MAC "device.mac": "MAC 地址", "MAC address", "universally administered unicast addresses; not broadcast, examples, or hash pieces";
    ORG_USCC "org.uscc": "统一社会信用代码", "unified social credit code", "18 characters with valid check characters (GB 32100); not personal";
    IMAGE_FACE "image.face": "人脸", "face in a picture", "faces in images and video frames";
    IMAGE_PLATE "image.plate": "图像中的号牌", "plate in a picture", "plates in images and video frames";
    IMAGE_POSITION "image.position": "影像位置", "position of a picture", "EXIF or sidecar position";
    SENSOR_CAMERA_EXTERIOR "sensor.camera-exterior" inventory: "车外影像", "exterior camera", "streams or files of exterior cameras";
    SENSOR_CAMERA_CABIN "sensor.camera-cabin" inventory: "座舱影像", "cabin camera", "streams or files of cabin cameras";
    SENSOR_LIDAR "sensor.lidar" inventory: "激光雷达", "lidar", "streams or files of lidars";
    SENSOR_RADAR "sensor.radar" inventory: "毫米波雷达", "radar", "streams or files of radars";
    SENSOR_AUDIO "sensor.audio" inventory: "音频", "audio", "streams or files of microphones";
    SENSOR_RECORDING "sensor.recording" inventory: "传感器录制", "sensor recording", "recordings of several sensors by topic, with a table of them";
    GEO_POINT "geo.point": "绝对位置", "absolute position", "positions with a precision better than about 100 m";
    GEO_TRACK "geo.track": "轨迹", "track", "positions in time order of a vehicle, person or recorded object";
    GEO_POINT_CLOUD "geo.point-cloud": "点云", "point cloud", "point clouds, georeferenced or tied to a track";
    GEO_INERTIAL "geo.inertial": "惯性导航数据", "inertial data", "IMU and odometry";
    GEO_MAP "geo.map": "构图类数据", "map data", "lane-level or HD maps, road networks with elements";
    GEO_IMAGERY "geo.imagery": "地理影像", "geo-imagery", "georeferenced rasters and oblique imagery";
    GEO_SENSITIVE_AREA "geo.sensitive-area": "重要敏感区域", "sensitive area", "a position inside a fence that the organisation supplies";
    GEO_REVIEW_NUMBER "geo.review-number": "审图号", "map review number", "GS(year)number and the like";
    FLOW_VEHICLE "flow.vehicle": "车辆流量", "vehicle flow", "aggregated counts by place and time";
    FLOW_PERSON "flow.person": "人员流量", "people flow", "aggregated counts by place and time";
    FLOW_LOGISTICS "flow.logistics": "物流", "logistics flow", "aggregated freight by place and time";
    FLOW_CHARGING "flow.charging": "充电运行数据", "charging data", "charging-station location or operation data";
    CODE_SOURCE "code.source" inventory: "源代码", "source code", "source by language; feeds no row";
    CODE_OTA "code.ota": "升级软件源代码", "upgrade source code", "source of upgrade packages or upgrade services";
    CODE_REMOTE_CONTROL "code.remote-control": "远程控制", "remote control", "remote vehicle control; near-field only does not count";
    CODE_NEAR_FIELD "code.near-field": "近场通信控制", "near-field control", "NFC, BLE and UWB control only";
    CODE_VEHICLE_START "code.vehicle-start": "车辆启动/运行", "vehicle start and operation", "safety function of OTA-1";
    CODE_POWER_LOSS "code.power-loss": "动力丧失/中断", "loss of power", "safety function of OTA-1";
    CODE_EMERGENCY_BRAKE "code.emergency-brake": "紧急制动", "emergency braking", "safety function of OTA-1";
    CODE_CRUISE "code.cruise": "巡航", "cruise control", "safety function of OTA-1";
    CODE_LANE_KEEP "code.lane-keep": "车道保持", "lane keeping", "safety function of OTA-1";
    CODE_CHARGE_CONTROL "code.charge-control": "充放电控制", "charge control", "safety function of OTA-1";
    CODE_BATTERY_THERMAL "code.battery-thermal": "电池温度控制", "battery temperature control", "safety function of OTA-1";
    CODE_AD_ALGORITHM "code.ad-algorithm": "驾驶自动化算法", "driving-automation algorithm", "perception, prediction, planning, control";
    CODE_PRODUCTION_CONTROL "code.production-control": "生产控制程序", "production-control program", "PLC, robot and line-control programs";
    MODEL_WEIGHTS "model.weights" inventory: "模型参数", "model weights", "weights with parameter count and input shapes";
    MODEL_FEATURES "model.features": "算法特征数据", "feature data", "feature or embedding dumps";
    DATASET_TRAINING "dataset.training" inventory: "训练数据集", "training dataset", "labelled sets with frames and classes";
    DATASET_SCENARIO "dataset.scenario" inventory: "场景库", "scenario library", "scenario descriptions";
    DATASET_SIMULATION "dataset.simulation" inventory: "仿真数据", "simulation data", "simulation inputs and results";
    DOC_BOM "doc.bom": "物料清单", "bill of materials", "by structure: part number, quantity, supplier";
    DOC_DESIGN "doc.design": "设计文件", "design document", "CAD, drawings, requirements, interface specifications";
    DOC_TEST_REPORT "doc.test-report": "测试报告", "test report", "test records and measurements";
    DOC_SECRECY_MARKING "doc.secrecy-marking": "密级标志", "secrecy marking", "marks on documents by position and form, with level";
    DOC_EXPORT_CONTROL "doc.export-control": "出口管制标志", "export-control mark", "export-control marks and classification numbers";
    KEY_PRIVATE "key.private": "私钥", "private key", "private keys in any form, encrypted told; public keys and certificates never count";
    KEY_PASSWORD "key.password": "口令", "password", "a literal password; placeholders and references are not";
    KEY_TOKEN "key.token": "访问令牌", "access token", "tokens and secrets; placeholders, references, hashes, public ids are not";
    CERT_VEHICLE "cert.vehicle": "车辆数字证书", "vehicle certificate", "certificates that name a vehicle, ECU or V2X use";
    CERT_X509 "cert.x509" inventory: "数字证书", "X.509 certificate", "certificates";
    VULN_REPORT "vuln.report": "漏洞信息", "vulnerability report", "undisclosed vulnerabilities, TARA, penetration tests";
    SOFTWARE_PACKAGE "software.package" inventory: "软件升级包", "software package", "what is upgraded: target, version, signing, encryption";
    FIRMWARE_ECU "firmware.ecu" inventory: "ECU 固件", "ECU firmware", "firmware of control units";
    FIRMWARE_IMAGE "firmware.image" inventory: "固件镜像", "firmware image", "images of file systems and boot parts";
    DIAG_ODX "diag.odx" inventory: "ODX 诊断数据", "ODX", "ECU diagnostic description";
    DIAG_DBC "diag.dbc" inventory: "DBC 数据库", "DBC", "CAN database";
    DIAG_A2L "diag.a2l" inventory: "A2L 标定描述", "A2L", "calibration description";
    DIAG_ARXML "diag.arxml" inventory: "ARXML", "ARXML", "AUTOSAR description";
    DIAG_CDD "diag.cdd" inventory: "CDD", "CDD", "CANdela diagnostic description";
    DIAG_KCD "diag.kcd" inventory: "KCD", "KCD", "CAN network description";
    DIAG_SYM "diag.sym" inventory: "SYM", "SYM", "CAN symbol file";
    DIAG_LDF "diag.ldf" inventory: "LDF", "LDF", "LIN description file";
    DIAG_FIBEX "diag.fibex" inventory: "FIBEX", "FIBEX", "field bus exchange description";
    BUS_LOG "bus.log": "总线记录", "bus log", "CAN, LIN, FlexRay, Ethernet recordings";
    NETWORK_PLAN "network.plan": "网络规划", "network plan", "platform network planning, addresses, topologies";
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_unique_and_fit_the_set() {
        let mut names: Vec<_> = KINDS.iter().map(|k| k.name).collect();
        names.sort_unstable();
        names.dedup();
        assert_eq!(names.len(), KINDS.len());
        assert!(KINDS.len() <= 128);
        assert_eq!(KindId::named("vehicle.vin"), Some(kinds::VEHICLE_VIN));
        assert_eq!(kinds::NETWORK_PLAN.name(), "network.plan");
    }

    #[test]
    fn sets_hold_what_is_put_in() {
        let set = KindSet::of(&[kinds::NETWORK_PLAN, kinds::VEHICLE_VIN]);
        assert_eq!(set.iter().collect::<Vec<_>>(), [kinds::VEHICLE_VIN, kinds::NETWORK_PLAN]);
        let text = serde_json::to_string(&set).unwrap();
        assert_eq!(serde_json::from_str::<KindSet>(&text).unwrap(), set);
    }
}
