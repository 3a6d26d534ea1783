//! Request bodies: read up to a limit, decompressed up to the same limit, and checked to be text.

use std::io::Read;
use std::time::Duration;

use bytes::Buf as _;
use http::{HeaderMap, header};
use http_body_util::BodyExt as _;
use hyper::body::Incoming;
use ruzstd::decoding::errors::{FrameDecoderError, ReadFrameHeaderError::SkipFrame};
use ruzstd::decoding::{FrameDecoder, StreamingDecoder};
use wire::fault::{Fault, Kind};

use crate::buffers;

/// How long a client may pause within its body.
const MAX_PAUSE: Duration = Duration::from_secs(30);
/// How much of a body that is too large is read, so that its sender gets to read the answer.
const MAX_DRAIN: usize = 256 << 20;
/// How many encodings one body may have on top of each other.
const MAX_ENCODINGS: usize = 2;

/// Reads a body as text.
///
/// # Errors
/// It is too large, compressed in an unknown or broken way, not UTF-8, or its sender falls silent.
pub(super) async fn read(
    headers: &HeaderMap,
    body: Incoming,
    limit: usize,
) -> Result<String, Fault> {
    let bytes = collect(headers, body, limit).await?;
    let bytes = decode(headers, bytes, limit)?;
    String::from_utf8(bytes).map_err(|error| {
        let at = error.utf8_error().valid_up_to();
        Fault::bad_request("", format!("the request body is not UTF-8: byte {at} is wrong"))
    })
}

async fn collect(headers: &HeaderMap, mut body: Incoming, limit: usize) -> Result<Vec<u8>, Fault> {
    let announced =
        headers.get(header::CONTENT_LENGTH).and_then(|length| length.to_str().ok()?.parse().ok());
    let announced: usize = announced.unwrap_or(0);
    // This client waits for leave to send it.
    if announced > limit && headers.contains_key(header::EXPECT) {
        return Err(too_large(limit));
    }
    let mut bytes = buffers::take(if announced > limit { 0 } else { announced });
    let mut read = 0usize;
    loop {
        let frame = match tokio::time::timeout(MAX_PAUSE, body.frame()).await {
            Ok(None) => break,
            Ok(Some(Ok(frame))) => frame,
            Ok(Some(Err(error))) => {
                return Err(Fault::bad_request("", format!("the request body broke off: {error}")));
            }
            Err(_) => {
                let text =
                    format!("no byte of the request body came for {} s", MAX_PAUSE.as_secs());
                return Err(Fault::bad_request("", text));
            }
        };
        let Ok(mut data) = frame.into_data() else { continue };
        read = read.saturating_add(data.remaining());
        if read > limit || announced > limit {
            bytes = Vec::new();
            if read > MAX_DRAIN {
                break;
            }
            continue;
        }
        while data.has_remaining() {
            let chunk = data.chunk();
            bytes.extend_from_slice(chunk);
            let length = chunk.len();
            data.advance(length);
        }
    }
    if read > limit || announced > limit { Err(too_large(limit)) } else { Ok(bytes) }
}

fn too_large(limit: usize) -> Fault {
    let text = format!(
        "the request body is larger than {}; raise `max_body_bytes` in `[server]` if that is meant",
        size(limit)
    );
    Fault::new(Kind::TooLarge, text)
}

/// A number of bytes in the largest unit in which it is whole.
fn size(bytes: usize) -> String {
    match bytes {
        _ if bytes.is_multiple_of(1 << 20) => format!("{} MiB", bytes >> 20),
        _ if bytes.is_multiple_of(1 << 10) => format!("{} KiB", bytes >> 10),
        _ => format!("{bytes} bytes"),
    }
}

/// Undoes the encodings, the last one first.
fn decode(headers: &HeaderMap, mut bytes: Vec<u8>, limit: usize) -> Result<Vec<u8>, Fault> {
    let listed: Vec<String> = headers
        .get_all(header::CONTENT_ENCODING)
        .iter()
        .filter_map(|value| value.to_str().ok())
        .flat_map(|value| value.split(','))
        .map(|name| name.trim().to_ascii_lowercase())
        .filter(|name| !name.is_empty() && name != "identity")
        .collect();
    if listed.len() > MAX_ENCODINGS {
        return Err(Fault::bad_request(
            "content-encoding",
            "the request body is encoded too often",
        ));
    }
    for name in listed.iter().rev() {
        let broken = |error: &dyn std::fmt::Display| {
            Fault::bad_request(
                "content-encoding",
                format!("the request body is not good `{name}`: {error}"),
            )
        };
        bytes = match name.as_str() {
            "zstd" => unframe(&bytes, limit, &broken)?,
            "gzip" | "x-gzip" => {
                inflate(flate2::read::MultiGzDecoder::new(bytes.as_slice()), limit, &broken)?
            }
            // Some senders leave out the zlib wrapper that the standard wants.
            "deflate" if bytes.first().is_some_and(|first| first & 0x0f == 8) => {
                inflate(flate2::read::ZlibDecoder::new(bytes.as_slice()), limit, &broken)?
            }
            "deflate" => {
                inflate(flate2::read::DeflateDecoder::new(bytes.as_slice()), limit, &broken)?
            }
            other => {
                let text = format!(
                    "`{other}` is not an encoding that quire reads; send `zstd`, `gzip`, `deflate` or none"
                );
                return Err(Fault::bad_request("content-encoding", text));
            }
        };
    }
    Ok(bytes)
}

