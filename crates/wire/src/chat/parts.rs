//! Content parts of a Chat Completions request, in messages and in results of tools.

use super::fates::TABLE;
use super::foreign;
use super::messages::{missing, required};
use super::parse::Reader;
use crate::fates::{Fate, Section};
use crate::fault::Fault;
use crate::json::{Escaped, Kind, Value};
use crate::members::{expect, string};
use crate::note::Code;
use crate::turn::Part;
use std::fmt::Arguments;

/// The parts of a content: a string, or a list. `place` is where notes say that a part stands.
pub(super) fn read_all<'a>(
    reader: &mut Reader<'_, 'a>,
    content: Value<'_, 'a>,
    place: &str,
    param: &Arguments<'_>,
) -> Result<Vec<Part<'a>>, Fault> {
    match content.kind() {
        Kind::String => Ok(vec![Part::Text(content.as_str().unwrap_or_default())]),
        Kind::Array => content
            .elements()
            .enumerate()
            .map(|(index, part)| {
                read(reader, part, place, &format_args!("{param}.content[{index}]"))
            })
            .collect(),
        other => {
            let param = format!("{param}.content");
            Err(Fault::wrong_type(&param, "a string or a list of parts", other))
        }
    }
}

/// One part.
pub(super) fn read<'a>(
    reader: &mut Reader<'_, 'a>,
    part: Value<'_, 'a>,
    place: &str,
    param: &Arguments<'_>,
) -> Result<Part<'a>, Fault> {
    // Some clients list bare strings.
    if let Some(text) = part.as_str() {
        return Ok(Part::Text(text));
    }
    expect(part, Kind::Object, param)?;
    let kind = part.get("type").and_then(Value::as_str).unwrap_or_default();
    let (read, known) = match kind.text().as_ref() {
        "text" => (Part::Text(required(part, "text", param)?), "text"),
        "refusal" => (Part::Refusal(required(part, "refusal", param)?), "refusal"),
        "image_url" => (image(reader, part, place, param)?, "image_url"),
        "file" => (file(reader, part, place, param)?, "file"),
        "input_audio" => {
            let param = Some(format!("{param}.input_audio"));
            return Err(Fault { param, ..TABLE.refusal("input_audio") });
        }
        "image" => return foreign::image(reader, part, place, param),
        other => return Ok(unknown(reader, part, other, &kind, place)),
    };
    rest(reader, part, &kind.text(), &["type", known], place)?;
    Ok(read)
}

/// Something new that says what it means in words is better than a marker.
fn unknown<'a>(
    reader: &mut Reader<'_, 'a>,
    part: Value<'_, 'a>,
    name: &str,
    kind: &Escaped<'a>,
    place: &str,
) -> Part<'a> {
    let code = match TABLE.find(Section::Part, name).map(|row| row.fate) {
        Some(Fate::Degraded(code)) => code,
        _ => Code::UnknownPart,
    };
    match part.get("text").and_then(Value::as_str) {
        Some(text) if code == Code::UnknownPart => {
            reader.notes.add(code, format!("{place}.{name}"));
            Part::Text(text)
        }
        _ => Part::Other { kind: kind.clone(), code },
    }
}

/// The address stands in an object; some clients send it alone.
fn image<'a>(
    reader: &mut Reader<'_, 'a>,
    part: Value<'_, 'a>,
    place: &str,
    param: &Arguments<'_>,
) -> Result<Part<'a>, Fault> {
    let Some(value) = part.get("image_url").and_then(Value::non_null) else {
        return Err(missing("image_url", param));
    };
    if let Some(url) = value.as_str() {
        let detail = part.get("detail").and_then(Value::as_str);
        return Ok(Part::Image { url, detail });
    }
    expect(value, Kind::Object, format_args!("{param}.image_url"))?;
    let url = required(value, "url", &format_args!("{param}.image_url"))?;
    let place = format!("{place}.image_url");
    rest(reader, value, "image_url.image_url", &["url", "detail"], &place)?;
    Ok(Part::Image { url, detail: value.get("detail").and_then(Value::as_str) })
}

/// A file's content. One that is only named lives where it was uploaded.
fn file<'a>(
    reader: &mut Reader<'_, 'a>,
    part: Value<'_, 'a>,
    place: &str,
    param: &Arguments<'_>,
) -> Result<Part<'a>, Fault> {
    let Some(value) = part.get("file").and_then(Value::non_null) else {
        return Err(missing("file", param));
    };
    expect(value, Kind::Object, format_args!("{param}.file"))?;
    let member = |name: &str| {
        let value = value.get(name).and_then(Value::non_null);
        value.map(|value| string(value, format_args!("{param}.file.{name}"))).transpose()
    };
    let (name, data, id) = (member("filename")?, member("file_data")?, member("file_id")?);
    let known = ["filename", "file_data", "file_id"];
    rest(reader, value, "file.file", &known, &format!("{place}.file"))?;
    Ok(match (data, id) {
        // OpenRouter's clients send addresses here as well.
        (Some(data), _) if data.escaped().starts_with("http") => {
            Part::File { name, data: None, url: Some(data) }
        }
        (Some(data), _) => Part::File { name, data: Some(data), url: None },
        (None, Some(_)) => Part::Other { kind: Escaped::plain("file"), code: Code::FileOmitted },
        (None, None) => return Err(missing("file.file_data", param)),
    })
}

/// Notes the members of a part that nothing reads.
pub(super) fn rest(
    reader: &mut Reader<'_, '_>,
    part: Value<'_, '_>,
    of: &str,
    known: &[&str],
    place: &str,
) -> Result<(), Fault> {
    for (key, member) in part.members() {
        let key = key.text();
        if !known.contains(&key.as_ref()) && !member.is_null() {
            reader.leftover(Section::Part, of, &key, place)?;
        }
    }
    Ok(())
}
