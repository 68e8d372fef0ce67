//! What a stored photograph must be: a JPEG of a limited size without any metadata. The position of a home is in the EXIF
//! data of every photograph of a phone (개인정보보호법 제25조의2, 위치정보법 제15조).
//!
//! The page of the phone re-encodes a photograph before it hashes it; [`check`] refuses what is left of a segment that is
//! not needed to show the image. A browser without a script sends the file of its camera, which [`reencode`] turns.

use jpeg_encoder::{ColorType, Encoder};
use zune_jpeg::JpegDecoder;
use zune_jpeg::zune_core::bytestream::ZCursor;
use zune_jpeg::zune_core::colorspace::ColorSpace;
use zune_jpeg::zune_core::options::DecoderOptions;

/// Longest edge of a stored photograph in pixels.
pub const MAX_EDGE: u32 = 1280;

/// Size limit of a stored photograph: four times of what the page of the phone sends at most.
pub const MAX_PHOTO_BYTES: usize = 640 * 1024;

/// Size limit of a file of a camera.
pub const MAX_CAMERA_BYTES: usize = 24 * 1024 * 1024;

/// Longest edge of a file of a camera in pixels; with it the decoder needs 192 MB at most.
const MAX_CAMERA_EDGE: usize = 8_000;

/// Quality of a re-encoded photograph, as of the page of the phone.
const QUALITY: u8 = 60;

/// Why a file is not stored as a photograph.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PhotoError {
    /// more bytes or pixels than allowed
    TooLarge,
    /// it cannot be decoded as a JPEG
    NotAPhoto,
    /// it has metadata
    HasMetadata,
}

impl PhotoError {
    /// Korean sentence.
    pub const fn sentence(self) -> &'static str {
        match self {
            Self::TooLarge => "사진이 너무 커요. 다시 찍어 주세요.",
            Self::NotAPhoto => "사진(JPEG)이 아니에요. 카메라로 다시 찍어 주세요.",
            Self::HasMetadata => "사진에 위치 같은 정보가 남아 있어 받지 않았어요. 다시 찍어 주세요.",
        }
    }
}

/// A photograph that may be stored.
#[derive(Clone, PartialEq, Eq)]
pub struct Photo {
    /// JPEG without metadata
    pub bytes: Vec<u8>,
    /// pixels
    pub width: u32,
    /// pixels
    pub height: u32,
}

impl std::fmt::Debug for Photo {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(out, "Photo({} bytes, {}×{})", self.bytes.len(), self.width, self.height)
    }
}

/// Checks a file that a phone has re-encoded: size, no segment but those of the image, and that it can be decoded.
///
/// # Errors
/// [`PhotoError`].
pub fn check(bytes: Vec<u8>) -> Result<Photo, PhotoError> {
    if bytes.len() > MAX_PHOTO_BYTES {
        return Err(PhotoError::TooLarge);
    }
    if !has_image_segments_only(&bytes).ok_or(PhotoError::NotAPhoto)? {
        return Err(PhotoError::HasMetadata);
    }
    let image = decode(&bytes, MAX_EDGE as usize)?;
    Ok(Photo { bytes, width: image.width, height: image.height })
}

/// Decodes a file of a camera, turns it upright, shrinks it to [`MAX_EDGE`] and encodes it without metadata.
///
/// # Errors
/// [`PhotoError`].
pub fn reencode(bytes: &[u8]) -> Result<Photo, PhotoError> {
    if bytes.len() > MAX_CAMERA_BYTES {
        return Err(PhotoError::TooLarge);
    }
    let image = decode(bytes, MAX_CAMERA_EDGE)?;
    let image = image.shrunk(MAX_EDGE).turned();
    let mut out = Vec::new();
    let edge = |pixels: u32| u16::try_from(pixels).map_err(|_| PhotoError::TooLarge);
    Encoder::new(&mut out, QUALITY)
        .encode(&image.pixels, edge(image.width)?, edge(image.height)?, ColorType::Rgb)
        .map_err(|_| PhotoError::NotAPhoto)?;
    check(out)
}

