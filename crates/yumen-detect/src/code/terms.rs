//! The vocabulary: words of identifiers, comments and strings, in English, the abbreviations of the field, Chinese, and what they stand for.
//!
//! A word is looked up as a whole piece of an identifier (`doorLockCmd` has the pieces `door`, `lock`, `cmd`), never inside a longer word; pieces of which
//! none is known are taken apart where vocabulary tiles them (`remoteunlock`). Chinese terms are found anywhere in a run of Chinese.

macro_rules! concepts {
    ($($name:ident $word:literal),* $(,)?) => {
        concepts!(@ 0, $($name,)*);
        /// What each concept is called in evidence, by its bit.
        pub(crate) const NAMES: &[&str] = &[$($word),*];
    };
    (@ $n:expr, $head:ident, $($rest:ident,)*) => {
        pub(crate) const $head: u64 = 1 << ($n);
        concepts!(@ $n + 1, $($rest,)*);
    };
    (@ $n:expr,) => {};
}

concepts! {
    REMOTE "remote", CLOUD "cloud", NET "network", APP "phone", NEAR "near-field", NEARKEY "vehicle-key",
    DOOR "door", LOCK "lock", UNLOCK "unlock", ENGINE "engine", START "start", STOP "stop", OPEN "open-close",
    CLIMATE "climate", HORN "horn", LIGHT "light", FLASHING "flash", WINDOW "window", TRUNK "trunk", FIND "find-car",
    VEHICLE "vehicle", CONTROL "control", ACT "request",
    EMERGENCY "emergency", BRAKE "brake", AEB "aeb", CRUISE "cruise", ACC "acc", FOLLOW "set-speed-or-gap", ADAPTIVE "adaptive",
    LANE "lane", KEEP "keep", CENTER "center", LKA "lka",
    CHARGE "charge", DISCHARGE "discharge", EVPLUG "ev-charging", BATTERY "battery", LIMIT "limit",
    THERMAL "thermal", COOLHEAT "cooling-heating", MANAGE "management",
    TORQUE "torque", POWER "power", TRACTION "traction", CUT "cut", HV "high-voltage", LIMP "limp-home",
    IGNITION "ignition", READY "ready",
    OTA "ota", UPDATE "update", FIRMWARE "firmware", FETCH "download", INSTALL "install", UPDATER "update-agent",
    REQDL "request-download", XFER "transfer-data", XEXIT "transfer-exit", ECU "ecu", PACKAGE "package", KEY "key",
    COMMAND "vehicle-command", FUEL "fuel",
}

