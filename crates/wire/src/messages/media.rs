//! Images and documents as Messages servers take them (platform.claude.com, "Vision" and "PDF
//! support"). What they refuse is told apart here, so that a marker can stand for it.

use crate::json::{Escaped, escape_into};
use crate::target::Target;
use crate::turn::Part;
use std::borrow::Cow;

/// A part that is passed on as what it is.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Media<'p> {
    Image(Source<'p>),
    /// A PDF, or a text that was a file.
    Document {
        source: Source<'p>,
        name: Option<&'p Escaped<'p>>,
    },
}

/// Where the bytes are.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Source<'p> {
    Base64 {
        media: &'static str,
        data: Cow<'p, str>,
    },
    /// Escaped.
    Url(&'p str),
    Text(String),
}

/// The part as the target takes it, if it takes it.
pub(super) fn of<'p>(part: &'p Part<'p>, target: &Target) -> Option<Media<'p>> {
    match part {
        Part::Image { url, .. } if target.images => image(url).map(Media::Image),
        Part::File { name, data, url } if target.files => {
            let source = match (data, url) {
                (Some(data), _) => file(data, name.as_ref()),
                (None, Some(url)) => https(url),
                (None, None) => None,
            }?;
            let name = name.as_ref().filter(|name| !name.text().trim().is_empty());
            Some(Media::Document { source, name })
        }
        Part::Image { .. }
        | Part::File { .. }
        | Part::Text(_)
        | Part::Refusal(_)
        | Part::Other { .. } => None,
    }
}

