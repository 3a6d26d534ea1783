//! Images and documents of a Messages request. What is in the request travels as a data URL; quire
//! fetches nothing, and files on Anthropic's servers stay there.

use super::blocks;
use super::parse::Reader;
use super::place::{Place, object, optional, required, text};
use crate::fault::Fault;
use crate::json::{Escaped, Value};
use crate::note::Code;
use crate::turn::Part;

/// Reads an image.
pub(super) fn image<'a>(
    reader: &mut Reader<'_, 'a>,
    block: Value<'_, 'a>,
    parts: &mut Vec<Part<'a>>,
    place: &Place<'_>,
) -> Result<(), Fault> {
    let source = required(block, "source", place)?;
    let place = place.member("source");
    object(source, &place)?;
    let kind = text(source, "type", &place)?;
    let url = match kind.text().as_ref() {
        "base64" => Some(data_url(source, &place)?),
        "url" => Some(text(source, "url", &place)?),
        _ => None,
    };
    parts.push(match url {
        Some(url) => Part::Image { url, detail: None },
        // A file on Anthropic's servers.
        None => Part::Other { kind: Escaped::plain("image"), code: Code::ImageOmitted },
    });
    reader.rest(block, "image", &["source"])?;
    reader.rest(source, "image.source", &["type", "media_type", "data", "url", "file_id"])
}

/// Reads a document: text goes as text, anything else as a file.
pub(super) fn document<'a>(
    reader: &mut Reader<'_, 'a>,
    block: Value<'_, 'a>,
    parts: &mut Vec<Part<'a>>,
    place: &Place<'_>,
) -> Result<(), Fault> {
    let source = required(block, "source", place)?;
    let place = place.member("source");
    object(source, &place)?;
    let kind = text(source, "type", &place)?;
    let title = optional(block, "title").filter(|title| !title.is_empty());
    let file = |data, url| {
        let name = Some(title.clone().unwrap_or(Escaped::plain("document.pdf")));
        Part::File { name, data, url }
    };
    // What is told about the document comes before it.
    let context = optional(block, "context").filter(|context| !context.is_empty());
    let is_text = kind.is("text") || kind.is("content");
    parts.extend(title.clone().filter(|_| is_text).into_iter().chain(context).map(Part::Text));
    match kind.text().as_ref() {
        "base64" => parts.push(file(Some(data_url(source, &place)?), None)),
        "url" => parts.push(file(None, Some(text(source, "url", &place)?))),
        "text" => parts.push(Part::Text(text(source, "data", &place)?)),
        "content" => {
            let content = required(source, "content", &place)?;
            blocks::parts(reader, content, parts, &place.member("content"))?;
        }
        // A file on Anthropic's servers.
        _ => parts.push(Part::Other { kind: Escaped::plain("file"), code: Code::FileOmitted }),
    }
    reader.rest(block, "document", &["source", "title", "context"])?;
    let read = ["type", "media_type", "data", "url", "content", "file_id"];
    reader.rest(source, "document.source", &read)
}

/// `data:type;base64,…` of a base64 source.
fn data_url<'a>(source: Value<'_, 'a>, place: &Place<'_>) -> Result<Escaped<'a>, Fault> {
    let media_type = text(source, "media_type", place)?;
    let data = text(source, "data", place)?;
    let mut url = String::with_capacity(data.escaped().len() + 40);
    for piece in ["data:", media_type.escaped(), ";base64,", data.escaped()] {
        url.push_str(piece);
    }
    Ok(Escaped::trusted(url))
}
