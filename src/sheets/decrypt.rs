//! Decryption of workbooks: [MS-OFFCRYPTO] Agile (4.4) and Standard (2.2, 3.2, 4.2) encryption.
//!
//! The password is verified before the package is decrypted. Verifiers are compared on their first
//! `hashSize` bytes, since AES pads a SHA-1 hash to 32 bytes. 100,000 hash rounds take about 0.1 s, so call
//! this on a blocking thread. Data integrity (the HMAC) is not checked, since a damaged package fails to
//! inflate.

use aes::cipher::{Block, BlockModeDecrypt, KeyInit, KeyIvInit};
use aes::{Aes128, Aes192, Aes256};
use base64::Engine;
use base64::engine::general_purpose::STANDARD as BASE64;
use quick_xml::Reader;
use quick_xml::XmlVersion;
use quick_xml::events::{BytesStart, Event};
use sha1::{Digest, Sha1};
use sha2::{Sha256, Sha384, Sha512};

use super::error::SheetError;

/// Hash rounds; the specification allows 10,000,000, Excel uses 100,000.
const MAX_SPIN_COUNT: u32 = 1_000_000;
/// Excel's limit.
const MAX_PASSWORD_CHARS: usize = 255;
const STANDARD_SPIN_COUNT: u32 = 50_000;
const SEGMENT_BYTES: usize = 4096;
const BLOCK_BYTES: usize = 16;

const VERIFIER_INPUT: [u8; 8] = [0xFE, 0xA7, 0xD2, 0x76, 0x3B, 0x4B, 0x9E, 0x79];
const VERIFIER_VALUE: [u8; 8] = [0xD7, 0xAA, 0x0F, 0x6D, 0x30, 0x61, 0x34, 0x4E];
const KEY_VALUE: [u8; 8] = [0x14, 0x6E, 0x0B, 0xE7, 0xAB, 0xAC, 0xD0, 0xD6];

/// Decrypts the stream `EncryptedPackage` with the parameters in the stream `EncryptionInfo`.
///
/// # Errors
/// The password is missing or wrong, the encryption is not supported, or the streams are damaged.
pub(super) fn decrypt(info: &[u8], package: Vec<u8>, password: Option<&str>) -> Result<Vec<u8>, SheetError> {
    let password = password.filter(|password| !password.is_empty()).ok_or(SheetError::PasswordRequired)?;
    if password.chars().count() > MAX_PASSWORD_CHARS {
        return Err(SheetError::WrongPassword);
    }
    let password: Vec<u8> = password.encode_utf16().flat_map(u16::to_le_bytes).collect();
    let version = (u16_at(info, 0)?, u16_at(info, 2)?);
    match version {
        (4, 4) => Agile::read(info.get(8..).ok_or(SheetError::Damaged)?)?.decrypt(package, &password),
        (2..=4, 2) => Standard::read(info)?.decrypt(package, &password),
        (3 | 4, 3) => Err(unsupported("Extensible")),
        (major, minor) => Err(unsupported(&format!("{major}.{minor}"))),
    }
}

fn unsupported(what: &str) -> SheetError {
    SheetError::UnsupportedEncryption { what: what.to_owned() }
}

/// A hash algorithm of the specification.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Hash {
    Sha1,
    Sha256,
    Sha384,
    Sha512,
}

impl Hash {
    fn named(name: &str) -> Result<Self, SheetError> {
        match name {
            "SHA1" | "SHA-1" => Ok(Self::Sha1),
            "SHA256" | "SHA-256" => Ok(Self::Sha256),
            "SHA384" | "SHA-384" => Ok(Self::Sha384),
            "SHA512" | "SHA-512" => Ok(Self::Sha512),
            other => Err(unsupported(&other.chars().take(20).collect::<String>())),
        }
    }

    fn of(self, pieces: &[&[u8]]) -> Vec<u8> {
        fn digest<D: Digest>(pieces: &[&[u8]]) -> Vec<u8> {
            let mut hasher = D::new();
            for piece in pieces {
                hasher.update(piece);
            }
            hasher.finalize().to_vec()
        }
        match self {
            Self::Sha1 => digest::<Sha1>(pieces),
            Self::Sha256 => digest::<Sha256>(pieces),
            Self::Sha384 => digest::<Sha384>(pieces),
            Self::Sha512 => digest::<Sha512>(pieces),
        }
    }

