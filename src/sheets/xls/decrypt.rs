//! Decryption of .xls: RC4 with keys of MD5 or SHA-1 ([MS-OFFCRYPTO] 2.3.5 and 2.3.6, [MS-XLS] 2.2.10).

use md5::Md5;
use sha1::Sha1;
use sha2::Digest;

use super::{Records, record, u16_at, u32_at};
use crate::sheets::error::SheetError;

/// Bytes that are encrypted with one key.
const BLOCK_BYTES: usize = 1024;
/// Excel's maximum.
const MAX_PASSWORD_CHARS: usize = 255;
/// Records whose content is not encrypted: the beginning, the encryption itself, and those of shared editing.
const PLAIN_RECORDS: [u16; 7] = [record::BOF, record::FILE_PASS, 0x0194, 0x0195, 0x00E1, 0x0196, 0x0138];

/// The key of a file: a hash of the password from which the keys of the blocks are made.
enum FileKey {
    /// five bytes of MD5
    Md5([u8; 5]),
    /// SHA-1, and the bytes of a key
    Sha1([u8; 20], usize),
}

/// Decrypts a stream in place. `file_pass` is the content of its FILEPASS record.
///
/// # Errors
/// The password is wrong, or the encryption is not supported.
pub(super) fn decrypt(stream: &mut [u8], file_pass: &[u8], password: &str) -> Result<(), SheetError> {
    if password.chars().count() > MAX_PASSWORD_CHARS {
        return Err(SheetError::WrongPassword);
    }
    let key = FileKey::derive(file_pass, password)?;
    let mut places = Vec::new();
    let mut records = Records { stream, at: 0 };
    loop {
        let start = records.at + 4;
        let Some((kind, data)) = records.next() else { break };
        let skipped = match kind {
            kind if PLAIN_RECORDS.contains(&kind) => data.len(),
            // The offset of a sheet is not encrypted.
            record::BOUND_SHEET => data.len().min(4),
            _ => 0,
        };
        places.push((start + skipped, start + data.len()));
    }
    let mut block = usize::MAX;
    let mut pad = Vec::new();
    for (start, end) in places {
        for at in start..end {
            if at / BLOCK_BYTES != block {
                block = at / BLOCK_BYTES;
                pad = vec![0; BLOCK_BYTES];
                Rc4::new(&key.of_block(u32::try_from(block).unwrap_or(u32::MAX))).apply(&mut pad);
            }
            if let (Some(byte), Some(mask)) = (stream.get_mut(at), pad.get(at % BLOCK_BYTES)) {
                *byte ^= mask;
            }
        }
    }
    Ok(())
}

impl FileKey {
    /// Derives the key and verifies the password.
    fn derive(file_pass: &[u8], password: &str) -> Result<Self, SheetError> {
        let password: Vec<u8> = password.encode_utf16().flat_map(u16::to_le_bytes).collect();
        let piece = |at: usize, length: usize| file_pass.get(at..at + length).ok_or(SheetError::Damaged);
        let version = (u16_at(file_pass, 0), u16_at(file_pass, 2), u16_at(file_pass, 4));
        let (key, verifier, hash) = match version {
            (Some(1), Some(1), Some(1)) => {
                let salt = piece(6, 16)?;
                let password_hash = Md5::digest(&password);
                let mut hasher = Md5::new();
                for _ in 0..16 {
                    hasher.update(&password_hash[..5]);
                    hasher.update(salt);
                }
                let mut key = [0; 5];
                key.copy_from_slice(&hasher.finalize()[..5]);
                (Self::Md5(key), piece(22, 16)?, piece(38, 16)?)
            }
            (Some(1), Some(2..=4), Some(2)) => {
                let header_bytes = u32_at(file_pass, 10).ok_or(SheetError::Damaged)? as usize;
                let key_bits = u32_at(file_pass, 14 + 16).ok_or(SheetError::Damaged)?;
                let verifier = 14_usize.saturating_add(header_bytes.min(file_pass.len()));
                let salt = piece(verifier + 4, 16)?;
                let key = Sha1::new().chain_update(salt).chain_update(&password).finalize();
                let key_bytes = if key_bits == 0 { 5 } else { (key_bits / 8).clamp(5, 16) as usize };
                (Self::Sha1(key.into(), key_bytes), piece(verifier + 20, 16)?, piece(verifier + 40, 20)?)
            }
            // Obfuscation with XOR, of Excel 95.
            _ => return Err(SheetError::LegacyPassword),
        };
        let mut plain = [verifier, hash].concat();
        Rc4::new(&key.of_block(0)).apply(&mut plain);
        let (verifier, hash) = plain.split_at(16);
        let is_right = match key {
            Self::Md5(_) => Md5::digest(verifier).as_slice() == hash,
            Self::Sha1(..) => Sha1::digest(verifier).as_slice() == hash,
        };
        if is_right { Ok(key) } else { Err(SheetError::WrongPassword) }
    }

    fn of_block(&self, block: u32) -> Vec<u8> {
        let number = block.to_le_bytes();
        match self {
            Self::Md5(key) => Md5::new().chain_update(key).chain_update(number).finalize().to_vec(),
            Self::Sha1(key, bytes) => {
                let mut key = Sha1::new().chain_update(key).chain_update(number).finalize().to_vec();
                key.truncate(*bytes);
                if *bytes == 5 {
                    // A key of 40 bits is filled up with zeros.
                    key.resize(16, 0);
                }
                key
            }
        }
    }
}

/// The stream cipher RC4.
struct Rc4 {
    state: [u8; 256],
    i: u8,
    j: u8,
}

impl Rc4 {
    fn new(key: &[u8]) -> Self {
        let mut state = [0; 256];
        for (byte, number) in state.iter_mut().zip(0..=u8::MAX) {
            *byte = number;
        }
        let mut j = 0_u8;
        for (i, key_byte) in (0..256).zip(key.iter().cycle()) {
            j = j.wrapping_add(state[i]).wrapping_add(*key_byte);
            state.swap(i, usize::from(j));
        }
        Self { state, i: 0, j: 0 }
    }

    fn apply(&mut self, bytes: &mut [u8]) {
        for byte in bytes {
            self.i = self.i.wrapping_add(1);
            let first = self.state[usize::from(self.i)];
            self.j = self.j.wrapping_add(first);
            let second = self.state[usize::from(self.j)];
            self.state.swap(usize::from(self.i), usize::from(self.j));
            *byte ^= self.state[usize::from(first.wrapping_add(second))];
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rc4_gives_the_published_vector() {
        let mut text = *b"Plaintext";
        Rc4::new(b"Key").apply(&mut text);
        assert_eq!(text, [0xBB, 0xF3, 0x16, 0xE8, 0xD9, 0x40, 0xAF, 0x0A, 0xD3]);
    }
}
