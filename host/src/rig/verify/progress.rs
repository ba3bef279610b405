//! Finished images, kept until all are: a run that was cut off goes on where it was.

use std::fs::File;
use std::io::{ErrorKind, Write};
use std::path::Path;

use anyhow::{Context, Result};
use secateur_shared::header::crc32;

use crate::data::files::remove;
use crate::rig::link::Run;

/// A file of records, one an image in order: the CRC-32 of its input, the cycles, the logits. A record that was cut off, or is of
/// another image, ends what is taken up.
pub(super) struct Progress<'p> {
    path: Option<&'p Path>,
    outputs: usize,
    records: Vec<u8>,
    taken: usize,
    file: Option<File>,
}

impl<'p> Progress<'p> {
    /// What an earlier run kept, unless that is to be forgotten.
    pub(super) fn open(path: Option<&'p Path>, fresh: bool, outputs: usize) -> Result<Self> {
        let mut progress = Self { path, outputs, records: Vec::new(), taken: 0, file: None };
        let Some(path) = path.filter(|_| !fresh) else { return Ok(progress) };
        match std::fs::read(path) {
            Ok(records) => progress.records = records,
            Err(error) if error.kind() == ErrorKind::NotFound => {}
            Err(error) => return Err(error).with_context(|| format!("cannot read {}", path.display())),
        }
        Ok(progress)
    }

    fn record_bytes(&self) -> usize {
        8 + self.outputs
    }

    /// The run of the next image, if it was kept.
    pub(super) fn take(&mut self, input_hwc: &[i8]) -> Option<Run> {
        let start = self.taken * self.record_bytes();
        let record = self.records.get(start..start + self.record_bytes())?;
        let (input, rest) = record.split_first_chunk()?;
        let (cycles, logits) = rest.split_first_chunk()?;
        if u32::from_le_bytes(*input) != crc32(bytemuck::cast_slice(input_hwc)) {
            return None;
        }
        self.taken += 1;
        Some(Run { logits: bytemuck::cast_slice(logits).to_vec(), cycles: u32::from_le_bytes(*cycles) })
    }

    /// Keeps the run of the next image.
    pub(super) fn keep(&mut self, input_hwc: &[i8], run: &Run) -> Result<()> {
        let Some(path) = self.path else { return Ok(()) };
        // From here on nothing that was kept is right.
        let end = self.taken * self.record_bytes();
        self.records.truncate(end);
        let write = |file: &mut Option<File>| {
            if file.is_none() {
                let mut whole = File::create(path)?;
                whole.write_all(&self.records)?;
                *file = Some(whole);
            }
            let mut record = crc32(bytemuck::cast_slice(input_hwc)).to_le_bytes().to_vec();
            record.extend(run.cycles.to_le_bytes());
            record.extend(bytemuck::cast_slice::<i8, u8>(&run.logits));
            file.as_mut().map_or(Ok(()), |file| file.write_all(&record))
        };
        let mut file = self.file.take();
        write(&mut file)
            .with_context(|| format!("cannot write {}: free some room, or its folder is not yours", path.display()))?;
        self.file = file;
        Ok(())
    }

    /// All images are done: there is nothing to take up.
    pub(super) fn finish(self) -> Result<()> {
        self.path.map_or(Ok(()), remove)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn run(value: i8) -> Run {
        Run { logits: vec![value, -value], cycles: 1000 + value as u32 }
    }

    /// Keeps three images and leaves, as a run that is cut off does.
    fn cut_off(path: &Path) -> Result<()> {
        let mut progress = Progress::open(Some(path), false, 2)?;
        (0..3).try_for_each(|value| progress.keep(&[value; 4], &run(value)))
    }

    fn taken(path: &Path, fresh: bool, inputs: &[[i8; 4]]) -> Result<Vec<Option<Run>>> {
        let mut progress = Progress::open(Some(path), fresh, 2)?;
        Ok(inputs.iter().map(|input| progress.take(input)).collect())
    }

    #[test]
    fn a_run_that_was_cut_off_goes_on() -> Result<()> {
        let folder = tempfile::tempdir()?;
        let path = &folder.path().join("part");
        cut_off(path)?;
        let inputs = [[0; 4], [1; 4], [2; 4], [3; 4]];
        assert_eq!(taken(path, false, &inputs)?, [Some(run(0)), Some(run(1)), Some(run(2)), None]);
        assert_eq!(taken(path, true, &inputs)?, [None, None, None, None]);
        let mut progress = Progress::open(Some(path), false, 2)?;
        assert_eq!(progress.take(&[0; 4]), Some(run(0)));
        progress.keep(&[7; 4], &run(7))?;
        progress.keep(&[8; 4], &run(8))?;
        drop(progress);
        assert_eq!(
            taken(path, false, &[[0; 4], [7; 4], [8; 4], [2; 4]])?,
            [Some(run(0)), Some(run(7)), Some(run(8)), None]
        );
        Progress::open(Some(path), false, 2)?.finish()?;
        assert!(!path.exists());
        Ok(())
    }

    #[test]
    fn a_record_cut_off_or_of_another_image_is_run_again() -> Result<()> {
        let folder = tempfile::tempdir()?;
        let path = &folder.path().join("part");
        cut_off(path)?;
        assert_eq!(taken(path, false, &[[0; 4], [9; 4]])?, [Some(run(0)), None]);
        let bytes = std::fs::read(path)?;
        for length in 0..bytes.len() {
            std::fs::write(path, &bytes[..length])?;
            let found = taken(path, false, &[[0; 4], [1; 4], [2; 4]])?;
            assert_eq!(found.iter().flatten().count(), length / 10, "{length}");
        }
        Ok(())
    }
}