    /// The password hash after `rounds` iterations.
    fn spun(self, salt: &[u8], password: &[u8], rounds: u32) -> Vec<u8> {
        let mut hash = self.of(&[salt, password]);
        for round in 0..rounds {
            hash = self.of(&[&round.to_le_bytes(), &hash]);
        }
        hash
    }
}

/// Cipher parameters: the attributes of `keyData` or `encryptedKey`.
struct Parameters {
    hash: Hash,
    hash_size: usize,
    salt: Vec<u8>,
    salt_size: usize,
    key_bytes: usize,
}

impl Parameters {
    fn read(element: &BytesStart<'_>) -> Result<Self, SheetError> {
        let cipher = attribute(element, "cipherAlgorithm")?;
        if cipher != "AES" {
            return Err(unsupported(&cipher.chars().take(20).collect::<String>()));
        }
        if attribute(element, "cipherChaining")? != "ChainingModeCBC" {
            return Err(unsupported("AES-CFB"));
        }
        if number(element, "blockSize")? != BLOCK_BYTES {
            return Err(unsupported("blockSize"));
        }
        let key_bytes = number(element, "keyBits")? / 8;
        if !matches!(key_bytes, 16 | 24 | 32) {
            return Err(unsupported("keyBits"));
        }
        Ok(Self {
            hash: Hash::named(&attribute(element, "hashAlgorithm")?)?,
            hash_size: number(element, "hashSize")?,
            salt: bytes(element, "saltValue")?,
            salt_size: number(element, "saltSize")?,
            key_bytes,
        })
    }
}

/// Agile encryption: AES in CBC mode, key encrypted with the password.
struct Agile {
    data: Parameters,
    key: Parameters,
    spin_count: u32,
    verifier_input: Vec<u8>,
    verifier_value: Vec<u8>,
    key_value: Vec<u8>,
}

impl Agile {
    fn read(xml: &[u8]) -> Result<Self, SheetError> {
        let mut reader = Reader::from_reader(xml);
        let mut data = None;
        loop {
            match reader.read_event().map_err(|_| SheetError::Damaged)? {
                Event::Start(element) | Event::Empty(element) => match element.local_name().as_ref() {
                    "keyData" => data = Some(Parameters::read(&element)?),
                    "encryptedKey" => return Self::with_key(data.ok_or(SheetError::Damaged)?, &element),
                    _ => {}
                },
                Event::Eof => return Err(unsupported("비밀번호 없는 암호화")),
                _ => {}
            }
        }
    }

    fn with_key(data: Parameters, element: &BytesStart<'_>) -> Result<Self, SheetError> {
        let spin_count = u32::try_from(number(element, "spinCount")?).map_err(|_| SheetError::Damaged)?;
        if spin_count > MAX_SPIN_COUNT {
            return Err(unsupported("spinCount"));
        }
        Ok(Self {
            data,
            key: Parameters::read(element)?,
            spin_count,
            verifier_input: bytes(element, "encryptedVerifierHashInput")?,
            verifier_value: bytes(element, "encryptedVerifierHashValue")?,
            key_value: bytes(element, "encryptedKeyValue")?,
        })
    }

    fn decrypt(self, mut package: Vec<u8>, password: &[u8]) -> Result<Vec<u8>, SheetError> {
        let key = self.package_key(password)?;
        let size = plain_size(&package)?;
        package.drain(..8);
        for (index, segment) in (0u32..).zip(package.chunks_mut(SEGMENT_BYTES)) {
            let iv = fit(self.data.hash.of(&[&self.data.salt, &index.to_le_bytes()]), BLOCK_BYTES);
            let whole = segment.len() - segment.len() % BLOCK_BYTES;
            cbc(&key, &iv, segment.get_mut(..whole).unwrap_or_default())?;
        }
        package.truncate(size);
        Ok(package)
    }

