//! Weights copied to RAM: the same parameters, read there.

use crate::blob::{Aligned, blobs};
use proptest::prelude::*;
use secateur_shared::model::Parameters;
use secateur_shared::{Layer, Model};

fn is_in(memory: &std::ops::Range<*const u8>, parameters: &Parameters) -> bool {
    memory.contains(&parameters.bias.as_ptr().cast())
}

proptest! {
    #[test]
    fn a_layer_reads_its_parameters_where_they_were_copied(blob in blobs(), limit in 0..600_u32) {
        let blob = Aligned::new(&blob);
        let Ok(model) = Model::parse(blob.bytes()) else { return Ok(()) };
        let hot_bytes = model.hot_bytes(limit);
        prop_assert!(hot_bytes <= limit);
        let mut memory = vec![0_u128; hot_bytes.div_ceil(16) as usize];
        let memory: &mut [u8] = &mut bytemuck::cast_slice_mut(&mut memory)[..hot_bytes as usize];
        let range = memory.as_ptr_range();
        let warmed = model.with_hot_weights(memory);
        for step in model.steps().map_while(Result::ok) {
            let (Some(cold), Some(hot)) = (model.parameters(&step), warmed.parameters(&step)) else { continue };
            prop_assert_eq!(is_in(&range, &hot), step.parameters_end <= hot_bytes);
            prop_assert_eq!(format!("{cold:?}"), format!("{hot:?}"));
            let is_read_once = matches!(step.layer(), Layer::Linear(_));
            prop_assert!(!is_read_once || step.parameters_end != hot_bytes, "copied for nothing");
        }
    }

    #[test]
    fn what_is_planned_is_what_is_copied(table in crate::tables::tables(), limit in 0..600_u32, seed: u32) {
        let mut noise = crate::blob::noise(seed);
        let payload = crate::blob::payload(&table, &mut |field| crate::blob::valid(field, noise()));
        let blob = Aligned::new(&crate::blob::blob(&table, &payload));
        let Ok(model) = Model::parse(blob.bytes()) else { return Ok(()) };
        prop_assert_eq!(model.hot_bytes(limit), secateur_shared::memory::hot_bytes(table.steps(), limit));
    }
}
