//! Character encodings for plugins and detectors: detection, streamed decoding, byte positions.
