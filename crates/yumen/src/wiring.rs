//! The families that are built in: one line each.

use yumen_model::{Detector, Plugin};
use yumen_scan::Registry;

/// The plugins, in the order in which they are asked where two are equally sure.
#[must_use]
pub fn registry() -> Registry {
    let plugins: Vec<Box<dyn Plugin>> = vec![
        Box::new(yumen_plugin_archive::ArchivePlugin),
        Box::new(yumen_plugin_ota::OtaPlugin),
        Box::new(yumen_plugin_filesystem::FilesystemPlugin),
        Box::new(yumen_plugin_firmware::FirmwarePlugin),
        Box::new(yumen_plugin_diagnostics::DiagnosticsPlugin),
        Box::new(yumen_plugin_rosbag::RosbagPlugin),
        Box::new(yumen_plugin_pointcloud::PointcloudPlugin),
        Box::new(yumen_plugin_map::MapPlugin),
        Box::new(yumen_plugin_measurement::MeasurementPlugin),
        Box::new(yumen_plugin_dataset::DatasetPlugin),
        Box::new(yumen_plugin_keystore::KeystorePlugin),
        Box::new(yumen_plugin_table::TablePlugin),
        Box::new(yumen_plugin_text::TextPlugin),
    ];
    Registry::new(plugins)
}

/// The detectors.
#[must_use]
pub fn detectors() -> Vec<Box<dyn Detector>> {
    yumen_detect::detectors()
}