    fn package_key(&self, password: &[u8]) -> Result<Vec<u8>, SheetError> {
        let spun = self.key.hash.spun(&self.key.salt, password, self.spin_count);
        let iv = fit(self.key.salt.clone(), BLOCK_BYTES);
        let unlock = |value: &[u8], purpose: [u8; 8]| {
            let key = fit(self.key.hash.of(&[&spun, &purpose]), self.key.key_bytes);
            let mut value = value.to_vec();
            cbc(&key, &iv, &mut value)?;
            Ok::<_, SheetError>(value)
        };
        let input = unlock(&self.verifier_input, VERIFIER_INPUT)?;
        let value = unlock(&self.verifier_value, VERIFIER_VALUE)?;
        let hash = self.key.hash.of(&[input.get(..self.key.salt_size).ok_or(SheetError::Damaged)?]);
        let length = self.key.hash_size.min(hash.len());
        if length == 0 || value.get(..length) != hash.get(..length) {
            return Err(SheetError::WrongPassword);
        }
        let mut key = unlock(&self.key_value, KEY_VALUE)?;
        key.truncate(self.data.key_bytes);
        Ok(key)
    }
}

/// Standard encryption: AES in ECB mode, key derived with SHA-1.
struct Standard {
    key_bytes: usize,
    salt: Vec<u8>,
    verifier: Vec<u8>,
    verifier_hash: Vec<u8>,
}

impl Standard {
    fn read(info: &[u8]) -> Result<Self, SheetError> {
        let header_size = usize::try_from(u32_at(info, 8)?).map_err(|_| SheetError::Damaged)?;
        let header = info.get(12..).and_then(|rest| rest.get(..header_size)).ok_or(SheetError::Damaged)?;
        let key_bytes = match u32_at(header, 8)? {
            0x660E => 16,
            0x660F => 24,
            0x6610 => 32,
            0x6801 => return Err(unsupported("RC4")),
            other => return Err(unsupported(&format!("{other:X}"))),
        };
        let verifier = info.get(12 + header_size..).ok_or(SheetError::Damaged)?;
        let piece = |from: usize, length: usize| {
            verifier.get(from..from + length).map(<[u8]>::to_vec).ok_or(SheetError::Damaged)
        };
        if u32_at(verifier, 0)? != 16 {
            return Err(SheetError::Damaged);
        }
        Ok(Self { key_bytes, salt: piece(4, 16)?, verifier: piece(20, 16)?, verifier_hash: piece(40, 32)? })
    }

    fn decrypt(&self, mut package: Vec<u8>, password: &[u8]) -> Result<Vec<u8>, SheetError> {
        let key = self.key(password);
        let (mut verifier, mut hash) = (self.verifier.clone(), self.verifier_hash.clone());
        ecb(&key, &mut verifier)?;
        ecb(&key, &mut hash)?;
        if hash.get(..20) != Some(Hash::Sha1.of(&[&verifier]).as_slice()) {
            return Err(SheetError::WrongPassword);
        }
        let size = plain_size(&package)?;
        package.drain(..8);
        let whole = package.len() - package.len() % BLOCK_BYTES;
        ecb(&key, package.get_mut(..whole).unwrap_or_default())?;
        package.truncate(size);
        Ok(package)
    }

    fn key(&self, password: &[u8]) -> Vec<u8> {
        let spun = Hash::Sha1.spun(&self.salt, password, STANDARD_SPIN_COUNT);
        let block = Hash::Sha1.of(&[&spun, &0u32.to_le_bytes()]);
        let half = |fill: u8| {
            let mut pad = [fill; 64];
            for (pad, byte) in pad.iter_mut().zip(&block) {
                *pad ^= byte;
            }
            Hash::Sha1.of(&[&pad])
        };
        fit([half(0x36), half(0x5C)].concat(), self.key_bytes)
    }
}

/// Truncates, or pads with 0x36.
fn fit(mut bytes: Vec<u8>, length: usize) -> Vec<u8> {
    bytes.resize(length, 0x36);
    bytes
}

/// The decrypted size, in the first eight bytes of the package.
fn plain_size(package: &[u8]) -> Result<usize, SheetError> {
    let size = package.first_chunk::<8>().map(|bytes| u64::from_le_bytes(*bytes)).ok_or(SheetError::Damaged)?;
    usize::try_from(size).ok().filter(|&size| size <= package.len() - 8).ok_or(SheetError::Damaged)
}

