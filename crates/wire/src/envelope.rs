//! A JSON object of which a few members are changed while every other byte stays: what passing a
//! body on in its own dialect needs. It looks no deeper than the object's own members.

use crate::json::Value;

/// What becomes of a member.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Change<'c> {
    /// It gets this raw JSON as its value, or is added at the end.
    Set(&'c str),
    Remove,
}

/// `text`, whose value is the object `root`, with these members changed. Where a member stands more
/// than once, as the last one counts for most readers, a set member keeps its last place only.
pub fn edited(text: &str, root: Value<'_, '_>, changes: &[(&str, Change<'_>)]) -> String {
    let mut out = String::with_capacity(text.len() + 64);
    edit_into(text, root, changes, &mut out);
    out
}

/// The same, appended to `out`.
pub fn edit_into(
    text: &str,
    root: Value<'_, '_>,
    changes: &[(&str, Change<'_>)],
    out: &mut String,
) {
    let start_of = |part: &str| part.as_ptr() as usize - text.as_ptr() as usize;
    let members: Vec<_> = root
        .members()
        .map(|(key, value)| {
            let start = start_of(key.escaped()) - 1;
            let value_start = start_of(value.raw());
            (key, start, value_start, value_start + value.raw().len())
        })
        .collect();
    let object = start_of(root.raw());
    // The brace and the space before the first member.
    let mut from = members.first().map_or(object + 1, |(_, start, ..)| *start);
    out.push_str(&text[..from]);
    let mut kept = false;
    for (index, (key, start, value, end)) in members.iter().enumerate() {
        let separator = &text[from..*start];
        from = *end;
        let change = changes.iter().find(|(name, _)| key.is(name)).map(|(_, change)| *change);
        let repeated = || members[index + 1..].iter().any(|(later, ..)| later.text() == key.text());
        let new = match change {
            Some(Change::Remove) => continue,
            Some(Change::Set(_)) if repeated() => continue,
            Some(Change::Set(raw)) => raw,
            None => &text[*value..*end],
        };
        if std::mem::replace(&mut kept, true) {
            out.push_str(separator);
        }
        out.push_str(&text[*start..*value]);
        out.push_str(new);
    }
    for (name, change) in changes {
        if let Change::Set(raw) = change
            && !members.iter().any(|(key, ..)| key.is(name))
        {
            if std::mem::replace(&mut kept, true) {
                out.push(',');
            }
            crate::json::quote_into(name, out);
            out.push(':');
            out.push_str(raw);
        }
    }
    out.push_str(&text[from..]);
}

/// The array `list` with these elements changed: nothing where one stays as it is. What stands
/// between the elements stays too.
pub fn edited_list(list: Value<'_, '_>, changes: &[Option<Change<'_>>]) -> String {
    let raw = list.raw();
    let start_of = |part: &str| part.as_ptr() as usize - raw.as_ptr() as usize;
    let mut out = String::with_capacity(raw.len());
    let mut from = 0;
    let mut kept = false;
    for (index, element) in list.elements().enumerate() {
        let start = start_of(element.raw());
        let separator = &raw[from..start];
        from = start + element.raw().len();
        let new = match changes.get(index).copied().flatten() {
            Some(Change::Remove) => {
                // The bracket and the space after it belong to no element.
                if index == 0 {
                    out.push_str(separator);
                }
                continue;
            }
            Some(Change::Set(raw)) => raw,
            None => element.raw(),
        };
        if std::mem::replace(&mut kept, true) || index == 0 {
            out.push_str(separator);
        }
        out.push_str(new);
    }
    out.push_str(&raw[from..]);
    out
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::json::Tape;
    use proptest::prelude::*;

    fn edit(text: &str, changes: &[(&str, Change<'_>)]) -> String {
        let mut tape = Tape::default();
        edited(text, tape.read(text).unwrap(), changes)
    }

    #[test]
    fn only_what_is_named_changes() {
        use Change::{Remove, Set};
        let text = " {\n \"a\" : 1.50e+2,\t\"mod\\u0065l\":\"x\" , \"b\":[ 1 ] } ";
        assert_eq!(edit(text, &[]), text);
        assert_eq!(
            edit(text, &[("model", Set("\"y\""))]),
            " {\n \"a\" : 1.50e+2,\t\"mod\\u0065l\":\"y\" , \"b\":[ 1 ] } "
        );
        assert_eq!(edit(text, &[("a", Remove)]), " {\n \"mod\\u0065l\":\"x\" , \"b\":[ 1 ] } ");
        assert_eq!(edit(text, &[("b", Remove)]), " {\n \"a\" : 1.50e+2,\t\"mod\\u0065l\":\"x\" } ");
        assert_eq!(edit("{ }", &[("n", Set("1"))]), "{\"n\":1 }");
        assert_eq!(edit("{\"a\":1}", &[("a", Remove), ("n", Set("{}"))]), "{\"n\":{}}");
        assert_eq!(edit("{\"a\":1,\"b\":2,\"a\":3}", &[("a", Set("4"))]), "{\"b\":2,\"a\":4}");
    }

    #[test]
    fn elements_are_removed_and_replaced_in_place() {
        use Change::{Remove, Set};
        let edit = |text: &str, changes: &[Option<Change<'_>>]| {
            edited_list(Tape::default().read(text).unwrap(), changes)
        };
        let text = "[ 1 ,\n{\"a\":2} , [3] ]";
        assert_eq!(edit(text, &[]), text);
        assert_eq!(edit(text, &[Some(Remove)]), "[ {\"a\":2} , [3] ]");
        assert_eq!(edit(text, &[None, Some(Remove)]), "[ 1 , [3] ]");
        assert_eq!(edit(text, &[None, None, Some(Remove)]), "[ 1 ,\n{\"a\":2} ]");
        assert_eq!(edit(text, &[Some(Remove), Some(Set("x")), Some(Remove)]), "[ x ]");
        assert_eq!(edit(text, &[Some(Remove); 3]), "[  ]");
        assert_eq!(edit("[]", &[]), "[]");
    }

    proptest! {
        #[test]
        fn the_rest_is_the_same_value(
            members in proptest::collection::btree_map("[a-d]{1,2}", "[1-9][0-9]{0,2}|\"x\"|\\[1, 2\\]", 0..6),
            name in "[a-d]{1,2}",
            remove in any::<bool>(),
        ) {
            let parts: Vec<String> =
                members.iter().map(|(key, value)| format!("\"{key}\" :{value}")).collect();
            let text = format!("{{{}}}", parts.join(", "));
            let change = if remove { Change::Remove } else { Change::Set("true") };
            let mut expected: serde_json::Map<String, serde_json::Value> = serde_json::from_str(&text).unwrap();
            match change {
                Change::Remove => drop(expected.remove(&name)),
                Change::Set(_) => drop(expected.insert(name.clone(), true.into())),
            }
            let found: serde_json::Map<String, serde_json::Value> = serde_json::from_str(&edit(&text, &[(&name, change)])).unwrap();
            prop_assert_eq!(found, expected);
        }
    }
}
