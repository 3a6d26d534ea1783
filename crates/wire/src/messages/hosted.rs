//! What Anthropic's servers ran in earlier turns: searches, fetched pages, executed code, tools of
//! MCP servers. Their results go back as those of ordinary calls, in words where there are words.

use super::blocks;
use super::parse::Reader;
use super::place::{Place, object, optional, required, text};
use crate::fault::Fault;
use crate::json::{Escaped, Kind, Value};
use crate::note::Code;
use crate::turn::Part;

/// Whether a block of this kind is the result of something that Anthropic's servers ran.
pub(super) fn is_result(kind: &str) -> bool {
    kind == "mcp_tool_result" || kind.ends_with("_tool_result")
}

/// What the result says.
pub(super) fn parts<'a>(
    reader: &mut Reader<'_, 'a>,
    block: Value<'_, 'a>,
    kind: &str,
    place: &Place<'_>,
) -> Result<Vec<Part<'a>>, Fault> {
    let mut parts = Vec::new();
    blocks::failure(reader, block, &mut parts, place)?;
    let content = block.get("content").and_then(Value::non_null);
    let place = place.member("content");
    match content {
        None => {}
        Some(content) if kind == "mcp_tool_result" => {
            blocks::parts(reader, content, &mut parts, &place)?;
        }
        Some(content) => match content.kind() {
            Kind::String => parts.push(Part::Text(content.as_str().unwrap_or_default())),
            Kind::Array => {
                for (index, entry) in content.elements().enumerate() {
                    result(reader, entry, &mut parts, &place.element(index))?;
                }
            }
            _ => result(reader, content, &mut parts, &place)?,
        },
    }
    reader.rest(block, kind, &["tool_use_id", "content", "is_error"])?;
    Ok(parts)
}

fn result<'a>(
    reader: &mut Reader<'_, 'a>,
    value: Value<'_, 'a>,
    parts: &mut Vec<Part<'a>>,
    place: &Place<'_>,
) -> Result<(), Fault> {
    object(value, place)?;
    let kind = text(value, "type", place)?;
    let kind = kind.text();
    match kind.as_ref() {
        "web_search_result" => {
            let title = optional(value, "title").unwrap_or_default();
            let url = text(value, "url", place)?;
            let found = format!("{}\\n{}", title.escaped(), url.escaped());
            parts.push(Part::Text(Escaped::trusted(found)));
            reader.rest(value, &kind, &["title", "url"])
        }
        "web_fetch_result" => {
            parts.push(Part::Text(text(value, "url", place)?));
            let page = required(value, "content", place)?;
            blocks::part(reader, page, "document", parts, &place.member("content"))?;
            reader.rest(value, &kind, &["url", "content"])
        }
        "advisor_result" => {
            parts.push(Part::Text(text(value, "text", place)?));
            reader.rest(value, &kind, &["text"])
        }
        "tool_search_tool_search_result" => {
            let list = required(value, "tool_references", place)?;
            let place = place.member("tool_references");
            let mut found = Vec::new();
            for (index, entry) in list.elements().enumerate() {
                let place = place.element(index);
                object(entry, &place)?;
                found.push(blocks::reference(reader, entry, &place)?);
            }
            if !found.is_empty() {
                parts.push(blocks::announced(&found));
            }
            reader.rest(value, &kind, &["tool_references"])
        }
        // What only Anthropic can read.
        "advisor_redacted_result" | "encrypted_code_execution_result" => {
            let kind = Escaped::plain(&kind).into_owned();
            parts.push(Part::Other { kind, code: Code::PartDropped });
            Ok(())
        }
        // Output of programs, and errors: their members say what they are.
        _ => {
            parts.push(Part::Text(Escaped::plain(value.raw())));
            Ok(())
        }
    }
}