/// A decoded image.
struct Image {
    /// three bytes each
    pixels: Vec<u8>,
    width: u32,
    height: u32,
    /// EXIF orientation: 1 to 8
    orientation: u8,
}

fn decode(bytes: &[u8], max_edge: usize) -> Result<Image, PhotoError> {
    let options = DecoderOptions::default()
        .set_strict_mode(true)
        .set_max_width(max_edge)
        .set_max_height(max_edge)
        .jpeg_set_out_colorspace(ColorSpace::RGB);
    let mut decoder = JpegDecoder::new_with_options(ZCursor::new(bytes), options);
    // The sizes are in a header, which is read on its own to tell a large image from a broken one.
    if let Some((width, height)) = frame_size(bytes)
        && width.max(height) as usize > max_edge
    {
        return Err(PhotoError::TooLarge);
    }
    let pixels = decoder.decode().map_err(|_| PhotoError::NotAPhoto)?;
    let (width, height) = decoder.dimensions().ok_or(PhotoError::NotAPhoto)?;
    let edge = |pixels: usize| u32::try_from(pixels).map_err(|_| PhotoError::TooLarge);
    let orientation = decoder.exif().and_then(|exif| orientation(exif)).unwrap_or(1);
    let image = Image { pixels, width: edge(width)?, height: edge(height)?, orientation };
    let expected = image.width as usize * image.height as usize * 3;
    if expected == 0 || image.pixels.len() != expected { Err(PhotoError::NotAPhoto) } else { Ok(image) }
}

impl Image {
    /// The image with its longest edge of `max_edge` pixels at most. Each new pixel is the mean of those that it covers.
    fn shrunk(self, max_edge: u32) -> Self {
        let longest = self.width.max(self.height);
        if longest <= max_edge {
            return self;
        }
        let scaled = |edge: u32| {
            let scaled = u64::from(edge) * u64::from(max_edge) / u64::from(longest);
            u32::try_from(scaled).unwrap_or(max_edge).max(1)
        };
        let (width, height) = (scaled(self.width), scaled(self.height));
        let bounds = |at: u32, to: u32, from: u32| {
            let start = u64::from(at) * u64::from(from) / u64::from(to);
            let end = (u64::from(at + 1) * u64::from(from) / u64::from(to)).max(start + 1);
            (usize::try_from(start).unwrap_or_default(), usize::try_from(end).unwrap_or_default())
        };
        let mut pixels = Vec::with_capacity(width as usize * height as usize * 3);
        let columns: Vec<(usize, usize)> = (0..width).map(|x| bounds(x, width, self.width)).collect();
        for y in 0..height {
            let (top, bottom) = bounds(y, height, self.height);
            for (left, right) in &columns {
                let mut sum = [0_u32; 3];
                for row in top..bottom {
                    let row = row * self.width as usize;
                    for pixel in self.pixels[(row + left) * 3..(row + right) * 3].chunks_exact(3) {
                        for (sum, value) in sum.iter_mut().zip(pixel) {
                            *sum += u32::from(*value);
                        }
                    }
                }
                let count = u32::try_from((bottom - top) * (right - left)).unwrap_or(1);
                pixels.extend(sum.map(|sum| u8::try_from((sum + count / 2) / count).unwrap_or(u8::MAX)));
            }
        }
        Self { pixels, width, height, orientation: self.orientation }
    }

