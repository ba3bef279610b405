//! Folders that load, and what is said of those that do not.

use std::path::Path;

use image::{DynamicImage, GrayImage, ImageFormat, Luma, Rgb, RgbImage};
use tempfile::TempDir;

use super::*;
use crate::data::{Images, Shape, load as load_any};

/// Width and height.
const SIZE: (u32, u32) = (5, 4);

/// A data set whose images are of one brightness each, which tells image and class.
struct Drawn(TempDir);

impl Drawn {
    fn new() -> Drawn {
        Drawn(tempfile::tempdir().expect("a folder"))
    }

    /// Adds `count` images to a class, the n-th with brightness `least + n`.
    fn class(self, name: &str, count: u8, least: u8) -> Drawn {
        for at in 0..count {
            self.image(&format!("{name}/{at:03}.png"), &gray(SIZE, least + at));
        }
        self
    }

    fn image(&self, name: &str, image: &DynamicImage) {
        let path = self.0.path().join(name);
        std::fs::create_dir_all(path.parent().expect("a class")).expect("makes folders");
        image.save(path).expect("writes");
    }

    fn bytes(&self, name: &str, bytes: &[u8]) {
        std::fs::write(self.0.path().join(name), bytes).expect("writes");
    }

    fn path(&self) -> &Path {
        self.0.path()
    }

    fn loaded(&self) -> DataSet {
        load("drawn", self.path()).expect("loads")
    }

    /// The error, which must hold all of `says`.
    fn refused(&self, says: &[&str]) {
        let error = load("drawn", self.path()).map(|set| set.name).expect_err("refused");
        let message = format!("{error:#}");
        for part in says {
            assert!(message.contains(part), "`{part}` is not in `{message}`");
        }
    }
}

fn gray((width, height): (u32, u32), brightness: u8) -> DynamicImage {
    GrayImage::from_pixel(width, height, Luma([brightness])).into()
}

fn encoded(image: &DynamicImage, format: ImageFormat) -> Vec<u8> {
    let mut bytes = std::io::Cursor::new(Vec::new());
    image.write_to(&mut bytes, format).expect("encodes");
    bytes.into_inner()
}

/// Two classes of 20 images: ants 0 to 19, bees 100 to 119.
fn two() -> Drawn {
    Drawn::new().class("bees", 20, 100).class("ants", 20, 0)
}

/// The brightness of each image.
fn brightness(images: &Images) -> Vec<u8> {
    (0..images.len()).map(|image| images.image(image)[0]).collect()
}

#[test]
fn a_folder_of_classes_is_split_class_by_class() {
    let set = two().loaded();
    assert_eq!((set.classes, set.shape()), (2, Shape { height: 4, width: 5, channels: 1 }));
    let mut all = Vec::new();
    for (part, of_each) in [(&set.train, 16), (&set.validation, 2), (&set.test, 2)] {
        for (label, brightness) in part.labels.iter().zip(brightness(part)) {
            assert_eq!(*label, u8::from(brightness >= 100), "classes are counted in the order of their names");
        }
        let bees = part.labels.iter().filter(|label| **label == 1).count();
        assert_eq!((bees, part.len()), (of_each, 2 * of_each));
        all.extend(brightness(part));
    }
    all.sort_unstable();
    assert_eq!(all, (0..20).chain(100..120).collect::<Vec<u8>>(), "each image is in one part");
}

#[test]
fn the_first_images_of_a_part_are_of_all_classes() {
    let first = two().loaded().train.head(8).labels;
    assert!(first.contains(&0) && first.contains(&1), "{first:?}");
}

#[test]
fn any_number_of_threads_loads_the_same() {
    let drawn = two();
    let on = |threads| {
        let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().expect("threads");
        pool.install(|| drawn.loaded())
    };
    let (one, four) = (on(1), on(4));
    assert_eq!((one.train, one.validation, one.test), (four.train, four.validation, four.test));
}

#[test]
fn parts_that_are_there_are_taken_as_they_are() {
    let drawn = Drawn::new();
    let drawn = drawn.class("train/ants", 10, 0).class("train/bees", 10, 10);
    let drawn = drawn.class("test/ants", 1, 100).class("test/bees", 2, 110);
    let set = drawn.loaded();
    assert_eq!((set.train.len(), set.validation.len(), set.test.len()), (18, 2, 3));
    assert!(brightness(&set.test).iter().all(|brightness| *brightness >= 100));
    assert!(brightness(&set.validation).iter().all(|brightness| *brightness < 20));
    let drawn = drawn.class("val/ants", 1, 200).class("val/bees", 1, 210);
    let set = drawn.loaded();
    assert_eq!((set.train.len(), set.validation.len(), set.test.len()), (20, 2, 3));
    assert!(brightness(&set.validation).iter().all(|brightness| *brightness >= 200));
}

