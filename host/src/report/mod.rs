//! Figures for people and for machines.

/// A number of bytes with its thousands set apart: `61,440 B`.
pub fn bytes(count: u32) -> String {
    format!("{} B", thousands(count.into()))
}

/// A number with its thousands set apart.
pub fn thousands(count: u64) -> String {
    let digits = count.to_string();
    let groups: Vec<&str> = digits.as_bytes().rchunks(3).rev().filter_map(|group| str::from_utf8(group).ok()).collect();
    groups.join(",")
}
