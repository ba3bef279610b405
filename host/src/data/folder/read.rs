//! Image files to pixels, on all cores.

use std::io::{BufRead, BufReader, Cursor, Seek};
use std::path::Path;

use anyhow::{Context, Result, ensure};
use image::{DynamicImage, ImageDecoder, ImageReader};
use rayon::prelude::*;

use super::classes::File;
use crate::data::{Images, Shape};

/// What all images together may have: beyond it, someone forgot to resize photographs.
const MOST_BYTES: usize = 8 << 30;

/// What a JPEG file starts with.
const JPEG: [u8; 2] = [0xff, 0xd8];

/// The size that all images have: one channel where every file is gray, otherwise three. Reads headers only.
///
/// # Errors
/// A file that is no image, or of another size than the first.
pub(super) fn shape<'a>(files: impl Iterator<Item = &'a File>) -> Result<Shape> {
    let files: Vec<&File> = files.collect();
    let headers: Vec<Result<Shape>> = files.par_iter().map(|file| header(&file.path)).collect();
    let mut shape: Option<Shape> = None;
    for (file, header) in files.iter().zip(headers) {
        let header = header?;
        let so_far = shape.get_or_insert(header);
        ensure!(
            (so_far.height, so_far.width) == (header.height, header.width),
            "{} is {}x{} (height x width), {} is {}x{}: resize all images to one size",
            files[0].path.display(),
            so_far.height,
            so_far.width,
            file.path.display(),
            header.height,
            header.width
        );
        so_far.channels = so_far.channels.max(header.channels);
    }
    let shape = shape.context("there is no image: add some")?;
    ensure!(
        shape.values().saturating_mul(files.len()) <= MOST_BYTES,
        "{} images of {shape} are more than {} GiB: resize them to what a microcontroller's camera gives, such as 32x32",
        files.len(),
        MOST_BYTES >> 30
    );
    Ok(shape)
}

fn header(path: &Path) -> Result<Shape> {
    let file =
        std::fs::File::open(path).with_context(|| format!("cannot read {}: check its rights", path.display()))?;
    let decoder = decoder(BufReader::new(file)).with_context(|| advice(path))?;
    let (width, height) = decoder.dimensions();
    let channels = if decoder.color_type().has_color() { 3 } else { 1 };
    Ok(Shape { height: height as usize, width: width as usize, channels })
}

/// The file's content decides what it is, not its name.
fn decoder<'a>(file: impl BufRead + Seek + 'a) -> Result<impl ImageDecoder + 'a> {
    Ok(ImageReader::new(file).with_guessed_format()?.into_decoder()?)
}

fn advice(path: &Path) -> String {
    format!("{} is not a whole PNG or JPEG image: replace it or remove it", path.display())
}

/// The images of one part, in the order of its files. Transparency is left out.
///
/// # Errors
/// The first file that is cut or damaged.
pub(super) fn images(files: &[File], shape: Shape) -> Result<Images> {
    let mut pixels = vec![0; files.len() * shape.values()];
    let read: Vec<Result<()>> = pixels
        .par_chunks_mut(shape.values())
        .zip(files)
        .map(|(image, file)| decode(&file.path, shape, image))
        .collect();
    read.into_iter().collect::<Result<()>>()?;
    Ok(Images { shape, pixels, labels: files.iter().map(|file| file.class as u8).collect() })
}

/// Writes a file's pixels, HWC, to `image`.
fn decode(path: &Path, shape: Shape, image: &mut [u8]) -> Result<()> {
    let bytes = std::fs::read(path).with_context(|| format!("cannot read {}: check its rights", path.display()))?;
    let decoded = decoder(Cursor::new(&bytes)).and_then(|decoder| Ok(DynamicImage::from_decoder(decoder)?));
    let decoded = decoded.with_context(|| advice(path))?;
    ensure!(!bytes.starts_with(&JPEG) || has_end(&bytes), "{}: it ends early", advice(path));
    let pixels = if shape.channels == 1 { decoded.into_luma8().into_raw() } else { decoded.into_rgb8().into_raw() };
    ensure!(pixels.len() == image.len(), "{} changed while it was read: start again", path.display());
    image.copy_from_slice(&pixels);
    Ok(())
}

/// Whether a JPEG file's picture runs to its end marker (ITU T.81, B.1.1): the decoder would fill the rest with gray.
fn has_end(jpeg: &[u8]) -> bool {
    let mut at = JPEG.len();
    loop {
        match jpeg.get(at..) {
            Some([0xff, 0xff, ..]) => at += 1,
            // A preview before the picture has an end of its own.
            Some(picture @ [0xff, 0xda, ..]) => return picture.windows(2).any(|pair| pair == [0xff, 0xd9]),
            Some([0xff, _, high, low, ..]) => at += 2 + usize::from(u16::from_be_bytes([*high, *low])),
            _ => return true,
        }
    }
}