    /// The image as it is to be looked at.
    fn turned(self) -> Self {
        let (width, height) = (self.width as usize, self.height as usize);
        let is_sideways = (5..=8).contains(&self.orientation);
        let (to_width, to_height) = if is_sideways { (height, width) } else { (width, height) };
        if !(2..=8).contains(&self.orientation) {
            return self;
        }
        let mut pixels = Vec::with_capacity(self.pixels.len());
        for y in 0..to_height {
            for x in 0..to_width {
                let (column, row) = match self.orientation {
                    2 => (width - 1 - x, y),
                    3 => (width - 1 - x, height - 1 - y),
                    4 => (x, height - 1 - y),
                    5 => (y, x),
                    6 => (y, height - 1 - x),
                    7 => (width - 1 - y, height - 1 - x),
                    _ => (width - 1 - y, x),
                };
                let at = (row * width + column) * 3;
                pixels.extend_from_slice(&self.pixels[at..at + 3]);
            }
        }
        let (width, height) = if is_sideways { (self.height, self.width) } else { (self.width, self.height) };
        Self { pixels, width, height, orientation: 1 }
    }
}

/// The orientation in EXIF data, which begin with the TIFF header.
fn orientation(exif: &[u8]) -> Option<u8> {
    const TAG: u16 = 0x0112;
    let is_little = match exif.get(..2)? {
        b"II" => true,
        b"MM" => false,
        _ => return None,
    };
    let short = |at: usize| -> Option<u16> {
        let bytes = exif.get(at..at.checked_add(2)?)?.try_into().ok()?;
        Some(if is_little { u16::from_le_bytes(bytes) } else { u16::from_be_bytes(bytes) })
    };
    let long = |at: usize| -> Option<usize> {
        let bytes = exif.get(at..at.checked_add(4)?)?.try_into().ok()?;
        usize::try_from(if is_little { u32::from_le_bytes(bytes) } else { u32::from_be_bytes(bytes) }).ok()
    };
    let start = long(4)?;
    (0..usize::from(short(start)?))
        .map(|entry| start + 2 + entry * 12)
        .find(|entry| short(*entry) == Some(TAG))
        .and_then(|entry| u8::try_from(short(entry + 8)?).ok())
}

/// A marker segment of a JPEG file.
struct Segment<'b> {
    marker: u8,
    content: &'b [u8],
}

/// The segments of a file up to its end marker, and what follows that; none if the file has not the form of a JPEG.
fn segments(bytes: &[u8]) -> Option<(Vec<Segment<'_>>, &[u8])> {
    let mut rest = bytes.strip_prefix(&[0xFF, 0xD8])?;
    let mut segments = Vec::new();
    loop {
        let [0xFF, marker, after @ ..] = rest else { return None };
        match marker {
            // A fill byte.
            0xFF => rest = &rest[1..],
            0xD9 => return Some((segments, after)),
            0x00 | 0x01 | 0xD0..=0xD8 => return None,
            _ => {
                let length = usize::from(u16::from_be_bytes(after.get(..2)?.try_into().ok()?));
                let content = after.get(2..length)?;
                segments.push(Segment { marker: *marker, content });
                rest = &after[length..];
                if *marker == 0xDA {
                    rest = &rest[scan_length(rest)?..];
                }
            }
        }
    }
}

/// Bytes of the compressed data of a scan, which end with a marker that is neither a stuffed byte nor a restart.
fn scan_length(bytes: &[u8]) -> Option<usize> {
    let is_marker = |pair: &[u8]| pair[0] == 0xFF && !matches!(pair[1], 0x00 | 0xD0..=0xD7);
    bytes.windows(2).position(is_marker)
}

/// Whether a file has only what is needed to show its image: tables, frames, scans, the JFIF header without a thumbnail,
/// and Adobe's note on colours. None if it has not the form of a JPEG.
fn has_image_segments_only(bytes: &[u8]) -> Option<bool> {
    let (segments, trailing) = segments(bytes)?;
    let is_needed = |segment: &Segment<'_>| match segment.marker {
        0xC0..=0xC4 | 0xDA | 0xDB | 0xDD => true,
        0xE0 => segment.content.starts_with(b"JFIF\0") && segment.content.len() == 14,
        0xEE => segment.content.starts_with(b"Adobe") && segment.content.len() == 12,
        _ => false,
    };
    Some(trailing.is_empty() && segments.iter().all(is_needed))
}