/// Reads all frames of zstd, and leaves out those that only hold something else (RFC 8878, 3.1).
fn unframe(
    mut source: &[u8],
    limit: usize,
    broken: &dyn Fn(&dyn std::fmt::Display) -> Fault,
) -> Result<Vec<u8>, Fault> {
    let (mut bytes, mut decoder) = (Vec::new(), FrameDecoder::new());
    loop {
        match StreamingDecoder::new_with_decoder(&mut source, &mut decoder) {
            Ok(frame) => bytes.append(&mut inflate(frame, limit - bytes.len(), broken)?),
            Err(FrameDecoderError::ReadFrameHeaderError(SkipFrame { length, .. })) => {
                let rest = source.get(length as usize..);
                source = rest.ok_or_else(|| broken(&"its last frame is cut off"))?;
            }
            Err(error) => return Err(broken(&error)),
        }
        if source.is_empty() {
            return Ok(bytes);
        }
    }
}

/// Reads no more than the limit, whatever the input would grow to.
fn inflate(
    reader: impl Read,
    limit: usize,
    broken: &dyn Fn(&dyn std::fmt::Display) -> Fault,
) -> Result<Vec<u8>, Fault> {
    let mut bytes = Vec::new();
    reader.take(limit as u64 + 1).read_to_end(&mut bytes).map_err(|error| broken(&error))?;
    if bytes.len() > limit { Err(too_large(limit)) } else { Ok(bytes) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::Write as _;

    fn encoded(name: &'static str) -> HeaderMap {
        let mut headers = HeaderMap::new();
        headers.insert(header::CONTENT_ENCODING, name.parse().unwrap());
        headers
    }

    fn gzip(bytes: &[u8]) -> Vec<u8> {
        let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::best());
        encoder.write_all(bytes).unwrap();
        encoder.finish().unwrap()
    }

    fn zstd(bytes: &[u8]) -> Vec<u8> {
        ruzstd::encoding::compress_to_vec(bytes, ruzstd::encoding::CompressionLevel::Fastest)
    }

    #[test]
    fn every_encoding_is_undone() {
        let text = b"{\"model\":\"x\"}".repeat(100);
        let mut zlib = flate2::write::ZlibEncoder::new(Vec::new(), flate2::Compression::fast());
        zlib.write_all(&text).unwrap();
        let mut raw = flate2::write::DeflateEncoder::new(Vec::new(), flate2::Compression::fast());
        raw.write_all(&text).unwrap();
        for (name, bytes) in [
            ("zstd", zstd(&text)),
            ("GZip", gzip(&text)),
            ("deflate", zlib.finish().unwrap()),
            ("deflate", raw.finish().unwrap()),
            ("gzip, zstd", zstd(&gzip(&text))),
            ("identity", text.clone()),
        ] {
            assert_eq!(decode(&encoded(name), bytes, 1 << 20).unwrap(), text, "{name}");
        }
    }

    #[test]
    fn all_frames_of_zstd_are_read_within_one_limit() {
        let skipped = |bytes: &[u8]| {
            let length = (bytes.len() as u32).to_le_bytes();
            [&[0x5a, 0x2a, 0x4d, 0x18], length.as_slice(), bytes].concat()
        };
        let decoded = |frames: &[Vec<u8>], limit| decode(&encoded("zstd"), frames.concat(), limit);
        let (one, two) = (zstd(b"one, "), zstd(b"two"));
        for frames in [
            vec![one.clone(), two.clone()],
            vec![skipped(b"x"), one.clone(), skipped(b""), two.clone(), skipped(b"yz")],
        ] {
            assert_eq!(decoded(&frames, 8).unwrap(), b"one, two");
            assert_eq!(decoded(&frames, 7).unwrap_err().kind, Kind::TooLarge);
        }
        for wrong in [b"trailing".to_vec(), skipped(b"cut")[..9].to_vec(), two[..5].to_vec()] {
            let fault = decoded(&[one.clone(), wrong], 100).unwrap_err();
            assert_eq!(fault.kind, Kind::BadRequest);
        }
    }

    #[test]
    fn a_limit_is_told_in_its_own_unit() {
        let told = [64 << 20, 512 << 10, 1000].map(size);
        assert_eq!(told, ["64 MiB", "512 KiB", "1000 bytes"]);
    }

    #[test]
    fn a_bomb_stops_at_the_limit() {
        let zeros = vec![0; 32 << 20];
        for (name, bytes) in [("gzip", gzip(&zeros)), ("zstd", zstd(&zeros))] {
            let fault = decode(&encoded(name), bytes, 1 << 20).unwrap_err();
            assert_eq!(fault.kind, Kind::TooLarge, "{name}");
        }
    }

    #[test]
    fn broken_and_unknown_encodings_say_so() {
        for name in ["zstd", "gzip", "deflate", "br", "gzip, gzip, gzip"] {
            let fault = decode(&encoded(name), b"not compressed".to_vec(), 1 << 20).unwrap_err();
            assert_eq!(
                (fault.kind, fault.param.as_deref()),
                (Kind::BadRequest, Some("content-encoding")),
                "{name}"
            );
        }
    }
}
