//! Anthropic's own client tools: their names and parameters are trained into Claude, so requests
//! do not bring them. Other models need them spelled out
//! (platform.claude.com/docs/en/agents-and-tools/tool-use; the parameters are documented there
//! tool by tool, the descriptions are quire's).

use crate::json::{Escaped, Value};
use crate::turn::Schema;
use std::fmt::Write as _;

/// What a request leaves unsaid about such a tool.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Known<'a> {
    pub(super) description: Escaped<'a>,
    pub(super) parameters: Schema<'static>,
}

/// The tool of this type, if it is one of them. `tool` is its declaration.
pub(super) fn known<'a>(kind: &str, tool: Value<'_, '_>) -> Option<Known<'a>> {
    let (family, version) = kind.rsplit_once('_')?;
    let (description, raw) = match family {
        "bash" => ("Runs a command in a shell that keeps its state between calls.", BASH),
        "text_editor" if version >= "20250728" => (EDITOR_TEXT, EDITOR),
        // It had another name for the inserted text, and one command more until Claude 4.
        "text_editor" if version >= "20250429" => (EDITOR_TEXT, EDITOR_20250429),
        "text_editor" => (EDITOR_TEXT, EDITOR_20241022),
        "memory" => (MEMORY_TEXT, MEMORY),
        "computer" => {
            let parameters = match version {
                "20241022" => COMPUTER_20241022,
                _ if zooms(tool) => COMPUTER_ZOOM,
                _ => COMPUTER_20250124,
            };
            return Some(Known { description: screen(tool), parameters: schema(parameters) });
        }
        _ => return None,
    };
    Some(Known { description: Escaped::plain(description), parameters: schema(raw) })
}

