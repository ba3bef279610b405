mod hostile;
mod lowered;
mod refused;

/// A network of tests/tflite.
macro_rules! network {
    ($name:literal) => {
        include_bytes!(concat!(env!("CARGO_MANIFEST_DIR"), "/../tests/tflite/", $name, ".tflite"))
    };
}
use network;

/// Networks that between them have every operator.
const NETWORKS: [&[u8]; 8] = [
    network!("residual"),
    network!("pads"),
    network!("means"),
    network!("clamps"),
    network!("shapes"),
    network!("max_pools"),
    network!("depthwise_convolutions"),
    network!("unsigned_ends"),
];