impl Media<'_> {
    /// Writes the block.
    pub(super) fn write(&self, out: &mut String) {
        let (kind, source) = match self {
            Self::Image(source) => ("image", source),
            Self::Document { source, .. } => ("document", source),
        };
        out.push_str(r#"{"type":""#);
        out.push_str(kind);
        out.push_str(r#"","source":{"type":""#);
        match source {
            Source::Base64 { media, data } => {
                out.push_str(r#"base64","media_type":""#);
                out.push_str(media);
                out.push_str(r#"","data":""#);
                out.push_str(data);
            }
            Source::Url(url) => {
                out.push_str(r#"url","url":""#);
                out.push_str(url);
            }
            Source::Text(text) => {
                out.push_str(r#"text","media_type":"text/plain","data":""#);
                escape_into(text, out);
            }
        }
        out.push_str("\"}");
        if let Self::Document { name: Some(name), .. } = self {
            out.push_str(r#","title":""#);
            out.push_str(name.escaped());
            out.push('"');
        }
        out.push('}');
    }
}

fn https<'p>(url: &'p Escaped<'p>) -> Option<Source<'p>> {
    let is_https =
        url.escaped().get(..8).is_some_and(|start| start.eq_ignore_ascii_case("https://"));
    is_https.then(|| Source::Url(url.escaped()))
}

fn image<'p>(url: &'p Escaped<'p>) -> Option<Source<'p>> {
    let Some(given) = DataUrl::read(url) else { return https(url) };
    let named = given.media.to_ascii_lowercase();
    let data = given.base64()?;
    // The bytes decide: a server that looks at them refuses any other name.
    let begins = |start: &str| data.starts_with(start);
    let media = match () {
        () if begins("iVBORw0KGgo") => "image/png",
        () if begins("/9j/") => "image/jpeg",
        () if begins("R0lGOD") => "image/gif",
        () if begins("UklGR") => "image/webp",
        () => *["image/png", "image/jpeg", "image/gif", "image/webp"]
            .iter()
            .find(|known| named == **known)?,
    };
    Some(Source::Base64 { media, data })
}

fn file<'p>(data: &'p Escaped<'p>, name: Option<&Escaped<'_>>) -> Option<Source<'p>> {
    // Every PDF begins with `%PDF-`; a server that looks refuses anything else.
    let pdf = |data: Cow<'p, str>| {
        data.starts_with("JVBERi0").then_some(Source::Base64 { media: "application/pdf", data })
    };
    let Some(given) = DataUrl::read(data) else {
        // Some clients send the bytes alone.
        let is_pdf = name.is_some_and(|name| name.text().to_ascii_lowercase().ends_with(".pdf"));
        let data = data.text();
        return Some(data).filter(|data| is_pdf && is_base64(data)).and_then(pdf);
    };
    let media = given.media.to_ascii_lowercase();
    let is_text = media.starts_with("text/") || media == "application/json";
    if media == "application/pdf" {
        return given.base64().and_then(pdf);
    }
    let text = String::from_utf8(decoded(&given.base64().filter(|_| is_text)?)).ok()?;
    (!text.trim().is_empty()).then_some(Source::Text(text))
}

/// A `data:` URL.
struct DataUrl<'p> {
    media: String,
    is_base64: bool,
    data: Cow<'p, str>,
}

impl<'p> DataUrl<'p> {
    fn read(url: &'p Escaped<'p>) -> Option<Self> {
        let plain = match url.text() {
            Cow::Borrowed(_) => Cow::Borrowed(url.escaped()),
            Cow::Owned(text) => Cow::Owned(text),
        };
        let scheme = plain.get(..5).filter(|scheme| scheme.eq_ignore_ascii_case("data:"))?;
        let comma = plain.find(',')?;
        let (media, parameters) =
            plain[scheme.len()..comma].split_once(';').unwrap_or((&plain[5..comma], ""));
        let is_base64 =
            parameters.rsplit(';').next().is_some_and(|last| last.eq_ignore_ascii_case("base64"));
        let media = media.to_owned();
        let data = match plain {
            Cow::Borrowed(text) => Cow::Borrowed(&text[comma + 1..]),
            Cow::Owned(text) => Cow::Owned(text[comma + 1..].to_owned()),
        };
        Some(Self { media, is_base64, data })
    }

    /// The data, if it is base64.
    fn base64(self) -> Option<Cow<'p, str>> {
        (self.is_base64 && is_base64(&self.data)).then_some(self.data)
    }
}

/// Whether this is base64 as servers take it: padded, and not empty.
fn is_base64(text: &str) -> bool {
    let body = text.trim_end_matches('=');
    let known = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'+' || byte == b'/';
    !body.is_empty()
        && text.len() - body.len() <= 2
        && text.len().is_multiple_of(4)
        && body.bytes().all(known)
}

/// The bytes of a text that [`is_base64`].
fn decoded(text: &str) -> Vec<u8> {
    let mut bytes = Vec::with_capacity(text.len() / 4 * 3);
    let (mut held, mut bits) = (0_u32, 0);
    for byte in text.bytes() {
        let six = match byte {
            b'A'..=b'Z' => byte - b'A',
            b'a'..=b'z' => byte - b'a' + 26,
            b'0'..=b'9' => byte - b'0' + 52,
            b'+' => 62,
            b'/' => 63,
            _ => break,
        };
        held = held << 6 | u32::from(six);
        bits += 6;
        if bits >= 8 {
            bits -= 8;
            bytes.push((held >> bits & 0xff) as u8);
        }
    }
    bytes
}

#[cfg(test)]
mod tests {
    use super::*;

    fn all() -> Target {
        Target { images: true, files: true, ..Target::default() }
    }

    fn block(part: &Part<'_>) -> Option<String> {
        let mut out = String::new();
        of(part, &all())?.write(&mut out);
        Some(out)
    }

    #[test]
    fn images_keep_their_bytes_and_get_the_name_of_what_they_are() {
        let image = |url| block(&Part::Image { url: Escaped::trusted(url), detail: None });
        let base64 = |media: &str, data: &str| {
            Some(format!(
                r#"{{"type":"image","source":{{"type":"base64","media_type":"{media}","data":"{data}"}}}}"#
            ))
        };
        assert_eq!(
            image("data:image/png;base64,iVBORw0KGgo="),
            base64("image/png", "iVBORw0KGgo=")
        );
        assert_eq!(image("DATA:image/png;x=y;BASE64,/9j/4AAQ"), base64("image/jpeg", "/9j/4AAQ"));
        assert_eq!(image(r"data:image\/webp;base64,AA\/A"), base64("image/webp", "AA/A"));
        assert_eq!(
            image("https://a.example/b.png"),
            Some(
                r#"{"type":"image","source":{"type":"url","url":"https://a.example/b.png"}}"#
                    .to_owned()
            )
        );
        for refused in [
            "data:image/bmp;base64,Qk02",
            "data:image/png;base64,",
            "data:image/png;base64,AAA",
            "data:image/png;base64,A-_A",
            "data:image/png,AAAA",
            "http://a.example/b.png",
            "file_1",
            "data:",
            "",
        ] {
            assert_eq!(image(refused), None, "{refused}");
        }
    }

    #[test]
    fn documents_are_pdfs_and_texts() {
        let file = |name: Option<&'static str>, data: &'static str| {
            block(&Part::File {
                name: name.map(Escaped::plain),
                data: Some(Escaped::trusted(data)),
                url: None,
            })
        };
        let pdf = r#"{"type":"document","source":{"type":"base64","media_type":"application/pdf","data":"JVBERi0x"},"title":"a.pdf"}"#;
        assert_eq!(
            file(Some("a.pdf"), "data:application/pdf;base64,JVBERi0x").as_deref(),
            Some(pdf)
        );
        assert_eq!(file(Some("a.pdf"), "JVBERi0x").as_deref(), Some(pdf));
        let text = r#"{"type":"document","source":{"type":"text","media_type":"text/plain","data":"say \"hé\"\n"}}"#;
        assert_eq!(file(None, "data:text/markdown;base64,c2F5ICJow6kiCg==").as_deref(), Some(text));
        for (name, data) in [
            (Some("a.zip"), "data:application/zip;base64,AAAA"),
            (Some("a.txt"), "data:text/plain;base64,/////w=="),
            (Some("a.txt"), "data:text/plain;base64,ICAg"),
            (Some("a.bin"), "AAAA"),
            (Some("a.pdf"), "data:application/pdf;base64,AAAA"),
            (None, ""),
        ] {
            assert_eq!(file(name, data), None, "{data}");
        }
    }
}