#[test]
fn one_colored_file_makes_three_channels() {
    let drawn = two();
    drawn.image("ants/rgb.png", &RgbImage::from_pixel(5, 4, Rgb([250, 0, 9])).into());
    let set = drawn.loaded();
    assert_eq!(set.shape().channels, 3);
    let parts = [set.train, set.validation, set.test];
    let images = parts.iter().flat_map(|part| (0..part.len()).map(|at| part.image(at)[..3].to_vec()));
    let (gray, colored): (Vec<_>, Vec<_>) = images.partition(|pixel| pixel[0] == pixel[2]);
    assert_eq!((gray.len(), colored), (40, vec![vec![250, 0, 9]]));
}

#[test]
fn jpeg_files_load_and_hidden_files_do_not() {
    let drawn = two();
    drawn.bytes("ants/photo.JPG", &encoded(&gray(SIZE, 60), ImageFormat::Jpeg));
    drawn.bytes("ants/.hidden", b"no image");
    drawn.bytes("labels.txt", b"ants, bees");
    let set = drawn.loaded();
    assert_eq!((set.train.len() + set.validation.len() + set.test.len(), set.shape().channels), (41, 1));
}

#[test]
fn a_name_on_the_command_line_may_be_such_a_folder() {
    let drawn = two();
    let set = load_any(drawn.path().to_str().expect("a path")).expect("loads");
    assert_eq!((set.classes, set.train.len()), (2, 32));
}

#[test]
fn another_size_names_both_files() {
    let drawn = two();
    drawn.image("bees/large.png", &gray((6, 4), 0));
    drawn.refused(&["bees/large.png is 4x6", "is 4x5", "resize all images to one size"]);
}

#[test]
fn an_empty_class_is_named() {
    let drawn = two();
    std::fs::create_dir(drawn.path().join("cats")).expect("makes a folder");
    drawn.refused(&["cats is empty", "remove the folder"]);
}

/// The message of a data set with these bytes among its files, `None` where it loads.
fn with_file(name: &str, bytes: &[u8]) -> Option<String> {
    let drawn = Drawn::new().class("ants", 3, 0).class("bees", 3, 0);
    drawn.bytes(name, bytes);
    load("drawn", drawn.path()).err().map(|error| format!("{error:#}"))
}

#[test]
fn a_file_that_is_cut_is_named() {
    let noise = GrayImage::from_fn(SIZE.0, SIZE.1, |x, y| Luma([(x * 37 + y * y * 11) as u8])).into();
    for (name, format, end) in [("bees/cut.png", ImageFormat::Png, 13), ("bees/cut.jpg", ImageFormat::Jpeg, 1)] {
        let whole = encoded(&noise, format);
        assert_eq!(with_file(name, &whole), None);
        for length in (0..=whole.len() - end).rev().step_by(7) {
            let message = with_file(name, &whole[..length]).unwrap_or_else(|| panic!("{name} loads cut to {length}"));
            assert!(message.contains(name) && message.contains("is not a whole PNG or JPEG image"), "{message}");
        }
    }
}

#[test]
fn what_is_no_image_is_named() {
    let drawn = two();
    drawn.bytes("ants/notes.txt", b"ants are small");
    drawn.refused(&["ants/notes.txt is neither a PNG nor a JPEG file", "move it out"]);
}

#[test]
fn one_class_or_257_are_refused() {
    Drawn::new().class("ants", 5, 0).refused(&["has 1 sub-folders", "2 to 256 classes"]);
    let many = (0..257).fold(Drawn::new(), |drawn, class| drawn.class(&class.to_string(), 1, 0));
    many.refused(&["has 257 sub-folders", "2 to 256 classes"]);
}

#[test]
fn parts_with_other_classes_are_refused() {
    let train = || Drawn::new().class("train/ants", 4, 0).class("train/bees", 4, 10);
    train().class("test/ants", 1, 0).refused(&["train/bees is a class", "/test has no such folder"]);
    let more = train().class("test/ants", 1, 0).class("test/bees", 1, 0).class("test/cats", 1, 0);
    more.refused(&["test/cats is a class", "/train has no such folder", "name the classes alike"]);
}

#[test]
fn parts_that_cannot_be_told_from_classes_are_refused() {
    let beside = Drawn::new().class("train/ants", 4, 0).class("train/bees", 4, 10).class("cats", 4, 0);
    beside.refused(&["cats is beside", "only train, validation and test"]);
    let no_train = Drawn::new().class("test/ants", 4, 0).class("test/bees", 4, 10);
    no_train.refused(&["no training part", "call the folder of the training images `train`"]);
}

#[test]
fn a_class_too_small_to_split_is_named() {
    two().class("cats", 2, 0).refused(&["cats has too few images", "give it 3 or more"]);
}
