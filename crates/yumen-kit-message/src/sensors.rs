//! What kind of sensor a topic is of, by its type, its name and what its messages hold.

use yumen_model::KindId;
use yumen_model::kind::kinds;

use crate::groups::{Media, Role};
use crate::names::{type_key, words};
use crate::plan::Tree;

/// What a topic is of.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub(crate) struct Nature {
    /// A sensor's own stream.
    pub(crate) sensor: Option<KindId>,
    /// Points, as a cloud or packets.
    pub(crate) cloud: bool,
    /// Accelerations, rates, velocities, odometry.
    pub(crate) inertial: bool,
    /// Frames of a bus.
    pub(crate) bus: bool,
    /// Packets of a lidar with so many points each at most are not taken apart.
    pub(crate) packets: bool,
}

/// Finds out.
pub(crate) fn nature(type_name: &str, topic: &str, tree: Option<&Tree>) -> Nature {
    let key = type_key(type_name);
    let topic_low = topic.to_lowercase();
    let mut n = Nature::default();
    let (mut picture, mut audio, mut ranges) = (false, false, false);
    for role in tree.iter().flat_map(|t| &t.scopes).flat_map(|s| &s.groups).map(|g| &g.role) {
        match role {
            Role::Media { media: Media::Pixels | Media::Picture | Media::Video, .. } => picture = true,
            Role::Media { media: Media::Audio, .. } => audio = true,
            Role::Media { media: Media::Packet, .. } => n.packets = true,
            Role::Cloud { .. } | Role::Point { .. } => n.cloud = true,
            Role::Ranges { .. } => ranges = true,
            _ => {}
        }
    }
    // What can't be decoded is still told by its type.
    if tree.is_none() {
        picture = ["image", "compressedvideo", "ffmpegpacket"].iter().any(|e| key.ends_with(e))
            || key.contains("compressedimage");
        n.cloud = key.contains("pointcloud") || key.contains("custommsg");
        ranges = key.ends_with("laserscan");
        audio = key.contains("audiodata");
        n.packets = key.ends_with("velodynescan") || key.ends_with("lidarpacket");
    }
    let radar =
        key.contains("radar") || topic_low.contains("radar") || key.contains("conti_ars") || key.contains("contiars");
    let camera_cloud = ["depth", "camera", "stereo", "realsense"].iter().any(|w| topic_low.contains(w));
    let map_cloud = words(topic).iter().any(|w| w == "map");
    n.sensor = match () {
        () if picture && !key.contains("grid") => Some(camera(topic)),
        () if audio => Some(kinds::SENSOR_AUDIO),
        () if radar && !key.contains("marker") => Some(kinds::SENSOR_RADAR),
        () if (n.cloud && !camera_cloud && !map_cloud) || ranges || n.packets => Some(kinds::SENSOR_LIDAR),
        () => None,
    };
    n.cloud |= ranges || n.packets;
    let intent = ["cmd", "command", "goal", "setpoint", "desired", "target"].iter().any(|w| topic_low.contains(w));
    let has = |path: &str| tree.is_some_and(|t| t.path(0, path).is_some());
    n.inertial = !intent
        && ([
            "imu",
            "imudata",
            "rawimu",
            "correctedimu",
            "magneticfield",
            "odometry",
            "twist",
            "twiststamped",
            "twistwithcovariance",
            "twistwithcovariancestamped",
            "accel",
            "accelstamped",
            "accelwithcovariancestamped",
            "wheelodometry",
            "imudatasbg",
            "sbgimudata",
            "corrimu",
            "insstdev",
            "velocityreport",
        ]
        .iter()
        .any(|e| key.ends_with(e))
            || has("angularvelocity") && (has("linearacceleration") || has("acceleration"))
            || has("imu.angularvelocity"));
    n.bus = key.ends_with("canmsgsframe")
        || key.ends_with("socketcanframe")
        || key.ends_with("canframe")
        || key.ends_with("canbuschassis");
    n
}