fn cbc(key: &[u8], iv: &[u8], data: &mut [u8]) -> Result<(), SheetError> {
    match key.len() {
        16 => blocks(&mut cbc::Decryptor::<Aes128>::new_from_slices(key, iv).map_err(|_| SheetError::Damaged)?, data),
        24 => blocks(&mut cbc::Decryptor::<Aes192>::new_from_slices(key, iv).map_err(|_| SheetError::Damaged)?, data),
        32 => blocks(&mut cbc::Decryptor::<Aes256>::new_from_slices(key, iv).map_err(|_| SheetError::Damaged)?, data),
        _ => Err(SheetError::Damaged),
    }
}

fn ecb(key: &[u8], data: &mut [u8]) -> Result<(), SheetError> {
    match key.len() {
        16 => blocks(&mut ecb::Decryptor::<Aes128>::new_from_slice(key).map_err(|_| SheetError::Damaged)?, data),
        24 => blocks(&mut ecb::Decryptor::<Aes192>::new_from_slice(key).map_err(|_| SheetError::Damaged)?, data),
        32 => blocks(&mut ecb::Decryptor::<Aes256>::new_from_slice(key).map_err(|_| SheetError::Damaged)?, data),
        _ => Err(SheetError::Damaged),
    }
}

fn blocks<D: BlockModeDecrypt>(mode: &mut D, data: &mut [u8]) -> Result<(), SheetError> {
    if !data.len().is_multiple_of(BLOCK_BYTES) {
        return Err(SheetError::Damaged);
    }
    for block in data.chunks_exact_mut(BLOCK_BYTES) {
        let block: &mut Block<D> = block.try_into().map_err(|_| SheetError::Damaged)?;
        mode.decrypt_block(block);
    }
    Ok(())
}

fn attribute(element: &BytesStart<'_>, name: &str) -> Result<String, SheetError> {
    let attribute = element.try_get_attribute(name).ok().flatten().ok_or(SheetError::Damaged)?;
    attribute.normalized_value(XmlVersion::Implicit1_0).map(Into::into).map_err(|_| SheetError::Damaged)
}

fn number(element: &BytesStart<'_>, name: &str) -> Result<usize, SheetError> {
    attribute(element, name)?.parse().map_err(|_| SheetError::Damaged)
}

fn bytes(element: &BytesStart<'_>, name: &str) -> Result<Vec<u8>, SheetError> {
    BASE64.decode(attribute(element, name)?).map_err(|_| SheetError::Damaged)
}

fn u16_at(bytes: &[u8], at: usize) -> Result<u16, SheetError> {
    bytes.get(at..).and_then(<[u8]>::first_chunk).map(|bytes| u16::from_le_bytes(*bytes)).ok_or(SheetError::Damaged)
}

fn u32_at(bytes: &[u8], at: usize) -> Result<u32, SheetError> {
    bytes.get(at..).and_then(<[u8]>::first_chunk).map(|bytes| u32::from_le_bytes(*bytes)).ok_or(SheetError::Damaged)
}

#[cfg(test)]
mod tests {
    use aes::cipher::BlockModeEncrypt;

    use super::*;

    const PASSWORD: &str = "비밀 1234";

    /// Inverse of [`cbc`], for whole blocks.
    fn encrypt(key: &[u8], iv: &[u8], data: &[u8]) -> Vec<u8> {
        fn run<C: BlockModeEncrypt>(mut mode: C, data: &mut [u8]) {
            for block in data.chunks_exact_mut(BLOCK_BYTES) {
                let block: &mut Block<C> = block.try_into().expect("a block");
                mode.encrypt_block(block);
            }
        }
        let mut data = data.to_vec();
        data.resize(data.len().next_multiple_of(BLOCK_BYTES), 0);
        match key.len() {
            16 => run(cbc::Encryptor::<Aes128>::new_from_slices(key, iv).expect("a key"), &mut data),
            24 => run(cbc::Encryptor::<Aes192>::new_from_slices(key, iv).expect("a key"), &mut data),
            _ => run(cbc::Encryptor::<Aes256>::new_from_slices(key, iv).expect("a key"), &mut data),
        }
        data
    }