/// Width and height in the header of the frame.
fn frame_size(bytes: &[u8]) -> Option<(u32, u32)> {
    let (segments, _) = segments(bytes)?;
    let frame = segments.iter().find(|segment| matches!(segment.marker, 0xC0..=0xC3))?;
    let edge = |at: usize| Some(u32::from(u16::from_be_bytes(frame.content.get(at..at + 2)?.try_into().ok()?)));
    Some((edge(3)?, edge(1)?))
}

/// Photographs for tests.
#[cfg(test)]
pub(crate) mod testing {
    use super::*;
    use crate::random::seeded::Random;

    /// A picture of a size as a camera writes it: EXIF data with this orientation, a maker and a position.
    pub(crate) fn camera_file((width, height): (u16, u16), orientation: u8, seed: u64) -> Vec<u8> {
        let mut random = Random::new(seed);
        let base: Vec<u8> = (0..3).map(|_| u8::try_from(random.below(200)).expect("a byte")).collect();
        let pixels = (0..u32::from(width) * u32::from(height)).flat_map(|at| {
            // The left half is brighter.
            let light = if at % u32::from(width) < u32::from(width) / 2 { 50 } else { 0 };
            [base[0] + light, base[1] + light, base[2] + light]
        });
        let pixels: Vec<u8> = pixels.collect();
        let mut out = Vec::new();
        let mut encoder = Encoder::new(&mut out, 80);
        encoder.add_exif_metadata(&exif(orientation)).expect("fits");
        encoder
            .add_app_segment(1, b"http://ns.adobe.com/xap/1.0/\0<x:xmpmeta>37.5 127.0</x:xmpmeta>".to_vec())
            .expect("fits");
        encoder.encode(&pixels, width, height, ColorType::Rgb).expect("encodes");
        out
    }

    /// EXIF data: orientation, maker, and a directory with a position.
    fn exif(orientation: u8) -> Vec<u8> {
        let mut exif = b"II\x2A\0\x08\0\0\0\x03\0".to_vec();
        let mut entry = |tag: u16, kind: u16, count: u32, value: u32| {
            exif.extend(tag.to_le_bytes());
            exif.extend(kind.to_le_bytes());
            exif.extend(count.to_le_bytes());
            exif.extend(value.to_le_bytes());
        };
        entry(0x0112, 3, 1, u32::from(orientation));
        entry(0x010F, 2, 4, u32::from_le_bytes(*b"SAM\0"));
        entry(0x8825, 4, 1, 50);
        exif.extend([0; 4]);
        // GPSLatitudeRef N
        exif.extend([1, 0, 1, 0, 2, 0, 2, 0, 0, 0, b'N', 0, 0, 0, 0, 0, 0, 0]);
        exif
    }
}

#[cfg(test)]
mod tests {
    use super::testing::camera_file;
    use super::*;
    use crate::random::seeded::Random;

    /// The mean brightness of a part of a decoded photograph.
    fn brightness(photo: &Photo, is_in: impl Fn(u32, u32) -> bool) -> u32 {
        let image = decode(&photo.bytes, MAX_EDGE as usize).expect("decodes");
        let mut values = Vec::new();
        for y in 0..image.height {
            for x in (0..image.width).filter(|x| is_in(*x, y)) {
                values.push(u32::from(image.pixels[(y * image.width + x) as usize * 3]));
            }
        }
        values.iter().sum::<u32>() / u32::try_from(values.len()).expect("some")
    }

    #[test]
    fn thousand_camera_files_leave_no_metadata() {
        let mut random = Random::new(25);
        for seed in 0..1_000 {
            let mut edge = || u16::try_from(random.below(60)).expect("small") + 8;
            let file = camera_file((edge(), edge()), u8::try_from(seed % 9).expect("small"), seed);
            assert_eq!(check(file.clone()), Err(PhotoError::HasMetadata));
            let photo = reencode(&file).expect("a photograph");
            assert_eq!(has_image_segments_only(&photo.bytes), Some(true));
            for word in ["Exif", "SAM", "xmpmeta", "ICC"] {
                let found = memchr::memmem::find(&photo.bytes, word.as_bytes());
                assert_eq!(found, None, "{word} in {seed}");
            }
        }
    }