fn camera(topic: &str) -> KindId {
    if is_cabin(topic) { kinds::SENSOR_CAMERA_CABIN } else { kinds::SENSOR_CAMERA_EXTERIOR }
}

fn is_cabin(topic: &str) -> bool {
    if topic.contains('舱') || topic.contains("车内") || topic.contains("驾驶员") {
        return true;
    }
    topic.split('/').any(|part| {
        let w = words(part);
        w.iter().enumerate().any(|(i, word)| match word.as_str() {
            "cabin" | "dms" | "oms" | "interior" | "incabin" | "occupant" | "passenger" | "cockpit" | "inside"
            | "seat" => true,
            // `usb_cam_driver` is a program, `driver_camera` looks at a person.
            "driver" => {
                i == 0
                    && (w.len() == 1
                        || matches!(
                            w[1].as_str(),
                            "camera" | "cam" | "face" | "monitor" | "monitoring" | "view" | "image" | "state" | "eye"
                        ))
            }
            _ => word.starts_with("cabin") || word.starts_with("dms") || word.starts_with("oms"),
        })
    })
}

/// Which way an exterior camera looks, as its topic says.
pub(crate) fn view(topic: &str) -> Option<&'static str> {
    const VIEWS: [(&str, &str); 18] = [
        ("front", "front"),
        ("forward", "front"),
        ("rear", "rear"),
        ("back", "rear"),
        ("left", "left"),
        ("right", "right"),
        ("side", "side"),
        ("surround", "surround"),
        ("fisheye", "surround"),
        ("avm", "surround"),
        ("svm", "surround"),
        ("fov", "front"),
        ("road", "road"),
        ("wide", "wide"),
        ("narrow", "narrow"),
        ("tele", "narrow"),
        ("roadside", "road"),
        ("panoramic", "surround"),
    ];
    let low = topic.to_lowercase();
    for (zh, view) in
        [("前", "front"), ("后", "rear"), ("左", "left"), ("右", "right"), ("环视", "surround"), ("路侧", "road")]
    {
        if low.contains(zh) {
            return Some(view);
        }
    }
    let w: Vec<String> = topic.split('/').flat_map(words).collect();
    VIEWS.iter().find(|(name, _)| w.iter().any(|w| w.starts_with(name) || w.ends_with(name))).map(|(_, view)| *view)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cabin_cameras_are_told_from_drivers_of_cameras() {
        for cabin in [
            "/dms/image_raw",
            "/camera/in_cabin/compressed",
            "/driver_camera/image",
            "/cabin_front",
            "/oms1/image",
            "/舱内",
        ] {
            assert!(is_cabin(cabin), "{cabin}");
        }
        for road in
            ["/camera_driver/image_raw", "/velodyne_driver/image", "/image_raw", "/camera/front/image", "/rooms/image"]
        {
            assert!(!is_cabin(road), "{road}");
        }
        assert_eq!(view("/camera/front_6mm/image"), Some("front"));
        assert_eq!(view("/image_raw"), None);
        assert_eq!(view("/sensors/camera/left_fisheye"), Some("left"));
    }

    #[test]
    fn types_tell_where_nothing_can_be_decoded() {
        assert_eq!(nature("sensor_msgs/msg/PointCloud2", "/x", None).sensor, Some(kinds::SENSOR_LIDAR));
        assert_eq!(nature("sensor_msgs/Image", "/x", None).sensor, Some(kinds::SENSOR_CAMERA_EXTERIOR));
        assert_eq!(nature("radar_msgs/msg/RadarScan", "/x", None).sensor, Some(kinds::SENSOR_RADAR));
        assert!(nature("sensor_msgs/Imu", "/imu", None).inertial);
        assert!(!nature("geometry_msgs/Twist", "/cmd_vel", None).inertial);
    }
}