/// Nothing in these schemas needs mending for anybody.
const fn schema(raw: &'static str) -> Schema<'static> {
    Schema { raw, rooted: true, flat: true, plain: true }
}

fn zooms(tool: Value<'_, '_>) -> bool {
    tool.get("enable_zoom").and_then(Value::as_bool).unwrap_or(false)
}

/// Coordinates mean nothing without the size of the screen.
fn screen<'a>(tool: Value<'_, '_>) -> Escaped<'a> {
    let mut text = "Sees and controls the computer's screen, keyboard and mouse. Coordinates are \
[x, y] in pixels from the top left corner."
        .to_owned();
    let size = |name: &str| tool.get(name).and_then(Value::as_u64);
    if let (Some(width), Some(height)) = (size("display_width_px"), size("display_height_px")) {
        write!(text, " The screen is {width} x {height} pixels.")
            .expect("a String takes every write");
    }
    Escaped::plain(&text).into_owned()
}

const EDITOR_TEXT: &str = "Views, creates and edits text files. `old_str` must occur exactly once.";
const MEMORY_TEXT: &str = "Keeps notes between conversations, as files below `/memories`.";

const BASH: &str = r#"{"type":"object","properties":{"command":{"type":"string","description":"The command; may be left out with `restart`."},"restart":{"type":"boolean","description":"Starts the shell anew."}}}"#;

const EDITOR: &str = r#"{"type":"object","properties":{"command":{"type":"string","enum":["view","str_replace","create","insert"]},"path":{"type":"string","description":"The file or, for `view`, the folder."},"view_range":{"type":"array","items":{"type":"integer"},"description":"For `view`: first and last line, from 1; -1 is the end."},"old_str":{"type":"string","description":"For `str_replace`: the text to replace."},"new_str":{"type":"string","description":"For `str_replace`: the text instead."},"file_text":{"type":"string","description":"For `create`: the content."},"insert_line":{"type":"integer","description":"For `insert`: the line after which it goes; 0 is the start."},"insert_text":{"type":"string","description":"For `insert`: the text."}},"required":["command","path"]}"#;

const EDITOR_20250429: &str = r#"{"type":"object","properties":{"command":{"type":"string","enum":["view","str_replace","create","insert"]},"path":{"type":"string","description":"The file or, for `view`, the folder."},"view_range":{"type":"array","items":{"type":"integer"},"description":"For `view`: first and last line, from 1; -1 is the end."},"old_str":{"type":"string","description":"For `str_replace`: the text to replace."},"new_str":{"type":"string","description":"For `str_replace` the text instead, for `insert` the text."},"file_text":{"type":"string","description":"For `create`: the content."},"insert_line":{"type":"integer","description":"For `insert`: the line after which it goes; 0 is the start."}},"required":["command","path"]}"#;

const EDITOR_20241022: &str = r#"{"type":"object","properties":{"command":{"type":"string","enum":["view","str_replace","create","insert","undo_edit"]},"path":{"type":"string","description":"The file or, for `view`, the folder."},"view_range":{"type":"array","items":{"type":"integer"},"description":"For `view`: first and last line, from 1; -1 is the end."},"old_str":{"type":"string","description":"For `str_replace`: the text to replace."},"new_str":{"type":"string","description":"For `str_replace` the text instead, for `insert` the text."},"file_text":{"type":"string","description":"For `create`: the content."},"insert_line":{"type":"integer","description":"For `insert`: the line after which it goes; 0 is the start."}},"required":["command","path"]}"#;

const MEMORY: &str = r#"{"type":"object","properties":{"command":{"type":"string","enum":["view","create","str_replace","insert","delete","rename"]},"path":{"type":"string","description":"The file or folder; not for `rename`."},"view_range":{"type":"array","items":{"type":"integer"},"description":"For `view`: first and last line."},"file_text":{"type":"string","description":"For `create`: the content."},"old_str":{"type":"string","description":"For `str_replace`: the text to replace."},"new_str":{"type":"string","description":"For `str_replace`: the text instead."},"insert_line":{"type":"integer","description":"For `insert`: the line after which it goes; 0 is the start."},"insert_text":{"type":"string","description":"For `insert`: the text."},"old_path":{"type":"string","description":"For `rename`: the name before."},"new_path":{"type":"string","description":"For `rename`: the name after."}},"required":["command"]}"#;

const COMPUTER_20241022: &str = r#"{"type":"object","properties":{"action":{"type":"string","enum":["key","type","mouse_move","left_click","left_click_drag","right_click","middle_click","double_click","screenshot","cursor_position"]},"coordinate":{"type":"array","items":{"type":"integer"},"description":"For `mouse_move` and `left_click_drag`: where to."},"text":{"type":"string","description":"For `type` the text, for `key` the key or combination."}},"required":["action"]}"#;

const COMPUTER_20250124: &str = r#"{"type":"object","properties":{"action":{"type":"string","enum":["key","type","mouse_move","left_click","left_click_drag","right_click","middle_click","double_click","triple_click","left_mouse_down","left_mouse_up","scroll","hold_key","wait","screenshot","cursor_position"]},"coordinate":{"type":"array","items":{"type":"integer"},"description":"Where to click, move or scroll."},"start_coordinate":{"type":"array","items":{"type":"integer"},"description":"For `left_click_drag`: where from."},"text":{"type":"string","description":"For `type` the text, for `key` and `hold_key` the key or combination; held down while clicking or scrolling."},"scroll_direction":{"type":"string","enum":["up","down","left","right"]},"scroll_amount":{"type":"integer","description":"How many clicks of the wheel."},"duration":{"type":"number","description":"For `hold_key` and `wait`: seconds."}},"required":["action"]}"#;

const COMPUTER_ZOOM: &str = r#"{"type":"object","properties":{"action":{"type":"string","enum":["key","type","mouse_move","left_click","left_click_drag","right_click","middle_click","double_click","triple_click","left_mouse_down","left_mouse_up","scroll","hold_key","wait","screenshot","cursor_position","zoom"]},"coordinate":{"type":"array","items":{"type":"integer"},"description":"Where to click, move or scroll."},"start_coordinate":{"type":"array","items":{"type":"integer"},"description":"For `left_click_drag`: where from."},"text":{"type":"string","description":"For `type` the text, for `key` and `hold_key` the key or combination; held down while clicking or scrolling."},"scroll_direction":{"type":"string","enum":["up","down","left","right"]},"scroll_amount":{"type":"integer","description":"How many clicks of the wheel."},"duration":{"type":"number","description":"For `hold_key` and `wait`: seconds."},"region":{"type":"array","items":{"type":"integer"},"description":"For `zoom`: left, top, right and bottom."}},"required":["action"]}"#;

#[cfg(test)]
mod tests {
    use super::*;
    use crate::json::{Kind, Tape};

    #[test]
    fn each_has_parameters_that_servers_take() {
        let mut declared = Tape::default();
        let tool = declared
            .read(r#"{"display_width_px":800,"display_height_px":600,"enable_zoom":true}"#)
            .unwrap();
        for kind in [
            "bash_20241022",
            "bash_20250124",
            "text_editor_20241022",
            "text_editor_20250124",
            "text_editor_20250429",
            "text_editor_20250728",
            "memory_20250818",
            "computer_20241022",
            "computer_20250124",
            "computer_20251124",
        ] {
            let known = known(kind, tool).unwrap();
            let mut tape = Tape::default();
            let schema = tape.read(known.parameters.raw).unwrap();
            assert_eq!(Schema::of(schema), known.parameters, "{kind}");
            for name in schema.get("required").into_iter().flat_map(Value::elements) {
                let name = name.as_str().unwrap();
                let property = schema.get("properties").unwrap().get(&name.text()).unwrap();
                assert_eq!(property.kind(), Kind::Object, "{kind}");
            }
        }
        assert!(known("computer_20251124", tool).unwrap().description.text().contains("800 x 600"));
        assert!(known("computer_20251124", tool).unwrap().parameters.raw.contains("zoom"));
        assert!(known("custom", tool).is_none() && known("web_search_20250305", tool).is_none());
    }
}
