#![no_main]
use libfuzzer_sys::fuzz_target;

// The first byte chooses the encoding, the next two tell how long the schema is; the rest is the payload.
fuzz_target!(|data: &[u8]| {
    let [kind, a, b, rest @ ..] = data else { return };
    let (schema, payload) = rest.split_at((usize::from(*a) << 8 | usize::from(*b)).min(rest.len()));
    let (message_encoding, schema_encoding) = [
        ("ros1", "ros1msg"),
        ("cdr", "ros2msg"),
        ("cdr", "ros2idl"),
        ("protobuf", "protobuf"),
        ("protobuf", "apollo"),
        ("json", "jsonschema"),
        ("flatbuffer", "flatbuffer"),
    ][usize::from(*kind) % 7];
    yumen_fuzz::message("a/B", message_encoding, schema_encoding, schema, payload);
});