    /// `EncryptionInfo` and `EncryptedPackage` of Agile encryption.
    fn agile(name: &str, key_bytes: usize, chaining: &str, plain: &[u8]) -> (Vec<u8>, Vec<u8>) {
        let hash = Hash::named(name).expect("a hash");
        let salt: Vec<u8> = (1..=16).collect();
        let password: Vec<u8> = PASSWORD.encode_utf16().flat_map(u16::to_le_bytes).collect();
        let spun = hash.spun(&salt, &password, 1_000);
        let lock = |value: &[u8], purpose: [u8; 8]| {
            BASE64.encode(encrypt(&fit(hash.of(&[&spun, &purpose]), key_bytes), &salt, value))
        };
        let package_key = vec![7u8; key_bytes];
        let input = [9u8; BLOCK_BYTES];
        let common = format!(
            "saltSize=\"16\" blockSize=\"16\" keyBits=\"{}\" hashSize=\"{}\" cipherAlgorithm=\"AES\" \
             cipherChaining=\"{chaining}\" hashAlgorithm=\"{name}\" saltValue=\"{}\"",
            key_bytes * 8,
            hash.of(&[]).len(),
            BASE64.encode(&salt)
        );
        let xml = format!(
            "<encryption><keyData {common}/><keyEncryptors><keyEncryptor><p:encryptedKey spinCount=\"1000\" {common} \
             encryptedVerifierHashInput=\"{}\" encryptedVerifierHashValue=\"{}\" encryptedKeyValue=\"{}\"/>\
             </keyEncryptor></keyEncryptors></encryption>",
            lock(&input, VERIFIER_INPUT),
            lock(&hash.of(&[&input]), VERIFIER_VALUE),
            lock(&package_key, KEY_VALUE)
        );
        let mut package = (plain.len() as u64).to_le_bytes().to_vec();
        for (index, segment) in (0u32..).zip(plain.chunks(SEGMENT_BYTES)) {
            let iv = fit(hash.of(&[&salt, &index.to_le_bytes()]), BLOCK_BYTES);
            package.extend(encrypt(&package_key, &iv, segment));
        }
        ([b"\x04\0\x04\0\x40\0\0\0".as_slice(), xml.as_bytes()].concat(), package)
    }

    #[test]
    fn every_hash_and_key_size_is_decrypted() {
        let plain: Vec<u8> = (0..10_001u32).map(|number| number.to_le_bytes()[0]).collect();
        for name in ["SHA1", "SHA256", "SHA384", "SHA512"] {
            for key_bytes in [16, 24, 32] {
                let (info, package) = agile(name, key_bytes, "ChainingModeCBC", &plain);
                assert_eq!(decrypt(&info, package.clone(), Some(PASSWORD)), Ok(plain.clone()), "{name} {key_bytes}");
                assert_eq!(decrypt(&info, package, Some("1234")), Err(SheetError::WrongPassword));
            }
        }
    }

    #[test]
    fn unsupported_encryption_is_reported() {
        let (info, package) = agile("SHA1", 16, "ChainingModeCFB", b"plain");
        let result = decrypt(&info, package.clone(), Some(PASSWORD));
        assert_eq!(result, Err(SheetError::UnsupportedEncryption { what: "AES-CFB".into() }));
        let slow = String::from_utf8_lossy(&info).replace("ModeCFB", "ModeCBC").replace("\"1000\"", "\"9000000\"");
        assert_eq!(
            decrypt(slow.as_bytes(), package.clone(), Some("x")).map_err(|error| error.code()),
            Err("unsupported_encryption")
        );
        assert_eq!(
            decrypt(b"\x04\0\x03\0", package.clone(), Some("x")).map_err(|error| error.code()),
            Err("unsupported_encryption")
        );
        assert_eq!(decrypt(&info, package.clone(), None), Err(SheetError::PasswordRequired));
        assert_eq!(decrypt(&info[..40], package, Some("x")).map_err(|error| error.code()), Err("damaged"));
    }
}
