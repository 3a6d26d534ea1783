//! Images and documents: where they come from, what they say they are, what their bytes are.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::Value;

use super::super::walk::{at, found, given};
use super::super::{Finding, Rule, Vendor};
use super::walk::{Block, blocks, kind};
use super::{INFERRED, QUOTED, REPORTED};

const IMAGES: [&str; 4] = ["image/jpeg", "image/png", "image/gif", "image/webp"];

/// What the first bytes of an image say.
fn sniffed(bytes: &[u8]) -> Option<&'static str> {
    match bytes {
        [0xff, 0xd8, 0xff, ..] => Some("image/jpeg"),
        [0x89, b'P', b'N', b'G', ..] => Some("image/png"),
        [b'G', b'I', b'F', b'8', ..] => Some("image/gif"),
        [b'R', b'I', b'F', b'F', _, _, _, _, b'W', b'E', b'B', b'P', ..] => Some("image/webp"),
        _ => None,
    }
}

/// The blocks of a kind with their sources.
fn sourced<'a>(body: &'a Value, wanted: &'a str) -> impl Iterator<Item = (Block<'a>, &'a Value)> {
    blocks(body)
        .into_iter()
        .filter(move |block| block.kind == wanted)
        .map(|block| (block.clone(), &block.value["source"]))
}

/// The images given as base64, with their media types and what their data decodes to.
fn encoded(body: &Value) -> impl Iterator<Item = (Block<'_>, &str, Option<Vec<u8>>)> {
    sourced(body, "image").filter(|(_, source)| kind(source) == "base64").map(|(block, source)| {
        let data = source["data"].as_str().unwrap_or_default();
        let bytes = STANDARD.decode(data).ok().filter(|bytes| !bytes.is_empty());
        (block, source["media_type"].as_str().unwrap_or_default(), bytes)
    })
}

/// The first document whose source of this type is wrong.
fn document(
    body: &Value,
    of: &str,
    wrong: impl Fn(&Value) -> bool,
    member: &str,
) -> Option<Finding> {
    let (block, _) =
        sourced(body, "document").find(|(_, source)| kind(source) == of && wrong(source))?;
    at(block.member(&format!("source.{of}.{member}")))
}