    #[test]
    fn photograph_is_upright_and_small() {
        let photo = reencode(&camera_file((2_000, 1_500), 1, 7)).expect("a photograph");
        assert_eq!((photo.width, photo.height), (1_280, 960));
        assert!(photo.bytes.len() <= MAX_PHOTO_BYTES);
        assert!(brightness(&photo, |x, _| x < 600) > brightness(&photo, |x, _| x > 680));
        // Turned clockwise by a quarter: what was left is now above.
        let photo = reencode(&camera_file((64, 32), 6, 7)).expect("a photograph");
        assert_eq!((photo.width, photo.height), (32, 64));
        assert!(brightness(&photo, |_, y| y < 24) > brightness(&photo, |_, y| y > 40));
        for (orientation, is_left) in [(2, false), (3, false), (4, true)] {
            let photo = reencode(&camera_file((64, 32), orientation, 7)).expect("a photograph");
            let is_bright_left = brightness(&photo, |x, _| x < 24) > brightness(&photo, |x, _| x > 40);
            assert_eq!(is_bright_left, is_left, "orientation {orientation}");
        }
        for (orientation, is_above) in [(5, true), (7, false), (8, false)] {
            let photo = reencode(&camera_file((64, 32), orientation, 7)).expect("a photograph");
            let is_bright_above = brightness(&photo, |_, y| y < 24) > brightness(&photo, |_, y| y > 40);
            assert_eq!(is_bright_above, is_above, "orientation {orientation}");
        }
    }

    #[test]
    fn what_is_no_small_photograph_is_refused() {
        assert_eq!(check(b"<svg onload=alert(1)>".to_vec()), Err(PhotoError::NotAPhoto));
        assert_eq!(check(vec![0xFF; MAX_PHOTO_BYTES + 1]), Err(PhotoError::TooLarge));
        let photo = reencode(&camera_file((40, 30), 1, 1)).expect("a photograph");
        assert_eq!(check(photo.bytes.clone()).map(|checked| (checked.width, checked.height)), Ok((40, 30)));
        let trailing = [photo.bytes.as_slice(), b"more"].concat();
        assert_eq!(check(trailing), Err(PhotoError::HasMetadata));
        for length in 0..photo.bytes.len() {
            assert_eq!(check(photo.bytes[..length].to_vec()), Err(PhotoError::NotAPhoto), "cut at {length}");
        }
        let mut wide = Vec::new();
        let row = vec![0; 1_281 * 3];
        Encoder::new(&mut wide, QUALITY).encode(&row, 1_281, 1, ColorType::Rgb).expect("encodes");
        assert_eq!(check(wide), Err(PhotoError::TooLarge));
    }

    /// What the page of the phone makes in Chromium of a file of 1,600 × 1,200 px with the orientation 6.
    #[test]
    fn photograph_of_a_browser_is_accepted() {
        let bytes = include_bytes!("../../tests/photos/browser.jpg").to_vec();
        let photo = check(bytes).expect("a photograph");
        assert_eq!((photo.width, photo.height), (960, 1_280));
    }

    #[test]
    fn any_bytes_are_answered() {
        let mut random = Random::new(3);
        let photo = camera_file((32, 24), 6, 2);
        for _ in 0..500 {
            let mut bytes = photo.clone();
            for _ in 0..=random.below(6) {
                let at = random.below(u32::try_from(bytes.len()).expect("small")) as usize;
                bytes[at] = u8::try_from(random.below(256)).expect("a byte");
            }
            // Whatever the answer is, what is stored has no metadata.
            if let Ok(photo) = reencode(&bytes) {
                assert_eq!(has_image_segments_only(&photo.bytes), Some(true));
            }
        }
    }
}