/// A word, what it stands for, and how much it says that the text is about vehicles: 1 a little (`engine`), 2 clearly (`odometer`), 3 alone (`autosar`).
pub(crate) struct Word(pub(crate) &'static str, pub(crate) u64, pub(crate) u8);

const fn w(word: &'static str, concepts: u64, vehicle: u8) -> Word {
    Word(word, concepts, vehicle)
}

/// Words that are too common to make a line worth a look by themselves; they count where another word stands with them.
pub(crate) const COMMON: &[&str] = &[
    "start", "stop", "on", "off", "open", "close", "set", "get", "control", "ctrl", "ctl", "cmd", "command", "enable", "disable", "state", "mode",
    "speed", "power", "pwr", "app", "light", "lights", "request", "req", "key", "keys", "update", "upd", "download", "install", "image", "img",
    "package", "pkg", "server", "http", "https", "url", "api", "session", "window", "windows", "lock", "unlock", "find", "flash", "limit", "target",
    "current", "max", "min", "manage", "manager", "management", "mgr", "temp", "tmp", "status", "active", "resume", "cancel", "button", "main",
    "distance", "time", "gap", "data", "transfer", "exit", "slot", "patch", "delta", "verify", "program", "path", "down", "cut", "loss", "lost",
    "hold", "center", "assist", "keep", "ready", "drive", "driver", "cell", "pack", "bat", "chg", "acc", "eng", "dr", "lk", "tq", "hv", "ac", "ev",
    "push", "post", "fetch", "requests", "axios", "file", "crs", "ln", "kp", "brk", "switch", "car", "motor", "wheel", "level", "service", "agent",
    "client", "task", "version", "boot", "erase", "vent", "seat", "activate", "execute", "turn", "toggle", "end", "port", "trigger", "pump", "heat",
    "cool", "cooling", "heater", "temperature", "release", "apply", "run", "running", "stopping", "begin", "cable", "climate", "engine", "remote",
    "motion", "interrupt", "fault", "failure", "zero", "position", "percent", "timer", "schedule", "level", "shutdown", "boost", "follow",
    "following", "headway", "rt", "rm", "cutoff", "emergency", "collision", "automatic", "adaptive", "phone", "mobile", "cloud", "battery", "charge",
    "trunk", "signal", "frame", "gear", "shift", "direct", "slope",
];

/// The words.
#[rustfmt::skip]
pub(crate) const WORDS: &[Word] = &[
    // Who commands, and over what.
    w("remote", REMOTE, 0), w("remotely", REMOTE, 0), w("rmt", REMOTE, 0), w("rmte", REMOTE, 0), w("rem", REMOTE, 0), w("remctrl", REMOTE | CONTROL, 0),
    w("rmtctrl", REMOTE | CONTROL, 1), w("remotectrl", REMOTE | CONTROL, 0), w("remotecontrol", REMOTE | CONTROL, 0), w("telecontrol", REMOTE | CONTROL, 0),
    w("teleop", REMOTE | CONTROL, 0), w("teleoperation", REMOTE | CONTROL, 0), w("teledrive", REMOTE | VEHICLE | CONTROL, 2), w("telecommand", REMOTE | CONTROL, 0),
    w("rvc", REMOTE | VEHICLE | CONTROL, 1), w("rvs", REMOTE | VEHICLE, 0), w("remotecmd", REMOTE | CONTROL, 0), w("remoteservice", REMOTE, 0),
    w("yuancheng", REMOTE, 0), w("yuankong", REMOTE | CONTROL, 0), w("fernbedienung", REMOTE | CONTROL, 0), w("fernzugriff", REMOTE, 0),
    w("cloud", CLOUD, 0), w("tsp", CLOUD, 2), w("mqtt", CLOUD, 0), w("tbox", CLOUD, 3), w("telematics", CLOUD, 3), w("telematic", CLOUD, 3),
    w("telematik", CLOUD, 3), w("tcu", 0, 2), w("tcm", 0, 1), w("tcam", CLOUD, 2), w("backend", CLOUD, 0), w("downlink", CLOUD, 0), w("onstar", CLOUD, 3), w("bluelink", CLOUD, 3),
    w("fordpass", CLOUD, 3), w("mbux", 0, 2), w("iothub", CLOUD, 0), w("aliyun", CLOUD, 0), w("kafka", CLOUD, 0), w("websocket", CLOUD, 0), w("fleet", CLOUD, 1), w("gbt32960", CLOUD, 3), w("gb32960", CLOUD, 3),
    w("jt808", CLOUD, 3), w("jtt808", CLOUD, 3), w("lte", CLOUD, 0), w("cellular", CLOUD, 0), w("gprs", CLOUD, 0), w("sms", CLOUD, 0), w("fcm", CLOUD, 0), w("apns", CLOUD, 0), w("jpush", CLOUD, 0),
    w("server", NET, 0), w("http", NET, 0), w("https", NET, 0), w("url", NET, 0), w("api", NET, 0), w("axios", NET, 0), w("requests", NET, 0),
    w("retrofit", NET, 0), w("okhttp", NET, 0), w("grpc", NET | CLOUD, 0), w("fetch", NET, 0), w("aiohttp", NET, 0), w("httpx", NET, 0), w("urllib", NET, 0), w("post", NET, 0), w("push", NET, 0),
    w("rest", NET, 0), w("tcp", NET, 0), w("socket", NET, 0), w("restcontroller", NET, 0), w("postmapping", NET, 0), w("endpoint", NET, 0),
    w("app", APP, 0), w("phone", APP, 0), w("mobile", APP, 0), w("smartphone", APP, 0),
    w("ble", NEAR, 0), w("bluetooth", NEAR, 0), w("gatt", NEAR, 0), w("nfc", NEAR, 0), w("uwb", NEAR, 0), w("btle", NEAR, 0), w("rfid", NEAR, 0), w("iccoa", NEARKEY, 3), w("icce", NEARKEY, 1),
    w("peps", NEARKEY, 1), w("pke", NEARKEY, 1), w("rke", NEARKEY, 1), w("keyless", NEARKEY, 1), w("keyfob", NEARKEY, 2), w("fob", NEARKEY, 1), w("digitalkey", NEARKEY, 2),
    w("carkey", NEARKEY, 2), w("bluekey", NEARKEY, 1), w("blekey", NEARKEY | NEAR, 1), w("nfckey", NEARKEY | NEAR, 1), w("phonekey", NEARKEY, 1), w("pepscontrol", NEARKEY, 3),
    w("key", KEY, 0), w("keys", KEY, 0),
    // The body and what is done to it.
    w("door", DOOR, 0), w("doors", DOOR, 0), w("drlk", DOOR | LOCK, 1), w("drulk", DOOR | UNLOCK, 1), w("drunlk", DOOR | UNLOCK, 1), w("doorlock", DOOR | LOCK, 0), w("dr", DOOR, 0),
    w("lock", LOCK, 0), w("lck", LOCK, 0), w("lk", LOCK, 0), w("unlock", UNLOCK, 0), w("ulck", UNLOCK, 0), w("unlck", UNLOCK, 0), w("unlk", UNLOCK, 0), w("ulk", UNLOCK, 0), w("ulock", UNLOCK, 0), w("unlocking", UNLOCK, 0),
    w("engine", ENGINE, 1), w("eng", ENGINE, 1), w("motor", ENGINE, 1), w("ice", 0, 0), w("fadongji", ENGINE, 1), w("motorstart", ENGINE | START, 1),
    w("start", START, 0), w("strt", START, 0), w("starting", START, 0), w("starten", START, 0), w("begin", START, 0), w("qidong", START, 0), w("prestart", START, 0), w("autostart", START, 0),
    w("stop", STOP, 0), w("stp", STOP, 0), w("stopping", STOP, 0), w("end", STOP, 0), w("pause", STOP, 0),
    w("open", OPEN, 0), w("close", OPEN, 0), w("vent", OPEN, 0), w("release", OPEN, 0), w("actuate", OPEN | ACT, 0), w("kai", 0, 0), w("jiesuo", UNLOCK, 0), w("suoche", LOCK | VEHICLE, 1),
    w("climate", CLIMATE, 0), w("hvac", CLIMATE, 1), w("aircon", CLIMATE, 0), w("airconditioner", CLIMATE, 0), w("airconditioning", CLIMATE, 0), w("ac", CLIMATE, 0), w("defrost", CLIMATE, 1), w("defroster", CLIMATE, 1), w("demist", CLIMATE, 0),
    w("preheat", CLIMATE, 0), w("precool", CLIMATE, 0), w("seatheat", CLIMATE, 2), w("seatheating", CLIMATE, 2), w("seat", CLIMATE, 1), w("kongtiao", CLIMATE, 0), w("steeringwheel", 0, 2), w("preclimate", CLIMATE, 2), w("preclimatization", CLIMATE, 2), w("ventilation", CLIMATE, 0), w("cabin", CLIMATE, 1), w("parkheater", CLIMATE, 1),
    w("horn", HORN, 1), w("honk", HORN, 1), w("hornlight", HORN | LIGHT, 1), w("findcar", FIND | VEHICLE, 2), w("findmycar", FIND | VEHICLE, 2), w("carfinder", FIND | VEHICLE, 2), w("carlocator", FIND | VEHICLE, 2), w("vehiclefinder", FIND | VEHICLE, 2),
    w("light", LIGHT, 0), w("lights", LIGHT, 0), w("lamp", LIGHT, 0), w("headlight", LIGHT, 1), w("headlamp", LIGHT, 1), w("hazard", LIGHT, 0), w("blinker", LIGHT, 1), w("flash", FLASHING | INSTALL, 0), w("flashing", FLASHING | INSTALL, 0), w("reflash", INSTALL | UPDATE, 0), w("blink", FLASHING, 0),
    w("window", WINDOW, 0), w("windows", WINDOW, 0), w("sunroof", WINDOW, 2), w("skylight", WINDOW, 0),
    w("trunk", TRUNK, 0), w("tailgate", TRUNK, 2), w("liftgate", TRUNK, 2), w("frunk", TRUNK, 2), w("bootlid", TRUNK, 2), w("decklid", TRUNK, 2), w("hatch", TRUNK, 0),
    // What says vehicle.
    w("vehicle", VEHICLE, 2), w("veh", VEHICLE, 2), w("vhcl", VEHICLE, 2), w("vehicular", VEHICLE, 2), w("car", VEHICLE, 1), w("cars", VEHICLE, 1), w("auto", 0, 0), w("automotive", VEHICLE, 3), w("fahrzeug", VEHICLE, 3), w("voiture", VEHICLE, 2), w("truck", VEHICLE, 1), w("cheliang", VEHICLE, 2),
    w("carcontrol", VEHICLE | CONTROL, 2), w("vehiclecontrol", VEHICLE | CONTROL, 2), w("vehiclecmd", VEHICLE | CONTROL, 2), w("carstate", VEHICLE, 2), w("vehicleproperty", VEHICLE, 3), w("vhal", VEHICLE, 3), w("carservice", VEHICLE, 1),
    w("ecu", ECU, 3), w("ecus", ECU, 3), w("bcm", 0, 2), w("vcu", 0, 2), w("hcu", 0, 2), w("bms", BATTERY, 2), w("bmu", BATTERY, 2), w("mcu", 0, 1), w("hpc", 0, 0), w("zcu", 0, 2), w("vdc", 0, 1), w("gateway", 0, 0), w("ivi", 0, 2), w("adas", 0, 3), w("adcu", 0, 3),
    w("vin", 0, 2), w("canbus", 0, 3), w("socketcan", 0, 2), w("dbc", 0, 2), w("cantp", 0, 3), w("isotp", 0, 3), w("doip", 0, 3), w("uds", 0, 3), w("iso14229", 0, 3), w("obd", 0, 2), w("obdii", 0, 3), w("autosar", 0, 3), w("rte", 0, 1), w("someip", 0, 3), w("vsomeip", 0, 3), w("flexray", 0, 3), w("xcp", 0, 1), w("linbus", 0, 3), w("swc", 0, 1), w("asil", 0, 2), w("canid", 0, 2), w("canmsg", 0, 2), w("canframe", 0, 2),
    w("powertrain", TRACTION, 3), w("drivetrain", TRACTION, 2), w("odometer", 0, 2), w("mileage", 0, 1), w("steering", 0, 2), w("steer", 0, 2), w("gearbox", 0, 2), w("throttle", 0, 1), w("accelerator", 0, 1), w("pedal", 0, 2), w("chassis", 0, 1), w("wheel", 0, 1), w("wheelspeed", 0, 2), w("yaw", 0, 1), w("yawrate", 0, 2), w("abs", 0, 0), w("gear", 0, 1), w("prnd", 0, 2), w("driver", 0, 0), w("tire", 0, 1), w("tyre", 0, 1), w("tpms", 0, 2), w("wiper", 0, 2), w("seatbelt", 0, 2), w("airbag", 0, 2), w("dashboard", 0, 0), w("cockpit", 0, 1),
    w("openpilot", 0, 3), w("carla", 0, 2), w("autoware", 0, 3), w("kl15", IGNITION, 3), w("kl30", 0, 3), w("rpm", 0, 1), w("kph", 0, 1), w("vego", 0, 2), w("egospeed", 0, 2), w("hybrid", 0, 0), w("aftersales", 0, 1), w("dealer", 0, 1),
    w("tesla", 0, 2), w("nio", 0, 0), w("byd", 0, 2), w("geely", 0, 2), w("saic", 0, 2), w("gac", 0, 1), w("hyundai", 0, 2), w("toyota", 0, 2), w("volkswagen", 0, 2), w("bmw", 0, 2), w("xpeng", 0, 3), w("chery", 0, 2), w("changan", 0, 2), w("renault", 0, 2), w("nissan", 0, 2), w("volvo", 0, 2), w("chrysler", 0, 2), w("subaru", 0, 2), w("mazda", 0, 2), w("honda", 0, 2), w("rivian", 0, 2),
    // Verbs and objects of commands.
    w("control", CONTROL, 0), w("ctrl", CONTROL, 0), w("ctl", CONTROL, 0), w("controller", CONTROL, 0), w("cmd", CONTROL | ACT, 0), w("command", CONTROL | ACT, 0), w("cmds", CONTROL, 0), w("ctrlreq", CONTROL | ACT, 0), w("instruction", CONTROL, 0), w("kongzhi", CONTROL, 0),
    w("enable", ACT, 0), w("enabled", ACT, 0), w("ena", ACT, 0), w("en", ACT, 0), w("request", ACT, 0), w("req", ACT, 0), w("rqst", ACT, 0), w("set", ACT, 0), w("activate", ACT, 0), w("activation", ACT, 0), w("active", ACT, 0), w("actv", ACT, 0), w("act", ACT, 0), w("execute", ACT, 0), w("trigger", ACT, 0), w("turn", ACT, 0), w("toggle", ACT, 0), w("switch", ACT, 0), w("sw", ACT, 0), w("on", ACT, 0), w("apply", ACT, 0), w("demand", ACT, 0), w("dmd", ACT, 0), w("engage", ACT, 0), w("engaged", ACT, 0), w("intervention", ACT, 0), w("status", ACT, 0), w("sts", ACT, 0), w("state", ACT, 0), w("mode", ACT, 0), w("button", ACT, 0), w("btn", ACT, 0), w("buttons", ACT, 0), w("available", ACT, 0), w("standby", ACT, 0), w("handler", ACT, 0),
    // Braking.
    w("emergency", EMERGENCY, 0), w("emerg", EMERGENCY, 0), w("emgcy", EMERGENCY, 0), w("emgy", EMERGENCY, 0), w("emcy", EMERGENCY, 0), w("emer", EMERGENCY, 0), w("emg", EMERGENCY, 0), w("autonomous", EMERGENCY, 0), w("collision", EMERGENCY, 0), w("automatic", EMERGENCY, 0), w("autobrake", EMERGENCY | BRAKE, 2), w("panic", EMERGENCY, 0), w("fullbrake", EMERGENCY | BRAKE, 1), w("precrash", EMERGENCY, 2), w("crash", 0, 0), w("fcw", EMERGENCY, 2), w("prefill", EMERGENCY, 0), w("notbremse", EMERGENCY | BRAKE, 2), w("notbremsung", EMERGENCY | BRAKE, 2),
    w("brake", BRAKE, 1), w("brakes", BRAKE, 1), w("braking", BRAKE, 1), w("brk", BRAKE, 1), w("brkg", BRAKE, 1), w("decel", 0, 1), w("deceleration", 0, 0), w("zhidong", BRAKE, 1),
    w("aeb", AEB, 1), w("aebs", AEB, 1), w("cmbb", AEB, 2), w("pebs", AEB, 1), w("cmbs", AEB, 2), w("aebp", AEB, 2), w("ebrake", EMERGENCY | BRAKE, 1), w("estop", EMERGENCY | STOP, 0), w("ebr", AEB, 0),
    // Cruise.
    w("cruise", CRUISE, 1), w("cruising", CRUISE, 0), w("cruisecontrol", CRUISE | CONTROL, 2), w("crs", CRUISE, 0), w("crz", CRUISE, 1), w("tempomat", CRUISE | CONTROL, 2), w("xunhang", CRUISE, 1), w("acc", ACC, 0), w("accm", ACC, 1), w("icc", ACC, 0), w("icacc", ACC, 2), w("tja", CRUISE | LKA, 2), w("noa", 0, 0), w("nop", 0, 0), w("ccs", 0, 0),
    w("adaptive", ADAPTIVE, 0), w("headway", FOLLOW, 1), w("timegap", FOLLOW, 1), w("gap", FOLLOW, 0), w("setspeed", FOLLOW, 1), w("speed", FOLLOW, 0), w("spd", FOLLOW, 1), w("vset", FOLLOW, 1), w("resume", FOLLOW, 0), w("cancel", FOLLOW, 0), w("follow", FOLLOW, 0), w("following", FOLLOW, 0), w("distance", FOLLOW, 0), w("dist", FOLLOW, 0), w("accel", FOLLOW, 1), w("acceleration", FOLLOW, 0), w("lead", FOLLOW, 0), w("leadcar", FOLLOW | VEHICLE, 2), w("tgt", FOLLOW, 0), w("target", FOLLOW | LIMIT, 0),
    // Lanes.
    w("lane", LANE, 1), w("lanes", LANE, 1), w("ln", LANE, 0), w("chedao", LANE, 1), w("keep", KEEP, 0), w("keeping", KEEP, 0), w("kp", KEEP, 0), w("assist", KEEP, 0), w("asst", KEEP, 0), w("keeper", KEEP, 0), w("lanekeep", LANE | KEEP, 2), w("lanekeeping", LANE | KEEP, 2), w("spurhalte", LANE | KEEP, 2), w("spurhalteassistent", LANE | KEEP, 2),
    w("center", CENTER, 0), w("centering", CENTER, 0), w("centring", CENTER, 0), w("departure", CENTER, 0), w("hold", CENTER, 0), w("lateral", CENTER, 1), w("centerline", CENTER, 0),
    w("lka", LKA, 1), w("lkas", LKA, 2), w("lks", LKA, 1), w("lcc", LKA, 0), w("elk", 0, 0), w("lkd", 0, 0), w("ldp", 0, 0), w("lfa", LKA, 0), w("lkm", 0, 0), w("steeringassist", LKA, 2),
    // Charging.
    w("charge", CHARGE, 0), w("charging", CHARGE, 0), w("charger", CHARGE, 0), w("chg", CHARGE, 0), w("chrg", CHARGE, 0), w("chrgn", CHARGE, 0), w("chrgr", CHARGE, 0), w("chgr", CHARGE, 0), w("chrging", CHARGE, 0), w("recharge", CHARGE, 0), w("precharge", CHARGE | HV, 1), w("chongdian", CHARGE, 1), w("dischrg", DISCHARGE, 0), w("dischg", DISCHARGE, 0), w("dchg", DISCHARGE, 0), w("discharge", DISCHARGE, 0), w("discharging", DISCHARGE, 0), w("fangdian", DISCHARGE, 1), w("v2l", DISCHARGE | EVPLUG, 2), w("v2g", DISCHARGE | EVPLUG, 2), w("v2h", DISCHARGE | EVPLUG, 2), w("vtol", DISCHARGE, 0), w("v2v", 0, 2),
    w("evse", EVPLUG, 3), w("evcc", EVPLUG, 3), w("secc", EVPLUG, 3), w("obc", EVPLUG, 2), w("dcdc", HV, 1), w("chargeport", CHARGE | EVPLUG, 2), w("chargepile", CHARGE | EVPLUG, 2), w("chargegun", CHARGE | EVPLUG, 2), w("chademo", CHARGE | EVPLUG, 3), w("iso15118", EVPLUG, 3), w("iec61851", EVPLUG, 3), w("gb27930", CHARGE | EVPLUG, 3), w("gbt27930", CHARGE | EVPLUG, 3), w("ev", EVPLUG, 2), w("bev", EVPLUG, 2), w("phev", EVPLUG, 3), w("nev", EVPLUG, 2), w("ocpp", EVPLUG | CHARGE, 1), w("plugin", 0, 0), w("inlet", EVPLUG, 0), w("hlc", 0, 1), w("socmax", LIMIT | BATTERY, 1), w("socmin", LIMIT | BATTERY, 1),
    w("battery", BATTERY, 0), w("batteries", BATTERY, 0), w("batt", BATTERY, 0), w("bat", BATTERY, 0), w("bats", BATTERY, 0), w("hvbatt", BATTERY | HV, 2), w("hvbat", BATTERY | HV, 2), w("hvb", BATTERY | HV, 1), w("ress", BATTERY, 1), w("bpack", BATTERY, 1), w("cell", 0, 0), w("dianchi", BATTERY, 0), w("besscontrol", BATTERY, 0), w("becm", BATTERY, 3),
    w("limit", LIMIT, 0), w("lim", LIMIT, 0), w("max", LIMIT, 0), w("current", LIMIT, 0), w("cur", LIMIT, 0), w("curr", LIMIT, 0), w("amps", LIMIT, 0), w("amp", LIMIT, 0), w("soc", LIMIT, 1), w("percent", LIMIT, 0), w("schedule", LIMIT, 0), w("timer", LIMIT, 0), w("permit", LIMIT, 0), w("allow", LIMIT, 0), w("allowed", LIMIT, 0), w("plug", EVPLUG, 0), w("unplug", EVPLUG, 0), w("port", 0, 0),
    // Temperature of the battery.
    w("thermal", THERMAL, 0), w("temp", THERMAL, 0), w("temperature", THERMAL, 0), w("tmp", THERMAL, 0), w("wendu", THERMAL, 0), w("tms", THERMAL | MANAGE, 1), w("btms", BATTERY | THERMAL | MANAGE, 2), w("btm", 0, 0), w("thermalmanagement", THERMAL | MANAGE, 0),
    w("cool", COOLHEAT, 0), w("cooling", COOLHEAT, 0), w("coolant", COOLHEAT, 1), w("cooler", COOLHEAT, 0), w("chiller", COOLHEAT, 1), w("heat", COOLHEAT, 0), w("heating", COOLHEAT, 0), w("heater", COOLHEAT, 0), w("htr", COOLHEAT, 0), w("htg", COOLHEAT, 0), w("clng", COOLHEAT, 0), w("clg", COOLHEAT, 0), w("ptc", COOLHEAT, 1), w("precondition", COOLHEAT, 0), w("preconditioning", COOLHEAT, 0), w("precond", COOLHEAT, 0), w("conditioning", COOLHEAT, 0), w("warmup", COOLHEAT, 0), w("warm", COOLHEAT, 0),
    w("manage", MANAGE, 0), w("manager", MANAGE, 0), w("management", MANAGE, 0), w("mgr", MANAGE, 0), w("mgmt", MANAGE, 0), w("mngt", MANAGE, 0), w("mgt", MANAGE, 0), w("setpoint", MANAGE | ACT, 0), w("regulate", MANAGE, 0), w("regulator", MANAGE, 0),
    // Loss of power.
    w("torque", TORQUE, 1), w("tq", TORQUE, 1), w("trq", TORQUE, 1), w("tqe", TORQUE, 1), w("trqe", TORQUE, 1), w("niuju", TORQUE, 1), w("power", POWER, 0), w("pwr", POWER, 0), w("propulsion", TRACTION, 2), w("traction", TRACTION, 1), w("driveline", TRACTION, 2), w("inverter", TRACTION, 1), w("edrive", TRACTION, 2), w("emotor", TRACTION | ENGINE, 2), w("tractionmotor", TRACTION, 3), w("drivemotor", TRACTION, 3), w("dongli", TRACTION, 1),
    w("cut", CUT, 0), w("cutoff", CUT, 0), w("off", CUT | STOP, 0), w("shutdown", CUT | STOP, 0), w("shutoff", CUT | STOP, 0), w("loss", CUT, 0), w("lost", CUT, 0), w("disable", CUT | ACT, 0), w("disabled", CUT | ACT, 0), w("inhibit", CUT, 0), w("inhibition", CUT, 0), w("interrupt", CUT, 0), w("interruption", CUT, 0), w("derate", CUT, 0), w("derating", CUT, 0), w("powerdown", POWER | CUT, 0), w("poweroff", POWER | CUT, 0), w("powerloss", POWER | CUT, 0), w("pwrdwn", POWER | CUT, 0), w("pwrdn", POWER | CUT, 0), w("pwroff", POWER | CUT, 0), w("disconnect", CUT, 0), w("deenergize", CUT, 0), w("deenergise", CUT, 0), w("zero", CUT, 0), w("kill", CUT, 0), w("block", CUT, 0), w("blackout", CUT, 0), w("xiadian", HV | CUT, 1), w("duandian", CUT, 1),
    w("hv", HV, 1), w("hvil", HV, 3), w("highvoltage", HV, 1), w("contactor", HV, 1), w("contactors", HV, 1), w("mainrelay", HV, 1), w("hvoff", HV | CUT, 2), w("hvdown", HV | CUT, 2), w("limphome", LIMP, 3), w("limpmode", LIMP, 3), w("limp", 0, 0), w("fuelcut", FUEL | CUT, 2), w("fuel", FUEL, 1), w("injector", FUEL, 1), w("injection", 0, 0),
    // Starting.
    w("ignition", IGNITION, 1), w("ign", IGNITION, 0), w("igntn", IGNITION, 1), w("crank", ENGINE | START, 1), w("cranking", ENGINE | START, 1), w("starter", ENGINE | START, 0), w("immobilizer", IGNITION | START, 3), w("immobiliser", IGNITION | START, 3), w("immo", IGNITION, 0), w("immobilize", IGNITION | CUT, 1), w("dianhuo", IGNITION, 1), w("pushstart", ENGINE | START, 1), w("enginestart", ENGINE | START, 1), w("ess", 0, 0), w("ssb", IGNITION, 0),
    w("ready", READY, 0), w("drivable", READY, 1), w("driveready", READY | VEHICLE, 2), w("remotestart", REMOTE | START, 0),
    // Upgrades.
    w("ota", OTA, 0), w("fota", OTA | UPDATE, 0), w("sota", OTA, 0), w("otaupdate", OTA | UPDATE, 0), w("otamanager", OTA | MANAGE, 0), w("otaclient", OTA | UPDATE, 0), w("otaagent", OTA | UPDATE, 0), w("otapackage", OTA | PACKAGE, 0), w("otaservice", OTA | UPDATE, 0), w("overtheair", OTA, 0), w("ucm", 0, 2), w("otamaster", OTA | UPDATE, 0),
    w("update", UPDATE, 0), w("updater", UPDATE, 0), w("updating", UPDATE, 0), w("upd", UPDATE, 0), w("upgrade", UPDATE, 0), w("upgrader", UPDATE, 0), w("upgrading", UPDATE, 0), w("upg", UPDATE, 0), w("upgrd", UPDATE, 0), w("shengji", UPDATE, 0), w("rollback", UPDATE, 0),
    w("firmware", FIRMWARE, 0), w("fw", FIRMWARE, 0), w("image", PACKAGE, 0), w("img", PACKAGE, 0), w("rom", PACKAGE, 0), w("package", PACKAGE, 0), w("pkg", PACKAGE, 0), w("payload", PACKAGE, 0), w("campaign", FIRMWARE, 0), w("bundle", PACKAGE, 0), w("software", PACKAGE, 0), w("artifact", PACKAGE, 0), w("bootloader", FIRMWARE, 0), w("hex", 0, 0), w("vbf", FIRMWARE, 2), w("swu", FIRMWARE | UPDATE, 0),
    w("download", FETCH, 0), w("downloader", FETCH, 0), w("dl", FETCH, 0), w("dwnld", FETCH, 0), w("xiazai", FETCH, 0),
    w("install", INSTALL, 0), w("installer", INSTALL, 0), w("program", INSTALL, 0), w("programming", INSTALL, 0), w("reprogram", INSTALL | UPDATE, 0), w("reprogramming", INSTALL | UPDATE, 0), w("flasher", INSTALL, 0), w("erase", INSTALL, 0), w("burn", INSTALL, 0), w("verify", 0, 0), w("shuaxie", INSTALL, 0),
    w("swupdate", UPDATER, 0), w("rauc", UPDATER, 0), w("uptane", UPDATER, 2), w("aktualizr", UPDATER, 2), w("hawkbit", UPDATER, 0), w("mender", UPDATER, 0), w("updateengine", UPDATE | ENGINE, 0), w("bsdiff", UPDATER, 0), w("bspatch", UPDATER, 0), w("hpatch", UPDATER, 0), w("hdiffpatch", UPDATER, 0), w("imgdiff", UPDATER, 0), w("bootcontrol", UPDATER, 0), w("setactivebootslot", UPDATER, 0), w("markbootsuccessful", UPDATER, 0), w("updaterscript", UPDATER, 0), w("blockimageupdate", UPDATER, 0), w("packageextractfile", UPDATER, 0), w("brotlidecompress", 0, 0), w("otacerts", UPDATER, 0), w("deltaota", OTA | UPDATE, 0), w("updatemanagement", UPDATER, 0),
    w("requestdownload", REQDL, 1), w("requestupload", 0, 1), w("transferdata", XFER, 0), w("requesttransferexit", XEXIT, 1), w("transferexit", XEXIT, 1), w("routinecontrol", 0, 2), w("securityaccess", 0, 1), w("checkprogrammingdependencies", REQDL | XFER | XEXIT, 3), w("checkprogdep", XEXIT, 2), w("erasememory", INSTALL, 0), w("sid34", REQDL, 2), w("sid36", XFER, 2), w("sid37", XEXIT, 2),
    w("slot", PACKAGE, 0),
];

/// Chinese terms.
#[rustfmt::skip]
pub(crate) const CHINESE: &[Word] = &[
    w("远程", REMOTE, 0), w("远控", REMOTE | CONTROL, 1), w("遥控", REMOTE | CONTROL, 0), w("云端", CLOUD, 0), w("平台下发", CLOUD | CONTROL, 1), w("下行指令", CLOUD | CONTROL, 0), w("车控", VEHICLE | CONTROL, 2), w("控车", VEHICLE | CONTROL, 2), w("后台", CLOUD, 0), w("车联网", CLOUD, 3), w("远程控车", REMOTE | VEHICLE | CONTROL, 3), w("手机", APP, 0), w("云平台", CLOUD, 0), w("服务器", NET, 0),
    w("蓝牙", NEAR, 0), w("近场", NEAR, 0), w("数字钥匙", NEARKEY, 2), w("蓝牙钥匙", NEARKEY | NEAR, 2), w("无钥匙", NEARKEY, 2), w("车钥匙", NEARKEY, 2), w("钥匙", KEY, 0), w("超宽带", NEAR, 0),
    w("车门", DOOR, 2), w("门锁", DOOR | LOCK, 0), w("解锁", UNLOCK, 0), w("开锁", UNLOCK, 0), w("闭锁", LOCK, 1), w("上锁", LOCK, 0), w("锁车", LOCK | VEHICLE, 2), w("解防", UNLOCK, 1), w("设防", LOCK, 1), w("落锁", LOCK, 1),
    w("发动机", ENGINE, 2), w("引擎", ENGINE, 0), w("启动", START, 0), w("起动", START, 0), w("熄火", STOP | ENGINE, 2), w("停止", STOP, 0), w("关闭", OPEN | STOP, 0), w("打开", OPEN, 0), w("开启", OPEN | START, 0), w("开窗", OPEN | WINDOW, 1), w("关窗", OPEN | WINDOW, 1),
    w("空调", CLIMATE, 0), w("座椅加热", CLIMATE, 2), w("除霜", CLIMATE, 1), w("座椅通风", CLIMATE, 2), w("方向盘加热", CLIMATE, 2), w("鸣笛", HORN, 2), w("喇叭", HORN, 1), w("寻车", FIND | VEHICLE, 2), w("闪灯", LIGHT | FLASHING, 1), w("大灯", LIGHT, 1), w("双闪", LIGHT | FLASHING, 1), w("车窗", WINDOW, 2), w("天窗", WINDOW, 1), w("后备箱", TRUNK, 2), w("后备厢", TRUNK, 2), w("尾门", TRUNK, 2), w("行李箱", TRUNK, 0), w("前备箱", TRUNK, 2),
    w("车辆", VEHICLE, 2), w("整车", VEHICLE, 2), w("车机", 0, 2), w("车载", 0, 2), w("汽车", VEHICLE, 2), w("车身", VEHICLE, 2), w("控制器", ECU | CONTROL, 1), w("域控", ECU, 2), w("电控单元", ECU, 3), w("里程", 0, 1), w("油门", 0, 2), w("踏板", 0, 2), w("方向盘", 0, 2), w("档位", 0, 1), w("挡位", 0, 1), w("车速", 0, 2), w("轮速", 0, 2),
    w("控制", CONTROL, 0), w("指令", CONTROL | ACT, 0), w("命令", CONTROL | ACT, 0), w("请求", ACT, 0), w("使能", ACT, 0), w("触发", ACT, 0), w("激活", ACT, 0),
    w("紧急制动", EMERGENCY | BRAKE | AEB, 2), w("自动制动", EMERGENCY | BRAKE, 2), w("紧急刹车", EMERGENCY | BRAKE, 2), w("自动刹车", EMERGENCY | BRAKE, 2), w("主动制动", EMERGENCY | BRAKE, 2), w("急刹", EMERGENCY | BRAKE, 1), w("紧急", EMERGENCY, 0), w("制动", BRAKE, 1), w("刹车", BRAKE, 1), w("碰撞", EMERGENCY, 0), w("防撞", EMERGENCY, 0),
    w("巡航", CRUISE, 1), w("自适应巡航", CRUISE | CONTROL | ADAPTIVE, 2), w("定速巡航", CRUISE | CONTROL | ADAPTIVE, 2), w("自适应", ADAPTIVE, 0), w("跟车", FOLLOW, 1), w("时距", FOLLOW, 0), w("车距", FOLLOW, 1), w("设定车速", FOLLOW, 1),
    w("车道保持", LANE | KEEP, 2), w("车道居中", LANE | KEEP, 2), w("车道偏离", LANE | CENTER, 2), w("车道辅助", LANE | KEEP, 2), w("车道", LANE, 1), w("保持", KEEP, 0), w("居中", CENTER, 0),
    w("充电", CHARGE, 0), w("放电", DISCHARGE, 0), w("充放电", CHARGE | DISCHARGE, 1), w("充电枪", CHARGE | EVPLUG, 2), w("充电桩", CHARGE | EVPLUG, 1), w("充电口", CHARGE | EVPLUG, 1), w("快充", CHARGE, 0), w("慢充", CHARGE | EVPLUG, 1), w("对外放电", DISCHARGE | EVPLUG, 2), w("车载充电机", CHARGE | EVPLUG, 3), w("电池", BATTERY, 0), w("动力电池", BATTERY | HV, 2), w("电池包", BATTERY, 1), w("电芯", BATTERY, 1), w("电流", LIMIT, 0), w("上限", LIMIT, 0), w("预约", LIMIT, 0),
    w("热管理", THERMAL | MANAGE, 1), w("温度控制", THERMAL | CONTROL | MANAGE, 0), w("温控", THERMAL | CONTROL | MANAGE, 0), w("温度", THERMAL, 0), w("冷却", COOLHEAT, 0), w("加热", COOLHEAT, 0), w("预热", COOLHEAT, 0), w("液冷", COOLHEAT, 1), w("水泵", COOLHEAT, 1), w("散热", COOLHEAT, 0), w("降温", COOLHEAT, 0), w("升温", COOLHEAT, 0),
    w("扭矩", TORQUE, 1), w("转矩", TORQUE, 1), w("动力", TRACTION, 0), w("驱动电机", TRACTION, 2), w("断电", CUT | POWER, 0), w("下电", CUT | POWER, 1), w("切断", CUT, 0), w("中断", CUT, 0), w("丧失", CUT, 0), w("清零", CUT, 0), w("断油", FUEL | CUT, 2), w("高压", HV, 1), w("接触器", HV, 1), w("主正", HV, 1), w("主负", HV, 1), w("跛行", LIMP, 2), w("限扭", TORQUE | CUT, 2), w("降扭", TORQUE | CUT, 2), w("限功率", POWER | CUT, 1),
    w("点火", IGNITION | START, 1), w("上电", IGNITION | READY, 1), w("防盗", IGNITION, 1), w("就绪", READY, 0), w("行驶", VEHICLE, 1),
    w("升级", UPDATE, 0), w("更新", UPDATE, 0), w("刷写", INSTALL | UPDATE, 1), w("烧录", INSTALL, 0), w("刷新", 0, 0), w("空中升级", OTA | UPDATE, 1), w("空中下载", OTA | FETCH, 1), w("升级包", UPDATE | PACKAGE | OTA, 0), w("固件", FIRMWARE, 0), w("软件包", PACKAGE, 0), w("差分", UPDATER, 0), w("下载", FETCH, 0), w("安装", INSTALL, 0), w("回滚", UPDATE, 0), w("升级任务", UPDATE | FIRMWARE | OTA, 0), w("整车升级", OTA | UPDATE | VEHICLE, 2),
];