pub(super) static RULES: &[Rule] = &[
    Rule {
        id: "anthropic-source-missing",
        vendor: Vendor::MessagesEvery,
        check: |body| {
            let missing = |block: &Block<'_>| given(block.value, "source").is_none();
            let media = |block: &Block<'_>| matches!(block.kind, "image" | "document");
            let block = blocks(body).into_iter().find(|block| media(block) && missing(block))?;
            at(block.member("source"))
        },
        words: "{at}: Field required",
        example: r#"{"model":"m","max_tokens":9,"messages":[{"role":"user","content":[{"type":"image","image_url":{"url":"https://a.example/b.png"}}]}]}"#,
        ..QUOTED
    },
    Rule {
        id: "anthropic-image-source-unknown",
        vendor: Vendor::MessagesEvery,
        check: |body| {
            let known = ["base64", "url", "file"];
            let (block, source) =
                sourced(body, "image").find(|(_, source)| !known.contains(&kind(source)))?;
            found(block.member("source"), kind(source))
        },
        words: "{at}: Input tag '{what}' found using 'type' does not match any of the expected tags: 'base64', 'file', 'url'",
        example: r#"{"model":"m","max_tokens":9,"messages":[{"role":"user","content":[{"type":"image","source":{"type":"data","data":"x"}}]}]}"#,
        ..REPORTED
    },
    Rule {
        id: "anthropic-image-media-type",
        check: |body| {
            let (block, _, _) = encoded(body).find(|(_, media, _)| !IMAGES.contains(media))?;
            at(block.member("source.base64.media_type"))
        },
        words: "{at}: Input should be 'image/jpeg', 'image/png', 'image/gif' or 'image/webp'",
        source: "github.com/anthropics/claude-code/issues/8184",
        example: r#"{"model":"m","max_tokens":9,"messages":[{"role":"user","content":[{"type":"image","source":{"type":"base64","media_type":"image/jpg","data":"iVBORw0KGgo="}}]}]}"#,
        ..QUOTED
    },
    Rule {
        id: "anthropic-image-not-base64",
        vendor: Vendor::MessagesEvery,
        check: |body| {
            let (block, _, _) = encoded(body).find(|(_, _, bytes)| bytes.is_none())?;
            at(block.member("source.base64"))
        },
        words: "{at}: invalid base64 data",
        example: r#"{"model":"m","max_tokens":9,"messages":[{"role":"user","content":[{"type":"image","source":{"type":"base64","media_type":"image/png","data":"data:image/png;base64,iVBORw0KGgo="}}]}]}"#,
        ..REPORTED
    },
    Rule {
        id: "anthropic-image-other-type",
        check: |body| {
            let (block, what) = encoded(body).find_map(|(block, media, bytes)| {
                let seen = sniffed(&bytes?)?;
                let words =
                    format!("the {media} media type, but the image appears to be a {seen} image");
                (seen != media).then_some((block, words))
            })?;
            found(block.member("source.base64"), what)
        },
        words: "{at}: The image was specified using {what}",
        source: "github.com/BerriAI/litellm/issues/24900",
        example: r#"{"model":"m","max_tokens":9,"messages":[{"role":"user","content":[{"type":"image","source":{"type":"base64","media_type":"image/jpeg","data":"iVBORw0KGgo="}}]}]}"#,
        ..QUOTED
    },
    Rule {
        id: "anthropic-image-too-large",
        check: |body| {
            let most = 5 * 1024 * 1024;
            let (block, what) = encoded(body).find_map(|(block, _, bytes)| {
                let length = bytes?.len();
                (length > most).then(|| (block, format!("{length} bytes > {most} bytes")))
            })?;
            found(block.member("source.base64"), what)
        },
        words: "{at}: image exceeds 5 MB maximum: {what}",
        source: "quoted in many public repositories that shrink images",
        // Made by the test of the table: it is too long to read.
        example: "large image",
        ..QUOTED
    },
    Rule {
        id: "anthropic-image-url-scheme",
        check: |body| {
            let wrong = |source: &Value| {
                kind(source) == "url"
                    && source["url"].as_str().is_none_or(|url| !url.starts_with("https://"))
            };
            let (block, _) = sourced(body, "image").find(|(_, source)| wrong(source))?;
            at(block.member("source.url.url"))
        },
        words: "{at}: Only HTTPS URLs are supported.",
        example: r#"{"model":"m","max_tokens":9,"messages":[{"role":"user","content":[{"type":"image","source":{"type":"url","url":"data:image/png;base64,iVBORw0KGgo="}}]}]}"#,
        ..REPORTED
    },
    Rule {
        id: "anthropic-document-source-unknown",
        vendor: Vendor::MessagesEvery,
        check: |body| {
            let known = ["base64", "text", "content", "url", "file"];
            let (block, source) =
                sourced(body, "document").find(|(_, source)| !known.contains(&kind(source)))?;
            found(block.member("source"), kind(source))
        },
        words: "{at}: Input tag '{what}' found using 'type' does not match any of the expected tags: 'base64', 'content', 'file', 'text', 'url'",
        example: r#"{"model":"m","max_tokens":9,"messages":[{"role":"user","content":[{"type":"document","source":{"type":"file_data","data":"x"}}]}]}"#,
        ..REPORTED
    },
    Rule {
        id: "anthropic-document-media-type",
        check: |body| {
            let wrong = |source: &Value| source["media_type"] != "application/pdf";
            document(body, "base64", wrong, "media_type")
        },
        words: "{at}: Input should be 'application/pdf'",
        example: r#"{"model":"m","max_tokens":9,"messages":[{"role":"user","content":[{"type":"document","source":{"type":"base64","media_type":"application/msword","data":"JVBERg=="}}]}]}"#,
        ..QUOTED
    },
    Rule {
        id: "anthropic-document-not-base64",
        check: |body| {
            let wrong = |source: &Value| {
                let data = source["data"].as_str().unwrap_or_default();
                STANDARD.decode(data).map_or(true, |bytes| bytes.is_empty())
            };
            document(body, "base64", wrong, "data")
        },
        words: "{at}: invalid base64 data",
        example: r#"{"model":"m","max_tokens":9,"messages":[{"role":"user","content":[{"type":"document","source":{"type":"base64","media_type":"application/pdf","data":"%PDF"}}]}]}"#,
        ..REPORTED
    },
    Rule {
        id: "anthropic-document-not-pdf",
        check: |body| {
            let wrong = |source: &Value| {
                let data = source["data"].as_str().unwrap_or_default();
                STANDARD.decode(data).is_ok_and(|bytes| !bytes.starts_with(b"%PDF"))
            };
            document(body, "base64", wrong, "data")
        },
        words: "{at}: The PDF specified was not valid.",
        source: "the words for a broken PDF, as quoted in public issue reports",
        example: r#"{"model":"m","max_tokens":9,"messages":[{"role":"user","content":[{"type":"document","source":{"type":"base64","media_type":"application/pdf","data":"aGVsbG8="}}]}]}"#,
        ..REPORTED
    },
    Rule {
        id: "anthropic-document-text-type",
        check: |body| {
            let wrong = |source: &Value| source["media_type"] != "text/plain";
            document(body, "text", wrong, "media_type")
        },
        words: "{at}: Input should be 'text/plain'",
        example: r#"{"model":"m","max_tokens":9,"messages":[{"role":"user","content":[{"type":"document","source":{"type":"text","media_type":"text/markdown","data":"x"}}]}]}"#,
        ..INFERRED
    },
    Rule {
        id: "anthropic-document-text-empty",
        check: |body| {
            let wrong = |source: &Value| source["data"].as_str().is_none_or(str::is_empty);
            document(body, "text", wrong, "data")
        },
        words: "{at}: text content blocks must be non-empty",
        example: r#"{"model":"m","max_tokens":9,"messages":[{"role":"user","content":[{"type":"document","source":{"type":"text","media_type":"text/plain","data":""}}]}]}"#,
        ..INFERRED
    },
];
